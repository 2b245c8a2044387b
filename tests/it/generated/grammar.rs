//! Texts by a context-free grammar, in the notation that `commands.txt` explains.

use std::collections::HashMap;

/// Depth from which a rule's first alternative is taken, so that each text ends.
const DEEPEST: usize = 12;

/// Xorshift: the texts of a seed are always the same.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 up to, not including, `most`.
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }
}

pub(super) struct Grammar<'a> {
    rules: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Grammar<'a> {
    pub(super) fn parse(text: &'a str) -> Grammar<'a> {
        let mut rules: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut rule = "";
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                Some("()") => rules.entry(rule).or_default().push(""),
                Some(alternative) => rules.entry(rule).or_default().push(alternative),
                None => rule = line,
            }
        }
        Grammar { rules }
    }

    /// A text of the rule.
    pub(super) fn expand(&self, rule: &str, random: &mut Random) -> String {
        let mut output = String::new();
        self.expand_into(rule, random, 0, &mut output);
        output
    }

    /// A command line. What a program reads stands where its files belong: names in the first of a
    /// pipeline, nothing in the others.
    pub(super) fn command(&self, random: &mut Random) -> String {
        let text = self.expand("command", random);
        let stages: Vec<String> = text
            .split(" |> ")
            .enumerate()
            .map(|(at, stage)| match (stage.strip_suffix(" @"), at) {
                (Some(program), 0) => format!("{program} {}", self.expand("file", random)),
                (Some(program), _) => program.to_owned(),
                (None, 0) if READS_INPUT.iter().any(|name| stage.starts_with(name)) => {
                    format!("{stage} < {}", self.expand("file", random))
                }
                (None, _) => stage.to_owned(),
            })
            .collect();
        stages.join(" | ")
    }

    fn expand_into(&self, rule: &str, random: &mut Random, depth: usize, output: &mut String) {
        let alternatives = &self.rules[rule];
        let at = if depth < DEEPEST { random.below(alternatives.len()) } else { 0 };
        let mut rest = alternatives[at];
        while let Some(open) = rest.find('<') {
            output.push_str(&rest[..open]);
            rest = &rest[open..];
            let Some((name, most)) =
                rest.find('>').and_then(|close| self.reference(&rest[1..close]))
            else {
                output.push('<');
                rest = &rest[1..];
                continue;
            };
            let close = rest.find('>').unwrap_or_default();
            rest = &rest[close + 1..];
            let times = most.map_or(1, |most| random.below(most + 1));
            for time in 0..times {
                if time > 0 {
                    output.push(' ');
                }
                self.expand_into(name, random, depth + 1, output);
            }
        }
        output.push_str(rest);
    }

    /// The rule that a text between angle brackets names, and how often at most.
    fn reference<'b>(&self, text: &'b str) -> Option<(&'b str, Option<usize>)> {
        let (name, most) = match text.split_once(':') {
            Some((name, most)) => (name, Some(most.parse().ok()?)),
            None => (text, None),
        };
        self.rules.contains_key(name).then_some((name, most))
    }
}

/// Programs that read standard input alone.
const READS_INPUT: &[&str] = &["tr ", "tee ", "xargs "];
