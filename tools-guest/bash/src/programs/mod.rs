//! Programs that start others. They are part of the shell's component, because the host offers
//! processes to it alone.

mod awk;
mod env;
mod find;
mod flock;
mod kill;
mod ps;
mod seek;
mod timeout;
mod xargs;
mod zgrep;

use std::rc::Rc;

use toolcell_shell::{Errno, Exit, FileKind, Program, Spawn, System};

use crate::cell::{Cell, HostFd};

/// What such a program is given.
pub(crate) struct World {
    pub(crate) system: Cell,
    pub(crate) fds: Vec<(u32, Rc<HostFd>)>,
    pub(crate) cwd: String,
    pub(crate) env: Vec<(String, String)>,
}

/// What `--help` says of the options of those that do not read them as other programs do.
fn options(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "awk" => &[
            "-F, --field-separator=SEPARATOR",
            "-v, --assign=NAME=VALUE",
            "-f, --file=FILE",
            "-e, --source=PROGRAM",
        ],
        "env" => &[
            "-i, --ignore-environment",
            "-u, --unset=NAME",
            "-0, --null",
            "-C, --chdir=DIRECTORY",
            "-S, --split-string=WORDS",
        ],
        "find" => find::HELP,
        "ps" => &["-e, -A, a, x", "-f, -l, u", "-o, --format FORMAT", "-p, --pid PIDS", "-C NAME"],
        "timeout" => &[
            "-k, --kill-after=DURATION",
            "-s, --signal=SIGNAL",
            "    --preserve-status",
            "    --foreground",
            "-v, --verbose",
        ],
        "nice" | "nohup" | "setsid" | "stdbuf" | "zegrep" | "zfgrep" | "zgrep" => &[],
        _ => return None,
    })
}

/// Runs the program of this name; `None` if it is not one of these.
pub(crate) fn run(name: &str, words: &[String], world: World) -> Option<i32> {
    if let (Some(word), Some(options)) = (words.first(), options(name)) {
        toolcell_program::help::answer(name, word, options);
    }
    Some(match name {
        "awk" => awk::run(words, world),
        "env" => env::run(words, world),
        "find" => find::run(words, world),
        "flock" => flock::run(words, world),
        "kill" => kill::run(words, world),
        "killall" => seek::killall(words, world),
        "pgrep" | "pkill" => seek::grep(name, words, world),
        "ps" => ps::run(words, world),
        "nohup" | "nice" | "setsid" | "stdbuf" => env::plainly(name, words, world),
        "timeout" => timeout::run(words, world),
        "xargs" => xargs::run(words, world),
        "zegrep" | "zfgrep" | "zgrep" => zgrep::run(name, words, world),
        _ => return None,
    })
}

impl World {
    /// An absolute path.
    pub(crate) fn absolute(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => path.to_owned(),
            false if self.cwd == "/" => format!("/{path}"),
            false => format!("{}/{path}", self.cwd),
        }
    }

    /// Where a program is.
    fn find(&mut self, name: &str) -> Option<String> {
        if name.contains('/') {
            return Some(self.absolute(name));
        }
        let path = self.env.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or("/usr/bin:/bin".to_owned(), |(_, path)| path.clone());
        path.split(':').find_map(|directory| {
            let candidate = self.absolute(&format!("{}/{name}", directory.trim_end_matches('/')));
            let stat = self.system.stat(&candidate, true).ok()?;
            (stat.kind == FileKind::File && stat.executable).then_some(candidate)
        })
    }

    /// Starts a program.
    pub(crate) fn start(&mut self, argv: &[String]) -> Result<u32, Errno> {
        let name = argv.first().ok_or(Errno::Invalid)?;
        let path = self.find(name).ok_or(Errno::NotFound)?;
        let stat = self.system.stat(&path, true)?;
        if !stat.executable || stat.kind == FileKind::Directory {
            return Err(Errno::Access);
        }
        let spawn = |world: &mut World, path: &str, argv: &[String]| {
            let (env, cwd, fds) = (world.env.clone(), world.cwd.clone(), world.fds.clone());
            world.system.spawn(Spawn {
                program: Program::File(path),
                argv,
                env: &env,
                cwd: &cwd,
                fds,
                background: false,
            })
        };
        match spawn(self, &path, argv) {
            Err(Errno::NotExecutable) => {
                let mut script = vec!["sh".to_owned(), path];
                script.extend_from_slice(&argv[1..]);
                spawn(self, "/bin/sh", &script)
            }
            result => result,
        }
    }

    /// Runs a program to its end.
    pub(crate) fn run(&mut self, argv: &[String]) -> Result<Exit, Errno> {
        let pid = self.start(argv)?;
        loop {
            match self.system.wait(pid, true) {
                Ok(Some(exit)) => return Ok(exit),
                Ok(None) | Err(Errno::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The status of a program that could not be started, after saying so.
pub(crate) fn not_started(who: &str, name: &str, error: Errno) -> i32 {
    // findutils writes no quotes.
    match who {
        "xargs" => eprintln!("xargs: {name}: {}", error.message()),
        "timeout" | "nohup" | "stdbuf" => {
            eprintln!("{who}: failed to run command ‘{name}’: {}", error.message());
        }
        "setsid" => eprintln!("setsid: failed to execute {name}: {}", error.message()),
        who => eprintln!("{who}: ‘{name}’: {}", error.message()),
    }
    if error == Errno::NotFound { 127 } else { 126 }
}
