//! The `files` interface: what tools and programs ask of the host beside `wasi:filesystem`.

use rustix::io::Errno;

use super::bindings::toolcell::tool::files as wit;
use super::bindings::toolcell::tool::process::FileKind;
use super::process::{code, kind};
use super::state::State;
use crate::path::GuestPath;
use crate::vfs::{Fault, Follow, OpenHow, SpaceUse};

/// Names that are given in one answer. A guest chooses the directory; the host holds its names.
const MAX_NAMES: usize = 10_000;

type Asked<T> = wasmtime::Result<Result<T, wit::Errno>>;

impl State {
    /// The code for the guest; the reason stays with the process, for the agent.
    fn refusal(&self, fault: Fault) -> wit::Errno {
        self.fs.failures().note(&fault);
        code(fault.errno())
    }
}

fn space(space: SpaceUse) -> wit::Space {
    let (quota, region) = (space.region.ledger().quota(), space.region.ledger());
    wit::Space {
        name: space.region.name().to_owned(),
        mounted: space.at.as_str().to_owned(),
        bytes: quota.bytes,
        bytes_used: region.bytes(),
        entries: quota.entries,
        entries_used: region.entries(),
    }
}

impl wit::Host for State {
    fn look(&mut self, path: String, follow: bool) -> Asked<wit::Details> {
        let follow = if follow { Follow::Last } else { Follow::No };
        Ok(match self.fs.mediator().look_at(&path, follow) {
            Ok(look) => Ok(wit::Details {
                kind: kind(look.kind),
                mode: look.mode,
                links: look.links,
                size: look.size,
                accessed: look.accessed,
                modified: look.modified,
                changed: look.changed,
                device: look.identity.0,
                inode: look.identity.1,
            }),
            Err(fault) => Err(self.refusal(fault)),
        })
    }

    fn read_whole(&mut self, path: String, limit: u64) -> Asked<Option<Vec<u8>>> {
        let read = self.fs.mediator().read_whole(&path, limit);
        Ok(read.map_err(|fault| self.refusal(fault)))
    }

    fn names(&mut self, path: String) -> Asked<Option<Vec<(String, FileKind)>>> {
        let mediator = self.fs.mediator();
        let how = OpenHow { directory: true, ..OpenHow::READ };
        let names = mediator.open(&path, how).and_then(|node| mediator.names(&node, MAX_NAMES + 1));
        Ok(match names {
            Ok(names) if names.len() > MAX_NAMES => Ok(None),
            Ok(names) => Ok(Some(names.into_iter().map(|(name, of)| (name, kind(of))).collect())),
            Err(fault) => Err(self.refusal(fault)),
        })
    }

    fn modified(&mut self, directory: String, names: Vec<String>) -> Asked<Vec<Option<u64>>> {
        let times = self.fs.mediator().modified(&directory, &names);
        Ok(times.map_err(|fault| self.refusal(fault)))
    }

    fn set_mode(&mut self, path: String, mode: u32) -> Asked<()> {
        let done = self.fs.mediator().set_mode(&path, mode);
        Ok(done.map_err(|fault| self.refusal(fault)))
    }

    fn give_back(&mut self, count: u64) -> wasmtime::Result<()> {
        if let Some(input) = self.seat.as_ref().and_then(|seat| seat.fds.get(0)) {
            input.give_back(count);
        }
        Ok(())
    }

    fn stream_failure(&mut self) -> wasmtime::Result<Option<wit::Errno>> {
        Ok(self.fs.failures().stream().map(code))
    }

    fn spaces(&mut self) -> wasmtime::Result<Vec<wit::Space>> {
        Ok(self.fs.mediator().space().uses().map(space).collect())
    }

    fn space_of(&mut self, path: String) -> Asked<wit::Space> {
        let mediator = self.fs.mediator();
        let parsed = GuestPath::parse(&GuestPath::root(), &path).map_err(Fault::from);
        let place = parsed.and_then(|path| {
            mediator.look_at(path.as_str(), Follow::Last)?;
            mediator.canonical(&path)
        });
        Ok(match place {
            Ok(place) => mediator.space().use_of(&place).map(space).ok_or(code(Errno::NOTSUP)),
            Err(fault) => Err(self.refusal(fault)),
        })
    }
}
