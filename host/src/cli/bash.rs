//! `toolcell bash`: the cell's shell for a person, or for a script.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use toolcell::execution::Status;
use toolcell::process::{Exit, Fd};
use toolcell::vfs::Output;
use toolcell::{Cell, HOME, Shell};

use super::{World, printer};

/// Lines of history that are kept.
const MAX_HISTORY: usize = 10_000;

/// Bytes of a script on standard input.
const MAX_SCRIPT: u64 = 64 << 20;

/// Bytes that were typed while a command ran and that it did not read.
const MAX_UNREAD: usize = 64 << 10;

/// So many interrupts end a command whatever it makes of them.
const INTERRUPTS: u32 = 3;

/// How often it is looked whether somebody types while a command runs.
const TYPED: Duration = Duration::from_millis(20);

/// Starts a shell in the cell: a prompt with line editing and history on a terminal, else the
/// commands of standard input.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Run this command and end with its status
    #[arg(short, value_name = "COMMAND")]
    command: Option<String>,
    /// $0, $1 and on for the command
    #[arg(value_name = "ARGUMENT", requires = "command", trailing_var_arg = true)]
    arguments: Vec<String>,
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let executions = world.executions()?;
    let execution = executions.get_or_start(&world.execution, &world.agent).await?;
    if execution.record().status != Status::Running {
        bail!("the execution {} is {}", execution.id(), execution.record().status);
    }
    let cell = execution.cell().await?;
    let status = match &arguments.command {
        Some(command) => once(&cell, command, &arguments.arguments).await?,
        None if io::stdin().is_terminal() => {
            interactive(&cell, &world.state.join("bash_history")).await?
        }
        None => {
            let mut script = String::new();
            let read = io::stdin().lock().take(MAX_SCRIPT).read_to_string(&mut script);
            read.context("cannot read standard input")?;
            once(&cell, &script, &[]).await?
        }
    };
    drop((cell, execution));
    executions.park_all().await;
    Ok(ExitCode::from(status))
}

/// One command with the streams of this process. Its input is ours, unless that was the script.
async fn once(cell: &Cell, command: &str, arguments: &[String]) -> anyhow::Result<u8> {
    let mut shell = Shell::new(cell)?;
    let (exit, _) = with_streams(cell, &mut shell, command, arguments).await;
    shell.close().await;
    Ok(exit.map_or(126, Exit::status))
}

/// Runs a command: what is typed meanwhile is its input, an interrupt ends it and not us, and
/// [`INTERRUPTS`] of them kill it. How it ended comes back, and what it left unread.
async fn with_streams(
    cell: &Cell,
    shell: &mut Shell<'_>,
    command: &str,
    arguments: &[String],
) -> (Option<Exit>, String) {
    let (reader, writer) = if is_device(io::stdin()) { Fd::typed() } else { Fd::pipe() };
    let unread = reader.clone();
    let done = Arc::new(AtomicBool::new(false));
    let typing = tokio::task::spawn_blocking({
        let done = done.clone();
        move || typed(&writer, &done)
    });
    let interrupt = shell.interrupt();
    let mut interrupts = 0;
    let (out, err) = (Stream::new(false), Stream::new(true));
    let exit = {
        let run = shell.run(command, arguments, reader, out, err);
        tokio::pin!(run);
        loop {
            tokio::select! {
                exit = &mut run => break exit,
                _ = tokio::signal::ctrl_c() => {
                    interrupts += 1;
                    match interrupts < INTERRUPTS {
                        true => interrupt.send(cell),
                        false => interrupt.kill(cell),
                    };
                }
            }
        }
    };
    done.store(true, Ordering::Release);
    let _ = typing.await;
    let mut left = Vec::new();
    while let Ok(Some(data)) = unread.try_read(MAX_UNREAD, None)
        && !data.is_empty()
        && left.len() < MAX_UNREAD
    {
        left.extend_from_slice(&data);
    }
    (exit, String::from_utf8_lossy(&left).into_owned())
}

/// Whether this is a terminal, or `/dev/null`.
fn is_device(input: impl AsFd) -> bool {
    fstat(input).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_char_device())
}

/// Hands what comes from standard input to a command, until it has ended.
fn typed(writer: &Fd, done: &AtomicBool) {
    let stdin = io::stdin();
    let mut buffer = [0; 4096];
    while !done.load(Ordering::Acquire) {
        let room = writer.room();
        if room == Err(Errno::PIPE) {
            return;
        }
        if room == Ok(0) || !printer::is_readable(&stdin, TYPED) {
            if room == Ok(0) {
                std::thread::sleep(TYPED);
            }
            continue;
        }
        // Past the library's buffer, which would keep what is meant for the next prompt.
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(count @ 1..) => {
                if writer.push(bytes::Bytes::copy_from_slice(&buffer[..count])).is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

async fn interactive(cell: &Cell, history: &std::path::Path) -> anyhow::Result<u8> {
    let config = Config::builder().auto_add_history(false).build();
    let mut editor: Editor<(), FileHistory> = Editor::with_config(config)?;
    editor.set_max_history_size(MAX_HISTORY)?;
    // The first time, there is none.
    let _ = editor.load_history(history);
    let mut shell = Shell::interactive(cell)?;
    let mut text = String::new();
    let mut typed_ahead = String::new();
    let status = loop {
        let prompt = match text.is_empty() {
            true => format!("agent:{}$ ", shown(shell.cwd())),
            false => "> ".to_owned(),
        };
        let line = match typed_ahead.split_once('\n') {
            Some((line, rest)) => {
                let line = line.to_owned();
                typed_ahead = rest.to_owned();
                Ok(line)
            }
            None => {
                let begun = std::mem::take(&mut typed_ahead);
                // The editor waits in a thread of its own: background commands go on meanwhile.
                let (back, line) = tokio::task::spawn_blocking(move || {
                    let line = editor.readline_with_initial(&prompt, (&begun, ""));
                    (editor, line)
                })
                .await?;
                editor = back;
                line
            }
        };
        match line {
            Ok(line) => {
                text.push_str(&line);
                text.push('\n');
            }
            Err(ReadlineError::Interrupted) => {
                text.clear();
                continue;
            }
            // Its EXIT trap is to run.
            Err(ReadlineError::Eof) => {
                let (exit, _) = with_streams(cell, &mut shell, "exit", &[]).await;
                break exit.map_or(126, Exit::status);
            }
            Err(error) => return Err(error.into()),
        }
        if toolcell_shell::is_incomplete(&text) {
            continue;
        }
        let command = std::mem::take(&mut text);
        let command = command.trim_end();
        if command.is_empty() {
            continue;
        }
        editor.add_history_entry(command)?;
        let (exit, unread) = with_streams(cell, &mut shell, command, &[]).await;
        typed_ahead.push_str(&unread);
        if shell.has_exited() {
            break exit.map_or(126, Exit::status);
        }
    };
    // History that cannot be kept is no reason to fail.
    let _ = editor.save_history(history);
    shell.close().await;
    Ok(status)
}

/// A directory as prompts show it.
fn shown(cwd: &str) -> String {
    match cwd.strip_prefix(HOME) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => cwd.to_owned(),
    }
}

/// Our standard output or error, as a command writes to it.
#[derive(Debug)]
struct Stream {
    error: bool,
    terminal: bool,
    /// The beginning of a character that is not complete.
    cut: Mutex<Vec<u8>>,
}

impl Stream {
    fn new(error: bool) -> Arc<Stream> {
        let terminal = if error { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        Arc::new(Stream { error, terminal, cut: Mutex::default() })
    }
}

impl Output for Stream {
    fn write(&self, data: &[u8]) -> Result<(), Errno> {
        let mut text = self.cut.lock();
        text.extend_from_slice(data);
        let whole = match std::str::from_utf8(&text) {
            Err(error) if error.error_len().is_none() && self.terminal => error.valid_up_to(),
            _ => text.len(),
        };
        let rest = text.split_off(whole);
        let ready = std::mem::replace(&mut *text, rest);
        let shown = match self.terminal {
            true => printer::escape(&String::from_utf8_lossy(&ready)).into_owned().into_bytes(),
            false => ready,
        };
        let written = match self.error {
            true => io::stderr().lock().write_all(&shown),
            false => {
                let mut out = io::stdout().lock();
                out.write_all(&shown).and_then(|()| out.flush())
            }
        };
        written.map_err(|error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn home_is_short() {
        assert_eq!(shown("/home/agent"), "~");
        assert_eq!(shown("/home/agent/workspace"), "~/workspace");
        assert_eq!(shown("/home/agents"), "/home/agents");
        assert_eq!(shown("/tmp"), "/tmp");
    }
}
