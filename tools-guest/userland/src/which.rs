//! `which`.

use std::io::Write;

use toolcell_program::args::{Arg, parse};

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let args = match parse(words, "as", &["all:a"]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("which: {error}");
            return 2;
        }
    };
    let all = args.contains(&Arg::Option("a".to_owned(), None));
    let silent = args.contains(&Arg::Option("s".to_owned(), None));
    let path = std::env::var("PATH").unwrap_or_default();
    // Without a name nothing was found.
    let named = args.iter().any(|arg| matches!(arg, Arg::Operand(_)));
    let mut status = i32::from(!named);
    for arg in args {
        let Arg::Operand(name) = arg else { continue };
        let candidates: Vec<String> = match name.contains('/') {
            true => vec![name],
            false => path.split(':').map(|directory| format!("{directory}/{name}")).collect(),
        };
        let mut found = candidates
            .into_iter()
            .filter(|path| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()));
        let shown: Vec<String> = match all {
            true => found.collect(),
            false => found.next().into_iter().collect(),
        };
        if shown.is_empty() {
            status = 1;
        }
        for path in shown.iter().filter(|_| !silent) {
            if writeln!(out, "{path}").is_err() {
                return 2;
            }
        }
    }
    status
}
