//! The files that `syncconfig` writes for the build (`auto.conf`, `autoconf.h`, `rustc_cfg`), and the changed symbols.

use crate::config::Reading;
use crate::evaluation::{Evaluation, Wanted};
use crate::expression::Tristate;
use crate::model::{NodeId, SymbolId, Type};
use crate::{Files, Host};

/// The files, by name, in the order in which they are to be written; `auto.conf` comes last because its presence means
/// that all the others are complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoFiles {
    /// Files that are to be truncated or created because a symbol's value changed.
    pub touched: Vec<String>,
    /// Name and content; the first is to be written before anything is touched.
    pub written: Vec<(String, Vec<u8>)>,
}

/// Generates the files from values that have all been computed.
pub(crate) fn write(evaluation: &mut Evaluation<'_>, prefix: &str, files: &dyn Files, host: &dyn Host) -> AutoFiles {
    let name = |variable: &str, usual: &str| {
        host.variable(variable).and_then(|value| String::from_utf8(value).ok()).unwrap_or_else(|| usual.to_owned())
    };
    let auto = name("KCONFIG_AUTOCONFIG", "include/config/auto.conf");
    let header = name("KCONFIG_AUTOHEADER", "include/generated/autoconf.h");
    let rust = name("KCONFIG_RUSTCCFG", "include/generated/rustc_cfg");
    let touched = touched(evaluation, &auto, prefix, files);
    let mut written = vec![(format!("{auto}.cmd"), command(evaluation, &auto))];
    written.push((header, evaluation.listing(prefix, Form::Header)));
    if evaluation.model.dialect.rustc_cfg {
        written.push((rust, evaluation.listing(prefix, Form::Rust)));
    }
    written.push((auto, evaluation.listing(prefix, Form::Auto)));
    AutoFiles { touched, written }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Auto,
    Header,
    Rust,
}

impl Evaluation<'_> {
    fn listing(&self, prefix: &str, form: Form) -> Vec<u8> {
        let title = self.model.title(NodeId::ROOT);
        let mut out = Vec::new();
        let (first, each, last) = match form {
            Form::Auto => ("#\n", "#", "#\n"),
            Form::Header => ("/*\n", " *", " */\n"),
            Form::Rust => ("", "", ""),
        };
        out.extend_from_slice(first.as_bytes());
        if form != Form::Rust {
            let line = format!("{each} Automatically generated file; DO NOT EDIT.\n{each} ");
            out.extend_from_slice(&[line.as_bytes(), title, b"\n"].concat());
        }
        out.extend_from_slice(last.as_bytes());
        for symbol in self.model.hash_order.iter().copied() {
            if self.state(symbol).write && !self.model.name_bytes(symbol).is_empty() {
                self.list(symbol, prefix, form, &mut out);
            }
        }
        out
    }

    fn list(&self, symbol: SymbolId, prefix: &str, form: Form, out: &mut Vec<u8>) {
        let type_ = self.model.symbol(symbol).type_;
        let value = self.shown(symbol);
        if type_ == Type::Unknown || (type_.is_logic() && value == b"n") {
            return;
        }
        let name = [prefix.as_bytes(), self.model.name_bytes(symbol)].concat();
        let has_prefix = value.starts_with(b"0x") || value.starts_with(b"0X");
        let hex = if type_ == Type::Hex && !has_prefix { b"0x".as_slice() } else { b"" };
        let value = [hex, value].concat();
        match form {
            // `auto.conf` is read by make: no quotes, and numbers as they are.
            Form::Auto => out.extend_from_slice(&[&name, b"=".as_slice(), self.shown(symbol)].concat()),
            Form::Header => {
                out.extend_from_slice(&[b"#define ", name.as_slice()].concat());
                match type_ {
                    Type::Bool | Type::Tristate if value == b"m" => out.extend_from_slice(b"_MODULE 1"),
                    Type::Bool | Type::Tristate => out.extend_from_slice(b" 1"),
                    Type::String => {
                        out.push(b' ');
                        crate::config::quote(&value, self.model.dialect.raw_strings, out);
                    }
                    _ => out.extend_from_slice(&[b" ", value.as_slice()].concat()),
                }
            }
            Form::Rust => {
                if type_.is_logic() {
                    out.extend_from_slice(&[b"--cfg=", name.as_slice(), b"\n"].concat());
                }
                out.extend_from_slice(&[b"--cfg=", name.as_slice(), b"="].concat());
                crate::config::quote(&value, false, out);
            }
        }
        out.push(b'\n');
    }
}

/// The files to touch, in the order of the C program: first the names that no longer exist, then by hash.
fn touched(evaluation: &Evaluation<'_>, auto: &str, prefix: &str, files: &dyn Files) -> Vec<String> {
    let folder = auto.rfind('/').map_or("", |slash| &auto[..=slash]);
    let model = evaluation.model;
    let mut old = Evaluation::with(model, &model.conditions);
    let mut names: Vec<Vec<u8>> = Vec::new();
    if let Some(text) = files.read(auto) {
        names = old.read_auto(&text, Reading { name: auto, prefix, warn_unknown: false, skip: &[] });
    }
    for symbol in model.hash_order.iter().copied().filter(|symbol| !model.is_choice(*symbol)) {
        let state = evaluation.state(symbol);
        let type_ = model.symbol(symbol).type_;
        let same = match &old.state(symbol).user {
            Some(Wanted::Logic(old)) => state.write && state.value == *old,
            Some(Wanted::Text(old)) => state.write && evaluation.shown(symbol) == &**old,
            None => !state.write || (type_.is_logic() && state.value == Tristate::No),
        };
        if !same {
            names.push(model.name_bytes(symbol).to_vec());
        }
    }
    names.iter().map(|name| format!("{folder}{}", String::from_utf8_lossy(name))).collect()
}

/// `auto.conf.cmd`: the conditions under which make runs `syncconfig` again.
fn command(evaluation: &Evaluation<'_>, auto: &str) -> Vec<u8> {
    let model = evaluation.model;
    let mut out = Vec::new();
    let legacy = model.dialect.choice_values;
    let target = if legacy { auto } else { "$(autoconfig)" };
    if !legacy {
        out.extend_from_slice(format!("autoconfig := {auto}\n\n").as_bytes());
    }
    out.extend_from_slice(b"deps_config := \\\n");
    let mut names: Vec<&str> = model.files().collect();
    if legacy {
        names.reverse();
    }
    for name in names {
        out.extend_from_slice(format!("\t{name} \\\n").as_bytes());
    }
    out.extend_from_slice(format!("\n{target}: $(deps_config)\n").as_bytes());
    out.extend_from_slice(if legacy { b"\n" } else { b"$(deps_config): ;\n" });
    for (name, value) in model.environment() {
        let blank = if legacy { "" } else { "\n" };
        out.extend_from_slice(format!("{blank}ifneq \"$({name})\" \"").as_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(format!("\"\n{target}: FORCE\nendif\n").as_bytes());
    }
    if legacy {
        out.extend_from_slice(b"\n$(deps_config): ;\n");
    }
    out
}
