//! Symbols that the host's tools decide: Kconfig's questions to the compiler and other tools.
//!
//! In the model, a macro call like `$(cc-option,-mfoo)` is already its answer; the question is only in the text.

use std::borrow::Cow;

use kiln_kconfig::{Evaluation, Place, SymbolId, Type};
use kiln_plan::tools::Tool;

use super::quoted;

/// A question to the host.
pub(super) struct Question {
    /// The question, the tool and the answer.
    pub(super) sentence: String,
    /// The line with the question.
    pub(super) place: Place,
    /// The tool whose presence is the answer, where that is known.
    pub(super) tool: Option<Tool>,
}

/// Returns the question whose answer is the value of `symbol`: it has no prompt, and a default calls a macro.
pub(super) fn question(evaluation: &Evaluation<'_>, symbol: SymbolId) -> Option<Question> {
    let model = evaluation.model();
    if model.prompt(symbol).is_some() || model.selectors(symbol).any(|line| !line.weak) {
        return None;
    }
    let place = model.defaults(symbol).map(|default| default.place).find(|place| call(evaluation, place).is_some())?;
    let call = call(evaluation, &place)?;
    let (name, value) = (model.name(symbol), evaluation.value_of(symbol));
    let is = match model.type_of(symbol) {
        Type::Bool | Type::Tristate => format!("`{name}` is decided by this host's tools"),
        _ => format!("`{name}` is {}, decided by this host's tools", quoted(&value)),
    };
    let tool = tool(evaluation, &name, &call);
    Some(Question { sentence: format!("{is}: {}", asked(evaluation, &call)), place, tool })
}

/// Returns the question when `symbol` is a constant that is the answer on the line at `place`.
pub(super) fn statement(evaluation: &Evaluation<'_>, symbol: SymbolId, place: &Place) -> Option<Question> {
    if matches!(&*evaluation.model().name(symbol), "n" | "m") {
        let call = call(evaluation, place)?;
        let tool = tool(evaluation, "", &call);
        return Some(Question { sentence: asked(evaluation, &call), place: place.clone(), tool });
    }
    None
}

/// Returns the tool that would change the answer to a question, which is the value of `symbol`.
fn tool(evaluation: &Evaluation<'_>, symbol: &str, call: &Call<'_>) -> Option<Tool> {
    let version = variable(evaluation, "CC_VERSION_TEXT").unwrap_or_default();
    let is_clang = version.contains("clang");
    let line = &*call.statement;
    // Options that only Clang has.
    let is_clangs = || {
        const ONLY: [&str; 5] = [
            "-fsanitize=kcfi",
            "-fsanitize=kernel-memory",
            "-flto=thin",
            "-mspeculative-load-hardening",
            "-frandomize-layout",
        ];
        ONLY.iter().any(|option| line.contains(option))
    };
    match symbol {
        "CC_IS_GCC" | "GCC_VERSION" if is_clang => return Some(Tool::Gcc),
        "CC_IS_CLANG" | "CLANG_VERSION" | "LD_IS_LLD" | "LLD_VERSION" | "AS_IS_LLVM" if !is_clang => {
            return Some(Tool::Llvm);
        }
        _ => {}
    }
    if line.contains("-print-file-name=plugin") {
        return Some(Tool::GccPlugins);
    }
    if line.contains("pahole") || line.contains("$(PAHOLE)") {
        return Some(Tool::Pahole);
    }
    let is_rust = ["rustc", "rust_is_available", "bindgen", "$(RUSTC", "$(BINDGEN"];
    if is_rust.iter().any(|word| line.contains(word)) {
        return Some(Tool::Rust);
    }
    (!is_clang && is_clangs()).then_some(Tool::Llvm)
}

/// Returns the value of a variable that the tree's Kconfig files read, unless it is empty.
pub(super) fn variable(evaluation: &Evaluation<'_>, variable: &str) -> Option<String> {
    let value = evaluation.model().environment().find(|(name, _)| *name == variable).map(|(_, value)| value);
    value.map(|value| String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
}

/// A call of a macro.
struct Call<'e> {
    name: String,
    arguments: Vec<String>,
    /// The whole line.
    statement: Cow<'e, str>,
}

/// Returns the macro call on a line.
fn call<'e>(evaluation: &'e Evaluation<'_>, place: &Place) -> Option<Call<'e>> {
    let statement = evaluation.model().statement(place)?;
    let start = statement.match_indices("$(").map(|(at, _)| at + 2).find(|at| {
        // Uppercase names are variables of the makefiles; `srctree` is a directory.
        let rest = &statement[*at..];
        rest.starts_with(|c: char| c.is_ascii_lowercase()) && !rest.starts_with("srctree)")
    })?;
    let mut depth = 0usize;
    let mut words = vec![String::new()];
    for c in statement[start..].chars() {
        match c {
            ')' if depth == 0 => break,
            ',' if depth == 0 => {
                words.push(String::new());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let name = words.remove(0);
    Some(Call { name, arguments: words, statement })
}

/// Describes the tool and the question of a macro call.
fn asked(evaluation: &Evaluation<'_>, call: &Call<'_>) -> String {
    let Call { name, arguments, statement } = call;
    let what = arguments.join(",");
    // As in scripts/Kconfig.include and the files beside it.
    let (tool, variable) = match name.as_str() {
        _ if name.starts_with("rustc") => ("the Rust compiler", "RUSTC"),
        _ if name.starts_with("ld") => ("the linker", "LD"),
        _ if name.starts_with("as-") => ("the assembler", "CC"),
        _ if name.starts_with("cc") || name.starts_with("m32") || name.starts_with("m64") => ("the C compiler", "CC"),
        _ if name.starts_with("gcc") || name.starts_with("clang") => ("the C compiler", "CC"),
        _ => ("", ""),
    };
    let named = |name: &str| self::variable(evaluation, name);
    let tool = match named(variable) {
        Some(program) if variable == "CC" => {
            let version = named("CC_VERSION_TEXT").map(|text| format!(" ({text})")).unwrap_or_default();
            format!("{tool} `{program}`{version}")
        }
        Some(program) => format!("{tool} `{program}`"),
        None => tool.to_owned(),
    };
    match name.as_str() {
        "cc-option" | "cc-option-bit" | "ld-option" | "rustc-option" | "as-option" => {
            format!("{tool} was tested for support of `{what}`")
        }
        "as-instr" | "as-instr64" => format!("{tool} was tested for support of `{what}`"),
        _ if tool.is_empty() => {
            let programs: Vec<String> = ["CC", "LD", "RUSTC", "BINDGEN", "PAHOLE", "PYTHON3", "NM", "OBJCOPY"]
                .into_iter()
                .filter(|variable| {
                    statement.contains(&format!("$({variable})")) || statement.contains(&format!("${variable}"))
                })
                .filter_map(|variable| Some(format!("{variable} is `{}`", named(variable)?)))
                .collect();
            let programs = if programs.is_empty() { String::new() } else { format!(", where {}", programs.join(", ")) };
            format!("`{statement}`{programs}")
        }
        _ => format!("{tool} was tested with `{statement}`"),
    }
}
