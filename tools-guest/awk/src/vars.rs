//! Variables, and the values and arrays in them.

use std::cell::RefCell;
use std::rc::Rc;

use crate::array::{Array, Sought};
use crate::interp::{Interp, Leave, Run};
use crate::parser::{Expr, Place, Program, Slot};
use crate::text::Text;
use crate::value::Value;

/// Slots of the variables that the language itself reads or sets.
pub(crate) mod special {
    /// Their names, in the order of their slots.
    pub(crate) const NAMES: &[&str] = &[
        "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH",
        "CONVFMT", "OFMT", "ENVIRON", "ARGC", "ARGV",
    ];
    pub(crate) const NF: usize = 0;
    pub(crate) const NR: usize = 1;
    pub(crate) const FNR: usize = 2;
    pub(crate) const FS: usize = 3;
    pub(crate) const OFS: usize = 4;
    pub(crate) const ORS: usize = 5;
    pub(crate) const RS: usize = 6;
    pub(crate) const FILENAME: usize = 7;
    pub(crate) const SUBSEP: usize = 8;
    pub(crate) const RSTART: usize = 9;
    pub(crate) const RLENGTH: usize = 10;
    pub(crate) const CONVFMT: usize = 11;
    pub(crate) const OFMT: usize = 12;
    pub(crate) const ENVIRON: usize = 13;
    pub(crate) const ARGC: usize = 14;
    pub(crate) const ARGV: usize = 15;
}

/// Slots of the variables that mean something in gawk, in a program that has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Optional {
    pub(crate) fpat: Option<usize>,
    pub(crate) ignore_case: Option<usize>,
    pub(crate) procinfo: Option<usize>,
    pub(crate) rt: Option<usize>,
}

impl Optional {
    pub(crate) fn of(program: &Program) -> Optional {
        let slot = |name: &str| program.globals.get(name).copied();
        Optional {
            fpat: slot("FPAT"),
            ignore_case: slot("IGNORECASE"),
            procinfo: slot("PROCINFO"),
            rt: slot("RT"),
        }
    }
}

/// What a variable holds.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Value(Value),
    Array(Rc<RefCell<Array>>),
    /// A parameter that was not given, or a variable of the caller that is not used yet: it may
    /// become an array, which the caller then has too.
    Open(Home),
}

/// Where a variable is, whoever's it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Home {
    Global(usize),
    Stack(usize),
}

impl<'a> Interp<'a> {
    /// A variable of the language, as text.
    pub(crate) fn text_of(&self, slot: usize) -> Text {
        match &self.globals[slot] {
            Cell::Value(value) => value.to_text(b"%.6g"),
            _ => Text::default(),
        }
    }

    pub(crate) fn number_of(&self, slot: usize) -> f64 {
        match &self.globals[slot] {
            Cell::Value(value) => value.number(),
            _ => 0.0,
        }
    }

    pub(crate) fn home(&self, slot: Slot) -> Home {
        match slot {
            Slot::Global(at) => Home::Global(at),
            Slot::Local(at) => Home::Stack(self.base + at),
        }
    }

    fn at(&mut self, home: Home) -> &mut Cell {
        match home {
            Home::Global(at) => &mut self.globals[at],
            Home::Stack(at) => &mut self.stack[at],
        }
    }

    pub(crate) fn cell(&self, slot: Slot) -> &Cell {
        match self.home(slot) {
            Home::Global(at) => &self.globals[at],
            Home::Stack(at) => &self.stack[at],
        }
    }

    /// The value in a variable; nothing where it has none yet.
    pub(crate) fn value_in(&mut self, slot: Slot) -> Run<Option<&Value>> {
        self.split_if_counted(slot)?;
        match self.cell(slot) {
            Cell::Value(value) => Ok(Some(value)),
            Cell::Open(_) => Ok(None),
            Cell::Array(_) => Err(Leave::Fatal("can't use an array as a value".to_owned())),
        }
    }

    pub(crate) fn set_global(&mut self, slot: usize, value: Value) -> Run<()> {
        match slot {
            special::NF => return self.set_count(value.number()),
            special::FS | special::RS => {
                // The fields of this record are still those of the old separator.
                self.split_record()?;
                self.splitter = None;
                self.separator = None;
                self.by_fpat = self.by_fpat && slot != special::FS;
            }
            slot if Some(slot) == self.optional.fpat => {
                self.split_record()?;
                self.splitter = None;
                self.by_fpat = true;
            }
            slot if Some(slot) == self.optional.ignore_case => {
                self.split_record()?;
                self.splitter = None;
                self.separator = None;
                self.reading.any_case = value.is_true();
            }
            _ => {}
        }
        self.globals[slot] = Cell::Value(value);
        Ok(())
    }

    pub(crate) fn set(&mut self, slot: Slot, value: Value) -> Run<()> {
        let home = self.home(slot);
        match (home, self.at(home)) {
            (_, Cell::Array(_)) => Err(Leave::Fatal("can't assign to an array".to_owned())),
            (Home::Global(at), _) => self.set_global(at, value),
            (_, cell) => {
                *cell = Cell::Value(value);
                Ok(())
            }
        }
    }

    /// The array in a variable, made if there is nothing yet. A value is none.
    pub(crate) fn array(&mut self, slot: Slot) -> Run<Rc<RefCell<Array>>> {
        let mut home = self.home(slot);
        let first = home;
        // Callers share what their variables are not yet, up to the one that has it.
        loop {
            match self.at(home) {
                Cell::Array(array) => {
                    let array = array.clone();
                    return Ok(self.share(first, home, array));
                }
                Cell::Open(outer) => home = *outer,
                Cell::Value(Value::Unset) => return Ok(self.share(first, home, Rc::default())),
                Cell::Value(_) => {
                    return Err(Leave::Fatal("can't use a value as an array".to_owned()));
                }
            }
        }
    }

    /// Puts an array into the variables from the first to the last one.
    fn share(&mut self, first: Home, last: Home, array: Rc<RefCell<Array>>) -> Rc<RefCell<Array>> {
        let mut home = first;
        while let Cell::Open(outer) = *self.at(home) {
            *self.at(home) = Cell::Array(array.clone());
            home = outer;
        }
        *self.at(last) = Cell::Array(array.clone());
        array
    }

    pub(crate) fn with_array<T>(
        &mut self,
        slot: Slot,
        body: impl FnOnce(&mut Array) -> T,
    ) -> Run<T> {
        let array = self.array(slot)?;
        let mut array = array.borrow_mut();
        Ok(body(&mut array))
    }

    /// Evaluates an index, and uses an array with it.
    pub(crate) fn with_element<T>(
        &mut self,
        slot: Slot,
        index: &'a [Expr],
        body: impl FnOnce(&mut Array, Sought<'_>) -> T,
    ) -> Run<T> {
        if let [one] = index {
            let value = self.eval(one)?;
            let whole = match &value {
                Value::Number(number) => crate::value::whole(*number),
                _ => None,
            };
            return match whole {
                Some(whole) => self.with_array(slot, |array| body(array, Sought::Whole(whole))),
                None => {
                    let text = value.to_text(&self.text_of(special::CONVFMT));
                    self.with_array(slot, |array| body(array, Sought::text(&text)))
                }
            };
        }
        let (separator, format) = (self.text_of(special::SUBSEP), self.text_of(special::CONVFMT));
        let mut key = Vec::new();
        for (at, expr) in index.iter().enumerate() {
            if at > 0 {
                key.extend_from_slice(&separator);
            }
            self.append(expr, &format, &mut key)?;
        }
        self.with_array(slot, |array| body(array, Sought::text(&key)))
    }

    pub(crate) fn place(&mut self, place: &'a Place) -> Run<Value> {
        match place {
            Place::Var(slot) => Ok(self.value_in(*slot)?.cloned().unwrap_or_default()),
            Place::Field(index) => {
                let at = self.number(index)?;
                self.field(at)
            }
            Place::Element(slot, index) => {
                self.with_element(*slot, index, |array, key| array.entry(key).clone())
            }
        }
    }

    pub(crate) fn set_place(&mut self, place: &'a Place, value: Value) -> Run<()> {
        match place {
            Place::Var(slot) => self.set(*slot, value.kept()),
            Place::Field(index) => {
                let at = self.number(index)?;
                self.set_field(at, value)
            }
            Place::Element(slot, index) => {
                let value = value.kept();
                self.with_element(*slot, index, |array, key| *array.entry(key) = value)
            }
        }
    }

    /// Changes the number in a place, whose index is evaluated once; what it was and what it is.
    pub(crate) fn change(
        &mut self,
        place: &'a Place,
        change: impl FnOnce(f64) -> Run<f64>,
    ) -> Run<(f64, f64)> {
        match place {
            Place::Var(slot) => {
                let old = self.value_in(*slot)?.map_or(0.0, Value::number);
                let new = change(old)?;
                self.set(*slot, Value::Number(new))?;
                Ok((old, new))
            }
            Place::Field(index) => {
                let at = self.number(index)?;
                let old = self.field(at)?.number();
                let new = change(old)?;
                self.set_field(at, Value::Number(new))?;
                Ok((old, new))
            }
            Place::Element(slot, index) => self.with_element(*slot, index, |array, key| {
                let value = array.entry(key);
                let old = value.number();
                let new = change(old)?;
                *value = Value::Number(new);
                Ok((old, new))
            })?,
        }
    }
}
