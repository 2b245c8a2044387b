//! `awk`: the language is a crate of its own; the commands that it starts are the host's processes.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::rc::Rc;

use toolcell_shell::{Errno, System};

use super::World;
use crate::cell::HostFd;

struct Cell {
    world: World,
    running: HashMap<String, u32>,
}

/// An end of a pipe.
struct End(Rc<HostFd>);

fn failed(error: Errno) -> io::Error {
    io::Error::other(error.message())
}

impl Write for End {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut system = crate::cell::Cell;
        match system.write(&self.0, data) {
            Ok(()) => Ok(data.len()),
            Err(Errno::Pipe) => system.die(13),
            Err(error) => Err(failed(error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let data = crate::cell::Cell.read(&self.0, buffer.len()).map_err(failed)?;
        buffer[..data.len()].copy_from_slice(&data);
        Ok(data.len())
    }
}

impl Cell {
    /// Starts a command with one end of a pipe as this descriptor; the other end comes back.
    fn start(&mut self, command: &str, number: u32) -> io::Result<End> {
        let (reader, writer) = self.world.system.pipe().map_err(failed)?;
        let (theirs, mine) = if number == 0 { (reader, writer) } else { (writer, reader) };
        let fds = self.world.fds.clone();
        self.world.fds.retain(|(other, _)| *other != number);
        self.world.fds.push((number, theirs));
        let started = self.world.start(&shell(command));
        self.world.fds = fds;
        self.running.insert(command.to_owned(), started.map_err(failed)?);
        Ok(End(mine))
    }
}

fn shell(command: &str) -> [String; 3] {
    ["sh", "-c", command].map(str::to_owned)
}

impl toolcell_awk::Commands for Cell {
    fn write_to(&mut self, command: &str) -> io::Result<Box<dyn Write>> {
        let end = self.start(command, 0)?;
        Ok(Box::new(io::BufWriter::with_capacity(64 << 10, end)))
    }

    fn read_from(&mut self, command: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(self.start(command, 1)?))
    }

    fn wait(&mut self, command: &str) -> i32 {
        let Some(pid) = self.running.remove(command) else { return -1 };
        loop {
            match self.world.system.wait(pid, true) {
                Ok(Some(exit)) => return exit.status(),
                Ok(None) | Err(Errno::Interrupted) => {}
                Err(_) => return -1,
            }
        }
    }

    fn system(&mut self, command: &str) -> i32 {
        self.world.run(&shell(command)).map_or(127, toolcell_shell::Exit::status)
    }
}

pub(super) fn run(words: &[String], world: World) -> i32 {
    // Names in a program are relative to the working directory.
    let _ = std::env::set_current_dir(&world.cwd);
    let environment = world.env.clone();
    let mut commands = Cell { world, running: HashMap::new() };
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout());
    let status = toolcell_awk::run(words, environment, &mut commands, &mut out);
    match out.flush() {
        Ok(()) => status,
        Err(error) => {
            eprintln!("awk: write error: {}", toolcell_program::message(&error));
            2
        }
    }
}
