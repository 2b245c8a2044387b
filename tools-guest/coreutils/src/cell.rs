//! Which upstream function serves which name.

use std::ffi::OsString;

use crate::{sort, usage};

/// Programs to which `--version` is a word like others.
const PRINT_IT: [&str; 3] = ["[", "echo", "test"];

pub(crate) fn main() {
    toolcell_program::enter();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let first = arguments.first().map(|name| name.to_string_lossy().into_owned());
    let name = first.unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    // Scripts look for GNU's name to find out which options there are.
    if arguments.len() == 2 && arguments[1] == "--version" && !PRINT_IT.contains(&name) {
        println!("{name} (uutils coreutils) 0.12, compatible with GNU coreutils");
        return;
    }
    usage::speak_as_gnu();
    let _ = uucore::locale::setup_localization(name);
    std::process::exit(run(name, arguments.into_iter()));
}

fn is_filter(argument: &OsString) -> bool {
    argument.to_string_lossy().starts_with("--filter")
}

/// What is wrong with the first file that cannot be opened.
fn unopened(arguments: &[OsString]) -> Option<String> {
    let mut words = arguments.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match word.as_ref() {
            "-d" | "--delimiters" => drop(words.next()),
            word if word.starts_with('-') => {}
            word => {
                if let Err(error) = std::fs::metadata(word) {
                    return Some(format!("{word}: {}", toolcell_program::message(&error)));
                }
            }
        }
    }
    None
}

fn run(name: &str, arguments: std::vec::IntoIter<OsString>) -> i32 {
    match name {
        "base32" => uu_base32::uumain(arguments),
        "base64" => uu_base64::uumain(arguments),
        "basename" => uu_basename::uumain(arguments),
        "basenc" => uu_basenc::uumain(arguments),
        "cksum" => uu_cksum::uumain(arguments),
        "b2sum" => uu_b2sum::uumain(arguments),
        "md5sum" => uu_md5sum::uumain(arguments),
        "sha1sum" => uu_sha1sum::uumain(arguments),
        "sha224sum" => uu_sha224sum::uumain(arguments),
        "sha256sum" => uu_sha256sum::uumain(arguments),
        "sha384sum" => uu_sha384sum::uumain(arguments),
        "sha512sum" => uu_sha512sum::uumain(arguments),
        "csplit" => uu_csplit::uumain(arguments),
        "cut" => uu_cut::uumain(arguments),
        "dircolors" => uu_dircolors::uumain(arguments),
        "dirname" => uu_dirname::uumain(arguments),
        "echo" => uu_echo::uumain(arguments),
        "expand" => uu_expand::uumain(arguments),
        "expr" => uu_expr::uumain(arguments),
        "factor" => uu_factor::uumain(arguments),
        "false" => uu_false::uumain(arguments),
        "fold" => uu_fold::uumain(arguments),
        "join" => uu_join::uumain(arguments),
        "link" if arguments.len() < 3 => {
            match arguments.as_slice().get(1).map(|word| word.to_string_lossy()) {
                Some(word) if word.starts_with('-') => return uu_link::uumain(arguments),
                Some(word) => eprintln!("link: missing operand after ‘{word}’"),
                None => eprintln!("link: missing operand"),
            }
            eprintln!("Try 'link --help' for more information.");
            1
        }
        "link" => uu_link::uumain(arguments),
        "mktemp" => uu_mktemp::uumain(arguments),
        "nl" => uu_nl::uumain(arguments),
        "nproc" => uu_nproc::uumain(arguments),
        "od" => uu_od::uumain(arguments),
        // Upstream's does not say which file it is that it cannot open.
        "paste" => match unopened(arguments.as_slice()) {
            Some(error) => {
                eprintln!("paste: {error}");
                1
            }
            None => uu_paste::uumain(arguments),
        },
        "pathchk" => uu_pathchk::uumain(arguments),
        "pr" => uu_pr::uumain(arguments),
        "printenv" => uu_printenv::uumain(arguments),
        "printf" => uu_printf::uumain(arguments),
        "ptx" => uu_ptx::uumain(arguments),
        "pwd" => uu_pwd::uumain(arguments),
        "readlink" => uu_readlink::uumain(arguments),
        "realpath" => uu_realpath::uumain(arguments),
        "rm" => uu_rm::uumain(arguments),
        "rmdir" => uu_rmdir::uumain(arguments),
        "seq" => uu_seq::uumain(arguments),
        "shred" => uu_shred::uumain(arguments),
        "shuf" => uu_shuf::uumain(arguments),
        "sleep" => uu_sleep::uumain(arguments),
        "sort" => sort::run(arguments),
        // Upstream passes it over where there are no processes, and writes files instead.
        "split" if arguments.as_slice().iter().any(is_filter) => {
            eprintln!("split: --filter is not supported: only the shell starts programs here");
            1
        }
        "split" => uu_split::uumain(arguments),
        "sum" => uu_sum::uumain(arguments),
        "tee" => uu_tee::uumain(arguments),
        "tr" => uu_tr::uumain(arguments),
        "true" => uu_true::uumain(arguments),
        "truncate" => uu_truncate::uumain(arguments),
        "tsort" => uu_tsort::uumain(arguments),
        "tty" => uu_tty::uumain(arguments),
        "unexpand" => uu_unexpand::uumain(arguments),
        "uniq" => uu_uniq::uumain(arguments),
        "unlink" => uu_unlink::uumain(arguments),
        "wc" => uu_wc::uumain(arguments),
        "yes" => uu_yes::uumain(arguments),
        "test" | "[" => uu_test::uumain(arguments),
        name => {
            eprintln!("coreutils: {name}: no such program");
            127
        }
    }
}
