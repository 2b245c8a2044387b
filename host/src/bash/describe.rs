//! What the tools of the shell are called and take.

use serde_json::{Value, json};

/// A tool that the host itself serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostTool {
    Bash,
    TaskOutput,
    TaskStop,
}

/// Their names; the second of a pair is what older models call it.
pub(crate) const TOOLS: &[(&str, HostTool, bool)] = &[
    ("Bash", HostTool::Bash, true),
    ("BashOutput", HostTool::TaskOutput, false),
    ("TaskOutput", HostTool::TaskOutput, true),
    ("KillShell", HostTool::TaskStop, false),
    ("TaskStop", HostTool::TaskStop, true),
];

impl HostTool {
    pub(crate) fn description(self) -> &'static str {
        match self {
            HostTool::Bash => {
                "Runs a command with bash in the sandbox. The working directory is kept between \
                 calls; variables, functions and options are not. Standard input is empty. Use \
                 run_in_background for what takes long."
            }
            HostTool::TaskOutput => {
                "Shows what a background command has printed since it was last asked for, and how \
                 it stands."
            }
            HostTool::TaskStop => "Ends a background command.",
        }
    }

    pub(crate) fn schema(self) -> Value {
        let properties = match self {
            HostTool::Bash => json!({
                "command": {"type": "string", "description": "The command to run"},
                "timeout": {
                    "type": "number",
                    "description": "Time it may take in milliseconds (default 120000, at most 600000)"
                },
                "description": {
                    "type": "string",
                    "description": "What the command does, in a few words, for people"
                },
                "run_in_background": {
                    "type": "boolean",
                    "description": "Answer at once and let it run; its output goes to a file"
                },
                "restart": {
                    "type": "boolean",
                    "description": "Of a persistent shell: begin anew, without a command"
                },
                "dangerouslyDisableSandbox": {
                    "type": "boolean",
                    "description": "Accepted and refused: there is nothing outside of the sandbox"
                },
            }),
            HostTool::TaskOutput => json!({
                "task_id": {"type": "string", "description": "The id that Bash gave"},
                "block": {"type": "boolean", "description": "Wait for the command to end"},
                "timeout": {"type": "number", "description": "Milliseconds to wait at most"},
                "filter": {
                    "type": "string",
                    "description": "Regular expression; other lines are dropped for good"
                },
            }),
            HostTool::TaskStop => json!({
                "task_id": {"type": "string", "description": "The id that Bash gave"},
            }),
        };
        let required = match self {
            HostTool::Bash => json!([]),
            _ => json!(["task_id"]),
        };
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    /// Names that older models give the parameters.
    pub(crate) fn aliases(self) -> Value {
        match self {
            HostTool::Bash => json!({}),
            HostTool::TaskOutput | HostTool::TaskStop => {
                json!({"bash_id": "task_id", "shell_id": "task_id"})
            }
        }
    }
}
