//! Loads the modules of a recipe: follows imports, and parses every file once.
//!
//! The order of modules is the order in which their definitions are joined: the imports of a file, in the order
//! written, then the file itself; a file imported again keeps its first place.
//! Nothing here reads files: a [`Reader`] does, and decides what makes two names the same file.

use std::collections::BTreeSet;

use kiln_diag::{Code, Diagnostic, Diagnostics, FileId, Sources, Span};

use crate::declaration::Fault;
use crate::nearest::nearest;
use crate::syntax::{self, Foreign};
use crate::value::{Data, Value};

/// The key under which a file lists what it imports.
pub const IMPORTS: &str = "imports";

/// Deeper nesting of imports is refused; no recipe written by hand comes near.
const MAX_DEPTH: usize = 200;

/// Finds and reads the files of a recipe.
pub trait Reader {
    /// Finds the file `name`, relative to the directory `dir` (empty for the reader's default directory).
    ///
    /// # Errors
    /// The reason why there is no such file.
    fn find(&self, dir: &str, name: &str) -> Result<Found, Fault>;

    /// Reads a file that was found before.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    fn read(&self, found: &Found) -> Result<Vec<u8>, Fault>;
}

/// A file that a [`Reader`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Equal for two names of the same file, and for no others.
    pub identity: String,
    /// The name that messages show; its suffix decides the format.
    pub name: String,
    /// The directory that the file's own relative paths are relative to.
    pub dir: String,
}

/// A module that ships with the program, imported as `SCHEME:NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// The name after the scheme.
    pub name: &'static str,
    /// Its purpose, in one line.
    pub doc: &'static str,
    /// Its text, in TOML.
    pub text: &'static str,
}

/// The sources of imports other than files.
#[derive(Clone, Copy)]
pub struct Imports<'a> {
    /// The scheme: the part before the colon of a shipped module's name.
    pub scheme: &'static str,
    /// The shipped modules.
    pub builtins: &'a [Builtin],
    /// The format that is not TOML or JSON.
    pub foreign: &'a dyn Foreign,
}

/// The files of a recipe, parsed, in the order in which definitions are joined.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    /// The files.
    pub list: Vec<Module>,
}

/// One file of a recipe.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its text.
    pub file: FileId,
    /// The directory that its relative paths are relative to; `None` for a shipped module, which has none.
    pub dir: Option<String>,
    /// Its content.
    pub value: Value,
}

impl Modules {
    /// Returns the directory that relative paths written in `file` are relative to.
    pub fn dir(&self, file: FileId) -> Option<&str> {
        self.list.iter().find(|module| module.file == file)?.dir.as_deref()
    }
}

/// Reads the recipe `root` with all that it imports.
///
/// Every text read is added to `sources`. A file that cannot be found, read or parsed is a finding at the place of the
/// import, and the others are still read.
pub fn load(root: &str, imports: Imports<'_>, reader: &dyn Reader, sources: &mut Sources) -> (Modules, Diagnostics) {
    let mut loader = Loader {
        imports,
        reader,
        sources,
        modules: Modules::default(),
        diagnostics: Diagnostics::new(),
        done: BTreeSet::new(),
        open: Vec::new(),
    };
    match reader.find("", root) {
        Ok(found) => loader.file(&found, None),
        Err(fault) => {
            loader.diagnostics.push(with_help(Diagnostic::error(Code::MissingRecipe, fault.message), fault.help))
        }
    }
    (loader.modules, loader.diagnostics)
}

struct Loader<'a> {
    imports: Imports<'a>,
    reader: &'a dyn Reader,
    sources: &'a mut Sources,
    modules: Modules,
    diagnostics: Diagnostics,
    /// Identities read or being read.
    done: BTreeSet<String>,
    /// Identities being read, outermost first, each with the import that requested it.
    open: Vec<(String, Option<Span>)>,
}

impl Loader<'_> {
    /// Reads a file that `asked_at` imports, unless it was read before.
    fn file(&mut self, found: &Found, asked_at: Option<Span>) {
        if !self.enter(&found.identity, asked_at) {
            return;
        }
        let value = match self.reader.read(found) {
            Ok(bytes) => Some(self.text(&found.name, &bytes, syntax::read)),
            Err(fault) => {
                let diagnostic = Diagnostic::error(Code::UnreadableFile, fault.message);
                self.refuse(with_help(diagnostic, fault.help), asked_at);
                None
            }
        };
        if let Some((file, value)) = value {
            self.module(file, Some(found.dir.clone()), value);
        }
        self.open.pop();
    }

    fn text(&mut self, name: &str, bytes: &[u8], read: syntax::Read) -> (FileId, Value) {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let file = self.sources.add(name, text);
                let (value, findings) = read(file, name, text, self.imports.foreign);
                self.diagnostics.extend(findings);
                (file, value)
            }
            Err(error) => {
                let file = self.sources.add(name, String::from_utf8_lossy(bytes));
                // The valid part is the same in both, so the offset holds in the text that messages show.
                let at = error.valid_up_to();
                let span = Span::new(file, at..at + char::REPLACEMENT_CHARACTER.len_utf8());
                let diagnostic = Diagnostic::error(Code::Syntax, format!("byte {at} is not UTF-8")).label(span, "");
                self.diagnostics.push(diagnostic.help("save the file as UTF-8"));
                (file, syntax::nothing(file))
            }
        }
    }

    /// Follows the imports of a parsed file, and then adds the file.
    fn module(&mut self, file: FileId, dir: Option<String>, value: Value) {
        for item in self.listed(&value) {
            if let Some(name) = item.as_text() {
                self.import(dir.as_deref(), name, item.span);
            }
        }
        self.modules.list.push(Module { file, dir, value });
    }

    /// Returns the items of a file's `imports`; anything but a list of names is refused here.
    fn listed(&mut self, value: &Value) -> Vec<Value> {
        let Some(imports) = value.get(IMPORTS) else { return Vec::new() };
        let Data::List(items) = &imports.data else {
            let message = format!("`{IMPORTS}` must be a list of names, and this is {}", imports.data.noun());
            self.diagnostics.push(Diagnostic::error(Code::Type, message).option(IMPORTS).label(imports.span, ""));
            return Vec::new();
        };
        for item in items.iter().filter(|item| item.as_text().is_none()) {
            let message = format!("an import is a name, and this is {}", item.data.noun());
            self.diagnostics.push(Diagnostic::error(Code::Type, message).option(IMPORTS).label(item.span, ""));
        }
        items.clone()
    }

    fn import(&mut self, dir: Option<&str>, name: &str, span: Span) {
        if name.contains('\0') || name.trim().is_empty() {
            let message = "an import is the name of a file or of a shipped module";
            self.diagnostics.push(Diagnostic::error(Code::MissingImport, message).option(IMPORTS).label(span, ""));
            return;
        }
        if let Some(builtin) = name.strip_prefix(self.imports.scheme).and_then(|rest| rest.strip_prefix(':')) {
            self.builtin(builtin, span);
            return;
        }
        // A shipped module has no directory, so it can import only shipped modules.
        let Some(dir) = dir else {
            let message = format!("a shipped module cannot import `{name}`");
            self.diagnostics.push(Diagnostic::error(Code::MissingImport, message).option(IMPORTS).label(span, ""));
            return;
        };
        match self.reader.find(dir, name) {
            Ok(found) => self.file(&found, Some(span)),
            Err(fault) => {
                let diagnostic = Diagnostic::error(Code::MissingImport, fault.message).option(IMPORTS);
                self.refuse(with_help(diagnostic, fault.help), Some(span));
            }
        }
    }

    fn builtin(&mut self, name: &str, span: Span) {
        let scheme = self.imports.scheme;
        let identity = format!("{scheme}:{name}");
        let Some(builtin) = self.imports.builtins.iter().find(|builtin| builtin.name == name) else {
            let mut diagnostic = Diagnostic::error(Code::UnknownModule, format!("there is no `{identity}`"))
                .option(IMPORTS)
                .label(span, "no module of this name ships");
            let names: Vec<&str> = self.imports.builtins.iter().map(|builtin| builtin.name).collect();
            diagnostic = match nearest(name, names.iter().copied()) {
                Some(near) => diagnostic.help(format!("did you mean `{scheme}:{near}`?")),
                None => diagnostic.help(format!("there are {}", listed(scheme, &names))),
            };
            self.diagnostics.push(diagnostic);
            return;
        };
        if self.enter(&identity, Some(span)) {
            let (file, value) = self.text(&identity, builtin.text.as_bytes(), syntax::read_toml);
            self.module(file, None, value);
            self.open.pop();
        }
    }

    /// Whether the file is to be read now: not when it was before, and not when it is being read.
    fn enter(&mut self, identity: &str, asked_at: Option<Span>) -> bool {
        if let Some(start) = self.open.iter().position(|(open, _)| open == identity) {
            self.cycle(start, asked_at);
            return false;
        }
        if self.done.contains(identity) {
            return false;
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("imports are nested deeper than {MAX_DEPTH} files");
            self.refuse(Diagnostic::error(Code::ImportDepth, message).option(IMPORTS), asked_at);
            return false;
        }
        self.done.insert(identity.to_owned());
        self.open.push((identity.to_owned(), asked_at));
        true
    }

    /// Reports the cycle that leads from the file at `start` of the open ones back to itself.
    fn cycle(&mut self, start: usize, asked_at: Option<Span>) {
        let spans: Vec<Span> = self.open[start + 1..].iter().filter_map(|(_, span)| *span).chain(asked_at).collect();
        let mut names: Vec<&str> = spans.iter().map(|span| self.sources.name(span.file)).collect();
        names.extend(names.first().copied());
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let mut diagnostic =
            Diagnostic::error(Code::ImportCycle, format!("imports form a cycle: {}", names.join(" imports ")))
                .option(IMPORTS);
        for (index, span) in spans.iter().enumerate() {
            let last = index + 1 == spans.len();
            diagnostic = diagnostic.label(*span, if last { "and this closes the cycle" } else { "imported here" });
        }
        self.diagnostics.push(diagnostic.help("remove one of these imports"));
    }

    fn refuse(&mut self, diagnostic: Diagnostic, asked_at: Option<Span>) {
        self.diagnostics.push(match asked_at {
            Some(span) => diagnostic.label(span, "imported here"),
            None => diagnostic,
        });
    }
}

fn with_help(diagnostic: Diagnostic, help: Option<String>) -> Diagnostic {
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn listed(scheme: &str, names: &[&str]) -> String {
    names.iter().map(|name| format!("`{scheme}:{name}`")).collect::<Vec<_>>().join(", ")
}
