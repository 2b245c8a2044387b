//! Work that is shared with more instances of the tool, where the machine has processors for them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Failure, Session};

/// Items that a call has before it looks for help: for fewer, starting helpers costs more than they
/// do.
const HELP_FROM: usize = 256;

/// Items in one piece of work: many enough that handing them on costs little, and few enough that
/// all come to their end at once.
const PIECE: usize = 32;

/// More instances of the tool; see `wit/helpers.wit`.
pub trait Helpers {
    /// Starts helpers, called by this name with this JSON. How many.
    fn start(&self, name: &str, input: &str) -> u32;

    /// Puts a piece of work behind the others; false if there are too many.
    fn offer(&self, piece: &str) -> bool;

    /// The foremost piece. In a helper, waits for one.
    fn take(&self) -> Option<String>;

    /// No more pieces will come.
    fn close(&self);

    /// What each helper returned, when all have.
    fn finish(&self) -> Vec<String>;
}

/// What a call gives to its helpers, and does itself. All its items are done once; whoever does
/// some does them in the order in which they were added.
pub struct Work<'a, F> {
    helpers: Option<&'a dyn Helpers>,
    name: &'a str,
    input: F,
    started: bool,
    /// Not given to anybody yet.
    items: Vec<String>,
}

impl<F> std::fmt::Debug for Work<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("name", &self.name).field("started", &self.started).finish()
    }
}

impl<'a, F: Fn() -> Value> Work<'a, F> {
    /// No items yet. Helpers are called by `name` with `input`.
    pub fn new(session: &'a dyn Session, name: &'a str, input: F) -> Work<'a, F> {
        Work { helpers: session.helpers(), name, input, started: false, items: Vec::new() }
    }

    /// The same, which nobody helps with.
    #[must_use]
    pub fn alone(self) -> Work<'a, F> {
        Work { helpers: None, ..self }
    }

    /// Adds an item. Where helpers have more waiting than they should, does some with `work`.
    pub fn add(&mut self, item: String, work: &mut impl FnMut(Vec<String>)) {
        self.items.push(item);
        let enough = if self.started { PIECE } else { HELP_FROM };
        let Some(helpers) = self.helpers.filter(|_| self.items.len() >= enough) else { return };
        if !self.started && helpers.start(self.name, &(self.input)().to_string()) == 0 {
            self.helpers = None;
            return;
        }
        self.started = true;
        self.give(helpers, work);
    }

    /// Does what is left with `work`, and waits for the helpers: what each of them returned.
    ///
    /// # Errors
    /// When a helper returned something else, which is a mistake of the tool's.
    pub fn finish<T: DeserializeOwned>(
        mut self,
        work: &mut impl FnMut(Vec<String>),
    ) -> Result<Vec<T>, Failure> {
        let Some(helpers) = self.helpers.filter(|_| self.started) else {
            work(self.items);
            return Ok(Vec::new());
        };
        self.give(helpers, work);
        helpers.close();
        work_off(helpers, work);
        let returned = helpers.finish();
        let parsed: Result<_, _> = returned.iter().map(|json| serde_json::from_str(json)).collect();
        parsed.map_err(|error| {
            Failure::new("internal_error", format!("A helper gave what is no result: {error}."))
        })
    }

    fn give(&mut self, helpers: &dyn Helpers, work: &mut impl FnMut(Vec<String>)) {
        for items in self.items.chunks(PIECE) {
            let piece = Value::from(items).to_string();
            while !helpers.offer(&piece) {
                // Full, or was: by now the helpers may have taken all.
                if let Some(piece) = helpers.take() {
                    work(self::items(&piece));
                }
            }
        }
        self.items.clear();
    }
}

/// Does as a helper what there is to do.
pub fn help(session: &dyn Session, work: &mut impl FnMut(Vec<String>)) {
    if let Some(helpers) = session.helpers() {
        work_off(helpers, work);
    }
}

fn work_off(helpers: &dyn Helpers, work: &mut impl FnMut(Vec<String>)) {
    while let Some(piece) = helpers.take() {
        work(items(&piece));
    }
}

fn items(piece: &str) -> Vec<String> {
    serde_json::from_str(piece).expect("a piece comes as it was given")
}
