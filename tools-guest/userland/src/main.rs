//! Programs of a cell that upstream lacks or that do not work there as they are: one program,
//! which acts by the name it is called by. One file for each.
//!
//! They follow GNU's programs: the options that are here do what they do there, and one that is not
//! here ends with status 2 and its name.

mod accounts;
mod cat;
mod cmp;
mod column;
mod comm;
mod date;
mod dd;
mod diff;
mod ends;
mod envsubst;
mod file;
mod fmt;
mod getopt;
mod grep;
mod head;
mod hexdump;
mod iconv;
mod less;
mod machine;
mod network;
mod numfmt;
mod patch;
mod rev;
mod sed;
mod strings;
mod tac;
mod tail;
mod terminal;
mod tree;
mod which;
mod who;
mod xxd;

use std::io;

fn main() {
    let (name, words) = toolcell_program::start();
    // These take words as they come, and options of their own are not among them.
    if let "clear" | "getconf" | "getent" | "locale" | "sync" = name.as_str()
        && let Some(word) = words.first()
    {
        toolcell_program::help::answer(&name, word, &[]);
    }
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let status = match name.as_str() {
        "cat" => cat::run(&words, &mut out),
        "column" => column::run(&words, &mut out),
        "comm" => comm::run(&words, &mut out),
        "date" => date::run(&words, &mut out),
        "dd" => dd::run(&words, &mut out),
        "cmp" => cmp::run(&words, &mut out),
        "diff" => diff::run(&words, &mut out),
        "egrep" | "fgrep" | "grep" => grep::run(&name, &words, &mut out),
        "curl" | "wget" => network::run(&name, &words),
        "envsubst" => envsubst::run(&words, &mut out),
        "file" => file::run(&words, &mut out),
        "fmt" => fmt::run(&words, &mut out),
        "numfmt" => numfmt::run(&words, &mut out),
        "getopt" => getopt::run(&words, &mut out),
        "uname" => who::uname(&words, &mut out),
        "arch" | "groups" | "hostname" | "id" | "logname" | "users" | "who" | "whoami" => {
            who::run(&name, &words, &mut out)
        }
        "head" => head::run(&words, &mut out),
        "getconf" => machine::getconf(&words, &mut out),
        "sync" => machine::sync(&words),
        "getent" => accounts::getent(&words, &mut out),
        "locale" => accounts::locale(&words, &mut out),
        "tput" => terminal::tput(&words, &mut out),
        "stty" => terminal::stty(&words),
        "clear" => terminal::clear(&mut out),
        "hd" | "hexdump" => hexdump::run(&name, &words, &mut out),
        "iconv" => iconv::run(&words, &mut out),
        "less" | "more" => less::run(&name, &words, &mut out),
        "patch" => patch::run(&words, &mut out),
        "sed" => sed::run(&words, &mut out),
        "sdiff" => diff::sdiff(&words, &mut out),
        "rev" => rev::run(&words, &mut out),
        "tail" => tail::run(&words, &mut out),
        "strings" => strings::run(&words, &mut out),
        "tac" => tac::run(&words, &mut out),
        "tree" => tree::run(&words, &mut out),
        "which" => which::run(&words, &mut out),
        "xxd" => xxd::run(&words, &mut out),
        _ => {
            eprintln!("userland: {name}: no such program");
            127
        }
    };
    toolcell_program::finish(&name, status, &mut out)
}
