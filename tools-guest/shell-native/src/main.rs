//! The shell of a cell, over this machine's own processes.
//!
//! It is here to test the language in milliseconds and to compare it with the real bash: nothing
//! is contained. `toolcell-shell-native -c COMMAND [NAME [ARGUMENT...]]` or `… SCRIPT [ARGUMENT…]`.

mod native;

use std::process::ExitCode;

use native::Native;
use toolcell_shell::Shell;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|word| word == native::RESUME) {
        return resume(&arguments.nth(1).unwrap_or_default());
    }
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ExitCode::from(toolcell_shell::run(
        Native::default(),
        "bash",
        arguments.collect(),
        environment.collect(),
        native::working_directory(),
        native::inherited(),
    ))
}

fn resume(numbers: &str) -> ExitCode {
    let Some((given, fds)) = native::resumed(numbers) else { return ExitCode::FAILURE };
    match Shell::resume(Native::default(), &given, fds) {
        Some(status) => ExitCode::from(u8::try_from(status & 0xFF).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}
