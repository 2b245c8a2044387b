//! An executable specification: random plans of operations against the mediated filesystem and a
//! naive model of it in memory. Results, final tree, ledger and journal must agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rustix::io::Errno;
use tests::{World, region, runtime};
use toolcell::journal::{Outcome, read_all};
use toolcell::policy::{Access, Grant, Rights};
use toolcell::vfs::{Fault, Follow, Mediator, OpenHow};
use toolcell::{Runtime, ambient};

/// Few names, so that operations meet.
const NAMES: &[&str] = &["a", "b", "d", "d/a", "d/b", "e", "e/a", "d/e"];
const LINKS: &[&str] = &["l", "m"];
const MAX_BYTES: u64 = 5_000;
const MAX_ENTRIES: u64 = 6;

#[derive(Debug, Clone)]
enum Step {
    Create(&'static str, bool),
    Write(&'static str, u64, u64),
    Resize(&'static str, u64),
    MakeDirectory(&'static str),
    RemoveDirectory(&'static str),
    Unlink(&'static str),
    Rename(&'static str, &'static str),
    Link(&'static str, &'static str),
    Symlink(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || prop::sample::select(NAMES);
    let every = || prop::sample::select([NAMES, LINKS].concat());
    let step = prop_oneof![
        3 => (every(), any::<bool>()).prop_map(|(name, exclusive)| Step::Create(name, exclusive)),
        3 => (every(), 0..3000_u64, 0..3000_u64).prop_map(|(name, at, len)| Step::Write(name, at, len)),
        2 => (every(), 0..6000_u64).prop_map(|(name, size)| Step::Resize(name, size)),
        2 => every().prop_map(Step::MakeDirectory),
        1 => every().prop_map(Step::RemoveDirectory),
        2 => every().prop_map(Step::Unlink),
        3 => (name(), every()).prop_map(|(one, other)| Step::Rename(one, other)),
        2 => (name(), every()).prop_map(|(one, other)| Step::Link(one, other)),
        1 => prop::sample::select(LINKS).prop_map(Step::Symlink),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a name stands for. Files are numbers, so that two names can be one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File(usize),
    Directory,
    Link,
}

/// The naive filesystem.
#[derive(Debug, Default)]
struct Model {
    names: BTreeMap<&'static str, Kind>,
    files: Vec<Vec<u8>>,
    /// What the journal should say was done.
    log: Vec<(&'static str, &'static str)>,
}

impl Model {
    fn parent(&self, name: &str) -> Result<(), Errno> {
        match name.rsplit_once('/').map(|(parent, _)| self.names.get(parent)) {
            None | Some(Some(Kind::Directory)) => Ok(()),
            Some(None) => Err(Errno::NOENT),
            Some(Some(_)) => Err(Errno::NOTDIR),
        }
    }

    fn bytes(&self) -> u64 {
        let mut counted: Vec<usize> = self
            .names
            .values()
            .filter_map(|kind| match kind {
                Kind::File(file) => Some(*file),
                _ => None,
            })
            .collect();
        counted.sort_unstable();
        counted.dedup();
        counted.into_iter().map(|file| self.files[file].len() as u64).sum()
    }

    fn grow(&self, bytes: u64) -> Result<(), Errno> {
        match bytes > 0 && self.bytes() + bytes > MAX_BYTES {
            true => Err(Errno::DQUOT),
            false => Ok(()),
        }
    }

    /// One more name.
    fn add(
        &mut self,
        name: &'static str,
        kind: Kind,
        operation: &'static str,
    ) -> Result<(), Errno> {
        if self.names.contains_key(name) {
            return Err(Errno::EXIST);
        }
        if self.names.len() as u64 >= MAX_ENTRIES {
            return Err(Errno::DQUOT);
        }
        self.names.insert(name, kind);
        self.log.push((operation, name));
        Ok(())
    }

    fn file(&self, name: &str) -> Result<usize, Errno> {
        self.parent(name)?;
        match self.names.get(name) {
            None => Err(Errno::NOENT),
            Some(Kind::File(file)) => Ok(*file),
            Some(Kind::Directory) => Err(Errno::ISDIR),
            Some(Kind::Link) => Err(Errno::LOOP),
        }
    }

    fn is_empty(&self, name: &str) -> bool {
        let prefix = format!("{name}/");
        !self.names.keys().any(|other| other.starts_with(&prefix))
    }

    fn run(&mut self, step: &Step) -> Result<(), Errno> {
        match *step {
            Step::Create(name, exclusive) => match self.file(name) {
                Ok(_) if exclusive => Err(Errno::EXIST),
                Ok(_) => Ok(()),
                Err(Errno::NOENT) => {
                    self.parent(name)?;
                    self.files.push(Vec::new());
                    let kind = Kind::File(self.files.len() - 1);
                    self.add(name, kind, "create_file")
                }
                Err(Errno::ISDIR | Errno::LOOP) if exclusive => Err(Errno::EXIST),
                Err(error) => Err(error),
            },
            Step::Write(name, at, length) => {
                let file = self.file(name)?;
                let size = self.files[file].len() as u64;
                if length == 0 {
                    return Ok(());
                }
                self.grow((at + length).saturating_sub(size))?;
                let end = (at + length) as usize;
                let content = &mut self.files[file];
                content.resize(content.len().max(end), 0);
                content[at as usize..end].fill(b'x');
                self.log.push(("write_file", name));
                Ok(())
            }
            Step::Resize(name, size) => {
                let file = self.file(name)?;
                let now = self.files[file].len() as u64;
                self.grow(size.saturating_sub(now))?;
                self.files[file].resize(size as usize, 0);
                if size != now {
                    self.log.push(("resize", name));
                }
                Ok(())
            }
            Step::MakeDirectory(name) => {
                self.parent(name)?;
                self.add(name, Kind::Directory, "create_directory")
            }
            Step::Symlink(name) => {
                self.parent(name)?;
                self.add(name, Kind::Link, "symlink")
            }
            Step::RemoveDirectory(name) => {
                self.parent(name)?;
                match self.names.get(name) {
                    None => Err(Errno::NOENT),
                    Some(Kind::Directory) if self.is_empty(name) => {
                        self.names.remove(name);
                        self.log.push(("remove_directory", name));
                        Ok(())
                    }
                    Some(Kind::Directory) => Err(Errno::NOTEMPTY),
                    Some(_) => Err(Errno::NOTDIR),
                }
            }
            Step::Unlink(name) => {
                self.parent(name)?;
                match self.names.get(name) {
                    None => Err(Errno::NOENT),
                    Some(Kind::Directory) => Err(Errno::ISDIR),
                    Some(_) => {
                        self.names.remove(name);
                        self.log.push(("unlink_file", name));
                        Ok(())
                    }
                }
            }
            Step::Link(from, to) => {
                self.parent(from)?;
                self.parent(to)?;
                match self.names.get(from).copied() {
                    None => Err(Errno::NOENT),
                    Some(Kind::Directory) => Err(Errno::PERM),
                    Some(kind) => self.add(to, kind, "link"),
                }
            }
            Step::Rename(from, to) => self.rename(from, to),
        }
    }

    fn rename(&mut self, from: &'static str, to: &'static str) -> Result<(), Errno> {
        self.parent(from)?;
        self.parent(to)?;
        let moved = *self.names.get(from).ok_or(Errno::NOENT)?;
        let replaced = self.names.get(to).copied();
        if from == to || matches!(moved, Kind::File(_)) && replaced == Some(moved) {
            return Ok(());
        }
        if to.starts_with(&format!("{from}/")) {
            return Err(Errno::INVAL);
        }
        if from.starts_with(&format!("{to}/")) {
            return Err(Errno::NOTEMPTY);
        }
        match (moved, replaced) {
            (Kind::Directory, Some(Kind::Directory)) if !self.is_empty(to) => {
                return Err(Errno::NOTEMPTY);
            }
            (Kind::Directory, Some(Kind::Directory)) | (_, None) => {}
            (Kind::Directory, Some(_)) => return Err(Errno::NOTDIR),
            (_, Some(Kind::Directory)) => return Err(Errno::ISDIR),
            (_, Some(_)) => {}
        }
        let prefix = format!("{from}/");
        let below: Vec<&'static str> =
            self.names.keys().filter(|name| name.starts_with(&prefix)).copied().collect();
        for name in below {
            let kind = self.names.remove(name).ok_or(Errno::IO)?;
            let new = format!("{to}/{}", &name[prefix.len()..]);
            self.names.insert(leaked(new), kind);
        }
        self.names.remove(from);
        self.names.insert(to, moved);
        self.log.push(("rename", to));
        Ok(())
    }
}

/// A name that no plan has, made by moving a directory.
fn leaked(name: String) -> &'static str {
    let known = [NAMES, LINKS].concat().into_iter().find(|known| *known == name);
    known.unwrap_or_else(|| Box::leak(name.into_boxed_str()))
}

fn run(mediator: &Mediator, step: &Step) -> Result<(), Errno> {
    let root = mediator.root();
    let path = |name: &str| format!("home/agent/workspace/{name}");
    let how = OpenHow { create: false, follow: Follow::No, ..OpenHow::CREATE };
    let result: Result<(), Fault> = match *step {
        Step::Create(name, exclusive) => mediator
            .open_at(&root, &path(name), OpenHow { create: true, exclusive, ..how })
            .map(|_| ()),
        Step::Write(name, at, length) => {
            mediator.open_at(&root, &path(name), how).and_then(|file| {
                mediator.write_at(&file, &vec![b'x'; length as usize], at).map(|_| ())
            })
        }
        Step::Resize(name, size) => mediator
            .open_at(&root, &path(name), how)
            .and_then(|file| mediator.set_size(&file, size)),
        Step::MakeDirectory(name) => mediator.create_directory(&root, &path(name)),
        Step::RemoveDirectory(name) => mediator.remove_directory(&root, &path(name)),
        Step::Unlink(name) => mediator.unlink_file(&root, &path(name)),
        Step::Rename(from, to) => mediator.rename(&root, &path(from), &root, &path(to)),
        Step::Link(from, to) => mediator.link(&root, &path(from), &root, &path(to)),
        Step::Symlink(name) => mediator.symlink(&root, "a", &path(name)),
    };
    result.map_err(|fault| fault.errno())
}

fn check(runtime: &Runtime, plan: &[Step]) {
    let world = World::with_runtime(runtime.clone());
    let mut options = world.options();
    options.regions.push(region(
        "workspace",
        Access::ReadWrite,
        Some(MAX_BYTES),
        Some(MAX_ENTRIES),
    ));
    let cell = world.open(options);
    let actor = cell.journal().actor("model", "test", "").unwrap();
    let regions = cell.space().regions().into_iter().map(|region| (region, Rights::ReadWrite));
    let mediator = Mediator::new(cell.space().clone(), Grant::new(actor, regions.collect()));
    let mut model = Model::default();
    for (at, step) in plan.iter().enumerate() {
        let (ours, expected) = (run(&mediator, step), model.run(step));
        assert_eq!(ours, expected, "step {at}: {step:?}");
    }

    let workspace = world.region("workspace");
    let ledger = cell.region("workspace").unwrap();
    let ledger = ledger.ledger();
    assert_eq!((ledger.bytes(), ledger.entries()), (model.bytes(), model.names.len() as u64));
    assert_eq!(tests::usage(&workspace), (model.bytes(), model.names.len() as u64));
    for (name, kind) in &model.names {
        let path = workspace.join(name);
        match kind {
            Kind::File(file) => assert_eq!(std::fs::read(path).unwrap(), model.files[*file]),
            Kind::Directory => assert!(path.symlink_metadata().unwrap().is_dir()),
            Kind::Link => assert!(path.symlink_metadata().unwrap().is_symlink()),
        }
    }

    cell.journal().flush().unwrap();
    let directory = ambient::open_dir_ambient(&world.path("cell/journal")).unwrap();
    let records = read_all(&directory).unwrap().into_records();
    let done: Vec<(&str, String)> = records
        .iter()
        .filter(|record| record.outcome == Outcome::Done)
        .map(|record| (record.operation.name(), record.path.to_string()))
        .collect();
    let expected: Vec<(&str, String)> = model
        .log
        .iter()
        .map(|(operation, name)| (*operation, format!("/home/agent/workspace/{name}")))
        .collect();
    assert_eq!(done, expected, "the journal");
}

#[test]
fn plans_agree_with_the_model() {
    let runtime = runtime();
    let cases = std::env::var("TOOLCELL_PLANS").ok().and_then(|text| text.parse().ok());
    let config = ProptestConfig {
        cases: cases.unwrap_or(200),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(plan in steps())| check(&runtime, &plan));
}
