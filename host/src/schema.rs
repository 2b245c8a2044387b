//! Input against schema: lenient about how a model spells a value (rule X3), strict about what it
//! means (X2, X4, X5). What comes out has only the schema's names and types.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Levels of nesting that are checked. Deeper input than any schema of ours is refused.
const MAX_DEPTH: usize = 8;

/// Characters of a wrong value that are quoted back.
const MAX_QUOTED: usize = 80;

/// A tool's schema, with other spellings of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    schema: Value,
    aliases: Map<String, Value>,
}

impl Schema {
    /// A JSON Schema of an object, and names that stand for others.
    pub fn new(schema: Value, aliases: Map<String, Value>) -> Schema {
        Schema { schema, aliases }
    }

    /// The JSON Schema.
    pub fn json(&self) -> &Value {
        &self.schema
    }

    /// Checks `input` and puts it into the schema's terms.
    ///
    /// # Errors
    /// Names every parameter that is wrong, what was expected and what came.
    pub fn validate(&self, tool: &str, input: Value) -> Result<Value, Failure> {
        let mut problems = Vec::new();
        let input = match input {
            Value::Object(fields) => self.rename(fields, &mut problems),
            Value::Null => Map::new(),
            other => {
                let message =
                    format!("{tool} takes an object of parameters, not {}.", kind(&other));
                return Err(Failure::new("invalid_params", message));
            }
        };
        let input = object(&self.schema, input, "", 0, &mut problems);
        if problems.is_empty() {
            return Ok(input);
        }
        let message = format!(
            "{tool} failed due to the following issue{}:\n{}",
            if problems.len() == 1 { "" } else { "s" },
            problems.join("\n")
        );
        Err(Failure { details: Some(problems.into()), ..Failure::new("invalid_params", message) })
    }

    fn rename(&self, fields: Map<String, Value>, problems: &mut Vec<String>) -> Map<String, Value> {
        let mut renamed = Map::new();
        for (name, value) in fields {
            let known = !self.schema["properties"][&name].is_null();
            let target = self.aliases.get(&name).and_then(Value::as_str);
            let name = match target {
                // A name that the schema shows and that stands for another, like Grep's -C.
                Some(target) if !known || self.aliases.contains_key(&name) => target.to_owned(),
                _ => name,
            };
            if value.is_null() {
                continue;
            }
            if renamed.get(&name).is_some_and(|before| *before != value) {
                problems
                    .push(format!("The parameter `{name}` is given twice with different values"));
            }
            renamed.insert(name, value);
        }
        renamed
    }
}

fn object(
    schema: &Value,
    fields: Map<String, Value>,
    at: &str,
    depth: usize,
    problems: &mut Vec<String>,
) -> Value {
    let no_properties = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&no_properties);
    let mut checked = Map::new();
    for (name, value) in fields {
        let path = format!("{at}{name}");
        match properties.get(&name) {
            None => {
                let valid: Vec<&str> = properties.keys().map(String::as_str).collect();
                problems.push(format!(
                    "An unexpected parameter `{path}` was provided; valid are: {}",
                    valid.join(", ")
                ));
            }
            // An optional value that is null is an absent one.
            Some(_) if value.is_null() => {}
            Some(property) => {
                if let Some(value) = coerce(property, value, &path, depth, problems) {
                    checked.insert(name, value);
                }
            }
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let wrong = |problem: &String| problem.contains(&format!("`{at}{name}`"));
        if !checked.contains_key(name) && !problems.iter().any(wrong) {
            problems.push(format!("The required parameter `{at}{name}` is missing"));
        }
    }
    Value::Object(checked)
}

fn coerce(
    schema: &Value,
    value: Value,
    path: &str,
    depth: usize,
    problems: &mut Vec<String>,
) -> Option<Value> {
    let expected = schema["type"].as_str().unwrap_or("string");
    let coerced = match (expected, &value) {
        _ if depth > MAX_DEPTH => None,
        ("string", Value::String(text)) => return one_of(schema, text, path, problems),
        ("integer", Value::Number(number)) => whole(number.as_f64(), number.as_i64()),
        ("integer", Value::String(text)) => {
            let text = text.trim();
            let text = text.strip_prefix('+').unwrap_or(text);
            whole(text.parse().ok(), text.parse().ok())
        }
        ("number", Value::Number(_)) => Some(value.clone()),
        ("number", Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::from)
        }
        ("boolean", Value::Bool(_)) => Some(value.clone()),
        ("boolean", Value::String(text)) => match text.trim() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        ("array", Value::Array(items)) => {
            if items.is_empty() && schema["minItems"].as_u64() > Some(0) {
                problems.push(format!("The parameter `{path}` must not be empty"));
                return None;
            }
            let items = items.iter().enumerate().filter_map(|(index, item)| {
                coerce(
                    &schema["items"],
                    item.clone(),
                    &format!("{path}[{index}]"),
                    depth + 1,
                    problems,
                )
            });
            return Some(items.collect());
        }
        ("object", Value::Object(fields)) => {
            return Some(object(schema, fields.clone(), &format!("{path}."), depth + 1, problems));
        }
        _ => None,
    };
    let Some(coerced) = coerced else {
        let (kind, quoted) = (kind(&value), quote(&value));
        problems.push(format!(
            "The parameter `{path}` type is expected as `{expected}` but provided as `{kind}`: {quoted}"
        ));
        return None;
    };
    if let (Some(minimum), Some(number)) = (schema["minimum"].as_i64(), coerced.as_i64())
        && number < minimum
    {
        problems.push(format!("The parameter `{path}` must be at least {minimum}, not {number}"));
        return None;
    }
    Some(coerced)
}

fn whole(float: Option<f64>, integer: Option<i64>) -> Option<Value> {
    // Above 2^53 a float no longer says which integer was meant.
    let exact = |float: &f64| float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    integer.or_else(|| float.filter(exact).map(|float| float as i64)).map(Value::from)
}

fn one_of(schema: &Value, text: &str, path: &str, problems: &mut Vec<String>) -> Option<Value> {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|value| value == text)
    {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        let quoted = quote(&text.into());
        problems.push(format!(
            "The parameter `{path}` must be one of {}, not {quoted}",
            allowed.join(", ")
        ));
        return None;
    }
    Some(text.into())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn quote(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        let properties = json!({
            "file_path": { "type": "string" },
            "limit": { "type": "integer", "minimum": 1 },
            "all": { "type": "boolean" },
            "mode": { "type": "string", "enum": ["a", "b"] },
            "edits": { "type": "array", "minItems": 1, "items": {
                "type": "object",
                "properties": { "old": { "type": "string" } },
                "required": ["old"],
            } },
        });
        let json = json!({ "type": "object", "properties": properties, "required": ["file_path"] });
        let aliases = json!({ "path": "file_path", "filePath": "file_path" });
        Schema::new(json, aliases.as_object().unwrap().clone())
    }

    #[track_caller]
    fn accept(input: Value, expected: Value) {
        assert_eq!(schema().validate("T", input).unwrap(), expected);
    }

    #[track_caller]
    fn refuse(input: Value, part: &str) {
        let failure = schema().validate("T", input).unwrap_err();
        assert_eq!(failure.code, "invalid_params");
        assert!(failure.message.contains(part), "{}", failure.message);
    }

    #[test]
    fn x3_scalars_are_lenient() {
        for limit in [json!(123), json!("123"), json!(" 123 "), json!("+123"), json!(123.0)] {
            accept(
                json!({ "file_path": "f", "limit": limit }),
                json!({ "file_path": "f", "limit": 123 }),
            );
        }
        accept(
            json!({ "file_path": "f", "all": "true" }),
            json!({ "file_path": "f", "all": true }),
        );
        accept(json!({ "file_path": "f", "limit": null }), json!({ "file_path": "f" }));
        accept(json!({ "filePath": "f" }), json!({ "file_path": "f" }));
        accept(json!({ "path": "f", "file_path": "f" }), json!({ "file_path": "f" }));
    }

    #[test]
    fn x2_every_problem_is_named() {
        refuse(json!({}), "required parameter `file_path` is missing");
        refuse(
            json!({ "file_path": "f", "limit": "12x" }),
            "`limit` type is expected as `integer`",
        );
        refuse(json!({ "file_path": "f", "limit": 1.5 }), "1.5");
        refuse(json!({ "file_path": "f", "limit": 0 }), "must be at least 1");
        refuse(json!({ "file_path": "f", "mode": "c" }), "must be one of a, b, not \"c\"");
        refuse(json!({ "file_path": "f", "edits": [] }), "must not be empty");
        refuse(json!({ "file_path": "f", "edits": [{}] }), "`edits[0].old` is missing");
        refuse(json!({ "path": "a", "file_path": "b" }), "given twice");
        let failure = schema().validate("T", json!({ "all": 1, "limit": [] })).unwrap_err();
        assert_eq!(failure.message.lines().count(), 4, "{}", failure.message);
    }

    #[test]
    fn x4_unknown_parameters_are_refused_with_the_valid_ones() {
        refuse(json!({ "file_path": "f", "view_range": [1, 2] }), "`view_range`");
        refuse(json!({ "file_path": "f", "view_range": 1 }), "valid are: file_path, limit");
    }

    #[test]
    fn x5_a_path_that_is_no_text_is_refused() {
        for path in [json!(1), json!({}), json!(["f"]), json!(true)] {
            refuse(json!({ "file_path": path }), "`file_path` type is expected as `string`");
        }
        refuse(json!("file"), "");
    }
}
