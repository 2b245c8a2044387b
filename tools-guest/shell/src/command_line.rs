//! The command line of `bash`.

use crate::shell::{Shell, Start};
use crate::system::System;

/// Runs `bash ARGUMENTS…` to its end and gives the status to exit with. `arguments` are those
/// after the program's own name, which is `name`.
pub fn run<S: System>(
    sys: S,
    name: &str,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    cwd: String,
    fds: Vec<(u32, S::Fd)>,
) -> u8 {
    let mut arguments = arguments.into_iter().peekable();
    let (mut options, mut shopts) = (Vec::new(), Vec::new());
    let (mut command_string, mut stdin, mut interactive) = (false, false, false);
    let is_option = |word: &String| word.len() > 1 && word.starts_with(['-', '+']);
    while let Some(word) = arguments.next_if(is_option) {
        let on = word.starts_with('-');
        match word.as_str() {
            "--" => break,
            "--version" => {
                Shell::new(sys, Start::default(), fds).print_version();
                return 0;
            }
            "--help" => {
                Shell::new(sys, Start::default(), fds).print_help(name);
                return 0;
            }
            "--norc" | "--noprofile" | "--noediting" => continue,
            "--login" => {
                shopts.push(("login_shell".to_owned(), true));
                continue;
            }
            "--posix" | "--verbose" => {
                options.push((word[2..].to_owned(), true));
                continue;
            }
            // A file that only an interactive shell reads.
            "--rcfile" | "--init-file" => {
                arguments.next();
                continue;
            }
            _ => {}
        }
        for letter in word.chars().skip(1) {
            match letter {
                '-' => {
                    let mut shell = Shell::new(sys, Start::default(), fds);
                    return shell.refuse_option(name, &word);
                }
                'c' => command_string = true,
                's' => stdin = true,
                'i' => interactive = on,
                'l' => shopts.push(("login_shell".to_owned(), on)),
                'o' => options.push((arguments.next().unwrap_or_default(), on)),
                'O' => shopts.push((arguments.next().unwrap_or_default(), on)),
                letter => options.push((letter.to_string(), on)),
            }
        }
    }
    let mut words: Vec<String> = arguments.collect();
    if command_string && words.is_empty() {
        let text = format!("{name}: -c: option requires an argument\n");
        let mut shell = Shell::new(sys, Start::default(), fds);
        shell.print_error(&text);
        return 2;
    }
    let source = (!stdin && !words.is_empty()).then(|| words.remove(0));
    let zero = match (&source, command_string) {
        (_, true) if !words.is_empty() => words.remove(0),
        (Some(script), false) => script.clone(),
        _ => name.to_owned(),
    };
    let start = Start { name: zero, arguments: words, environment, cwd };
    let mut shell = Shell::new(sys, start, fds);
    if interactive {
        shell.set_interactive();
    }
    for (option, on) in options {
        let mut letters = option.chars();
        let known = match (letters.next(), letters.next()) {
            (Some(letter), None) => shell.set_letter(letter, on),
            _ => shell.set_option(&option, on),
        };
        if option == "r" {
            shell.print_error(&format!("{name}: -r: a restricted shell is not supported\n"));
            return 2;
        }
        if !known && option.chars().count() == 1 {
            let sign = if on { '-' } else { '+' };
            return shell.refuse_option(name, &format!("{sign}{option}"));
        }
        if !known {
            shell.print_error(&format!("{name}: {option}: invalid option name\n"));
            return 2;
        }
    }
    for (option, on) in shopts {
        if !shell.start_shopt(&option, on) {
            shell.print_error(&format!("{name}: {option}: invalid shell option name\n"));
            return 2;
        }
    }
    if !interactive && name != "sh" {
        shell.takes_start_file();
    }
    let status = match source {
        Some(source) if command_string => shell.run_command_string(&source),
        Some(script) => shell.run_script(&script),
        None => shell.run_stdin(),
    };
    u8::try_from(status & 0xFF).unwrap_or(1)
}
