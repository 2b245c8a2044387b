//! `declare` and its like, `unset`, `let`.

use std::rc::Rc;

use super::{Call, Letters};
use crate::access::Refused;
use crate::computed;
use crate::expand::attribute_letters;
use crate::quote;
use crate::shell::{Run, Shell, Unwind};
use crate::syntax::{self, is_name};
use crate::system::System;
use crate::vars::{Attributes, Value, Var};

/// What is asked of each name.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    array: bool,
    assoc: bool,
    functions: bool,
    names_only: bool,
    global: bool,
    print: bool,
    inherit: bool,
    add: Attributes,
    remove: Attributes,
}

pub(super) fn declare<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let name = call.name().to_owned();
    if name == "local" && !shell.state.in_function() {
        shell.builtin_error(call, "can only be used in a function");
        return Ok(1);
    }
    let mut wanted = Wanted::default();
    match name.as_str() {
        "export" => wanted.add.export = true,
        "readonly" => wanted.add.readonly = true,
        _ => {}
    }
    let mut at = 1;
    while let Some(word) = call.words.get(at) {
        let plus = word.starts_with('+');
        if word == "--" {
            at += 1;
            break;
        }
        if word.len() < 2 || !(plus || word.starts_with('-')) {
            break;
        }
        let known = match name.as_str() {
            "export" => "fnp",
            "readonly" => "aAfp",
            _ => "aAfFgiIlnprtux",
        };
        if let Some(letter) = word.chars().skip(1).find(|letter| !known.contains(*letter)) {
            return shell.bad_option(call, letter);
        }
        for letter in word.chars().skip(1) {
            let attributes = if plus { &mut wanted.remove } else { &mut wanted.add };
            match letter {
                'a' => wanted.array = !plus,
                'A' => wanted.assoc = !plus,
                'f' => wanted.functions = true,
                'F' => {
                    wanted.functions = true;
                    wanted.names_only = true;
                }
                'g' => wanted.global = true,
                'I' => wanted.inherit = true,
                'p' => wanted.print = true,
                'i' => attributes.integer = true,
                'l' => attributes.lower = true,
                'u' => attributes.upper = true,
                'r' => attributes.readonly = true,
                'x' => attributes.export = true,
                't' => attributes.trace = true,
                'n' if name == "export" => {
                    wanted.add.export = false;
                    wanted.remove.export = true;
                }
                _ => attributes.nameref = true,
            }
        }
        at += 1;
    }
    let names = &call.words[at.min(call.words.len())..];
    if wanted.functions {
        return declare_functions(shell, call, wanted, names);
    }
    if names.is_empty() || wanted.print && !matches!(name.as_str(), "export" | "readonly") {
        return show(shell, call, wanted, names);
    }
    let mut status = 0;
    for (offset, word) in names.iter().enumerate() {
        let array = call.arrays.get(at + offset).copied().flatten();
        match declare_one(shell, call, wanted, word, array) {
            Ok(Ok(())) => {}
            Ok(Err(Refused)) => {
                // Of a number that may be set, what is wrong is its value: that ends the shell.
                let name = word.split(['=', '+', '[']).next().unwrap_or_default();
                let number = shell
                    .state
                    .vars
                    .get(name)
                    .is_some_and(|var| var.attributes.integer && !var.attributes.readonly);
                if number && word.contains('=') && !shell.state.interactive {
                    return Err(Unwind::Exit(1));
                }
                status = 1;
            }
            // As bash does: what is wrong with a declared number or index ends the shell.
            Err(Unwind::Discard(code)) if !shell.state.interactive => {
                return Err(Unwind::Exit(code));
            }
            Err(Unwind::Discard(_)) => status = 1,
            Err(unwind) => return Err(unwind),
        }
    }
    Ok(status)
}

fn declare_one<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    wanted: Wanted,
    word: &str,
    array: Option<&syntax::ast::Assign>,
) -> Result<Result<(), Refused>, Unwind> {
    let (target, append, value) = match word.split_once('=') {
        _ if array.is_some() => (word, array.is_some_and(|assign| assign.append), None),
        Some((name, value)) => match name.strip_suffix('+') {
            Some(name) => (name, true, Some(value)),
            None => (name, false, Some(value)),
        },
        None => (word, false, None),
    };
    let (name, index) = match target.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']')),
        None => (target, None),
    };
    if !is_name(name) {
        shell.builtin_error(call, &format!("`{word}': not a valid identifier"));
        return Ok(Err(Refused));
    }
    let declares = matches!(call.name(), "declare" | "typeset" | "local");
    let local = declares && shell.state.in_function() && !wanted.global;
    let followed = match wanted.add.nameref || wanted.remove.nameref || local {
        true => name.to_owned(),
        false => shell.resolve(name).0,
    };
    let name = followed.as_str();
    let before = shell.state.vars.get(name).cloned();
    if before.as_ref().is_some_and(|var| var.attributes.readonly) {
        let own = !local || shell.state.vars.is_local(name);
        if own && (value.is_some() || array.is_some() || wanted.remove.readonly) {
            shell.builtin_error(call, &format!("{name}: readonly variable"));
            return Ok(Err(Refused));
        }
        if !own && shell.state.vars.get(name).is_some_and(|var| var.attributes.readonly) {
            shell.builtin_error(call, &format!("{name}: readonly variable"));
            return Ok(Err(Refused));
        }
    }
    let inherits = wanted.inherit || shell.state.shopt("localvar_inherit");
    let outer = (inherits && local).then(|| before.clone()).flatten();
    let is_new = local && !shell.state.vars.is_local(name);
    let var: &mut Var = match (local, wanted.global) {
        (true, _) => shell.state.vars.local(name),
        (false, true) => shell.state.vars.global(name),
        (false, false) => shell.state.vars.entry(name),
    };
    if is_new && let Some(outer) = outer {
        *var = outer;
    }
    apply(&mut var.attributes, wanted.add, wanted.remove);
    // The value is set first: a variable may become readonly with it.
    let readonly = std::mem::take(&mut var.attributes.readonly);
    let wrong = match (&var.value, wanted.array, wanted.assoc) {
        (Value::Indexed(_), _, true) => Some("cannot convert indexed to associative array"),
        (Value::Assoc(_), true, _) => Some("cannot convert associative to indexed array"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        var.attributes.readonly = readonly;
        shell.builtin_error(call, &format!("{name}: {wrong}"));
        return Ok(Err(Refused));
    }
    if wanted.assoc && !matches!(var.value, Value::Assoc(_)) {
        match var.value {
            Value::Unset => var.value = Value::Assoc(None),
            _ => {
                var.value.make_assoc();
            }
        }
    } else if wanted.array && !matches!(var.value, Value::Indexed(_)) {
        match var.value {
            Value::Unset => var.value = Value::Indexed(None),
            _ => {
                var.value.make_indexed();
            }
        }
    }
    let nameref = std::mem::take(&mut var.attributes.nameref);
    let result = match (array, value, index) {
        (Some(assign), ..) => match &assign.value {
            syntax::ast::AssignValue::Array(elements) => {
                shell.assign_array(name, elements, append).map(Ok)
            }
            syntax::ast::AssignValue::Scalar(_) => Ok(Ok(())),
        },
        (None, Some(value), Some(index)) => {
            Ok(shell.set_element(name, index, value.to_owned(), append))
        }
        (None, Some(value), None) if nameref => {
            let target = value.split_once('[').map_or(value, |(base, _)| base);
            if !is_name(target) {
                let message = format!("`{value}': invalid variable name for name reference");
                shell.builtin_error(call, &message);
                Ok(Err(Refused))
            } else {
                let var = match local {
                    true => shell.state.vars.local(name),
                    false => shell.state.vars.entry(name),
                };
                var.value = Value::Scalar(value.to_owned());
                Ok(Ok(()))
            }
        }
        (None, Some(value), None) => {
            if matches!(call.name(), "export" | "readonly") {
                shell.trace_value(name, append, value);
            }
            Ok(shell.assign_value(name, value.to_owned(), append))
        }
        (None, None, _) => Ok(Ok(())),
    };
    let var = match (local, wanted.global) {
        (true, _) => shell.state.vars.local(name),
        (false, true) => shell.state.vars.global(name),
        (false, false) => shell.state.vars.entry(name),
    };
    var.attributes.readonly |= readonly;
    var.attributes.nameref |= nameref;
    result
}

fn apply(attributes: &mut Attributes, add: Attributes, remove: Attributes) {
    let pairs = [
        (&mut attributes.export, add.export, remove.export),
        (&mut attributes.readonly, add.readonly, remove.readonly),
        (&mut attributes.integer, add.integer, remove.integer),
        (&mut attributes.lower, add.lower, remove.lower || add.upper),
        (&mut attributes.upper, add.upper, remove.upper || add.lower),
        (&mut attributes.nameref, add.nameref, remove.nameref),
        (&mut attributes.trace, add.trace, remove.trace),
    ];
    for (flag, add, remove) in pairs {
        *flag = add || *flag && !remove;
    }
}

/// `declare -f` and its like: attributes of functions are set, or functions are shown.
fn declare_functions<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    wanted: Wanted,
    names: &[String],
) -> Run {
    let Wanted { mut add, remove, .. } = wanted;
    if call.name() == "export" {
        add.export = !remove.export;
    }
    let changes = add != Attributes::default() || remove != Attributes::default();
    if names.is_empty() {
        return list_functions(shell, call, wanted, add);
    }
    let mut status = 0;
    let mut output = String::new();
    for name in names {
        let Some(function) = shell.state.functions.get(name).cloned() else {
            if call.name() == "export" || call.name() == "readonly" {
                shell.builtin_error(call, &format!("{name}: not a function"));
            }
            status = 1;
            continue;
        };
        if changes && !wanted.print {
            let all = Rc::make_mut(&mut shell.state.function_attributes);
            let attributes = all.entry(name.clone()).or_default();
            attributes.export = attributes.export && !remove.export || add.export;
            attributes.trace = attributes.trace && !remove.trace || add.trace;
            attributes.readonly |= add.readonly;
            continue;
        }
        let line = match wanted.names_only {
            true if wanted.print => function_letters(shell, name),
            true if shell.state.shopt("extdebug") => {
                format!("{name} {} {}", function.line, shell.function_source(name))
            }
            true => name.clone(),
            false => syntax::print::function(&function),
        };
        output.push_str(&(line + "\n"));
        if wanted.print && !wanted.names_only {
            output.push_str(&(function_letters(shell, name) + "\n"));
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

/// The functions that have all of these attributes, and which others they have.
fn list_functions<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    wanted: Wanted,
    with: Attributes,
) -> Run {
    let mut output = String::new();
    for (name, function) in shell.state.functions.iter() {
        let known = shell.state.function_attributes.get(name).copied().unwrap_or_default();
        let missing = with.export && !known.export
            || with.trace && !known.trace
            || with.readonly && !known.readonly;
        if missing {
            continue;
        }
        if !wanted.names_only {
            output.push_str(&(syntax::print::function(function) + "\n"));
        }
        if wanted.names_only || known != Attributes::default() {
            output.push_str(&(function_letters(shell, name) + "\n"));
        }
    }
    shell.print(call, &output)
}

/// `declare -f` with the letters of a function's attributes.
fn function_letters<S: System>(shell: &Shell<S>, name: &str) -> String {
    let known = shell.state.function_attributes.get(name).copied().unwrap_or_default();
    let mut letters = "f".to_owned();
    for (on, letter) in [(known.readonly, 'r'), (known.trace, 't'), (known.export, 'x')] {
        letters.extend(on.then_some(letter));
    }
    format!("declare -{letters} {name}")
}

/// Lists variables: those named, or all with the attributes asked for.
fn show<S: System>(shell: &mut Shell<S>, call: &Call<'_>, wanted: Wanted, names: &[String]) -> Run {
    let mut output = String::new();
    let mut status = 0;
    if names.is_empty() {
        let local = call.name() == "local";
        let all = match local {
            true => shell.state.vars.local_names(),
            false => shell.state.vars.names(),
        };
        let filtered = wanted.add != Attributes::default() || wanted.array || wanted.assoc;
        for name in all {
            let Some(var) = shell.state.vars.get(&name).cloned() else { continue };
            let (add, has) = (wanted.add, var.attributes);
            let fits = (!add.export || has.export)
                && (!add.readonly || has.readonly)
                && (!add.integer || has.integer)
                && (!add.lower || has.lower)
                && (!add.upper || has.upper)
                && (!add.nameref || has.nameref)
                && (!wanted.array || matches!(var.value, Value::Indexed(_)))
                && (!wanted.assoc || matches!(var.value, Value::Assoc(_)));
            if !fits || var.value == Value::Unset && !has.export && !filtered && !local {
                continue;
            }
            if filtered || wanted.print || local {
                output.extend(shell.declaration(&name));
                output.push('\n');
            } else if let Some(value) = plain(&var.value) {
                output.push_str(&format!("{name}={value}\n"));
            }
        }
        if !filtered && !wanted.print && !local {
            for function in shell.state.functions.values() {
                output.push_str(&syntax::print::function(function));
                output.push('\n');
            }
        }
    }
    for name in names {
        match shell.declaration(name) {
            Some(text) => {
                output.push_str(&text);
                output.push('\n');
            }
            None => {
                shell.error_after(call, &mut output, &format!("{name}: not found"))?;
                status = 1;
            }
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

/// A value as `set` shows it.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Unset => None,
        Value::Scalar(text) => Some(quote::assigned(text)),
        Value::Indexed(None) | Value::Assoc(None) => None,
        array => Some(elements(array)),
    }
}

fn elements(value: &Value) -> String {
    let pairs = value.keys().into_iter().zip(value.values());
    let assoc = matches!(value, Value::Assoc(_));
    let mut texts: Vec<String> = pairs
        .map(|(key, value)| format!("[{}]={}", quote::key(&key), quote::double(&value)))
        .collect();
    // bash leaves a blank behind the last pair of an associative array.
    if assoc && !texts.is_empty() {
        texts.push(String::new());
    }
    format!("({})", texts.join(" "))
}

impl<S: System> Shell<S> {
    /// A variable as `declare -p` shows it.
    pub(crate) fn declaration(&mut self, name: &str) -> Option<String> {
        let attributes = self.state.vars.get(name).map(|var| var.attributes);
        let value = match attributes {
            Some(attributes) if attributes.nameref => self.state.vars.get(name)?.value.clone(),
            _ => self.value(name)?,
        };
        let attributes = match self.is_computed(name) {
            true => computed::attributes(name),
            false => attributes.unwrap_or_default(),
        };
        if attributes == Attributes::default() && value == Value::Unset {
            return None;
        }
        let letters = attribute_letters(&value, attributes);
        let letters = if letters.is_empty() { "-".to_owned() } else { letters };
        Some(match &value {
            Value::Unset | Value::Indexed(None) | Value::Assoc(None) => {
                format!("declare -{letters} {name}")
            }
            Value::Scalar(text) => format!("declare -{letters} {name}={}", quote::double(text)),
            array => format!("declare -{letters} {name}={}", elements(array)),
        })
    }
}

pub(super) fn unset<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut functions, mut variables, mut nameref) = (false, false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'f' => functions = true,
            'v' => variables = true,
            'n' => nameref = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let mut status = 0;
    for name in letters.operands() {
        if functions {
            status |= unset_function(shell, name);
            continue;
        }
        if let Some((base, rest)) = name.split_once('[')
            && let Some(index) = rest.strip_suffix(']')
        {
            status |= unset_element(shell, base, index)?;
            continue;
        }
        if !is_name(name) {
            if !variables && shell.state.functions.contains_key(name) {
                status |= unset_function(shell, name);
                continue;
            }
            // Without -v it might be a function's name, and there is none.
            if variables {
                shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
                status = 1;
            }
            continue;
        }
        let target = match nameref {
            true => name.clone(),
            false => match shell.resolve(name) {
                (base, Some(index)) => {
                    status |= unset_element(shell, &base, &index)?;
                    continue;
                }
                (name, None) => name,
            },
        };
        if shell.state.vars.get(&target).is_some() || shell.is_computed(&target) {
            if !shell.unset(&target) {
                status = 1;
            }
        } else if !variables {
            status |= unset_function(shell, name);
        }
    }
    Ok(status)
}

fn unset_function<S: System>(shell: &mut Shell<S>, name: &str) -> i32 {
    if shell.state.function_attributes.get(name).is_some_and(|known| known.readonly) {
        shell.complain(&format!("unset: {name}: cannot unset: readonly function"));
        return 1;
    }
    Rc::make_mut(&mut shell.state.functions).remove(name);
    if shell.state.function_attributes.contains_key(name) {
        Rc::make_mut(&mut shell.state.function_attributes).remove(name);
    }
    0
}

fn unset_element<S: System>(shell: &mut Shell<S>, base: &str, index: &str) -> Run {
    let (base, _) = shell.resolve(base);
    if shell.check_writable(&base).is_err() {
        return Ok(1);
    }
    let key = match shell.is_assoc(&base) {
        true => shell.named_key(&base, index)?,
        false => Some(shell.expand_text(index)?),
    };
    // What is no key names no element, which is no error.
    let Some(key) = key else { return Ok(0) };
    let index = key.as_str();
    if shell.unset_computed_element(&base, index) {
        return Ok(0);
    }
    match shell.state.vars.get(&base).map(|var| &var.value) {
        Some(Value::Assoc(_)) => {
            shell.state.vars.entry(&base).value.make_assoc().remove(index);
        }
        Some(Value::Indexed(elements)) => {
            if matches!(index, "@" | "*") {
                shell.state.vars.unset(&base);
                return Ok(0);
            }
            let last = elements.as_ref().and_then(|e| e.keys().next_back()).map_or(0, |k| k + 1);
            let at = shell.arithmetic(index)?;
            let at = if at < 0 { at + last } else { at };
            if at < 0 {
                shell.complain(&format!("unset: [{index}]: bad array subscript"));
                return Ok(1);
            }
            shell.state.vars.entry(&base).value.make_indexed().remove(&at);
        }
        Some(Value::Scalar(_)) if matches!(index, "0" | "@" | "*") => {
            shell.state.vars.unset(&base);
        }
        Some(Value::Scalar(_)) => {
            shell.complain(&format!("unset: {base}: not an array variable"));
            return Ok(1);
        }
        _ => {}
    }
    Ok(0)
}

pub(super) fn let_<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    if call.args().is_empty() {
        shell.builtin_error(call, "expression expected");
        return Ok(1);
    }
    let mut value = 0;
    for text in call.args() {
        value = match shell.arithmetic_in("let: ", text) {
            Ok(value) => value,
            Err(Unwind::Discard(_)) => return Ok(1),
            Err(unwind) => return Err(unwind),
        };
    }
    Ok(i32::from(value == 0))
}
