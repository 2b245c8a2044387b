//! Who and where one is: `id`, `whoami`, `logname`, `groups`, `hostname`, `uname`, `arch`; and
//! `who`, `users`, which have nobody to show. A cell has one user, who has not logged in.

use std::io::Write;

use toolcell_program::args::{Arg, parse};

const USER: &str = "agent";
const NUMBER: &str = "1000";

/// The name of every cell.
const HOST: &str = "toolcell";

/// What `uname` says, by the letters of its options. A cell behaves as Linux does, on a processor
/// of its own.
const SYSTEM: &[(char, &str)] = &[
    ('s', "Linux"),
    ('n', HOST),
    ('r', concat!(env!("CARGO_PKG_VERSION"), "-toolcell")),
    ('v', "#1 WASI 0.2"),
    ('m', MACHINE),
    ('p', "unknown"),
    ('i', "unknown"),
    ('o', "GNU/Linux"),
];
const MACHINE: &str = "wasm32";

pub(crate) fn uname(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "all:a",
        "kernel-name:s",
        "nodename:n",
        "kernel-release:r",
        "kernel-version:v",
        "machine:m",
        "processor:p",
        "hardware-platform:i",
        "operating-system:o",
    ];
    let args = parse(words, "asnrvmpio", &long).and_then(|args| {
        let extra = args.iter().find_map(|arg| match arg {
            Arg::Operand(extra) => Some(format!("extra operand ‘{extra}’")),
            Arg::Option(..) => None,
        });
        extra.map_or(Ok(args), Err)
    });
    let args = match args {
        Ok(args) => args,
        Err(error) => {
            eprintln!("uname: {error}\nTry 'uname --help' for more information.");
            return 1;
        }
    };
    let has = |letter: char| args.contains(&Arg::Option(letter.to_string(), None));
    let shown = SYSTEM.iter().filter(|(letter, value)| {
        has(*letter) || has('a') && *value != "unknown" || args.is_empty() && *letter == 's'
    });
    let values: Vec<&str> = shown.map(|(_, value)| *value).collect();
    i32::from(writeln!(out, "{}", values.join(" ")).is_err())
}

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    let (letters, long): (&str, &[&str]) = match name {
        "id" => ("uGgnrza", &["user:u", "group:g", "groups:G", "name:n", "real:r", "zero:z"]),
        "hostname" => (
            "AfsdIi",
            &[
                "all-fqdns:f",
                "all-ip-addresses:I",
                "domain:d",
                "fqdn:f",
                "ip-address:i",
                "long:f",
                "short:s",
            ],
        ),
        "who" => (
            "abdHlmpqrstTuw",
            &[
                "all:a",
                "boot:b",
                "count:q",
                "heading:H",
                "message:T",
                "mesg:T",
                "users:u",
                "short:s",
            ],
        ),
        _ => ("", &[]),
    };
    let args = match parse(words, letters, long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{name}: {error}\nTry '{name} --help' for more information.");
            return 1;
        }
    };
    let has = |letter: &str| args.contains(&Arg::Option(letter.to_owned(), None));
    let operand = args.iter().find_map(|arg| match arg {
        Arg::Operand(operand) => Some(operand.as_str()),
        Arg::Option(..) => None,
    });
    let text = match (name, operand) {
        ("arch", None) => MACHINE.to_owned(),
        ("users", _) => return 0,
        ("who", _) if has("q") => "\n# users=0".to_owned(),
        ("who", _) if has("H") => "NAME     LINE         TIME             COMMENT".to_owned(),
        ("who", _) => return 0,
        ("hostname", Some(_)) => {
            eprintln!("hostname: you must be root to change the host name");
            return 1;
        }
        ("hostname", None) if has("d") => String::new(),
        ("hostname", None) if has("A") => String::new(),
        ("hostname", None) if has("I") || has("i") => "127.0.0.1".to_owned(),
        ("hostname", None) => HOST.to_owned(),
        ("id" | "groups", Some(user)) if user != USER && user != NUMBER => {
            eprintln!("{name}: ‘{user}’: no such user");
            return 1;
        }
        ("groups", Some(user)) => format!("{user} : {USER}"),
        ("id", _) if has("u") || has("g") || has("G") => {
            if has("n") { USER } else { NUMBER }.to_owned()
        }
        ("id", _) if has("n") || has("r") => {
            eprintln!("id: cannot print only names or real IDs in default format");
            return 1;
        }
        ("id", _) => {
            format!("uid={NUMBER}({USER}) gid={NUMBER}({USER}) groups={NUMBER}({USER})")
        }
        (_, Some(extra)) => {
            eprintln!("{name}: extra operand ‘{extra}’");
            return 1;
        }
        _ => USER.to_owned(),
    };
    i32::from(writeln!(out, "{text}").is_err())
}
