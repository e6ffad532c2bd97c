//! A loader's modules as trees: under each target its dependencies, and under each of those its own.

use std::collections::BTreeSet;

use crate::manifest::{LoaderEntry, ModuleEntry, Reason};

/// Draws a loader's trees, one line per module: its name, its size on disk, and why the module above needs it.
///
/// The dependencies of a module are drawn at its first occurrence; later only its name is. Modules are in load order.
pub fn draw(loader: &LoaderEntry) -> String {
    let mut drawing = Drawing { loader, drawn: BTreeSet::new(), rows: Vec::new() };
    for module in &loader.modules {
        if module.reasons.iter().any(|reason| reason.by().is_none()) || module.reasons.is_empty() {
            drawing.add(module, "", "", "target".to_owned());
        }
    }
    // Modules required only by modules that are in no tree: a manifest that kiln did not write.
    for module in &loader.modules {
        if !drawing.drawn.contains(module.name.as_str()) {
            drawing.add(module, "", "", String::new());
        }
    }
    for name in &loader.builtin {
        drawing.rows.push((name.clone(), "-".to_owned(), "target; part of the kernel".to_owned()));
    }
    for missing in &loader.missing_softdeps {
        let symbols: Vec<String> = missing.symbols.iter().map(|symbol| format!("`{symbol}`")).collect();
        let why = match symbols.is_empty() {
            true => "no module of this kernel by that name".to_owned(),
            false => format!("not built; {} would build it", symbols.join(" or ")),
        };
        drawing.rows.push((missing.word.clone(), "-".to_owned(), format!("soft dependency of {}; {why}", missing.by)));
    }
    aligned(&drawing.rows)
}

/// Returns the bytes on disk of all modules of a loader.
pub fn size(loader: &LoaderEntry) -> u64 {
    loader.modules.iter().map(|module| module.size).sum()
}

/// Returns a size for people: KiB, rounded up.
pub fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

struct Drawing<'a> {
    loader: &'a LoaderEntry,
    drawn: BTreeSet<&'a str>,
    /// Name with the lines that lead to it, size, reason.
    rows: Vec<(String, String, String)>,
}

/// A part of a tree that is still to be drawn; a stack of these instead of recursion, as chains can be long.
struct Open<'a> {
    module: &'a ModuleEntry,
    /// The text before the module's own line, and before those below it.
    lead: String,
    below: String,
    why: String,
}

impl<'a> Drawing<'a> {
    fn add(&mut self, module: &'a ModuleEntry, lead: &str, below: &str, why: String) {
        let mut open = vec![Open { module, lead: lead.to_owned(), below: below.to_owned(), why }];
        while let Some(next) = open.pop() {
            let module = next.module;
            let is_new = self.drawn.insert(&module.name);
            let children = self.wanted_by(&module.name);
            let again = if is_new || children.is_empty() { "" } else { " (above)" };
            let why = format!("{}{}", next.why, note(module));
            self.rows.push((format!("{}{}{again}", next.lead, module.name), kib(module.size), why));
            if !is_new {
                continue;
            }
            let last = children.len();
            let children = children.into_iter().enumerate().map(|(at, (module, why))| {
                let (tee, bar) =
                    if at + 1 == last { ("\u{2514}\u{2500} ", "   ") } else { ("\u{251c}\u{2500} ", "\u{2502}  ") };
                Open { module, lead: format!("{}{tee}", next.below), below: format!("{}{bar}", next.below), why }
            });
            let children: Vec<Open<'_>> = children.collect();
            open.extend(children.into_iter().rev());
        }
    }

    /// Returns the modules that `name` requires, in load order, with the reason.
    fn wanted_by(&self, name: &str) -> Vec<(&'a ModuleEntry, String)> {
        let mut wanted = Vec::new();
        for module in &self.loader.modules {
            let reason = module.reasons.iter().find(|reason| reason.by() == Some(name));
            wanted.extend(reason.map(|reason| (module, why(reason))));
        }
        wanted
    }
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::Target { word } => format!("target {word}"),
        Reason::Symbol { symbol, .. } => format!("for {symbol}"),
        Reason::SoftdepPre { line, .. } | Reason::SoftdepPost { line, .. } => format!("softdep: {line}"),
        Reason::Weakdep { line, .. } => format!("weakdep: {line}"),
    }
}

fn note(module: &ModuleEntry) -> &'static str {
    match (module.loaded, module.stays_loaded) {
        (false, _) => "; not loaded",
        (true, true) => "; stays loaded",
        (true, false) => "",
    }
}

/// Formats columns as wide as their widest entry, sizes aligned to the right.
fn aligned(rows: &[(String, String, String)]) -> String {
    let names = rows.iter().map(|row| row.0.chars().count()).max().unwrap_or(0);
    let sizes = rows.iter().map(|row| row.1.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, size, why) in rows {
        out.push_str(format!("{name:names$}  {size:>sizes$}  {why}").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::manifest::MissingSoftdep;

    fn module(name: &str, size: u64, reasons: &[Reason]) -> ModuleEntry {
        ModuleEntry {
            name: name.to_owned(),
            path: format!("lib/modules/6.1/{name}.ko"),
            size,
            because: Vec::new(),
            reasons: reasons.to_vec(),
            loaded: true,
            parameters: String::new(),
            stays_loaded: name == "stuck",
            soft: false,
            firmware: Vec::new(),
        }
    }

    fn missing((word, symbols): (&str, &[&str])) -> MissingSoftdep {
        let symbols = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
        MissingSoftdep { word: word.to_owned(), by: "a".to_owned(), symbols }
    }

    #[test]
    fn trees_name_the_reason_of_every_edge() {
        let target = |word: &str| Reason::Target { word: word.to_owned() };
        let symbol = |by: &str, symbol: &str| Reason::Symbol { by: by.to_owned(), symbol: symbol.to_owned() };
        let soft = Reason::SoftdepPre { by: "a".to_owned(), line: "pre: stuck".to_owned() };
        let modules = vec![
            module("deep", 100, &[symbol("mid", "deep_get"), symbol("b", "deep_put")]),
            module("mid", 5000, &[symbol("a", "mid_get"), symbol("b", "mid_get")]),
            module("stuck", 2048, &[soft]),
            module("a", 1, &[target("a")]),
            module("b", 1, &[target("b")]),
        ];
        let loader = LoaderEntry {
            targets: vec!["a".to_owned(), "b".to_owned(), "img".to_owned()],
            dependencies: Vec::new(),
            modules,
            builtin: vec!["img".to_owned()],
            missing_softdeps: [("nls_cp852", &["NLS_CODEPAGE_852"][..]), ("no_such", &[])].map(missing).into(),
        };
        expect![[r#"
            a               1 KiB  target
            ├─ mid          5 KiB  for mid_get
            │  └─ deep      1 KiB  for deep_get
            └─ stuck        2 KiB  softdep: pre: stuck; stays loaded
            b               1 KiB  target
            ├─ deep         1 KiB  for deep_put
            └─ mid (above)  5 KiB  for mid_get
            img                 -  target; part of the kernel
            nls_cp852           -  soft dependency of a; not built; `NLS_CODEPAGE_852` would build it
            no_such             -  soft dependency of a; no module of this kernel by that name
        "#]]
        .assert_eq(&draw(&loader));
        assert_eq!(kib(size(&loader)), "7 KiB");
    }
}
