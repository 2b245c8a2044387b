//! The command `toolcell`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
