//! The integration suites, through the library's front door and the command's.

mod crash;
mod hostile;
mod journal;
mod limits;
mod model;
mod tidy;
mod tools;
mod vfs;
