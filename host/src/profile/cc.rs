//! The profile `cc`.

use serde_json::Value;

use crate::failure::Failure;

/// The text of a result of `tool`; its structured form has everything that is needed.
pub fn text(tool: &str, result: &Value) -> String {
    match tool {
        "Read" => read(result),
        "Write" => write(result),
        "Edit" | "MultiEdit" => edit(result),
        "NotebookEdit" => notebook_edit(result),
        "Glob" => glob(result),
        "Grep" => grep(result),
        "Bash" => bash(result),
        "TaskOutput" | "BashOutput" => task_output(result),
        "TaskStop" | "KillShell" => string(&result["message"]).to_owned(),
        "UploadFile" => uploaded(result),
        _ => custom(result),
    }
}

fn uploaded(result: &Value) -> String {
    let files = result["files"].as_array().into_iter().flatten();
    let lines = files.map(|file| {
        format!(
            "Uploaded {} ({} bytes). {}",
            string(&file["path"]),
            file["size"],
            string(&file["message"])
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text of a failure.
pub fn failure(failure: &Failure) -> String {
    // A command that failed is no misuse of the tool: its status and output are the result.
    if failure.code == "command_failed"
        || failure.code == "timed_out"
            && failure.details.as_ref().is_some_and(|d| d["exitCode"].is_u64())
    {
        return failure.message.clone();
    }
    let mut text = match failure.code.as_str() {
        "invalid_params" => format!("InputValidationError: {}", failure.message),
        _ => failure.message.clone(),
    };
    if let Some(hint) = &failure.hint {
        text.push(if text.contains('\n') { '\n' } else { ' ' });
        text.push_str(hint);
    }
    format!("<tool_use_error>{text}</tool_use_error>")
}

/// What the agent is told beside a result.
pub fn reminder(text: &str) -> String {
    format!("<system-reminder>{text}</system-reminder>")
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// A result without a rendering of its own is shown as it is.
fn custom(result: &Value) -> String {
    match result {
        Value::String(text) => text.clone(),
        result => result.to_string(),
    }
}

fn read(result: &Value) -> String {
    let file = &result["file"];
    match string(&result["type"]) {
        "image" => image(file),
        "notebook" => notebook(file),
        "pdf" => pdf(file),
        "parts" => parts(result),
        _ => lines(file, &result["notice"]),
    }
}

fn lines(file: &Value, notice: &Value) -> String {
    match string(&notice["kind"]) {
        "empty" => return reminder("Warning: the file exists but the contents are empty."),
        "past_end" => {
            let (offset, lines) = (count(&notice["offset"]), count(&notice["lines"]));
            return reminder(&format!(
                "Warning: the file exists but is shorter than the provided offset ({offset}). The \
                 file has {lines} lines."
            ));
        }
        _ => {}
    }
    let content = string(&file["content"]);
    let first = count(&file["startLine"]);
    let mut text = String::with_capacity(content.len() + content.len() / 8);
    for (number, line) in (first..).zip(content.split('\n')) {
        if number > first {
            text.push('\n');
        }
        text.push_str(&number.to_string());
        text.push('\t');
        text.push_str(line);
    }
    if notice["kind"] == "partial" {
        let (first, last) = (count(&notice["first"]), count(&notice["last"]));
        let of = match notice["lines"].as_u64() {
            Some(lines) => format!("{lines} lines"),
            None => format!("a file of {} bytes", count(&notice["bytes"])),
        };
        text.push_str("\n\n");
        text.push_str(&reminder(&format!(
            "PARTIAL view: lines {first}-{last} of {of} are shown. Use offset: {} to continue.",
            count(&notice["next"])
        )));
    }
    text
}

fn image(file: &Value) -> String {
    let size = |width: &str, height: &str| {
        let dimensions = &file["dimensions"];
        format!("{}x{}", count(&dimensions[width]), count(&dimensions[height]))
    };
    let original = size("originalWidth", "originalHeight");
    let display = size("displayWidth", "displayHeight");
    let mut text = format!(
        "Image {} ({}, {original} pixels",
        string(&file["filePath"]),
        string(&file["type"])
    );
    if original != display {
        text.push_str(&format!(", shown at {display}"));
    }
    text.push(')');
    text
}

fn pdf(file: &Value) -> String {
    let total = count(&file["totalPages"]);
    let mut text = String::new();
    for page in file["pages"].as_array().into_iter().flatten() {
        let content = match string(&page["text"]) {
            "" => "(no text on this page; page_images: true shows it as an image)",
            content => content,
        };
        let number = count(&page["page"]);
        text.push_str(&format!("--- page {number} of {total} ---\n{content}\n"));
    }
    if let Some(page) = file["cutInPage"].as_u64() {
        text.push_str(&reminder(&format!(
            "PARTIAL view: the text is cut in page {page}. Use pages: \"{page}\" to continue."
        )));
    }
    text
}

fn parts(result: &Value) -> String {
    let (file, first) = (&result["file"], count(&result["firstPage"]));
    let (path, total) = (string(&file["filePath"]), count(&file["totalPages"]));
    let last = first + count(&file["count"]).saturating_sub(1);
    format!("Pages {first}-{last} of {total} of {path}, as images")
}

fn notebook(file: &Value) -> String {
    let mut text = String::new();
    for cell in file["cells"].as_array().into_iter().flatten() {
        let id = string(&cell["id"]);
        let kind = match string(&cell["cellType"]) {
            "code" => String::new(),
            kind => format!("<cell_type>{kind}</cell_type>"),
        };
        text.push_str(&format!(
            "<cell id=\"{id}\">{kind}{}</cell id=\"{id}\">\n",
            string(&cell["source"])
        ));
        for output in cell["outputs"].as_array().into_iter().flatten() {
            let output = string(&output["text"]);
            text.push_str(output);
            if !output.is_empty() && !output.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text
}

const CURRENT: &str = " (file state is current in your context — no need to Read it back)";

fn write(result: &Value) -> String {
    let path = string(&result["filePath"]);
    match string(&result["type"]) {
        "create" => format!("File created successfully at: {path}{CURRENT}"),
        _ => format!("The file {path} has been updated successfully.{CURRENT}"),
    }
}

fn edit(result: &Value) -> String {
    let path = string(&result["filePath"]);
    let mut text = if result["created"] == true {
        format!("File created successfully at: {path}")
    } else if let Some(edits) = result["edits"].as_u64() {
        format!("The file {path} has been updated successfully: {edits} edits were applied.")
    } else if result["replaceAll"] == true {
        format!("The file {path} has been updated. All occurrences were successfully replaced.")
    } else {
        format!("The file {path} has been updated successfully.")
    };
    let note = match string(&result["fallback"]) {
        "read_prefix" => " Line number prefixes in old_string were left out of the match.",
        "trailing_ws" => " Blanks at line ends were ignored in the match.",
        "unicode" => " Typographic characters were matched by their plain forms.",
        _ => "",
    };
    text.push_str(note);
    if result["staleMerge"] == true {
        text.push_str(
            " The file had been changed since you read it, and holds those other changes too: \
             read it again before editing more.",
        );
    }
    text
}

fn notebook_edit(result: &Value) -> String {
    let id = string(&result["cell_id"]);
    match string(&result["edit_mode"]) {
        "insert" => format!("Inserted cell {id} with {}", string(&result["new_source"])),
        "delete" => format!("Deleted cell {id}"),
        _ => format!("Updated cell {id} with {}", string(&result["new_source"])),
    }
}

fn bash(result: &Value) -> String {
    if let Some(id) = result["backgroundTaskId"].as_str() {
        let path = string(&result["backgroundOutputPath"]);
        let what = match result["timedOutAfterMs"].as_u64() {
            Some(ms) => format!(
                "Command did not complete within its {}s timeout and was moved to the background \
                 with ID: {id}.",
                ms / 1_000
            ),
            None => format!("Command running in background with ID: {id}."),
        };
        return format!(
            "{what} Output is being written to: {path}. You will be notified when it completes. \
             To check interim output, use Read on that file path."
        );
    }
    let output = string(&result["stdout"]);
    let notes = string(&result["stderr"]);
    let mut text = match result["persistedOutputPath"].as_str() {
        Some(path) => {
            let size = count(&result["persistedOutputSize"]) as f64 / 1_024.0;
            format!(
                "<persisted-output>\nOutput too large ({size:.1}KB). Full output saved to: \
                 {path}\n\nPreview (first 2KB):\n{output}\n</persisted-output>"
            )
        }
        None => output.to_owned(),
    };
    for note in [result["returnCodeInterpretation"].as_str().unwrap_or_default(), notes] {
        if !note.is_empty() && (note == notes || text.is_empty()) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(note);
        }
    }
    match text.is_empty() {
        true => "(Bash completed with no output)".to_owned(),
        false => text,
    }
}

fn task_output(result: &Value) -> String {
    let mut text = format!("<status>{}</status>", string(&result["status"]));
    if let Some(code) = result["exitCode"].as_u64() {
        text.push_str(&format!("\n<exit_code>{code}</exit_code>"));
    }
    let output = string(&result["output"]);
    if !output.is_empty() {
        text.push_str(&format!("\n<output>\n{}\n</output>", output.trim_end_matches('\n')));
    }
    text
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a search that was cut short or met obstacles says of it.
fn search_notes(result: &Value, lines: &mut Vec<String>) {
    if result["timedOut"] == true {
        let seen = match result["entriesSeen"].as_u64() {
            Some(seen) => format!(" after {seen} entries"),
            None => String::new(),
        };
        lines.push(format!(
            "(The search reached its time limit{seen}: these results are partial. Use a more \
             specific path or pattern.)"
        ));
    }
    if count(&result["unreadable"]) > 0 {
        lines.push(format!("({} entries could not be read.)", count(&result["unreadable"])));
    }
}

fn glob(result: &Value) -> String {
    let mut lines: Vec<String> =
        strings(&result["filenames"]).into_iter().map(str::to_owned).collect();
    if lines.is_empty() {
        // GLOB-R8: what could not be read may hold what was looked for.
        lines.push(match count(&result["unreadable"]) {
            0 => "No files found".to_owned(),
            _ => "Nothing found in what could be read".to_owned(),
        });
    }
    let (shown, total) = (count(&result["numFiles"]), count(&result["totalMatches"]));
    if total > shown {
        let floor = if result["countIsComplete"] == true { "" } else { "at least " };
        lines.push(format!(
            "(Results are truncated. Consider using a more specific path or pattern.) {shown} of \
             {floor}{total} files are shown."
        ));
    }
    if let Some(deeper) = result["deeperMatches"].as_u64() {
        let pattern = string(&result["pattern"]);
        lines.push(format!(
            "(The pattern matches this directory only; **/{pattern} would match {deeper} files.)"
        ));
    }
    search_notes(result, &mut lines);
    lines.join("\n")
}

fn grep(result: &Value) -> String {
    let mode = string(&result["mode"]);
    let mut lines = match mode {
        "files_with_matches" => grep_files(result),
        "count" => grep_counts(result),
        _ => grep_content(result),
    };
    if let Some(deeper) = result["deeperFiles"].as_u64() {
        lines.push(format!(
            "(The glob matches no file below this path; with **/ before it, it would match {deeper}.)"
        ));
    }
    if let Some(bytes) = result["cutAtBytes"].as_u64() {
        lines.push(format!("(Lines were left out: the result is limited to {bytes} bytes.)"));
    }
    search_notes(result, &mut lines);
    lines.join("\n")
}

/// ` limit: 10, offset: 5`, of what was applied.
fn pagination(result: &Value) -> String {
    let part = |name: &str, value: &Value| value.as_u64().map(|value| format!("{name}: {value}"));
    let parts = [part("limit", &result["appliedLimit"]), part("offset", &result["appliedOffset"])];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn footer(result: &Value, lines: &mut Vec<String>) {
    let pagination = pagination(result);
    if !pagination.is_empty() {
        lines.push(format!("[Showing results with pagination = {pagination}]"));
    }
}

const PAST_END: &str = "No entries at this offset";

fn grep_files(result: &Value) -> Vec<String> {
    let names = strings(&result["filenames"]);
    if result["pastEnd"] == true {
        return vec![PAST_END.to_owned()];
    }
    if names.is_empty() {
        return vec!["No files found".to_owned()];
    }
    let plural = if names.len() == 1 { "" } else { "s" };
    let pagination = pagination(result);
    let space = if pagination.is_empty() { "" } else { " " };
    let head = format!("Found {} file{plural}{space}{pagination}", names.len());
    std::iter::once(head).chain(names.into_iter().map(str::to_owned)).collect()
}

fn grep_counts(result: &Value) -> Vec<String> {
    let (files, matches) = (count(&result["numFiles"]), count(&result["numMatches"]));
    let mut lines = match (files, string(&result["content"])) {
        (0, _) => vec!["No matches found".to_owned()],
        _ if result["pastEnd"] == true => vec![PAST_END.to_owned()],
        (_, content) => vec![content.to_owned()],
    };
    lines.push(format!("Found {matches} total occurrences across {files} files."));
    footer(result, &mut lines);
    lines
}

fn grep_content(result: &Value) -> Vec<String> {
    if result["pastEnd"] == true {
        return vec![PAST_END.to_owned()];
    }
    if count(&result["totalLines"]) == 0 {
        return vec!["No matches found".to_owned()];
    }
    let mut lines = vec![string(&result["content"]).to_owned()];
    footer(result, &mut lines);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(tool: &str, result: Value, expected: &str) {
        assert_eq!(text(tool, &result), expected);
    }

    #[test]
    fn read_r1_r2_numbers_and_tabs() {
        let file = json!({ "content": "a\n\tb\n", "startLine": 9 });
        check("Read", json!({ "type": "text", "file": file }), "9\ta\n10\t\tb\n11\t");
    }

    #[test]
    fn read_r9_r10_notices() {
        check(
            "Read",
            json!({ "type": "text", "notice": { "kind": "empty" } }),
            "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>",
        );
        check(
            "Read",
            json!({ "type": "text", "notice": { "kind": "past_end", "offset": 5, "lines": 2 } }),
            "<system-reminder>Warning: the file exists but is shorter than the provided offset (5). The file has 2 lines.</system-reminder>",
        );
    }

    #[test]
    fn write_r13_edit_r30_success() {
        check(
            "Write",
            json!({ "type": "create", "filePath": "/w/a" }),
            "File created successfully at: /w/a (file state is current in your context — no need to Read it back)",
        );
        check(
            "Edit",
            json!({ "filePath": "/w/a" }),
            "The file /w/a has been updated successfully.",
        );
        check(
            "Edit",
            json!({ "filePath": "/w/a", "replaceAll": true }),
            "The file /w/a has been updated. All occurrences were successfully replaced.",
        );
    }

    #[test]
    fn glob_r13_r15_nothing_and_too_much() {
        check("Glob", json!({ "filenames": [] }), "No files found");
        check(
            "Glob",
            json!({ "filenames": ["/a"], "numFiles": 1, "totalMatches": 3, "countIsComplete": true }),
            "/a\n(Results are truncated. Consider using a more specific path or pattern.) 1 of 3 files are shown.",
        );
    }

    #[test]
    fn glob_r8_the_unreadable_may_hold_what_was_not_found() {
        check(
            "Glob",
            json!({ "filenames": [], "unreadable": 2 }),
            "Nothing found in what could be read\n(2 entries could not be read.)",
        );
    }

    #[test]
    fn grep_r2_r5_r6_r7_r8_texts() {
        let files = |extra: Value| {
            let mut result = json!({ "mode": "files_with_matches", "filenames": ["a", "b"] });
            result.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            result
        };
        check("Grep", files(json!({})), "Found 2 files\na\nb");
        check(
            "Grep",
            files(json!({ "appliedLimit": 2, "appliedOffset": 4 })),
            "Found 2 files limit: 2, offset: 4\na\nb",
        );
        check("Grep", files(json!({ "filenames": [] })), "No files found");
        check("Grep", files(json!({ "pastEnd": true })), "No entries at this offset");
        check(
            "Grep",
            json!({ "mode": "count", "content": "a:2", "numFiles": 1, "numMatches": 2 }),
            "a:2\nFound 2 total occurrences across 1 files.",
        );
        check(
            "Grep",
            json!({ "mode": "count", "content": "", "numFiles": 0, "numMatches": 0 }),
            "No matches found\nFound 0 total occurrences across 0 files.",
        );
        check("Grep", json!({ "mode": "content", "totalLines": 0 }), "No matches found");
        check(
            "Grep",
            json!({ "mode": "content", "content": "x", "totalLines": 9, "appliedLimit": 1 }),
            "x\n[Showing results with pagination = limit: 1]",
        );
    }

    #[test]
    fn x2_failures_are_wrapped() {
        let mut wrong = Failure::new("invalid_params", "Read failed.");
        assert_eq!(
            failure(&wrong),
            "<tool_use_error>InputValidationError: Read failed.</tool_use_error>"
        );
        wrong.code = "not_read".into();
        wrong.hint = Some("Read it.".into());
        assert_eq!(failure(&wrong), "<tool_use_error>Read failed. Read it.</tool_use_error>");
    }
}
