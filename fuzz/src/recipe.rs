//! Recipes of one text.

use kiln_diag::{Code, Diagnostics, Sources};
use kiln_plan::evaluate::{Fragments, Setting, evaluate};
use kiln_plan::{Arch, SCHEME};
use kiln_recipe::{Data, Entry, Fault, Found, Imports, Module, Reader, load};

/// A reader that knows one file.
struct OneFile<'a>(&'a str, &'a [u8]);

impl Reader for OneFile<'_> {
    fn find(&self, _: &str, name: &str) -> Result<Found, Fault> {
        let found = Found { identity: name.to_owned(), name: name.to_owned(), dir: "/r".to_owned() };
        (name == self.0).then_some(found).ok_or_else(|| Fault::new("there is one file"))
    }

    fn read(&self, _: &Found) -> Result<Vec<u8>, Fault> {
        Ok(self.1.to_vec())
    }
}

/// Reads the file `name`, whose ending is its format, and shows all findings.
///
/// Returns its data when the text has no fault.
pub fn data(name: &str, text: &[u8]) -> Option<Data> {
    let mut sources = Sources::new();
    let imports = Imports { scheme: SCHEME, builtins: &[], foreign: &Fragments::of(None) };
    let (modules, diagnostics) = load(name, imports, &OneFile(name, text), &mut sources);
    show(&diagnostics, &sources);
    let Module { value, .. } = modules.list.into_iter().last()?;
    // An import that is not there is no fault of the text.
    let is_fault = diagnostics.iter().any(|diagnostic| diagnostic.code == Code::Syntax);
    (!is_fault).then_some(value.data)
}

/// Evaluates the file `name` as a recipe, and shows all findings.
pub fn evaluated(name: &str, text: &[u8]) {
    let mut sources = Sources::new();
    let setting = Setting { host: Arch::parse("x86_64").expect("it is known"), version: None };
    let evaluation = evaluate(name, &OneFile(name, text), &setting, &mut sources);
    show(&evaluation.diagnostics, &sources);
    assert!(evaluation.evaluated.is_some() || evaluation.diagnostics.has_errors(), "no recipe and no error");
}

/// Looks up the place of every finding, as the terminal does; panics for one outside of its text.
fn show(diagnostics: &Diagnostics, sources: &Sources) {
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(sources.text(label.span.file).get(label.span.range()).is_some(), "{label:?} is outside of the text");
        sources.location(label.span);
    }
}

/// A table as a TOML document; `None` when something in it has no notation.
pub fn toml_of(data: &Data) -> Option<String> {
    let Data::Table(entries) = data else { return None };
    let line = |entry: &Entry| {
        let one = Data::Table(vec![entry.clone()]).to_string();
        format!("{}\n", one.trim_start_matches("{ ").strip_suffix(" }").unwrap_or(&one))
    };
    is_writable(data).then(|| entries.iter().map(line).collect())
}

fn is_writable(data: &Data) -> bool {
    match data {
        Data::Other(_) => false,
        Data::List(items) => items.iter().all(|item| is_writable(&item.data)),
        Data::Table(entries) => entries.iter().all(|entry| is_writable(&entry.value.data)),
        Data::Text(_) | Data::Int(_) | Data::Bool(_) => true,
    }
}
