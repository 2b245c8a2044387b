//! ripgrep's ignore files, on the matchers of its own `ignore` crate.
//!
//! The order in which they count is `.rgignore`, `.ignore`, `.gitignore`, `.git/info/exclude`, and
//! in each kind the deepest directory first. A cell has no global excludes.

use std::rc::Rc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use toolcell_direct::{self as direct, Kind};

use crate::Ignore;

/// The rules of one directory, and those above it.
#[derive(Debug)]
pub(crate) struct Level {
    rgignore: Option<Gitignore>,
    ignore: Option<Gitignore>,
    gitignore: Option<Gitignore>,
    exclude: Option<Gitignore>,
    has_git: bool,
    above: Option<Rc<Level>>,
}

impl Level {
    /// The rules of the directories above `path`, whether or not they are searched.
    pub(crate) fn above(path: &str) -> Option<Rc<Level>> {
        let (parent, _) = path.trim_end_matches('/').rsplit_once('/')?;
        let above = Level::above(parent);
        let parent = if parent.is_empty() { "/" } else { parent };
        let entries = direct::list(parent).unwrap_or_default();
        Level::of(parent, &entries, above)
    }

    /// The rules that hold in a directory with these entries.
    pub(crate) fn of(
        directory: &str,
        entries: &[(String, Kind)],
        above: Option<Rc<Level>>,
    ) -> Option<Rc<Level>> {
        let has = |wanted: &str| entries.iter().any(|(name, _)| name == wanted);
        let file = |name: &str| has(name).then(|| read_rules(directory, name)).flatten();
        let has_git = has(".git");
        let level = Level {
            rgignore: file(".rgignore"),
            ignore: file(".ignore"),
            gitignore: file(".gitignore"),
            exclude: has_git.then(|| read_rules(directory, ".git/info/exclude")).flatten(),
            has_git,
            above: None,
        };
        let own = [&level.rgignore, &level.ignore, &level.gitignore];
        // Most directories add nothing; then the rules above are the rules here.
        if !has_git && own.iter().all(|rules| rules.is_none()) {
            return above;
        }
        Some(Rc::new(Level { above, ..level }))
    }
}

fn read_rules(directory: &str, name: &str) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(directory);
    // A line that makes no sense is left out, as git does.
    let _ = builder.add(format!("{directory}/{name}"));
    builder.build().ok().filter(|rules| !rules.is_empty())
}

fn chain(level: &Option<Rc<Level>>) -> impl Iterator<Item = &Level> {
    std::iter::successors(level.as_deref(), |level| level.above.as_deref())
}

/// For each kind the deepest rule that says anything counts; of the kinds, the first.
pub(crate) fn said(
    level: &Option<Rc<Level>>,
    path: &str,
    is_dir: bool,
    counting: Ignore,
) -> Match<()> {
    let in_git = match counting {
        Ignore::Nothing => return Match::None,
        Ignore::Own => false,
        Ignore::All { in_work_tree } => !in_work_tree || chain(level).any(|level| level.has_git),
    };
    let mut said = [const { Match::None }; 4];
    let mut left_git = false;
    for level in chain(level) {
        let git = in_git && !left_git;
        let kinds = [
            (true, &level.rgignore),
            (true, &level.ignore),
            (git, &level.gitignore),
            (git, &level.exclude),
        ];
        for (said, (counts, rules)) in said.iter_mut().zip(kinds) {
            if let Some(rules) = rules
                && counts
                && said.is_none()
            {
                *said = rules.matched(path, is_dir).map(|_| ());
            }
        }
        // Above its work tree, a repository's rules end.
        left_git |= level.has_git;
    }
    said.into_iter().find(|said| !said.is_none()).unwrap_or(Match::None)
}
