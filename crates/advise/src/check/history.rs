//! The names of symbols in other versions of a kernel.
//!
//! A tree contains little of its own past, but moving a recipe from one version to the next means that the old one has
//! been resolved: a [`Catalogue`] is what is kept of that tree. A symbol of it that a tree no longer has, while a new
//! symbol there has its prompt, has been renamed ([`Catalogue::successor`]). It works in both directions of time.

use std::collections::BTreeMap;

use kiln_kconfig::{Model, SymbolId};

/// The first line of a catalogue's text.
const FORMAT: &str = "kiln catalogue 1";

/// A prompt with fewer words is not specific enough to be recognised in another file.
const N_WORDS: usize = 3;

/// The symbols of one tree for one architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    version: String,
    /// By name.
    entries: BTreeMap<String, Entry>,
}

/// The kept facts of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Whether it is a `bool` or a `tristate`.
    is_logic: bool,
    /// The file of its first definition with a prompt, else of its first.
    file: String,
    /// The first prompt; empty when there is none.
    prompt: String,
}

/// A symbol under its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The name in the tree that was searched.
    pub name: String,
    /// Where it is defined there, as `file:line`.
    pub place: String,
    /// The prompt that both symbols have.
    pub prompt: String,
    /// The version that has the old name.
    pub version: String,
}

impl Catalogue {
    /// Returns the catalogue of a model.
    pub fn of(model: &Model, version: &str) -> Catalogue {
        let entry = |symbol: SymbolId| Some((model.name(symbol).into_owned(), entry(model, symbol)?.0));
        let entries = model.declared().filter(|symbol| !model.stands_for_choice(*symbol)).filter_map(entry).collect();
        Catalogue { version: version.to_owned(), entries }
    }

    /// Returns the catalogue as text, one symbol per line.
    pub fn text(&self) -> String {
        let mut out = format!("{FORMAT}\n{}\n", self.version);
        for (name, entry) in &self.entries {
            let kind = if entry.is_logic { "logic" } else { "text" };
            out += &format!("{name}\t{kind}\t{}\t{}\n", entry.file, entry.prompt);
        }
        out + "end\n"
    }

    /// Reads [`Catalogue::text`]; `None` when it is anything else, or incomplete.
    pub fn parse(text: &str) -> Option<Catalogue> {
        let (version, lines) = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.split_once('\n')?;
        let mut entries = BTreeMap::new();
        for line in lines.strip_suffix("end\n")?.lines() {
            let mut fields = line.splitn(4, '\t');
            let (name, kind) = (fields.next()?, fields.next()?);
            let (file, prompt) = (fields.next()?.to_owned(), fields.next()?.to_owned());
            entries.insert(name.to_owned(), Entry { is_logic: kind == "logic", file, prompt });
        }
        Some(Catalogue { version: version.to_owned(), entries })
    }

    /// Returns the names of all symbols, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns the version of the tree.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns in words where the tree has a symbol and with which prompt; `None` when it has none of that name.
    pub fn known(&self, symbol: &str) -> Option<String> {
        let entry = self.entries.get(symbol)?;
        let prompt = if entry.prompt.is_empty() { String::new() } else { format!(" \"{}\"", entry.prompt) };
        Some(format!("Linux {} has it:{prompt} in {}", self.version, entry.file))
    }

    /// Returns the name that a symbol of this catalogue has in `model`, which has no symbol of its old name.
    ///
    /// That is the one new symbol there with the same prompt: in the same file, or in another one where the prompt is
    /// long enough and no other symbol has it on either side. Where several could be meant, it is `None`.
    pub fn successor(&self, symbol: &str, model: &Model) -> Option<Successor> {
        let old = self.entries.get(symbol).filter(|old| !old.prompt.is_empty())?;
        let is_declared = |id: &SymbolId| model.definitions(*id).next().is_some();
        if model.find(symbol).filter(is_declared).is_some() {
            return None;
        }
        let mut candidates: Vec<(String, Entry, String)> = Vec::new();
        for id in model.declared() {
            let has_prompt = model.prompts(id).next().is_some() && model.prompt(id).is_some_and(|is| is == old.prompt);
            let name = model.name(id);
            if !has_prompt || model.stands_for_choice(id) || self.entries.contains_key(&*name) {
                continue;
            }
            candidates.extend(entry(model, id).map(|(entry, place)| (name.into_owned(), entry, place)));
        }
        candidates.retain(|(_, new, _)| new.is_logic == old.is_logic);
        let n_everywhere = candidates.len();
        let near: Vec<&(String, Entry, String)> =
            candidates.iter().filter(|(_, new, _)| new.file == old.file).collect();
        let n_old = self.entries.values().filter(|other| other.prompt == old.prompt).count();
        let is_telling = old.prompt.split_whitespace().count() >= N_WORDS;
        let found = match near.as_slice() {
            [only] => Some(*only),
            [] if n_everywhere == 1 && n_old == 1 && is_telling => candidates.first(),
            _ => None,
        };
        let (name, _, place) = found?;
        Some(Successor {
            name: name.clone(),
            place: place.clone(),
            prompt: old.prompt.clone(),
            version: self.version.clone(),
        })
    }
}

/// Returns the kept facts of a symbol, and the place that shows it.
fn entry(model: &Model, symbol: SymbolId) -> Option<(Entry, String)> {
    let prompted = model.definitions(symbol).find(|definition| definition.prompt.is_some());
    let definition = prompted.or_else(|| model.definitions(symbol).next())?;
    // Each symbol is a line, with tabs between its fields.
    let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let prompt = definition.prompt.as_ref().map(|prompt| plain(prompt)).unwrap_or_default();
    let file = plain(&definition.place.file);
    let entry = Entry { is_logic: model.type_of(symbol).is_logic(), file, prompt };
    Some((entry, crate::why::shown(&definition.place)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kiln_kconfig::{Dialect, NoHost};

    use super::*;

    fn model(text: &str, more: &str) -> Model {
        let text = format!("{text}\nsource \"more\"\n");
        let more = more.to_owned();
        let files = move |name: &str| -> Option<Arc<[u8]>> {
            match name {
                "Kconfig" => Some(text.as_bytes().into()),
                "more" => Some(more.as_bytes().into()),
                _ => None,
            }
        };
        Model::parse("Kconfig", &files, &NoHost, Dialect::NEWEST).0.expect("a model")
    }

    const OLD: &str = "config A\n\tbool \"Remove the mapping\"\nconfig KEPT\n\tbool \"lz4\"\nconfig L\n\tbool \"lzo\"\n\
                       config M\n\tbool \"A driver for parallel disks\"\nconfig N\n\tint \"How many\"\nconfig SILENT\n\tbool\n";

    fn called(old: &str, new: &str, more: &str) -> Option<String> {
        let catalogue = Catalogue::of(&model(OLD, ""), "6.1.5");
        catalogue.successor(old, &model(new, more)).map(|successor| format!("{} {}", successor.name, successor.place))
    }

    #[test]
    fn a_prompt_under_another_name_is_a_new_name() {
        let new = "config NEW_A\n\tbool \"Remove the mapping\"\nconfig KEPT\n\tbool \"lz4\"\n";
        assert_eq!(called("A", new, ""), Some("NEW_A Kconfig:1".to_owned()));
        // In another file, where the prompt is specific enough.
        assert_eq!(called("M", new, "config P\n\tbool \"A driver for parallel disks\"\n"), Some("P more:1".to_owned()));
        assert_eq!(called("L", new, "config LZO\n\tbool \"lzo\"\n"), None);
    }

    #[test]
    fn what_could_mean_two_is_no_new_name() {
        let one = "config NEW_A\n\tbool \"Remove the mapping\"\n";
        let two = format!("{one}config OTHER_A\n\tbool \"Remove the mapping\"\n");
        assert_eq!(called("A", &two, ""), None);
        // A number does not replace a bool, and a symbol that was there before is not new.
        assert_eq!(called("A", "config NEW_A\n\tint \"Remove the mapping\"\n", ""), None);
        assert_eq!(called("A", "config KEPT\n\tbool \"Remove the mapping\"\n", ""), None);
        assert_eq!(called("A", &format!("{one}config A\n\tbool \"other\"\n"), ""), None);
        assert_eq!(called("SILENT", one, ""), None);
        assert_eq!(called("NEVER", one, ""), None);
    }

    #[test]
    fn a_catalogue_is_read_as_it_was_written() {
        let catalogue = Catalogue::of(&model(OLD, ""), "6.1.5");
        let text = catalogue.text();
        assert_eq!(Catalogue::parse(&text), Some(catalogue.clone()));
        assert_eq!(catalogue.known("N").as_deref(), Some("Linux 6.1.5 has it: \"How many\" in Kconfig"));
        assert_eq!(catalogue.known("SILENT").as_deref(), Some("Linux 6.1.5 has it: in Kconfig"));
        for end in 0..text.len() {
            assert_eq!(Catalogue::parse(&text[..end]), None, "{end}");
        }
    }
}
