//! Stands in for the crate `fluent` below uucore (see `[patch.crates-io]` in the workspace's
//! `Cargo.toml`).
//!
//! Each of uutils' programs reads some hundred messages at its start and shows two of them at
//! most. The crate `fluent` parses them all, which takes longer than everything else that a
//! `basename` does. Here a resource is its text: a message is looked for when it is asked for. One
//! that is a line of words is taken as it stands; of any other, `fluent-bundle` makes what it
//! makes of it.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use fluent_bundle::{FluentArgs, FluentError, FluentValue};
use fluent_syntax::parser::ParserError;
use unic_langid::LanguageIdentifier;

/// Says something else instead of a message, whose variables it is given once they are known. It
/// may end the program.
pub type Instead = fn(id: &str, args: Option<&FluentArgs<'_>>) -> Option<String>;

static INSTEAD: OnceLock<Instead> = OnceLock::new();

/// Has all bundles ask for what to say instead of their messages. The first one that is given
/// counts.
pub fn say_instead(instead: Instead) {
    let _ = INSTEAD.set(instead);
}

/// Messages, as they were written.
#[derive(Debug)]
pub struct FluentResource {
    text: String,
    /// Where the message after the one that was found last begins. Programs ask for the messages
    /// of their options one after the other, in the order of the file.
    next: AtomicUsize,
}

impl FluentResource {
    /// Keeps the messages of `text`, where each name stands once: of two, the first counts.
    ///
    /// # Errors
    /// None: what is wrong with a message is found when it is asked for, and is then left out.
    pub fn try_new(text: String) -> Result<FluentResource, (FluentResource, Vec<ParserError>)> {
        Ok(FluentResource { text, next: AtomicUsize::new(0) })
    }

    /// The message of this name, its name included, as it was written.
    fn entry(&self, id: &str) -> Option<&str> {
        if !id.starts_with(|first: char| first.is_ascii_alphabetic()) {
            // A term is for other messages alone.
            return None;
        }
        let next = self.next.load(Ordering::Relaxed);
        let start = match begins(&self.text[next..], id) {
            true => next,
            false => self.find(id)?,
        };
        let mut end = start;
        for line in self.text[start..].split_inclusive('\n') {
            let goes_on = end == start || line.trim().is_empty() || line.starts_with([' ', '}']);
            if !goes_on {
                break;
            }
            end += line.len();
        }
        self.next.store(end, Ordering::Relaxed);
        Some(self.text[start..end].trim_end())
    }

    fn find(&self, id: &str) -> Option<usize> {
        memchr::memmem::find_iter(self.text.as_bytes(), id).find(|start| {
            let begins_line = *start == 0 || self.text.as_bytes()[start - 1] == b'\n';
            begins_line && begins(&self.text[*start..], id)
        })
    }
}

/// Whether a text begins with the message of this name.
fn begins(text: &str, id: &str) -> bool {
    text.strip_prefix(id).is_some_and(|rest| rest.trim_start_matches(' ').starts_with('='))
}

/// Messages of one or more resources; those that were added later go before.
pub struct FluentBundle<R> {
    /// The languages that numbers are written in, the preferred one first.
    pub locales: Vec<LanguageIdentifier>,
    resources: Vec<R>,
    use_isolating: bool,
}

impl<R> fmt::Debug for FluentBundle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FluentBundle").field("locales", &self.locales).finish_non_exhaustive()
    }
}

type Parsed = fluent_bundle::FluentBundle<fluent_bundle::FluentResource>;

impl<R: Borrow<FluentResource>> FluentBundle<R> {
    /// A bundle without messages.
    pub fn new(locales: Vec<LanguageIdentifier>) -> FluentBundle<R> {
        FluentBundle { locales, resources: Vec::new(), use_isolating: true }
    }

    /// Whether what is put into a message is set apart by Unicode's isolating characters; it is
    /// unless this says otherwise.
    pub fn set_use_isolating(&mut self, value: bool) {
        self.use_isolating = value;
    }

    /// Adds messages, which go before those of the same names that are there.
    pub fn add_resource_overriding(&mut self, resource: R) {
        self.resources.push(resource);
    }

    /// Whether there is a message of this name.
    pub fn has_message(&self, id: &str) -> bool {
        self.entry(id).is_some()
    }

    /// The message of this name.
    pub fn get_message(&self, id: &str) -> Option<FluentMessage<'_>> {
        let entry = self.entry(id)?;
        if let Some(text) = INSTEAD.get().and_then(|instead| instead(id, None)) {
            return Some(FluentMessage { value: Some(Pattern::Instead(text)) });
        }
        let (_, value) = entry.split_once('=')?;
        let value = value.trim_matches(' ');
        if !value.is_empty() && !value.contains(['\n', '{', '}']) {
            return Some(FluentMessage { value: Some(Pattern::Words(value)) });
        }
        let parsed = match refers(entry) {
            true => self.parse(self.resources.iter().map(|resource| &*resource.borrow().text)),
            false => self.parse(std::iter::once(entry)),
        };
        let has_value = parsed.get_message(id)?.value().is_some();
        let value = has_value.then(|| Pattern::Parsed(Box::new((parsed, id.to_owned()))));
        Some(FluentMessage { value })
    }

    /// The text of a message with what its variables stand for.
    pub fn format_pattern<'m>(
        &self,
        pattern: Pattern<'m>,
        args: Option<&FluentArgs<'_>>,
        errors: &mut Vec<FluentError>,
    ) -> Cow<'m, str> {
        match pattern {
            Pattern::Words(words) => Cow::Borrowed(words),
            Pattern::Instead(text) => Cow::Owned(text),
            Pattern::Parsed(found) => {
                let (parsed, id) = *found;
                if let Some(text) = INSTEAD.get().and_then(|instead| instead(&id, args)) {
                    return Cow::Owned(text);
                }
                let value = parsed.get_message(&id).and_then(|message| message.value());
                let text = value.map(|value| parsed.format_pattern(value, args, errors));
                Cow::Owned(text.unwrap_or_default().into_owned())
            }
        }
    }

    fn entry(&self, id: &str) -> Option<&str> {
        self.resources.iter().rev().find_map(|resource| resource.borrow().entry(id))
    }

    fn parse<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Parsed {
        let mut parsed = Parsed::new(self.locales.clone());
        parsed.set_use_isolating(self.use_isolating);
        for text in texts {
            let resource = fluent_bundle::FluentResource::try_new(text.to_owned());
            parsed.add_resource_overriding(resource.unwrap_or_else(|(partial, _)| partial));
        }
        parsed
    }
}

/// Whether an entry names another message, a term or a function: what is between braces and is
/// no variable, literal or nothing.
fn refers(entry: &str) -> bool {
    let mut rest = entry;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after.trim_start();
        if rest.starts_with(|first: char| first == '-' || first.is_ascii_alphabetic()) {
            return true;
        }
    }
    false
}

/// A message that was found.
#[derive(Debug)]
pub struct FluentMessage<'m> {
    value: Option<Pattern<'m>>,
}

impl<'m> FluentMessage<'m> {
    /// What it says; none if it has attributes alone.
    pub fn value(self) -> Option<Pattern<'m>> {
        self.value
    }
}

/// What a message says.
pub enum Pattern<'m> {
    /// Words alone.
    Words(&'m str),
    /// What is said instead.
    Instead(String),
    /// The message of this name, parsed.
    Parsed(Box<(Parsed, String)>),
}

impl fmt::Debug for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Words(words) => f.debug_tuple("Words").field(words).finish(),
            Pattern::Instead(text) => f.debug_tuple("Instead").field(text).finish(),
            Pattern::Parsed(found) => f.debug_tuple("Parsed").field(&found.1).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "\
# A comment
-name = Tool
plain = one line, with = signs and [brackets]
plain-but-longer = another
two-lines = first
  second
    indented
three-lines =
    a

    b
variable = { $file }: no such { $kind }
literal = an open {\"{\"} brace
term = by { -name }
other = see { plain }
count = { $count ->
    [one] { $count } record
   *[other] { $count } records
}
attribute = shown
    .title = not shown
only-attribute =
    .title = not shown
spaced   =   words   
last = end";
    const OVER: &str = "plain = replaced\nelsewhere = { two-lines }!\n";

    fn language() -> Vec<LanguageIdentifier> {
        vec!["en-US".parse().unwrap()]
    }

    /// Says of every message what the crate says that this stands in for.
    #[test]
    fn each_message_is_what_fluent_makes_of_it() {
        let mut ours = FluentBundle::new(language());
        let mut theirs = Parsed::new(language());
        ours.set_use_isolating(false);
        theirs.set_use_isolating(false);
        for text in [BASE, OVER] {
            ours.add_resource_overriding(FluentResource::try_new(text.to_owned()).unwrap());
            let parsed = fluent_bundle::FluentResource::try_new(text.to_owned()).unwrap();
            theirs.add_resource_overriding(parsed);
        }
        let mut args = FluentArgs::new();
        args.set("file", "f");
        args.set("kind", "thing");
        args.set("count", 2);
        let names = "plain plain-but-longer two-lines three-lines variable literal term other count \
                     attribute only-attribute spaced last elsewhere none -name line second";
        // In the order of the file, and the other way round.
        for id in names.split(' ').chain(names.rsplit(' ')) {
            let mut errors = Vec::new();
            let expected = theirs.get_message(id).map(|message| {
                let value = message.value();
                value.map(|value| theirs.format_pattern(value, Some(&args), &mut errors))
            });
            let mut our_errors = Vec::new();
            let found = ours.get_message(id).map(|message| {
                let value = message.value();
                value.map(|value| ours.format_pattern(value, Some(&args), &mut our_errors))
            });
            assert_eq!(found, expected, "{id}");
            assert_eq!(our_errors, errors, "{id}");
            assert_eq!(ours.has_message(id), expected.is_some(), "{id}");
        }
    }

    #[test]
    fn a_variable_that_is_not_given_is_an_error_and_stands_as_its_name() {
        let mut bundle = FluentBundle::new(language());
        bundle.add_resource_overriding(FluentResource::try_new(BASE.to_owned()).unwrap());
        let mut errors = Vec::new();
        let value = bundle.get_message("variable").unwrap().value().unwrap();
        let text = bundle.format_pattern(value, None, &mut errors);
        assert_eq!(text, "\u{2068}{$file}\u{2069}: no such \u{2068}{$kind}\u{2069}");
        assert_eq!(errors.len(), 2);
    }
}
