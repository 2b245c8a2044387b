//! Reading and setting variables by name: namerefs, subscripts, attributes, and those that the
//! shell computes.

use std::collections::BTreeMap;

use crate::arith::{self, ArithError, Place};
use crate::computed;
use crate::shell::{Shell, Unwind};
use crate::syntax::ast::{Assign, AssignValue, Element};
use crate::system::System;
use crate::vars::{Attributes, Value, Var};

/// How long a chain of namerefs may be.
const MAX_REFERENCES: u32 = 16;

/// An assignment failed, and the message has been printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl<S: System> Shell<S> {
    /// Follows namerefs: the variable, and the subscript if the reference names an element.
    pub(crate) fn resolve(&self, name: &str) -> (String, Option<String>) {
        let mut name = name.to_owned();
        for _ in 0..MAX_REFERENCES {
            let Some(var) = self.state.vars.get(&name) else { break };
            if !var.attributes.nameref {
                break;
            }
            let Some(target) = var.value.scalar().filter(|target| !target.is_empty()) else {
                break;
            };
            if let Some((base, rest)) = target.split_once('[') {
                return (base.to_owned(), Some(rest.trim_end_matches(']').to_owned()));
            }
            name = target.clone();
        }
        (name, None)
    }

    /// The value of a variable, or of element 0 of an array.
    pub(crate) fn get(&mut self, name: &str) -> Option<String> {
        if let Some(var) = self.state.vars.get(name)
            && !var.attributes.nameref
            && !self.is_computed(name)
        {
            return var.value.scalar().cloned();
        }
        let (name, index) = self.resolve(name);
        if let Some(index) = index {
            return self.element(&name, &index).ok().flatten();
        }
        if let Some(value) = self.computed(&name) {
            return value.scalar().cloned();
        }
        self.state.vars.get(&name).and_then(|var| var.value.scalar().cloned())
    }

    /// The whole value of a variable.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        let (name, _) = self.resolve(name);
        self.computed(&name).or_else(|| self.state.vars.get(&name).map(|var| var.value.clone()))
    }

    /// How many elements an array has, if it was ever assigned; without a copy of them.
    pub(crate) fn count(&mut self, name: &str) -> Option<usize> {
        let (name, _) = self.resolve(name);
        match self.computed(&name) {
            Some(value) => value.count(),
            None => self.state.vars.get(&name).and_then(|var| var.value.count()),
        }
    }

    /// The element of an array at this subscript, which is text still to be understood.
    pub(crate) fn element(&mut self, name: &str, index: &str) -> Result<Option<String>, Unwind> {
        let value = match self.computed(name) {
            Some(Value::Assoc(elements)) => {
                return Ok(elements.as_ref().and_then(|e| e.get(index)).cloned());
            }
            Some(value) => value,
            None => match self.state.vars.get(name) {
                Some(var) => match &var.value {
                    // Cloning a long array for one element would cost too much.
                    Value::Indexed(Some(elements)) if is_plain_index(index) => {
                        let at: i64 = index.parse().unwrap_or(0);
                        return Ok(elements.get(&at).cloned());
                    }
                    Value::Assoc(elements) => {
                        return Ok(elements.as_ref().and_then(|e| e.get(index)).cloned());
                    }
                    Value::Scalar(text) => {
                        let text = text.clone();
                        let at = self.index(name, index)?;
                        return Ok((at == 0).then_some(text));
                    }
                    _ => Value::Unset,
                },
                None => Value::Unset,
            },
        };
        let at = self.index(name, index)?;
        let elements = match &value {
            Value::Indexed(elements) => elements.as_ref(),
            _ => match self.state.vars.get(name).map(|var| &var.value) {
                Some(Value::Indexed(elements)) => elements.as_ref(),
                _ => None,
            },
        };
        Ok(elements.and_then(|elements| elements.get(&at)).cloned())
    }

    /// A subscript of an indexed array as a number; negative ones count from the end.
    fn index(&mut self, name: &str, index: &str) -> Result<i64, Unwind> {
        let at = self.arithmetic(index)?;
        if at >= 0 {
            return Ok(at);
        }
        let last = self.state.vars.get(name).and_then(|var| var.value.last_index());
        let from_end = last.map_or(-1, |last| last + 1 + at);
        if from_end < 0 {
            self.complain(&format!("{name}: bad array subscript"));
        }
        Ok(from_end)
    }

    /// Evaluates arithmetic; complains if it cannot.
    pub(crate) fn arithmetic(&mut self, text: &str) -> Result<i64, Unwind> {
        self.arithmetic_in("", text)
    }

    /// The same within a command, whose name and a colon stand before what is wrong.
    pub(crate) fn arithmetic_in(&mut self, command: &str, text: &str) -> Result<i64, Unwind> {
        if let Ok(number) = text.parse::<i64>()
            && !(text.len() > 1 && text.trim_start_matches(['-', '+']).starts_with('0'))
        {
            return Ok(number);
        }
        arith::evaluate(text, self).map_err(|error| {
            match error {
                ArithError::Bad(message) => self.complain(&format!("{command}{message}")),
                ArithError::Said => {}
                ArithError::Unbound => return self.unbound(),
            }
            Unwind::Discard(1)
        })
    }

    // -------------------------------------------------------------- setting

    fn changed_by_attributes(
        &mut self,
        attributes: Attributes,
        value: String,
    ) -> Result<String, Refused> {
        if attributes.integer {
            return Ok(self.arithmetic(&value).map_err(|_| Refused)?.to_string());
        }
        Ok(match attributes {
            Attributes { lower: true, .. } => value.to_lowercase(),
            Attributes { upper: true, .. } => value.to_uppercase(),
            _ => value,
        })
    }

    /// Complains if the variable must not change.
    pub(crate) fn check_writable(&mut self, name: &str) -> Result<Attributes, Refused> {
        let attributes = self.state.vars.get(name).map(|var| var.attributes).unwrap_or_default();
        if attributes.readonly || computed::is_readonly(name) {
            self.complain(&format!("{name}: readonly variable"));
            return Err(Refused);
        }
        Ok(attributes)
    }

    /// Sets a variable, or element 0 of an array.
    pub(crate) fn set(&mut self, name: &str, value: String) -> Result<(), Refused> {
        self.assign_value(name, value, false)
    }

    pub(crate) fn assign_value(
        &mut self,
        name: &str,
        value: String,
        append: bool,
    ) -> Result<(), Refused> {
        let reference = self.state.vars.get(name).is_some_and(|var| var.attributes.nameref);
        let name = match reference {
            false => name.to_owned(),
            true => match self.resolve(name) {
                (name, Some(index)) => return self.set_element(&name, &index, value, append),
                (name, None) => name,
            },
        };
        let attributes = self.check_writable(&name)?;
        let value = match append {
            false => value,
            true => {
                let old = self.get(&name).unwrap_or_default();
                appended(attributes, old, &value)
            }
        };
        let value = self.changed_by_attributes(attributes, value)?;
        self.assigned(&name, &value);
        let exports = self.state.options.allexport;
        let var = self.state.vars.entry(&name);
        var.attributes.export |= exports;
        match &mut var.value {
            Value::Indexed(elements) => {
                elements.get_or_insert_default().insert(0, value);
            }
            Value::Assoc(elements) => {
                elements.get_or_insert_default().insert("0".to_owned(), value);
            }
            other => *other = Value::Scalar(value),
        }
        Ok(())
    }

    /// Sets one element of an array, made if need be.
    pub(crate) fn set_element(
        &mut self,
        name: &str,
        index: &str,
        value: String,
        append: bool,
    ) -> Result<(), Refused> {
        let (name, _) = self.resolve(name);
        let attributes = self.check_writable(&name)?;
        let assoc = self.is_assoc(&name);
        let value = match append {
            false => value,
            true => {
                let old = self.element(&name, index).map_err(|_| Refused)?.unwrap_or_default();
                appended(attributes, old, &value)
            }
        };
        let value = self.changed_by_attributes(attributes, value)?;
        if self.is_computed(&name) {
            return self.set_computed_element(&name, index, value);
        }
        if assoc {
            let var = self.state.vars.entry(&name);
            var.value.make_assoc().insert(index.to_owned(), value);
            return Ok(());
        }
        let at = self.index(&name, index).map_err(|_| Refused)?;
        if at < 0 {
            return Err(Refused);
        }
        self.state.vars.entry(&name).value.make_indexed().insert(at, value);
        Ok(())
    }

    /// Carries an assignment of the script out.
    pub(crate) fn assign(&mut self, assign: &Assign) -> Result<(), Unwind> {
        let refused = |Refused| Unwind::Discard(1);
        match (&assign.index, &assign.value) {
            (None, AssignValue::Scalar(word)) => {
                let value = self.expand_value(word)?;
                self.trace_assign(assign, &value);
                self.assign_value(&assign.name, value, assign.append).map_err(refused)
            }
            (Some(written), AssignValue::Scalar(word)) => {
                let index = self.expand_string(written)?;
                // An empty key names nothing, and no text is no number; an empty value is 0.
                let is_nothing = index.is_empty()
                    && (written.0.is_empty() || self.is_assoc(&self.resolve(&assign.name).0));
                if is_nothing {
                    let (name, written) = (&assign.name, crate::syntax::print::word(written));
                    self.complain(&format!("{name}[{written}]: bad array subscript"));
                    return Err(Unwind::Discard(1));
                }
                let value = self.expand_value(word)?;
                self.trace_assign(assign, &value);
                self.set_element(&assign.name, &index, value, assign.append).map_err(refused)
            }
            (None, AssignValue::Array(elements)) => {
                self.trace(|| crate::syntax::print::assign(assign));
                self.assign_array(&assign.name, elements, assign.append)
            }
            (Some(_), AssignValue::Array(_)) => {
                let name = &assign.name;
                self.complain(&format!("{name}: cannot assign list to array member"));
                Err(Unwind::Discard(1))
            }
        }
    }

    /// `name=(…)` or `name+=(…)`.
    pub(crate) fn assign_array(
        &mut self,
        name: &str,
        elements: &[Element],
        append: bool,
    ) -> Result<(), Unwind> {
        let refused = |Refused| Unwind::Discard(1);
        let (name, _) = self.resolve(name);
        let attributes = self.check_writable(&name).map_err(refused)?;
        let assoc = self.is_assoc(&name);
        // All is expanded before anything is set: the elements may use the old ones.
        let mut expanded: Vec<(Option<String>, bool, String)> = Vec::new();
        for element in elements {
            match &element.index {
                Some(written) => {
                    let index = self.expand_string(written)?;
                    let value = self.expand_value(&element.value)?;
                    if assoc && index.is_empty() {
                        let print = crate::syntax::print::word;
                        let (key, value) = (print(written), print(&element.value));
                        self.complain(&format!("[{key}]={value}: bad array subscript"));
                        continue;
                    }
                    expanded.push((Some(index), element.append, value));
                }
                None => {
                    let words = std::slice::from_ref(&element.value);
                    let words = self.expand_words(words)?;
                    expanded.extend(words.into_iter().map(|word| (None, false, word)));
                }
            }
        }
        if assoc {
            let mut pairs = Vec::new();
            let mut key: Option<String> = None;
            for (index, plus, value) in expanded {
                match (index, key.take()) {
                    (Some(index), _) => pairs.push((index, plus, value)),
                    (None, Some(key)) => pairs.push((key, false, value)),
                    (None, None) => key = Some(value),
                }
            }
            pairs.extend(key.map(|key| (key, false, String::new())));
            if !append {
                self.state.vars.entry(&name).value = Value::Assoc(Some(Default::default()));
            }
            self.state.vars.entry(&name).value.make_assoc();
            for (key, plus, value) in pairs {
                self.set_element(&name, &key, value, plus).map_err(refused)?;
            }
            return Ok(());
        }
        // What is added is kept apart: an array that grows by one in a loop is not copied each time.
        let mut added: BTreeMap<i64, String> = BTreeMap::new();
        let end = |shell: &Self, added: &BTreeMap<i64, String>| {
            let before = shell.state.vars.get(&name).filter(|_| append);
            let before = before.and_then(|var| var.value.last_index());
            before.max(added.keys().next_back().copied()).map_or(0, |last| last.wrapping_add(1))
        };
        let mut next = end(self, &added);
        for (index, plus, value) in expanded {
            if let Some(index) = index {
                next = self.arithmetic(&index)?;
                if next < 0 {
                    next += end(self, &added);
                }
                if next < 0 {
                    self.complain(&format!("[{index}]={value}: bad array subscript"));
                    next = end(self, &added);
                    continue;
                }
            }
            let value = match plus {
                true => {
                    let before = self.state.vars.get(&name).filter(|_| append);
                    let old = before.and_then(|var| var.value.at(next));
                    let old = added.get(&next).or(old).cloned().unwrap_or_default();
                    appended(attributes, old, &value)
                }
                false => value,
            };
            let value = self.changed_by_attributes(attributes, value).map_err(refused)?;
            added.insert(next, value);
            next = next.wrapping_add(1);
        }
        let exports = self.state.options.allexport;
        let var = self.state.vars.entry(&name);
        var.attributes.export |= exports;
        match append {
            true => var.value.make_indexed().extend(added),
            false => var.value = Value::Indexed(Some(added)),
        }
        Ok(())
    }

    /// Forgets a variable; `false` if it must stay.
    pub(crate) fn unset(&mut self, name: &str) -> bool {
        let readonly = self.state.vars.get(name).is_some_and(|var| var.attributes.readonly);
        if computed::stays(name) {
            self.complain(&format!("unset: {name}: cannot unset"));
            return false;
        }
        if readonly || computed::is_readonly(name) {
            self.complain(&format!("unset: {name}: cannot unset: readonly variable"));
            return false;
        }
        self.state.vars.forget(name, self.state.shopt("localvar_unset"));
        self.was_unset(name);
        true
    }
}

/// What `+=` makes of a value: a number is added to, as an expression.
fn appended(attributes: Attributes, old: String, value: &str) -> String {
    match attributes.integer {
        true => format!("({})+({value})", if old.is_empty() { "0" } else { &old }),
        false => old + value,
    }
}

fn is_plain_index(index: &str) -> bool {
    !index.is_empty()
        && index.len() < 16
        && index.bytes().all(|c| c.is_ascii_digit())
        && (index.len() == 1 || !index.starts_with('0'))
}

impl<S: System> arith::Context for Shell<S> {
    fn get(&mut self, place: &Place) -> Result<String, ArithError> {
        let value = match &place.index {
            None => {
                if let Some(Var { value: Value::Scalar(text), attributes }) =
                    self.state.vars.get(&place.name)
                    && !attributes.nameref
                    && !self.is_computed(&place.name)
                {
                    return Ok(text.clone());
                }
                Shell::get(self, &place.name)
            }
            Some(index) => {
                let index = self.arithmetic_index(&place.name, index)?;
                let (name, _) = self.resolve(&place.name);
                self.element(&name, &index).map_err(|_| ArithError::Said)?
            }
        };
        // An array that has anything said of it is bound, whichever of its elements is asked for.
        let is_bound = |name: &str| {
            self.state.vars.get(name).is_some_and(|var| {
                !matches!(var.value, Value::Unset | Value::Indexed(None) | Value::Assoc(None))
            })
        };
        if value.is_none() && self.state.options.nounset && !is_bound(&self.resolve(&place.name).0)
        {
            self.complain(&format!("{}: unbound variable", place.name));
            return Err(ArithError::Unbound);
        }
        Ok(value.unwrap_or_default())
    }

    fn set(&mut self, place: &Place, value: i64) -> Result<(), ArithError> {
        let said = |Refused| ArithError::Said;
        match &place.index {
            None => self.assign_value(&place.name, value.to_string(), false).map_err(said),
            Some(index) => {
                let index = self.arithmetic_index(&place.name, index)?;
                self.set_element(&place.name, &index, value.to_string(), false).map_err(said)
            }
        }
    }

    fn parse(&mut self, text: &str) -> Result<std::rc::Rc<arith::Expr>, ArithError> {
        self.expression(text)
    }
}

impl<S: System> Shell<S> {
    /// A subscript within arithmetic: its own expansions were made with the rest, so it is a key
    /// as it stands, or an expression.
    fn arithmetic_index(&mut self, name: &str, index: &str) -> Result<String, ArithError> {
        let (name, _) = self.resolve(name);
        if !self.is_assoc(&name) {
            return Ok(arith::evaluate(index, self)?.to_string());
        }
        let key = self.key(index).map_err(|_| ArithError::Said)?;
        key.filter(|key| !key.is_empty()).ok_or_else(|| {
            self.complain(&format!("{name}[{index}]: bad array subscript"));
            ArithError::Said
        })
    }

    pub(crate) fn is_assoc(&self, name: &str) -> bool {
        matches!(self.state.vars.get(name), Some(Var { value: Value::Assoc(_), .. }))
            || matches!(name, "BASH_ALIASES" | "BASH_CMDS") && self.is_computed(name)
    }
}
