# What jq has and the libraries lack, or define otherwise. `_setpath`, `_delpaths` and the formats
# of base 32 are in paths.rs and number.rs. An assignment, here as in every filter, comes to the
# functions of paths.rs, and arithmetic to `_whole`: see rewrite.rs.

# Paths
def setpath($path; $value): _setpath($path; $value);
def delpaths($paths): _delpaths($paths);
def pick(f): . as $top | reduce path(f) as $path (null; setpath($path; $top | getpath($path)));
def leaf_paths: paths(scalars);
def walk(f):
  def inner: if type == "object" then map_values(inner) elif type == "array" then map(inner) else . end | f;
  inner;

# Objects and entries
def from_entries:
  reduce .[] as $entry ({};
    . + { ($entry
        | (if .key == null then .k // .name // .Name // .K // .Key else .key end)
        | if type == "string" then . else tojson end):
      ($entry | if has("value") then .value elif has("v") then .v else .Value end) });
def with_entries(f): to_entries | map(f) | from_entries;

# What is said beside the output, and the end
def stderr: _stderr;
def debug: _debug;
def debug(messages): (messages | _debug | empty), .;
def halt_error($code): _last_words | halt($code);
def halt_error: halt_error(5);

# Streams
def IN(stream): any(stream == .; .);
def IN(from; stream): any(from == stream; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def tostream:
  path(def inner: (.[]? | inner), .; inner) as $path
  | getpath($path)
  | reduce path(.[]?) as $below ([$path, .]; [$path + $below]);
def fromstream(stream):
  { x: null, e: false } as $init
  | foreach stream as $event ($init;
      if .e then $init else . end
      | if ($event | length) == 2
        then setpath(["e"]; ($event[0] | length) == 0) | setpath(["x"] + $event[0]; $event[1])
        else setpath(["e"]; ($event[0] | length) == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream):
  . as $depth | null | stream | . as $event
  | if (.[0] | length) > $depth then setpath([0]; .[0][$depth:]) else empty end;

# Texts
def _tojson: tojson;
def tojson: _shown | _tojson;
def fromjson: if type == "string" then _fromjson else error("\(type) (\(tojson)) cannot be parsed") end;
def tonumber:
  if type == "number" then .
  elif type == "string" then . as $text | _fromjson
    | if type == "number" then . else error("Cannot be parsed as a number: \($text | tojson)") end
  else error("\(type) (\(tojson)) cannot be parsed as a number") end;
def join($text):
  reduce .[] as $part (null;
    (if . == null then "" else . + $text end)
    + ($part | if . == null then "" elif type == "boolean" or type == "number" then tojson else . end))
  // "";
def ascii: [.] | implode;
def toarray: if type == "array" then . else [.] end;
def _ltrimstr($text): ltrimstr($text);
def ltrimstr($text): if type == "string" and ($text | type) == "string" then _ltrimstr($text) else . end;
def _rtrimstr($text): rtrimstr($text);
def rtrimstr($text): if type == "string" and ($text | type) == "string" then _rtrimstr($text) else . end;
def _contains($part): contains($part);
def contains($part):
  if type == ($part | type) and (type != "boolean" or . == $part) then _contains($part)
  else error("\(type) (\(tojson)) and \($part | type) (\($part | tojson)) cannot have their containment checked") end;
def dateadd(unit; $count): . + $count;
def datesub(unit; $count): . - $count;
def date: todate;

# Formats
def @json: tojson;
def _row(f): [.[] | if type == "string" then f elif type == "null" then ""
  elif type == "array" or type == "object"
  then error("\(type) (\(tojson)) is not valid in a row") else tojson end];
def @csv: _row("\"" + gsub("\""; "\"\"") + "\"") | join(",");
def @tsv: _row(gsub("[\\\\]"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r"))
  | join("\t");
def @base32: tostring | _base32;
def @base32d: tostring | _base32d;

# At the end of the inputs, jq says so; the library gives nothing.
def input: first(inputs, error("No more inputs"));
