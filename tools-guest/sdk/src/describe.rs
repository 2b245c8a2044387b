//! How a tool describes itself: JSON Schema for the model, and what else is accepted.

use serde_json::{Map, Value, json};

/// A tool's description under construction.
#[derive(Debug)]
pub struct Description {
    name: &'static str,
    text: &'static str,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
    aliases: Map<String, Value>,
    read_only: bool,
    idempotent: bool,
    advertised: bool,
}

impl Description {
    /// A tool that may change files.
    pub fn new(name: &'static str, text: &'static str) -> Description {
        Description {
            name,
            text,
            properties: Map::new(),
            required: Vec::new(),
            aliases: Map::new(),
            read_only: false,
            idempotent: false,
            advertised: true,
        }
    }

    /// It changes nothing, and is granted no right to.
    #[must_use]
    pub fn read_only(mut self) -> Description {
        self.read_only = true;
        self
    }

    /// A second call of the same input changes nothing more.
    #[must_use]
    pub fn idempotent(mut self) -> Description {
        self.idempotent = true;
        self
    }

    /// Accepted from older models, not offered to newer ones.
    #[must_use]
    pub fn unadvertised(mut self) -> Description {
        self.advertised = false;
        self
    }

    /// A parameter that must be there.
    #[must_use]
    pub fn required(mut self, name: &'static str, schema: Value) -> Description {
        self.required.push(name);
        self.optional(name, schema)
    }

    /// A parameter that may be left out.
    #[must_use]
    pub fn optional(mut self, name: &'static str, schema: Value) -> Description {
        self.properties.insert(name.to_owned(), schema);
        self
    }

    /// Another spelling of a parameter.
    #[must_use]
    pub fn alias(mut self, other: &'static str, name: &'static str) -> Description {
        self.aliases.insert(other.to_owned(), name.into());
        self
    }

    fn build(self) -> Value {
        json!({
            "name": self.name,
            "description": self.text,
            "input_schema": {
                "type": "object",
                "properties": self.properties,
                "required": self.required,
                "additionalProperties": false,
            },
            "annotations": {
                "readOnlyHint": self.read_only,
                "destructiveHint": !self.read_only,
                "idempotentHint": self.read_only || self.idempotent,
                "openWorldHint": false,
            },
            "aliases": self.aliases,
            "advertised": self.advertised,
        })
    }
}

/// The descriptions of one component.
pub fn describe(tools: impl IntoIterator<Item = Description>) -> Value {
    json!({ "tools": tools.into_iter().map(Description::build).collect::<Vec<_>>() })
}
