//! The guest's filesystem: regions mounted into one namespace, every access mediated.
//!
//! 1. [`wasi`] translates `wasi:filesystem` calls into the mediator's; [`streams`] does so for
//!    file streams.
//! 2. [`resolve`] turns a path into an open directory and one name, with the kernel's help.
//! 3. [`mediator`] asks policy for a permit, the journal for a ticket, and the backing for the
//!    effect, in this order, for guests and for the host's own doors alike.
//! 4. [`backing`] makes the system calls. Its changing functions take a ticket.
//! 5. [`space`] is the mount table. [`inode`] is what open files share. [`synthetic`] is what
//!    the host itself provides below `/`.
//!
//! Nothing here knows of tools, JSON or transports.

mod backing;
mod fault;
mod handle;
mod inode;
mod mediator;
mod resolve;
mod space;
mod streams;
mod synthetic;
mod wasi;

pub use fault::Fault;
pub use handle::{DirHandle, FileHandle, Node};
pub use mediator::{FileLook, Mediator, OpenHow, Output, Streams, beneath_root};
pub use resolve::Follow;
pub use rustix::fs::FileType;
pub use space::{MountSpec, Space, SpaceUse, same_directory};
pub use synthetic::Tree;
pub use wasi::{
    Failures, FsContext, FsError, FsView, HasFs, MAX_DESCRIPTORS, ReadDirectory, preopens, types,
};
