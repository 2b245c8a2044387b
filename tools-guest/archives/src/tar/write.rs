//! Archives that are made, added to and taken from.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use toolcell_program::files::{self, Kind};
use toolcell_program::{message, mode};

use super::cannot_open;
use super::options::{Options, Tagged};
use super::read::Members;
use crate::codec::{Codec, Origin, Packer, Plain, peek};

/// Bytes of a block: what members are padded to.
const BLOCK: u64 = 512;

/// Bytes of a record, of which an archive has whole ones: it ends with zeros, two blocks at least.
const RECORD: u64 = 20 * BLOCK;

/// What an archive whose members end at `end` is filled up with.
fn filling(end: u64) -> Vec<u8> {
    vec![0; ((end + 2 * BLOCK).next_multiple_of(RECORD) - end) as usize]
}

/// Who a member says it belongs to.
const OWNER: (&str, u64) = ("agent", 1000);

pub(super) fn create(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let to_stdout = matches!(options.archive.as_deref(), None | Some("-"));
    let content: Box<dyn Write> = match options.archive.as_deref() {
        None | Some("-") => Box::new(io::stdout()),
        Some(path) => Box::new(io::BufWriter::new(File::create(path).map_err(cannot_open(path))?)),
    };
    let named = options.archive.as_deref().filter(|_| options.by_name).and_then(Codec::of_name);
    let packer: Box<dyn Packer> = match options.codec.or(named) {
        Some(codec) => codec.writer(content, codec.level(), &Origin::default())?,
        None => Box::new(Plain(content)),
    };
    Writing::new(options, Counted { packer, count: 0 }, to_stdout, out).all()
}

/// Adds to an archive that is there, in the place of its end; with `newer`, what is newer than what
/// the archive has of it.
pub(super) fn append(options: &Options, newer: bool, out: &mut impl Write) -> io::Result<u32> {
    let mut file = changeable(options)?;
    let mut kept = HashMap::new();
    for entry in tar::Archive::new(&file).entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        kept.insert(name, entry.header().mtime().unwrap_or(0));
    }
    let end = end_of(&file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    let packer: Box<dyn Packer> = Box::new(Plain(Box::new(io::BufWriter::new(file))));
    let mut writing = Writing::new(options, Counted { packer, count: end }, false, out);
    if newer {
        writing.kept = kept;
    }
    writing.all()
}

/// Adds the members of other archives.
pub(super) fn join(options: &Options) -> io::Result<u32> {
    let mut file = changeable(options)?;
    let mut end = end_of(&file)?;
    for (base, path) in &options.paths {
        let other = File::open(base.join(path)).map_err(cannot_open(path))?;
        let length = end_of(&other)?;
        (&other).seek(SeekFrom::Start(0))?;
        file.seek(SeekFrom::Start(end))?;
        end += io::copy(&mut (&other).take(length), &mut file)?;
    }
    finish(&mut file, end)
}

/// Takes members out of an archive.
pub(super) fn delete(options: &Options) -> io::Result<u32> {
    let mut file = changeable(options)?;
    let mut members = Members::of(options);
    let (mut ranges, mut at) = (Vec::new(), 0);
    for entry in tar::Archive::new(&file).entries()? {
        let entry = entry?;
        let end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if options.paths.is_empty() || !members.wants(&name) {
            // With the blocks before it, which hold a name that is long.
            ranges.push(at..end);
        }
        at = end;
    }
    let mut end = 0;
    let mut block = vec![0; 64 << 10];
    for range in ranges {
        let mut from = range.start;
        while from < range.end {
            let count = (range.end - from).min(block.len() as u64) as usize;
            file.seek(SeekFrom::Start(from))?;
            file.read_exact(&mut block[..count])?;
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&block[..count])?;
            (from, end) = (from + count as u64, end + count as u64);
        }
    }
    finish(&mut file, end)?;
    Ok(members.missing())
}

fn finish(file: &mut File, end: u64) -> io::Result<u32> {
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(&filling(end))?;
    Ok(0)
}

/// The archive, to be changed where it is.
fn changeable(options: &Options) -> io::Result<File> {
    let Some(path) = options.archive.as_deref().filter(|path| *path != "-") else {
        return Err(io::Error::other("Options '-Aru' are incompatible with '-f -'"));
    };
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(cannot_open(path))?;
    let (start, _) = peek(File::open(path).map_err(cannot_open(path))?, 6)?;
    if Codec::of(&start).is_some() || options.codec.is_some() {
        return Err(io::Error::other("Cannot update compressed archives"));
    }
    Ok(file)
}

/// Where the members of an archive end.
fn end_of(mut file: &File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut end = 0;
    for entry in tar::Archive::new(file).entries()? {
        let entry = entry?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
    }
    Ok(end)
}

/// What goes into an archive, counted.
struct Counted {
    packer: Box<dyn Packer>,
    count: u64,
}

impl Write for Counted {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.packer.write(data)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packer.flush()
    }
}

/// An archive that is written.
struct Writing<'a, W: Write> {
    options: &'a Options,
    builder: tar::Builder<Counted>,
    /// Whether the archive is what goes to standard output.
    to_stdout: bool,
    out: &'a mut W,
    /// Members that are there, with their times: what is no newer is left out.
    kept: HashMap<String, u64>,
    /// Files with several names that were packed, and by which of them.
    linked: HashMap<(u64, u64), String>,
    /// The device and inode of the archive, which is none of its members.
    archive: Option<(u64, u64)>,
}

impl<'a, W: Write> Writing<'a, W> {
    fn new(
        options: &'a Options,
        packer: Counted,
        to_stdout: bool,
        out: &'a mut W,
    ) -> Writing<'a, W> {
        let mut builder = tar::Builder::new(packer);
        builder.follow_symlinks(false);
        let (kept, linked) = (HashMap::new(), HashMap::new());
        let archive = options.archive.as_deref().filter(|_| !to_stdout);
        let archive = archive.and_then(|path| files::look(path, true).ok());
        let archive = archive.map(|details| (details.device, details.inode));
        Writing { options, builder, to_stdout, out, kept, linked, archive }
    }

    /// Adds what is named, and the end.
    fn all(mut self) -> io::Result<u32> {
        let mut failed = 0;
        let mut told = self.options.absolute;
        for (base, path) in &self.options.paths {
            let name = match self.options.absolute {
                true => path.as_str(),
                false => path.trim_start_matches('/'),
            };
            if name.len() < path.len() && !told {
                eprintln!("tar: Removing leading `/' from member names");
                told = true;
            }
            failed += self.add(&base.join(path), name)?;
        }
        // Of the end, the library writes no more than there has to be.
        let Counted { mut packer, count } = {
            let writer = self.builder.get_mut();
            let packer = std::mem::replace(&mut writer.packer, Box::new(Plain(io::sink())));
            Counted { packer, count: writer.count }
        };
        let filling = filling(count);
        packer.write_all(&filling)?;
        packer.finish()?;
        if self.options.totals {
            let total = count + filling.len() as u64;
            self.out.flush()?;
            eprintln!("Total bytes written: {total} ({}, ?/s)", binary(total));
        }
        Ok(failed)
    }

    fn add(&mut self, path: &Path, name: &str) -> io::Result<u32> {
        let options = self.options;
        if options.excluded(name) {
            return Ok(0);
        }
        let details = match files::look(&path.to_string_lossy(), options.dereference) {
            Ok(details) => details,
            Err(error) => {
                eprintln!("tar: {name}: Cannot stat: {}", message(&error));
                return Ok(1);
            }
        };
        if self.archive == Some((details.device, details.inode)) {
            self.out.flush()?;
            eprintln!("tar: {name}: file is the archive; not dumped");
            return Ok(0);
        }
        let is_dir = details.is_dir();
        let name = if is_dir { name.trim_end_matches('/') } else { name };
        let slash = if is_dir { "/" } else { "" };
        let shown = format!("{name}{slash}");
        let member = format!("{}{slash}", options.renamed(name));
        let modified = details.modified / 1_000_000_000;
        if let Some(newer) = options.newer
            && !is_dir
            && modified < newer
            && (options.newer_content || details.changed / 1_000_000_000 < newer)
        {
            if options.verbose {
                self.out.flush()?;
                eprintln!("tar: {name}: file is unchanged; not dumped");
            }
            return Ok(0);
        }
        let mut children = match is_dir && !options.shallow {
            true => names_in(path)?,
            false => Vec::new(),
        };
        if let Some((tag, what)) = options.tag(&children) {
            if options.verbose {
                let left = if what == Tagged::Nothing { "directory" } else { "contents" };
                self.out.flush()?;
                eprintln!("tar: {shown}: contains a cache directory tag {tag}; {left} not dumped");
            }
            let tag = tag.to_owned();
            children.retain(|name| what == Tagged::Itself && *name == tag);
            if what == Tagged::Nothing {
                return Ok(0);
            }
        }
        let mut header = tar::Header::new_gnu();
        header.set_mtime(match options.time {
            Some(time) if options.clamp_time => modified.min(time),
            time => time.unwrap_or(modified),
        });
        let bits = options.mode_bits.as_deref();
        let bits =
            bits.map_or(Some(details.mode), |text| mode::changed(text, details.mode, is_dir));
        header.set_mode(bits.ok_or_else(|| io::Error::other("Invalid mode given on option"))?);
        let (user, uid) = owner(options.owner.as_deref());
        let (group, gid) = owner(options.group.as_deref());
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_username(&user)?;
        header.set_groupname(&group)?;
        // A directory that is there says all that there is to say of it.
        let wanted = self.kept.get(&member).is_none_or(|kept| !is_dir && *kept < modified);
        if wanted && options.verbose {
            match self.to_stdout {
                true => eprintln!("{shown}"),
                false => writeln!(self.out, "{shown}")?,
            }
        }
        let mut failed = 0;
        match details.kind {
            Kind::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                if wanted {
                    self.write(&mut header, &member, io::empty())?;
                }
                for child in children {
                    failed += self.add(&path.join(&child), &format!("{shown}{child}"))?;
                }
            }
            Kind::Symlink if wanted => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                let target = std::fs::read_link(path)?;
                self.link(&mut header, &member, &target.to_string_lossy())?;
            }
            _ if wanted => {
                let several = details.links > 1 && !options.hard_dereference;
                let identity = (details.device, details.inode);
                match self.linked.get(&identity).filter(|_| several).cloned() {
                    Some(first) => {
                        header.set_entry_type(tar::EntryType::Link);
                        header.set_size(0);
                        self.link(&mut header, &member, &first)?;
                    }
                    None => {
                        header.set_size(details.size);
                        self.write(&mut header, &member, File::open(path)?)?;
                        if several {
                            self.linked.insert(identity, member);
                        }
                    }
                }
            }
            _ => {}
        }
        if options.remove && failed == 0 {
            let removed = match is_dir {
                true => std::fs::remove_dir(path),
                false => std::fs::remove_file(path),
            };
            if let Err(error) = removed {
                let what = if is_dir { "rmdir" } else { "unlink" };
                eprintln!("tar: {name}: Cannot {what}: {}", message(&error));
                failed += 1;
            }
        }
        Ok(failed)
    }

    /// Writes a member with what it holds.
    fn write(
        &mut self,
        header: &mut tar::Header,
        name: &str,
        content: impl Read,
    ) -> io::Result<()> {
        match put_name(header, name) {
            true => self.builder.append(header, content),
            false => self.builder.append_data(header, name, content),
        }
    }

    /// Writes a member that leads to `target`.
    fn link(&mut self, header: &mut tar::Header, name: &str, target: &str) -> io::Result<()> {
        if !put_name(header, name) || target.len() > NAME {
            return self.builder.append_link(header, name, target);
        }
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.builder.append(header, io::empty())
    }
}

/// Bytes that a header has for a name.
const NAME: usize = 100;

/// Puts a name into a header as it is: the library drops a `./` that it begins with and refuses a
/// `/`. One that needs neither, or is too long for it, is left to the library.
fn put_name(header: &mut tar::Header, name: &str) -> bool {
    let fits = name.starts_with(['.', '/']) && name.len() <= NAME;
    if fits {
        let field = &mut header.as_old_mut().name;
        field.fill(0);
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
    }
    fits
}

/// A size as `10KiB` or `1.5MiB`, rounded up.
fn binary(size: u64) -> String {
    let (mut unit, mut names) = (1, ["B", "KiB", "MiB", "GiB", "TiB"].iter());
    let mut name = names.next();
    while size >= unit * 1_024
        && let Some(next) = names.next()
    {
        (unit, name) = (unit * 1_024, Some(next));
    }
    let name = name.unwrap_or(&"");
    let tenths = (size * 10).div_ceil(unit);
    match tenths % 10 == 0 || tenths >= 100 {
        true => format!("{}{name}", tenths.div_ceil(10)),
        false => format!("{}.{}{name}", tenths / 10, tenths % 10),
    }
}

/// The names in a directory, in their order.
fn names_in(path: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(path)?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// A name and a number for `NAME`, `NAME:NUMBER` or a number.
fn owner(given: Option<&str>) -> (String, u64) {
    let Some(given) = given else { return (OWNER.0.to_owned(), OWNER.1) };
    let (name, number) = given.split_once(':').unwrap_or((given, ""));
    let number = match (number.parse(), name.parse()) {
        (Ok(number), _) => number,
        (_, Ok(number)) => return (String::new(), number),
        _ if name == "root" => 0,
        _ => OWNER.1,
    };
    (name.to_owned(), number)
}
