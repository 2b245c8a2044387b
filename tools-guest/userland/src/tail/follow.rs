//! `tail -f`: what files grow by, until something ends it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use toolcell_program::files::look;
use toolcell_program::message;

/// The options that are about it, by letter.
pub(super) const LETTERS: &str = "fFs:";

/// And by name.
pub(super) const LONG: &[&str] = &[
    "follow=?",
    "retry",
    "sleep-interval=:s",
    "pid=",
    "max-unchanged-stats=",
    "use-polling",
    "disable-inotify",
];

/// How often the files are looked at, if nothing else is said.
const INTERVAL: Duration = Duration::from_millis(100);

/// The status of a program whose output nobody reads: of SIGPIPE.
const UNREAD: i32 = 128 + 13;

/// Whether files are followed, and how.
#[derive(Debug, Default)]
pub(super) struct Follow {
    how: Option<By>,
    retry: bool,
    interval: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The file that was there first, whatever becomes of its name.
    Descriptor,
    /// Whatever has the name.
    Name,
}

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Followed {
    path: String,
    /// None while there is none, or none that can be opened.
    file: Option<File>,
    /// Tells it from another of that name.
    identity: Option<(u64, u64)>,
    /// How much of it was shown.
    at: u64,
}

impl Followed {
    /// One that was shown to its end.
    pub(super) fn new(path: &str, mut file: File) -> Followed {
        let at = file.stream_position().unwrap_or(0);
        Followed { path: path.to_owned(), file: Some(file), identity: identity(path).ok(), at }
    }

    /// One that could not be opened.
    pub(super) fn missing(path: &str) -> Followed {
        Followed { path: path.to_owned(), file: None, identity: None, at: 0 }
    }

    /// Opens what has the name now, if that is another file than before, and says so.
    fn look_again(&mut self) {
        let path = &self.path;
        let found = identity(path);
        match (&found, self.identity) {
            (Ok(found), Some(known)) if *found == known => return,
            (Ok(_), Some(_)) => eprintln!("tail: '{path}' has been replaced;  following new file"),
            (Ok(_), None) => eprintln!("tail: '{path}' has appeared;  following new file"),
            (Err(error), Some(_)) => {
                eprintln!("tail: '{path}' has become inaccessible: {}", message(error));
            }
            (Err(_), None) => return,
        }
        self.file = found.is_ok().then(|| File::open(path).ok()).flatten();
        self.identity = found.ok().filter(|_| self.file.is_some());
        self.at = 0;
    }

    /// Reads what is new of it into `new`.
    fn read(&mut self, new: &mut Vec<u8>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let length = file.metadata()?.len();
        if length < self.at {
            eprintln!("tail: {}: file truncated", self.path);
            self.at = file.seek(SeekFrom::Start(0))?;
        }
        if length > self.at {
            let most = (length - self.at).min(64 << 10);
            self.at += (&*file).take(most).read_to_end(new)? as u64;
        }
        Ok(())
    }
}

fn identity(path: &str) -> io::Result<(u64, u64)> {
    look(path, true).map(|details| (details.device, details.inode))
}

impl Follow {
    /// Takes an option, by its letter or its name, and its value. What is wrong with it comes back.
    pub(super) fn take(&mut self, option: &str, value: Option<&str>) -> Result<(), String> {
        match (option, value) {
            ("f", _) | ("follow", None | Some("descriptor")) => self.how = Some(By::Descriptor),
            ("follow", Some("name")) => self.how = Some(By::Name),
            ("follow", Some(other)) => {
                return Err(format!(
                    "invalid argument ‘{other}’ for ‘--follow’\nValid arguments are:\n  - \
                     ‘descriptor’\n  - ‘name’\nTry 'tail --help' for more information."
                ));
            }
            ("F", _) => (self.how, self.retry) = (Some(By::Name), true),
            ("retry", _) => self.retry = true,
            ("s", Some(text)) => {
                let seconds = text.parse::<f64>().ok();
                let interval =
                    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let interval =
                    interval.ok_or_else(|| format!("invalid number of seconds: ‘{text}’"))?;
                // Not without any rest.
                self.interval = Some(interval.max(Duration::from_millis(1)));
            }
            ("pid", _) => {
                let why = "programs of a cell do not see each other's processes";
                return Err(format!("--pid is not supported: {why}"));
            }
            // They change how it is done elsewhere, not what is shown.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.how.is_some()
    }

    /// Shows what the files grow by, until there is none left or nobody reads it.
    pub(super) fn run(
        &self,
        mut files: Vec<Followed>,
        headers: bool,
        status: i32,
        out: &mut impl Write,
    ) -> i32 {
        let Some(mut last) = files.last().map(|file| file.path.clone()) else { return status };
        let mut new = Vec::new();
        loop {
            if out.flush().is_err() || is_unread() {
                return UNREAD;
            }
            if !self.retry {
                files.retain(|file| file.file.is_some());
            }
            if files.is_empty() {
                eprintln!("tail: no files remaining");
                return 1;
            }
            let mut grown = false;
            for file in &mut files {
                if self.how == Some(By::Name) || file.file.is_none() {
                    file.look_again();
                }
                new.clear();
                if let Err(error) = file.read(&mut new) {
                    eprintln!("tail: error reading '{}': {}", file.path, message(&error));
                    file.file = None;
                }
                if new.is_empty() {
                    continue;
                }
                grown = true;
                if headers && file.path != last {
                    let _ = writeln!(out, "\n==> {} <==", file.path);
                    last.clone_from(&file.path);
                }
                let _ = out.write_all(&new);
            }
            if !grown {
                std::thread::sleep(self.interval.unwrap_or(INTERVAL));
            }
        }
    }
}

/// Whether whoever read standard output has gone: without this, one who waits for a line and goes
/// would have to wait for another.
#[cfg(target_os = "wasi")]
fn is_unread() -> bool {
    use wasip2::io::streams::StreamError;
    matches!(wasip2::cli::stdout::get_stdout().check_write(), Err(StreamError::Closed))
}

#[cfg(not(target_os = "wasi"))]
fn is_unread() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_how() {
        let taken = |options: &[(&str, Option<&str>)]| {
            let mut follow = Follow::default();
            let results: Result<(), String> =
                options.iter().try_for_each(|(option, value)| follow.take(option, *value));
            results.map(|()| (follow.how, follow.retry))
        };
        assert_eq!(taken(&[]), Ok((None, false)));
        assert_eq!(taken(&[("f", None)]), Ok((Some(By::Descriptor), false)));
        assert_eq!(taken(&[("F", None)]), Ok((Some(By::Name), true)));
        let by_name = [("follow", Some("name")), ("retry", None), ("s", Some("0.5"))];
        assert_eq!(taken(&by_name), Ok((Some(By::Name), true)));
        assert!(taken(&[("follow", Some("x"))]).is_err());
        assert!(taken(&[("s", Some("-1"))]).is_err());
        assert!(taken(&[("pid", Some("1"))]).is_err());
    }
}
