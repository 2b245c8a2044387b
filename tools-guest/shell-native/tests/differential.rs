//! Generated scripts, run by this shell and by the machine's bash: what they print and how they
//! end must be the same. Run with
//!
//! ```text
//! FUZZ_SECONDS=3600 cargo test --release -p toolcell-shell-native --test differential -- --ignored --nocapture
//! ```
//!
//! `FUZZ_SEED` chooses another sequence of scripts. A script that differs is made smaller before it
//! is shown.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Differences after which a run ends.
const MOST_SHOWN: usize = 25;

/// Time that one script may take.
const LIMIT: &str = "5";

/// Xorshift: the scripts of a seed are always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    fn of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const NAMES: &[&str] = &["a", "b", "c", "x"];
const WORDS: &[&str] = &[
    "foo", "bar", "a b", "*", "", "'q r'", "x:y:z", "12", "-3", "0x1f", "é", "a.txt", "\\\\", "--",
    "[ab]", "  s  ", "A", "a=b", "~", "?",
];
const PATTERNS: &[&str] = &[
    "*",
    "?",
    "a*",
    "*b",
    "[a-c]*",
    "[!a]*",
    "*:",
    ":*",
    "f?o",
    "\"*\"",
    "[[:digit:]]*",
    "@(a|b)*",
    "x",
];
const OPERATORS: &[&str] =
    &[":-", "-", ":+", "+", "#", "##", "%", "%%", "/", "//", "/#", "/%", "^", "^^", ",", ",,"];

/// Builds a script; `depth` is what is left for what nests.
struct Writer {
    random: Random,
    /// Loops so far: each counts in a variable of its own.
    loops: usize,
}

impl Writer {
    fn name(&mut self) -> &'static str {
        self.random.of(NAMES)
    }

    /// A word that stands alone on a command line.
    fn word(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 6 } else { 13 }) {
            0 | 1 => single(self.random.of(WORDS)),
            2 => format!("${}", self.name()),
            3 => format!("\"${}\"", self.name()),
            4 => self
                .random
                .of(&[
                    "lit",
                    "a*",
                    "{1..3}",
                    "{x,y}z",
                    "*.txt",
                    "~",
                    "$#",
                    "$?",
                    "\"$@\"",
                    "$*",
                    "\"$*\"",
                    "\"${arr[@]}\"",
                    "${arr[*]}",
                    "${#arr[@]}",
                    "${!arr[@]}",
                    "\"${m[k]}\"",
                    "$'t\\tx'",
                    "${arr[-1]}",
                    "${arr[@]:1:2}",
                    "${arr[@]/a/Z}",
                ])
                .to_owned(),
            5 => format!("$(({}))", self.arithmetic(2)),
            6 => self.parameter(),
            7 => format!("\"{}\"", self.parameter()),
            8 => format!("$({})", self.simple(depth - 1)),
            9 => format!("\"$({})\"", self.simple(depth - 1)),
            10 => format!("{}{}", self.word(0), self.word(depth - 1)),
            11 => format!("pre\"{}\"post", self.inside()),
            _ => format!(
                "{{{},{}}}",
                self.random.of(&["a", "1", "$a"]),
                self.random.of(&["b", "2", "", "{3..5}"])
            ),
        }
    }

    /// What may stand between double quotes.
    fn inside(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("${}", self.name()),
            1 => self.parameter(),
            2 => format!("$(({}))", self.arithmetic(1)),
            _ => self
                .random
                .of(&["t", "a b", "\\$", "\\\"", "\\\\", "'", "*", "\\n", "`echo bt`"])
                .to_owned(),
        }
    }

    fn parameter(&mut self) -> String {
        let name = self.name();
        match self.random.below(12) {
            0 => format!("${{#{name}}}"),
            1 => format!(
                "${{{name}:{}}}",
                self.random.of(&["1", "0:2", " -2", "1:-1", "2:9", "i", "0:0"])
            ),
            2 => format!("${{{name}@{}}}", self.random.of(&["Q", "U", "L", "u", "E", "A", "a"])),
            3 => format!("${{!{name}}}"),
            4 | 5 => {
                let operator = self.random.of(&["/", "//", "/#", "/%"]);
                let (from, to) = (
                    self.random.of(PATTERNS),
                    self.random.of(&["", "Z", "[&]", "\\&", "$a", "\"x y\""]),
                );
                format!("${{{name}{operator}{from}/{to}}}")
            }
            6..=8 => {
                let operator = self.random.of(OPERATORS);
                format!("${{{name}{operator}{}}}", self.random.of(PATTERNS))
            }
            _ => {
                let operator = self.random.of(&[":-", "-", ":+", "+", ":=", "="]);
                // Quotes that open anew within quoted text are bash's own affair.
                let word = self.word(0);
                format!("${{{name}{operator}{word}}}")
            }
        }
    }

    fn arithmetic(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.random.below(4) {
                0 => self.random.of(&["i", "n", "arr[1]", "arr[0]"]).to_owned(),
                1 => format!("${{#{}}}", self.name()),
                _ => self
                    .random
                    .of(&["0", "1", "2", "7", "10", "0x1f", "010", "2#101", "36#z", "-5"])
                    .to_owned(),
            };
        }
        match self.random.below(6) {
            0 => format!("({})", self.arithmetic(depth - 1)),
            1 => format!(
                "{}{}",
                self.random.of(&["-", "+", "!", "~"]),
                format_args!("({})", self.arithmetic(depth - 1))
            ),
            // What follows the colon is no assignment without parentheses.
            2 => format!(
                "{} ? {} : ({})",
                self.arithmetic(depth - 1),
                self.arithmetic(depth - 1),
                self.arithmetic(depth - 1)
            ),
            3 => self
                .random
                .of(&["i++", "++i", "i--", "n+=3", "n=i", "n<<=1", "i|=4", "n%=3", "i,n"])
                .to_owned(),
            _ => {
                let operator = self.random.of(&[
                    "+", "-", "*", "/", "%", "**", "<<", ">>", "<", "<=", "==", "!=", "&", "|",
                    "^", "&&", "||",
                ]);
                let left = self.arithmetic(depth - 1);
                // Large powers and shifts are one error or another.
                let right = if matches!(operator, "**" | "<<" | ">>") {
                    self.random.of(&["0", "1", "2", "3"]).to_owned()
                } else {
                    self.arithmetic(depth - 1)
                };
                format!("({left}) {operator} ({right})")
            }
        }
    }

    fn counter(&mut self) -> String {
        self.loops += 1;
        format!("k{}", self.loops)
    }

    fn words(&mut self, depth: usize) -> String {
        let count = 1 + self.random.below(3);
        let words: Vec<String> = (0..count).map(|_| self.word(depth)).collect();
        words.join(" ")
    }

    /// A command that prints.
    fn simple(&mut self, depth: usize) -> String {
        match self.random.below(9) {
            0 | 1 => format!("printf '<%s>' {}", self.words(depth)),
            2 => format!("echo {}", self.words(depth)),
            3 => format!(
                "printf '{}' {}",
                self.random.of(&[
                    "%d,", "%5s|", "%-4s|", "%q ", "%b", "%x ", "%05d ", "%c", "%.2s|", "%+d ",
                    "%s %s\\n", "%i%%", "%o "
                ]),
                self.words(depth)
            ),
            4 => format!(
                "echo {} | {}",
                self.words(depth),
                self.random.of(&[
                    "cat",
                    "{ read -r u v; echo \"[$u][$v]\"; }",
                    "while IFS=: read -r u v; do echo \"$v,$u\"; done",
                    "tr a-z A-Z",
                    "{ mapfile -t q; echo ${#q[@]}; }"
                ])
            ),
            5 => format!("cat <<< {}", self.word(depth)),
            6 => format!("set -- {}; echo $# \"$1\" \"${{@: -1}}\"", self.words(depth)),
            7 => format!("for w in {}; do printf '(%s)' \"$w\"; done", self.words(depth)),
            _ => format!("[ {} ] && echo yes || echo no", self.condition()),
        }
    }

    fn condition(&mut self) -> String {
        match self.random.below(5) {
            0 => format!("\"${}\" = {}", self.name(), single(self.random.of(WORDS))),
            1 => format!("{} \"${}\"", self.random.of(&["-n", "-z"]), self.name()),
            2 => format!(
                "$(({})) {} 3",
                self.arithmetic(1),
                self.random.of(&["-lt", "-eq", "-ge", "-ne"])
            ),
            3 => format!(
                "{} {}",
                self.random.of(&["-e", "-f", "-d"]),
                self.random.of(&["a.txt", "d", "none"])
            ),
            _ => format!(
                "\"${}\" {} \"${}\"",
                self.name(),
                self.random.of(&["=", "!=", "\\<", "\\>"]),
                self.name()
            ),
        }
    }

    fn double(&mut self) -> String {
        let name = self.name();
        match self.random.below(4) {
            0 => format!("[[ ${name} == {} ]]", self.random.of(PATTERNS)),
            1 => format!(
                "[[ ${name} =~ {} ]] && echo \"${{BASH_REMATCH[0]}}\"",
                self.random.of(&["^[a-z]+", "(a)(b)?", "[0-9]+$", "o{2}", "^$", "x:(.*)"])
            ),
            2 => format!("[[ -n ${name} && ! ${} < m ]]", self.name()),
            _ => format!("[[ ( ${name} != f* ) || -z ${} ]]", self.name()),
        }
    }

    fn statement(&mut self, depth: usize) -> String {
        let nested = |writer: &mut Writer| writer.statement(depth.saturating_sub(1));
        match self.random.below(if depth == 0 { 9 } else { 21 }) {
            0 | 1 => self.simple(2),
            2 => format!("{}={}", self.name(), self.word(2)),
            3 => format!("arr=({})", self.words(2)),
            4 => format!("arr[{}]={}", self.random.of(&["0", "2", "5", "-1", "i"]), self.word(1)),
            5 => format!("(({})); echo $?", self.arithmetic(2)),
            6 => format!("{}; echo $?", self.double()),
            7 => self
                .random
                .of(&[
                    "IFS=:",
                    "IFS=",
                    "IFS=$' \\t\\n'",
                    "IFS=,",
                    "unset a",
                    "unset 'arr[1]'",
                    "set -f",
                    "set +f",
                    "set -u",
                    "set +u",
                    "shopt -s nullglob",
                    "shopt -u nullglob",
                    "shopt -s extglob",
                    "shift",
                    "set -- p 'q r' s",
                    "declare -u c",
                    "declare -i n=5",
                    "local z",
                    "declare -A m=([k]=v [j]='w x')",
                    "m[k]+=more",
                    "arr+=(end)",
                    "a+=x",
                    "readonly R=1",
                    "export b",
                    "unset -f f",
                    "declare -p a",
                    "declare -p arr",
                    "declare -p m",
                    "let i+=2",
                    "true",
                    "false",
                    "!  true",
                ])
                .to_owned(),
            8 => "echo \"$a|$b|$c|$x|${arr[*]}|$i|$n\"".to_owned(),
            9 => format!("if {}; then {}; else {}; fi", self.double(), nested(self), nested(self)),
            10 => format!("for v in {}; do {}; done", self.words(1), nested(self)),
            11 => format!(
                "case {} in {}) {};; {}) {};& *) {};; esac",
                self.word(1),
                self.random.of(PATTERNS),
                nested(self),
                self.random.of(PATTERNS),
                nested(self),
                nested(self)
            ),
            12 => format!(
                "f() {{ {}; {}; }}; f {}",
                self.random.of(&[
                    "local a=in",
                    "local -a arr=(l)",
                    "a=glob",
                    "return 3",
                    "local b"
                ]),
                nested(self),
                self.words(1)
            ),
            13 => format!("( {} ); echo $?", nested(self)),
            14 => format!("{{ {}; }} | cat", nested(self)),
            15 => {
                let k = self.counter();
                let times = self.random.of(&["0", "2", "3"]);
                format!("for (({k}=0; {k}<{times}; {k}++)); do {}; done", nested(self))
            }
            16 => {
                let k = self.counter();
                let end = self.random.of(&["continue", "break", ":"]);
                format!("{k}=0; while (({k}++ < 2)); do {}; {end}; done", nested(self))
            }
            17 => format!("{} && {} || {}", nested(self), nested(self), nested(self)),
            18 => format!(
                "cat <<{}\n{}\n{}\nE\n",
                self.random.of(&["E", "'E'", "\"E\""]),
                self.inside(),
                self.inside()
            ),
            19 => format!("eval {}", single(&nested(self))),
            _ => format!(
                "read -r {} {} <<< {}; echo \"[$a][$b]\"",
                self.name(),
                self.name(),
                self.word(1)
            ),
        }
    }
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What every script begins with.
const PREAMBLE: &str =
    "a=foo b='a b' c=x:y:z x=12 i=3 n=4; arr=(one 'two words' a3); declare -A m=([k]=v)\n";

fn run(shell: &str, script: &str, directory: &Path) -> (Vec<u8>, Option<i32>, bool) {
    let output = Command::new("timeout")
        .args([LIMIT, shell, "-c", script, "sh", "p1", "p 2"])
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/root")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("the shell can be started");
    (output.stdout, output.status.code(), output.stderr.is_empty())
}

/// Whether both do the same.
fn agree(statements: &[String], directory: &Path) -> bool {
    let script = format!("{PREAMBLE}{}", statements.join("\n"));
    let ours = run(env!("CARGO_BIN_EXE_toolcell-shell-native"), &script, directory);
    ours == run("/bin/bash", &script, directory)
}

#[test]
#[ignore = "takes as long as it is given, and needs bash"]
fn generated_scripts_do_what_bash_does() {
    if !Path::new("/bin/bash").exists() {
        eprintln!("skipped: there is no /bin/bash");
        return;
    }
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 20));
    let seed = number("FUZZ_SEED", 1);
    let directory = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt", "foo"] {
        std::fs::write(directory.path().join(name), name).unwrap();
    }
    std::fs::create_dir(directory.path().join("d")).unwrap();
    let mut writer =
        Writer { random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1), loops: 0 };
    let (mut count, mut shown) = (0u64, 0);
    while Instant::now() < end && shown < MOST_SHOWN {
        count += 1;
        let length = 1 + writer.random.below(4);
        let mut script: Vec<String> = (0..length).map(|_| writer.statement(2)).collect();
        if agree(&script, directory.path()) {
            continue;
        }
        let mut at = 0;
        while at < script.len() {
            let mut smaller = script.clone();
            smaller.remove(at);
            if agree(&smaller, directory.path()) { at += 1 } else { script = smaller }
        }
        shown += 1;
        let whole = format!("{PREAMBLE}{}", script.join("\n"));
        let ours = run(env!("CARGO_BIN_EXE_toolcell-shell-native"), &whole, directory.path());
        let theirs = run("/bin/bash", &whole, directory.path());
        eprintln!("--- script {count}\n{}", script.join("\n"));
        for (who, (out, status, silent)) in [("ours", ours), ("bash", theirs)] {
            let text = String::from_utf8_lossy(&out).into_owned();
            eprintln!("{who}: {status:?} errors: {} {text:?}", !silent);
        }
    }
    eprintln!("{count} scripts, {shown} that differ");
    assert_eq!(shown, 0, "scripts differ");
}
