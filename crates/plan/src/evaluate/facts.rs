//! The facts that a `when` block can test: `arch`, `version`, `modular` and `config.SYMBOL`.

use kiln_diag::Code;
use kiln_recipe::{Data, Facts, Fault, Predicate, Tree, nearest};

use crate::Arch;
use crate::evaluate::Setting;
use crate::options::{self, unknown_arch};
use crate::version::{KernelVersion, VersionRange};
use kiln_kconfig::unquote;

/// The code of the finding that a fact is not known.
pub(super) const UNKNOWN: Code = Code::UnknownFact;

/// Answers queries for a recipe under evaluation.
pub(super) struct RecipeFacts<'a> {
    pub(super) setting: &'a Setting,
}

impl Facts for RecipeFacts<'_> {
    fn check(&self, predicate: &Predicate) -> Result<(), Fault> {
        let value = predicate.value.as_deref();
        if predicate.key != "version"
            && let Some(sign) = value.and_then(|value| ["<", ">"].into_iter().find(|sign| value.starts_with(sign)))
        {
            return Err(Fault::new(format!("`{}` cannot be compared with `{sign}`", predicate.key))
                .help("only `version` has an order; use `=` or `!=`"));
        }
        match (predicate.key.as_str(), value) {
            ("arch", Some(name)) if Arch::known().any(|known| known == name) => Ok(()),
            ("arch", Some(name)) => Err(unknown_arch(name)),
            ("arch", None) => Err(Fault::new("`arch` needs a value").help("write `arch = \"x86_64\"`")),
            ("version", Some(range)) => match VersionRange::parse(range) {
                Ok(_) => Ok(()),
                Err(error) => Err(Fault::new(error.to_string())),
            },
            ("version", None) => Err(Fault::new("`version` needs a range").help("write `version = \">=6.6\"`")),
            ("modular", None) => Ok(()),
            ("modular", Some(_)) => {
                Err(Fault::new("`modular` takes no value").help("write `modular` or `not(modular)`"))
            }
            (key, _) => match key.strip_prefix("config.") {
                Some(symbol) => options::symbol(symbol),
                None => Err(unknown_key(key)),
            },
        }
    }

    fn holds(&self, predicate: &Predicate, merged: &Tree) -> Result<bool, Fault> {
        let value = predicate.value.as_deref().unwrap_or_default();
        match predicate.key.as_str() {
            "arch" => Ok(arch(self.setting, merged).is_some_and(|arch| arch.is(value))),
            "version" => match VersionRange::parse(value) {
                Ok(range) => self.in_range(&range, value, merged),
                Err(_) => Ok(false),
            },
            "modular" => Ok(merged.bool(&["kernel", "modular"]) == Some(true)),
            key => {
                let symbol = key.strip_prefix("config.").unwrap_or(key);
                let requested = merged.text(&["kernel", "config", symbol]);
                Ok(requested.is_some_and(|requested| match predicate.value.as_deref() {
                    Some(value) => unquote(requested) == unquote(value),
                    None => requested != "n",
                }))
            }
        }
    }

    fn remark(&self, predicate: &Predicate, merged: &Tree) -> Option<Fault> {
        untested(predicate, merged)
    }
}

/// Returns the note that a test of a symbol concerns requests, where the recipe has none for it.
fn untested(predicate: &Predicate, merged: &Tree) -> Option<Fault> {
    let symbol = predicate.key.strip_prefix("config.")?;
    if merged.text(&["kernel", "config", symbol]).is_some() {
        return None;
    }
    let fault = Fault::new(format!("nothing in the recipe requests `{symbol}`, so this block does not apply"));
    Some(fault.help(format!(
        "a `when` block tests requests, not the kernel's own defaults: request `{symbol}`, or write the block without it"
    )))
}

impl RecipeFacts<'_> {
    fn in_range(&self, range: &VersionRange, written: &str, merged: &Tree) -> Result<bool, Fault> {
        if let Some(version) = &self.setting.version {
            return Ok(range.contains(version));
        }
        let Some(said) = said_version(merged) else {
            return Err(Fault::new("the kernel's version is not known here")
                .help("set `kernel.version`, or use a command that reads the source"));
        };
        range.contains_all(&said).ok_or_else(|| {
            Fault::new(format!("the recipe gives version {said}, which does not determine whether it is `{written}`"))
                .help("write `kernel.version` in full, or use a command that reads the source")
        })
    }
}

/// Returns the architecture of a merged recipe; `None` when its value names no architecture.
pub(super) fn arch(setting: &Setting, merged: &Tree) -> Option<Arch> {
    match merged.text(&["kernel", "arch"]) {
        Some(name) => Arch::parse(name),
        None => Some(setting.host),
    }
}

/// Returns the version that a recipe states: `kernel.version`, or the number in the name of a `linux-source-X.Y`
/// package.
fn said_version(merged: &Tree) -> Option<KernelVersion> {
    if let Some(said) = merged.text(&["kernel", "version"]) {
        return KernelVersion::parse(said).ok();
    }
    let Data::Table(src) = &merged.leaf(&["kernel", "src"])?.value else { return None };
    let package = src.iter().find(|field| field.key == "apt")?.value.as_text()?;
    KernelVersion::parse(package.strip_prefix("linux-source-")?).ok()
}

fn unknown_key(key: &str) -> Fault {
    let fault = Fault::new(format!("there is no fact `{key}`"));
    let prefixed = key
        .strip_prefix("CONFIG_")
        .or_else(|| key.strip_prefix("CONFIG.").or_else(|| key.strip_prefix("kernel.config.")));
    match (prefixed, nearest(key, ["arch", "version", "modular"])) {
        (Some(symbol), _) => fault.help(format!("write `config.{symbol}`")),
        (None, Some(near)) => fault.help(format!("did you mean `{near}`?")),
        (None, None) => fault.help("the facts are `arch`, `version`, `modular` and `config.SYMBOL`"),
    }
}
