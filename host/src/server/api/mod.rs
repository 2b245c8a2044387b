//! The APIs, a file for each resource.
//!
//! The agents' API: [`staging`], [`executions`], [`execution_files`], [`shared_files`], [`agents`],
//! and [`first`], which is its first version. The Files API: [`environments`], [`files`] and
//! [`changes`]. Our own
//! beside them: [`extension`].

pub(super) mod agents;
pub(super) mod changes;
pub(super) mod environments;
pub(super) mod execution_files;
pub(super) mod executions;
pub(super) mod extension;
pub(super) mod files;
pub(super) mod first;
pub(super) mod shared_files;
pub(super) mod staging;

use axum::http::Uri;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::error::{ApiError, Style};

/// The parameters of a query, in order; one may come more than once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Query {
        let text = uri.query().unwrap_or_default();
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// A number from `least` to `most`.
    pub(super) fn number(
        &self,
        name: &str,
        default: u64,
        (least, most): (u64, u64),
        style: Style,
    ) -> Result<u64, ApiError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| {
            ApiError::bad(
                style,
                format!("{name} is a number from {least} to {most}, not {text:?}."),
            )
        })
    }

    /// The page that is asked for by `page` and `pageSize`.
    pub(super) fn page(&self, most: u64, style: Style) -> Result<Page, ApiError> {
        let number = self.number("page", 1, (1, u64::from(u32::MAX)), style)?;
        let size = self.number("pageSize", 20, (1, most), style)?;
        Ok(Page { number, size })
    }

    /// `true`, `false`, `1` or `0`.
    pub(super) fn flag(&self, name: &str, default: bool, style: Style) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(text) => {
                Err(ApiError::bad(style, format!("{name} is true or false, not {text:?}.")))
            }
        }
    }
}

/// One page of a list.
pub(super) struct Page {
    number: u64,
    size: u64,
}

impl Page {
    /// The answer: the items of the page, shown, and how many there are in all.
    pub(super) fn answer<T>(&self, all: &[T], shown: impl FnMut(&T) -> Value) -> Value {
        let first = (self.number - 1).saturating_mul(self.size);
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let count = usize::try_from(self.size).unwrap_or(usize::MAX);
        let items: Vec<Value> = all.iter().skip(first).take(count).map(shown).collect();
        json!({ "items": items, "page": self.number, "pageSize": self.size, "total": all.len() })
    }
}
