//! Names under which what would be replaced is kept.

/// How such a name is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Off,
    /// With a suffix.
    Simple,
    /// With a number.
    Numbered,
    /// With a number where there are numbers already, else with a suffix.
    Existing,
}

/// What `-b`, `--backup` and `-S` ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    control: Control,
    suffix: String,
}

impl Default for Backup {
    fn default() -> Backup {
        Backup { control: Control::Off, suffix: "~".to_owned() }
    }
}

impl Backup {
    /// Takes one of these options; the status to end with if its value is none, which has been said.
    pub(crate) fn take(
        &mut self,
        program: &str,
        letter: &str,
        value: Option<&str>,
    ) -> Result<(), i32> {
        if letter == "S" {
            self.suffix = value.unwrap_or_default().to_owned();
            if self.control == Control::Off {
                self.control = Control::Existing;
            }
            return Ok(());
        }
        self.control = match value {
            Some("none" | "off") => Control::Off,
            Some("simple" | "never") => Control::Simple,
            Some("numbered" | "t") => Control::Numbered,
            None | Some("existing" | "nil") => Control::Existing,
            Some(other) => {
                eprintln!(
                    "{program}: invalid argument ‘{other}’ for ‘backup type’\nValid arguments are:\n  \
                     - ‘none’, ‘off’\n  - ‘simple’, ‘never’\n  - ‘existing’, ‘nil’\n  - ‘numbered’, \
                     ‘t’\nTry '{program} --help' for more information."
                );
                return Err(1);
            }
        };
        Ok(())
    }

    /// Whether each file that is replaced is kept, whatever was kept before.
    pub(crate) fn is_numbered(&self) -> bool {
        self.control == Control::Numbered
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.control != Control::Off
    }

    /// The name under which `path` is kept, if it is.
    pub(crate) fn name(&self, path: &str) -> Option<String> {
        let last = || {
            let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
            let directory = if directory.is_empty() { "/" } else { directory };
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let numbers = entries.filter_map(|entry| {
                let other = entry.file_name().to_string_lossy().into_owned();
                other.strip_prefix(name)?.strip_prefix(".~")?.strip_suffix('~')?.parse::<u64>().ok()
            });
            numbers.max()
        };
        let numbered = |last: u64| format!("{path}.~{}~", last.saturating_add(1));
        match self.control {
            Control::Off => None,
            Control::Simple => Some(format!("{path}{}", self.suffix)),
            Control::Numbered => Some(numbered(last().unwrap_or(0))),
            Control::Existing => {
                Some(last().map_or_else(|| format!("{path}{}", self.suffix), numbered))
            }
        }
    }
}
