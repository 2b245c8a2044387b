//! The integration suites, through the library's front door and the command's.

mod agent;
mod bash;
mod crash;
mod environments;
mod executions;
mod faults;
mod generated;
mod hostile;
mod journal;
mod limits;
mod model;
mod recorded;
mod server;
mod tidy;
mod tools;
mod vfs;
