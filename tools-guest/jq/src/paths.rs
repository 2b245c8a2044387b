//! What jq does at paths: what is not there is made, and the order of keys stays.

use std::collections::HashSet;

use jaq_core::compile::TermId;
use jaq_core::native::{Filter, bome, v};
use jaq_core::{Bind, Ctx, DataT, Exn, RunPtr, ValR};
use jaq_json::{Error, Map, Rc, Val};
use jaq_std::ValT as _;

/// Elements that an array may be made longer to: a number in a filter is all that it takes.
const MAX_LENGTH: usize = 8 << 20;

/// The functions that `prelude.jq` and the rewritten assignments call.
pub(crate) fn functions<D: for<'a> DataT<V<'a> = Val>>() -> Vec<Filter<RunPtr<D>>> {
    let (function, variable) = (|| Bind::Fun(()), || Bind::Var(()));
    vec![
        ("_setpath", v(2), |mut cv| {
            let value = cv.0.pop_var();
            let path = cv.0.pop_var();
            let mut root = cv.1;
            bome(steps(path).and_then(|path| set(&mut root, &path, value)).map(|()| root))
        }),
        ("_delpaths", v(1), |mut cv| {
            let paths = cv.0.pop_var();
            let paths = steps(paths).and_then(|paths| paths.into_iter().map(steps).collect());
            bome(paths.and_then(|paths| remove_all(cv.1, paths)))
        }),
        ("_assign", Box::new([function(), variable()]), |mut cv| {
            let value = cv.0.pop_var();
            let (paths, context) = cv.0.pop_fun();
            let found = found(paths, context, &cv.1);
            let mut root = cv.1;
            let assign = |path: Result<Vec<Val>, _>| Ok(set(&mut root, &path?, value.clone())?);
            let done: Result<(), Exn<Val>> = found.into_iter().try_for_each(assign);
            Box::new(std::iter::once(done.map(|()| root)))
        }),
        ("_modify", Box::new([function(), function()]), |mut cv| {
            let (update, with) = cv.0.pop_fun();
            let (paths, context) = cv.0.pop_fun();
            let found = found(paths, context, &cv.1);
            let (mut root, mut gone) = (cv.1, Vec::new());
            let modify = |path: Result<Vec<Val>, _>| {
                let path = path?;
                match update.run((with.clone(), get(&root, &path)?)).next() {
                    Some(new) => set(&mut root, &path, new?)?,
                    None => gone.push(path),
                }
                Ok(())
            };
            let done: Result<(), Exn<Val>> = found.into_iter().try_for_each(modify);
            let done = done.and_then(|()| Ok(remove_all(root, gone)?));
            Box::new(std::iter::once(done))
        }),
    ]
}

/// All paths of a filter. None is held back: what they were found in is changed then, and in place
/// only if nobody else has it.
fn found<'a, D: for<'b> DataT<V<'b> = Val>>(
    paths: TermId,
    context: Ctx<'a, D>,
    input: &Val,
) -> Vec<Result<Vec<Val>, Exn<'a, Val>>> {
    let found = paths.paths((context, (input.clone(), Default::default())));
    found.map(|found| Ok(from_root(found?.1.iter()))).collect()
}

/// The steps of a path, which the library has from its end.
fn from_root<'a>(path: impl Iterator<Item = &'a Val>) -> Vec<Val> {
    let mut steps: Vec<Val> = path.cloned().collect();
    steps.reverse();
    steps
}

fn steps(path: Val) -> Result<Vec<Val>, Error> {
    match path {
        Val::Arr(steps) => Ok(steps.to_vec()),
        _ => Err(Error::str("Path must be specified as an array")),
    }
}

fn get(at: &Val, path: &[Val]) -> ValR<Val> {
    let mut value = at.clone();
    for step in path {
        value = jaq_core::ValT::index(value, step)?;
    }
    Ok(value)
}

/// Puts `new` at a path below `at`. What is not there is made as the steps ask for it.
fn set(at: &mut Val, path: &[Val], new: Val) -> Result<(), Error> {
    let Some((step, rest)) = path.split_first() else {
        *at = new;
        return Ok(());
    };
    if matches!(at, Val::Null) {
        match step {
            Val::TStr(_) => *at = Val::obj(Map::default()),
            Val::Num(_) | Val::Obj(_) => *at = Val::Arr(Rc::default()),
            _ => {}
        }
    }
    match (&mut *at, step) {
        (Val::Obj(map), Val::TStr(_)) => {
            set(Rc::make_mut(map).entry(step.clone()).or_default(), rest, new)
        }
        (Val::Arr(items), Val::Num(_)) => {
            let index = place(step, items.len())
                .ok_or_else(|| Error::str("Out of bounds negative array index"))?;
            if index >= MAX_LENGTH {
                return Err(Error::str("Array index too large"));
            }
            let items = Rc::make_mut(items);
            if index >= items.len() {
                items.resize(index + 1, Val::Null);
            }
            set(&mut items[index], rest, new)
        }
        (Val::Arr(items), Val::Obj(slice)) => {
            let (from, to) = bounds(slice, items.len());
            let mut part = Val::Arr(Rc::new(items[from..to].to_vec()));
            set(&mut part, rest, new)?;
            let Val::Arr(part) = part else {
                return Err(Error::str("A slice of an array can only be assigned another array"));
            };
            Rc::make_mut(items).splice(from..to, part.iter().cloned());
            Ok(())
        }
        (at, step) => Err(Error::index(at.clone(), step.clone())),
    }
}

/// Removes what is at these paths, the last ones first, so that none moves another.
fn remove_all(mut root: Val, mut paths: Vec<Vec<Val>>) -> ValR<Val> {
    paths.sort();
    let together: Vec<&[Vec<Val>]> =
        paths.chunk_by(|one, other| parent(one) == parent(other)).collect();
    for paths in together.into_iter().rev() {
        match paths[0].as_slice() {
            [] => return Ok(Val::Null),
            [parent @ .., _] => {
                let last: Vec<&Val> = paths.iter().filter_map(|path| path.last()).collect();
                remove(&mut root, parent, &last)?;
            }
        }
    }
    Ok(root)
}

fn parent(path: &[Val]) -> Option<&[Val]> {
    path.split_last().map(|(_, parent)| parent)
}

/// Removes these of what is at a path below `at`.
fn remove(at: &mut Val, parent: &[Val], last: &[&Val]) -> Result<(), Error> {
    let Some((step, rest)) = parent.split_first() else { return remove_here(at, last) };
    match (&mut *at, step) {
        (Val::Null, _) => Ok(()),
        (Val::Obj(map), Val::TStr(_)) => match Rc::make_mut(map).get_mut(step) {
            Some(below) => remove(below, rest, last),
            None => Ok(()),
        },
        (Val::Arr(items), Val::Num(_)) => {
            match place(step, items.len()).and_then(|index| Rc::make_mut(items).get_mut(index)) {
                Some(below) => remove(below, rest, last),
                None => Ok(()),
            }
        }
        (Val::Arr(items), Val::Obj(slice)) => {
            let (from, to) = bounds(slice, items.len());
            let mut part = Val::Arr(Rc::new(items[from..to].to_vec()));
            remove(&mut part, rest, last)?;
            Rc::make_mut(items).splice(from..to, steps(part)?);
            Ok(())
        }
        (at, step) => Err(Error::index(at.clone(), step.clone())),
    }
}

fn remove_here(at: &mut Val, last: &[&Val]) -> Result<(), Error> {
    let refuse = |step: &Val| Error::str(format_args!("Cannot delete field at {step}"));
    match at {
        Val::Null => Ok(()),
        Val::Obj(map) => {
            if let Some(step) = last.iter().find(|step| !matches!(step, Val::TStr(_))) {
                return Err(refuse(step));
            }
            let gone: HashSet<&Val> = last.iter().copied().collect();
            Rc::make_mut(map).retain(|key, _| !gone.contains(key));
            Ok(())
        }
        Val::Arr(items) => {
            let mut gone = vec![false; items.len()];
            for step in last {
                let (from, to) = match step {
                    Val::Num(_) => place(step, items.len()).map_or((0, 0), |at| (at, at + 1)),
                    Val::Obj(slice) => bounds(slice, items.len()),
                    step => return Err(refuse(step)),
                };
                gone.iter_mut().take(to).skip(from).for_each(|gone| *gone = true);
            }
            let mut gone = gone.into_iter();
            Rc::make_mut(items).retain(|_| !gone.next().unwrap_or(false));
            Ok(())
        }
        _ => Err(last.first().map_or_else(|| Error::str("Cannot delete"), |step| refuse(step))),
    }
}

/// Where a number points in an array of this length, from its end if it is negative.
fn place(number: &Val, length: usize) -> Option<usize> {
    let index = number.as_f64()?.floor();
    let index = if index < 0.0 { index + length as f64 } else { index };
    (index >= 0.0).then_some(index as usize)
}

/// The part of an array that a slice means.
fn bounds(slice: &Map, length: usize) -> (usize, usize) {
    let bound = |name: &str, otherwise: usize| match slice.get(&crate::options::text(name)) {
        Some(number @ Val::Num(_)) => place(number, length).unwrap_or(0).min(length),
        _ => otherwise,
    };
    let from = bound("start", 0);
    (from, bound("end", length).max(from))
}
