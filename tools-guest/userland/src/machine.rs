//! What is asked of the machine: `getconf`, `sync`.

use std::io::Write;

/// What `getconf` knows: limits as Linux has them.
const VALUES: &[(&str, &str)] = &[
    ("ARG_MAX", "2097152"),
    ("CHAR_BIT", "8"),
    ("CLK_TCK", "100"),
    ("HOST_NAME_MAX", "64"),
    ("INT_MAX", "2147483647"),
    ("INT_MIN", "-2147483648"),
    ("IOV_MAX", "1024"),
    ("LINE_MAX", "2048"),
    ("LINK_MAX", "127"),
    ("LONG_BIT", "64"),
    ("NAME_MAX", "255"),
    ("OPEN_MAX", "1024"),
    ("PAGESIZE", "4096"),
    ("PAGE_SIZE", "4096"),
    ("PATH", "/bin:/usr/bin"),
    ("PATH_MAX", "4096"),
    ("PIPE_BUF", "4096"),
    ("SSIZE_MAX", "32767"),
    ("_NPROCESSORS_CONF", "1"),
    ("_NPROCESSORS_ONLN", "1"),
    ("_POSIX_VERSION", "200809"),
];

pub(crate) fn getconf(words: &[String], out: &mut impl Write) -> i32 {
    let done = match words {
        [all] if all == "-a" => {
            VALUES.iter().try_for_each(|(name, value)| writeln!(out, "{name:<34} {value}"))
        }
        // A path may be said for a limit of its file system; all are one here.
        [name] | [name, _] if !name.starts_with('-') => {
            let Some((_, value)) = VALUES.iter().find(|(known, _)| known == name) else {
                eprintln!("getconf: Unrecognized variable `{name}'");
                return 2;
            };
            writeln!(out, "{value}")
        }
        _ => {
            eprintln!("Usage: getconf variable_name [pathname]\n       getconf -a [pathname]");
            return 2;
        }
    };
    i32::from(done.is_err())
}

/// What a program has written is in the file system when it ends; there is nothing to wait for.
pub(crate) fn sync(words: &[String]) -> i32 {
    let mut status = 0;
    for path in words.iter().filter(|word| !word.starts_with('-')) {
        if let Err(error) = std::fs::metadata(path) {
            let message = toolcell_program::message(&error);
            eprintln!("sync: error opening '{path}': {message}");
            status = 1;
        }
    }
    status
}
