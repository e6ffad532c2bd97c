//! The modes of the C program `conf`: what it reads, changes, writes and prints, without touching a disk.

mod ask;
mod change;
mod new;
mod relations;

use crate::autoconf::{self, AutoFiles};
use crate::config::Reading;
use crate::evaluation::Evaluation;
use crate::message::{Level, Message, Messages};
use crate::model::Model;
use crate::{Files, Host};

/// The mode of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Read the `.config`, set new symbols to their defaults.
    OldDefConfig,
    /// Read the `.config`, ask for new symbols only. Holds the answers, one a line; after the last one defaults are
    /// used.
    OldConfig(Vec<u8>),
    /// Ask for every symbol. Holds the answers, one a line.
    OldAskConfig(Vec<u8>),
    /// Set every symbol to `n` where possible.
    AllNoConfig,
    /// Set every symbol to `y` where possible.
    AllYesConfig,
    /// Set every symbol to `m` where possible.
    AllModConfig,
    /// Set every symbol to its default.
    AllDefConfig,
    /// Random values.
    RandConfig,
    /// Read a minimal config as if it were the `.config`.
    DefConfig(String),
    /// Write a minimal config.
    SaveDefConfig(String),
    /// Print the symbols that the `.config` does not set.
    ListNewConfig,
    /// Print their help too.
    HelpNewConfig,
    /// Write the `.config` and the files that the build reads.
    SyncConfig,
    /// Turn `y` into `m` where possible.
    Yes2ModConfig,
    /// Turn `m` into `y`.
    Mod2YesConfig,
    /// Turn `m` into `n`.
    Mod2NoConfig,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Exit status of the C program.
    pub status: u8,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// Name and content of the file that the mode writes: `.config`, or the minimal config. `None` when nothing is to
    /// be written.
    pub config: Option<(String, Vec<u8>)>,
    /// Whether that file already exists with that content.
    pub unchanged: bool,
    /// `auto.conf` and the related files, when they are to be written.
    pub auto: Option<AutoFiles>,
    /// All messages, as data.
    pub messages: Messages,
}

/// Runs a mode on a parsed tree.
///
/// `files` returns `.config` and seeds by the names in the variables of `host` (`KCONFIG_CONFIG`, `KCONFIG_ALLCONFIG`,
/// …).
pub fn run(model: &Model, mode: &Mode, files: &dyn Files, host: &dyn Host) -> Outcome {
    // The output of these depends on the final tree and its expressions.
    let needs_exact = matches!(mode, Mode::OldConfig(_) | Mode::OldAskConfig(_) | Mode::HelpNewConfig);
    let exact = needs_exact && model.exact().is_some();
    let mut run = Run::new(model, mode, files, host, exact);
    let mut status = run.all();
    if !exact && (run.evaluation.n_unmet > 0 || run.asked) {
        // There is something to report: run again, with the text and the order of the C program.
        run = Run::new(model, mode, files, host, true);
        status = run.all();
    }
    run.finish(status)
}

struct Run<'a> {
    mode: &'a Mode,
    files: &'a dyn Files,
    host: &'a dyn Host,
    evaluation: Evaluation<'a>,
    prefix: String,
    /// Whether the values may differ from those of the `.config` that was read.
    changed: bool,
    n_warnings: usize,
    /// Whether `syncconfig` found something new to ask about.
    asked: bool,
    outcome: Outcome,
}

/// Ends a mode early with this status.
struct Exit(u8);

impl<'a> Run<'a> {
    fn new(model: &'a Model, mode: &'a Mode, files: &'a dyn Files, host: &'a dyn Host, exact: bool) -> Run<'a> {
        let conditions = if exact { model.exact_conditions() } else { &model.conditions };
        let mut evaluation = Evaluation::with(model, conditions);
        evaluation.words = exact;
        let prefix = host.variable("CONFIG_").and_then(|value| String::from_utf8(value).ok());
        let prefix = prefix.unwrap_or_else(|| model.dialect.prefix.as_str().to_owned());
        Run {
            mode,
            files,
            host,
            evaluation,
            prefix,
            changed: true,
            n_warnings: 0,
            asked: false,
            outcome: Outcome::default(),
        }
    }

    fn all(&mut self) -> u8 {
        let result = self.read().and_then(|()| self.change()).and_then(|()| self.write());
        result.map_or_else(|Exit(status)| status, |()| 0)
    }

    fn finish(mut self, status: u8) -> Outcome {
        self.outcome.status = status;
        self.outcome.stdout.splice(0..0, self.evaluation.messages.stdout());
        self.outcome.stderr = self.evaluation.messages.stderr();
        self.outcome.messages = self.evaluation.messages;
        self.outcome
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    fn is_set(&self, name: &str) -> bool {
        self.host.variable(name).is_some()
    }

    fn say(&mut self, level: Level, code: &'static str, text: &str, printed: String) {
        self.evaluation.messages.push(Message::new(level, code, None, text.as_bytes(), printed.into_bytes()));
    }

    fn note(&mut self, text: &str) {
        if *self.mode != Mode::SyncConfig {
            self.outcome.stdout.extend_from_slice(format!("#\n# {text}\n#\n").as_bytes());
        }
    }

    fn read(&mut self) -> Result<(), Exit> {
        match self.mode {
            Mode::DefConfig(name) => {
                if !self.read_config(Some(name)) {
                    let text = format!("can't find default configuration \"{name}\"");
                    let printed = format!("***\n*** Can't find default configuration \"{name}\"!\n***\n");
                    self.say(Level::Error, "missing-config", &text, printed);
                    return Err(Exit(1));
                }
            }
            Mode::AllNoConfig => self.read_seed("allno.config")?,
            Mode::AllYesConfig => self.read_seed("allyes.config")?,
            Mode::AllModConfig => self.read_seed("allmod.config")?,
            Mode::AllDefConfig => self.read_seed("alldef.config")?,
            Mode::RandConfig => self.read_seed("allrandom.config")?,
            _ => {
                self.read_config(None);
            }
        }
        if self.n_warnings > 0 && self.werror() {
            return Err(Exit(1));
        }
        Ok(())
    }

    fn werror(&self) -> bool {
        self.evaluation.model.dialect.strict_variables && self.is_set("KCONFIG_WERROR")
    }

    /// Reads a config and computes all values; returns whether the config exists.
    fn read_config(&mut self, name: Option<&str>) -> bool {
        self.changed = false;
        if !self.read_simple(name) {
            self.evaluation.compute(self.evaluation.model.modules);
            return false;
        }
        self.evaluation.compute(self.evaluation.model.modules);
        let model = self.evaluation.model;
        let mut unsaved = false;
        for symbol in model.hash_order.iter().copied() {
            self.evaluation.compute(symbol);
            unsaved |= !model.is_choice(symbol) && self.evaluation.differs(symbol);
        }
        if model.dialect.drops_out_of_range {
            unsaved |= self.evaluation.drop_ineffective(unsaved);
        }
        self.changed |= unsaved || self.n_warnings > 0;
        true
    }

    /// Reads the first config that exists.
    fn read_simple(&mut self, name: Option<&str>) -> bool {
        let mut name = name.map_or_else(|| self.config_name(), str::to_owned);
        let mut text = self.files.read(&name);
        if text.is_none() && !matches!(self.mode, Mode::DefConfig(_)) {
            self.changed = true;
            let list = self.variable("KCONFIG_DEFCONFIG_LIST").unwrap_or_default();
            let listed = self.evaluation.listed_defconfigs();
            let listed = listed.iter().map(String::as_str);
            for candidate in list.split_ascii_whitespace().chain(listed) {
                if let Some(found) = self.files.read(candidate) {
                    self.note(&format!("using defaults found in {candidate}"));
                    name = candidate.to_owned();
                    text = Some(found);
                    break;
                }
            }
        }
        let Some(text) = text else { return false };
        self.take(&name, &text);
        true
    }

    fn take(&mut self, name: &str, text: &[u8]) {
        let strict = self.evaluation.model.dialect.strict_variables;
        let warn_unknown = strict && self.is_set("KCONFIG_WARN_UNKNOWN_SYMBOLS");
        let read = self.evaluation.read(text, Reading { name, prefix: &self.prefix, warn_unknown, skip: &[] });
        self.n_warnings = read.n_warnings;
        self.changed |= read.has_unknown;
    }

    /// Reads the config that `KCONFIG_ALLCONFIG` names.
    fn read_seed(&mut self, usual: &str) -> Result<(), Exit> {
        if *self.mode == Mode::RandConfig {
            self.announce_seed();
        }
        let Some(name) = self.variable("KCONFIG_ALLCONFIG") else { return Ok(()) };
        let (names, failure) = if name.is_empty() || name == "1" {
            let failure = format!("*** KCONFIG_ALLCONFIG set, but no \"{usual}\" or \"all.config\" file found\n");
            (vec![usual.to_owned(), "all.config".to_owned()], failure)
        } else {
            let failure = format!("*** Can't read seed configuration \"{name}\"!\n");
            (vec![name], failure)
        };
        for name in &names {
            if let Some(text) = self.files.read(name) {
                self.take(name, &text);
                let sets_all = matches!(self.mode, Mode::AllNoConfig | Mode::AllModConfig | Mode::AllYesConfig);
                if sets_all && self.evaluation.model.dialect.seed_without_logic {
                    self.evaluation.drop_logic();
                }
                return Ok(());
            }
        }
        let text = format!("can't read the seed configuration \"{}\"", names[0]);
        self.say(Level::Error, "missing-config", &text, failure);
        Err(Exit(1))
    }

    fn config_name(&self) -> String {
        self.variable("KCONFIG_CONFIG").unwrap_or_else(|| ".config".to_owned())
    }

    fn write(&mut self) -> Result<(), Exit> {
        if self.evaluation.n_unmet > 0 && self.werror() {
            return Err(Exit(1));
        }
        match self.mode {
            Mode::ListNewConfig | Mode::HelpNewConfig => return Ok(()),
            Mode::SaveDefConfig(name) => {
                let text = self.evaluation.write_minimal(&self.prefix);
                self.outcome.unchanged = self.files.read(name).is_some_and(|old| *old == *text);
                self.outcome.config = Some((name.clone(), text));
                return Ok(());
            }
            _ => {}
        }
        let is_sync = *self.mode == Mode::SyncConfig;
        let keeps = is_sync && self.variable("KCONFIG_NOSILENTUPDATE").is_some_and(|value| !value.is_empty());
        if !keeps {
            self.write_config();
        }
        let auto = self.variable("KCONFIG_AUTOCONFIG").unwrap_or_else(|| "include/config/auto.conf".to_owned());
        if is_sync || self.files.read(&auto).is_none() {
            for symbol in self.evaluation.model.hash_order.iter().copied() {
                self.evaluation.compute(symbol);
            }
            self.outcome.auto = Some(autoconf::write(&mut self.evaluation, &self.prefix, self.files, self.host));
        }
        Ok(())
    }

    fn write_config(&mut self) {
        if !self.changed {
            self.evaluation.invalidate();
        }
        let name = self.config_name();
        let text = self.evaluation.write(&self.prefix);
        let overwrites = self.variable("KCONFIG_OVERWRITECONFIG").is_some_and(|value| !value.is_empty());
        let may_keep = self.evaluation.model.dialect.keeps_unchanged && !overwrites;
        self.outcome.unchanged = may_keep && self.files.read(&name).is_some_and(|old| *old == *text);
        let did = if self.outcome.unchanged { "No change to" } else { "configuration written to" };
        self.note(&format!("{did} {name}"));
        self.outcome.config = Some((name, text));
    }
}
