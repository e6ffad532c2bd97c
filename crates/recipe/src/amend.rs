//! Writes values into a TOML recipe and keeps its comments, order and spelling.
//!
//! A value goes into a table: the one with a definition at a known place, or the one at a path, which is created if it
//! is missing. An existing value of the key is replaced, also inside `{ value = …, priority = … }`.

use toml_edit::{Document, DocumentMut, Item, Table, TableLike, Value};

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The key.
    pub key: String,
    /// The text.
    pub value: String,
    /// An explanation for the reader; follows the value on its line, where a comment is possible.
    pub comment: String,
    /// Byte offset of the key of a definition: the value goes next to it.
    pub beside: Option<usize>,
}

/// The reason why a recipe cannot be amended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// The text cannot be parsed.
    #[error("the recipe cannot be read")]
    Syntax,
    /// No key starts at the offset.
    #[error("the definition is not where it was")]
    Moved,
    /// A key on the way is not a table, or the value has no text.
    #[error("`{0}` is written in a way that cannot be amended")]
    Shape(String),
}

/// The keys that may hold the text of a value that is written as a table.
const INNER: [&str; 3] = ["value", "default", "force"];

/// Writes the values into `text`; those without an offset go into the table at `path`.
///
/// # Errors
/// [`AmendError`]; nothing is returned then.
pub fn amend(text: &str, path: &[&str], amendments: &[Amendment]) -> Result<String, AmendError> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = Document::parse(bare).map_err(|_| AmendError::Syntax)?;
    let offset = text.len() - bare.len();
    let mut places = Vec::new();
    for amendment in amendments {
        let mut place: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        if let Some(start) = amendment.beside {
            place = Vec::new();
            if !find(read.as_table(), start.saturating_sub(offset), &mut place) {
                return Err(AmendError::Moved);
            }
            place.pop();
        }
        places.push(place);
    }
    let mut document: DocumentMut = read.into_mut();
    for (amendment, place) in amendments.iter().zip(&places) {
        let (table, is_inline) = table_at(document.as_table_mut(), place)?;
        write(table, amendment, is_inline)?;
    }
    Ok(format!("{}{document}", &text[..offset]))
}

/// Finds the key that starts at an offset; `path` receives all keys on the way and the key itself.
fn find(table: &dyn TableLike, start: usize, path: &mut Vec<String>) -> bool {
    for (name, item) in table.iter() {
        path.push(name.to_owned());
        let is_here = table.get_key_value(name).and_then(|(key, _)| key.span()).is_some_and(|span| span.start == start);
        if is_here || item.as_table_like().is_some_and(|inner| find(inner, start, path)) {
            return true;
        }
        path.pop();
    }
    false
}

/// The table at a path, created if missing, and whether it is on one line with others.
fn table_at<'t>(root: &'t mut Table, path: &[String]) -> Result<(&'t mut dyn TableLike, bool), AmendError> {
    let mut at: &mut dyn TableLike = root;
    let mut is_inline = false;
    for (depth, key) in path.iter().enumerate() {
        if !at.contains_key(key) {
            let mut table = Table::new();
            // Only the innermost gets a heading.
            table.set_implicit(depth + 1 < path.len());
            at.insert(key, Item::Table(table));
        }
        let next = at.get_mut(key);
        is_inline |= next.as_ref().is_some_and(|item| item.is_inline_table());
        at = next.and_then(Item::as_table_like_mut).ok_or_else(|| AmendError::Shape(path[..=depth].join(".")))?;
    }
    Ok((at, is_inline))
}

fn write(table: &mut dyn TableLike, amendment: &Amendment, is_inline: bool) -> Result<(), AmendError> {
    let shape = || AmendError::Shape(amendment.key.clone());
    if let Some(item) = table.get_mut(&amendment.key) {
        if let Some(inner) = item.as_table_like_mut() {
            let key = INNER.iter().find(|key| inner.contains_key(key)).ok_or_else(shape)?;
            let value = inner.get_mut(key).and_then(Item::as_value_mut).ok_or_else(shape)?;
            replace(value, &amendment.value);
        } else {
            replace(item.as_value_mut().ok_or_else(shape)?, &amendment.value);
        }
    } else {
        let neighbour = table.iter().next().map(|(key, _)| key.to_owned());
        let indent = neighbour.and_then(|key| indent_of(table, &key)).unwrap_or_default();
        let mut value = Value::from(amendment.value.clone());
        value.decor_mut().set_prefix(" ");
        if is_inline && let Some(last) = table.iter_mut().last().and_then(|(_, item)| item.as_value_mut()) {
            // The blank in front of the brace moves to after the new entry.
            let suffix = last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("").to_owned();
            last.decor_mut().set_suffix("");
            value.decor_mut().set_suffix(suffix);
        }
        table.insert(&amendment.key, Item::Value(value));
        if let Some(mut key) = table.key_mut(&amendment.key).filter(|_| !is_inline) {
            key.leaf_decor_mut().set_prefix(indent);
        }
    }
    if let Some(value) = table.get_mut(&amendment.key).and_then(Item::as_value_mut).filter(|_| !is_inline) {
        comment(value, &amendment.comment);
    }
    Ok(())
}

/// The blanks in front of a key on its line.
fn indent_of(table: &dyn TableLike, key: &str) -> Option<String> {
    let prefix = table.key(key)?.leaf_decor().prefix()?.as_str()?;
    let last = prefix.rsplit('\n').next()?;
    last.chars().all(|character| matches!(character, ' ' | '\t')).then(|| last.to_owned())
}

fn replace(value: &mut Value, text: &str) {
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
}

/// Adds a comment after a value that has none.
fn comment(value: &mut Value, text: &str) {
    let suffix = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("");
    if suffix.trim().is_empty() && !text.is_empty() {
        value.decor_mut().set_suffix(format!(" # {text}"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{Amendment, amend};

    /// Writes `key = value` into `text`, next to the definition that starts with `beside`.
    #[track_caller]
    fn check(text: &str, key: &str, value: &str, beside: &str, expect: Expect) {
        let beside = (!beside.is_empty()).then(|| text.find(beside).expect("it is there"));
        let amendment = Amendment { key: key.to_owned(), value: value.to_owned(), comment: "for A".to_owned(), beside };
        let shown = match amend(text, &["kernel", "config"], &[amendment]) {
            Ok(text) => text,
            Err(error) => format!("{error}\n"),
        };
        expect.assert_eq(&shown);
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "# first\n[kernel]\nsrc = \"x\" # where\n\n[kernel.config]\n# why\n  A = \"y\"  # a\n\n# next\n[boot]\nmemory = 1\n";
        check(
            text,
            "NET",
            "y",
            "A = ",
            expect![[r##"
            # first
            [kernel]
            src = "x" # where

            [kernel.config]
            # why
              A = "y"  # a
              NET = "y" # for A

            # next
            [boot]
            memory = 1
        "##]],
        );
        check(
            text,
            "A",
            "m",
            "A = ",
            expect![[r##"
            # first
            [kernel]
            src = "x" # where

            [kernel.config]
            # why
              A = "m"  # a

            # next
            [boot]
            memory = 1
        "##]],
        );
    }

    #[test]
    fn a_table_is_made_where_there_is_none() {
        check(
            "[kernel]\nsrc = \"x\"\n[boot]\nmemory = 1\n",
            "NET",
            "y",
            "",
            expect![[r#"
            [kernel]
            src = "x"

            [kernel.config]
            NET = "y" # for A
            [boot]
            memory = 1
        "#]],
        );
        check(
            "imports = [\"kiln:base\"]",
            "NET",
            "y",
            "",
            expect![[r#"
            imports = ["kiln:base"]

            [kernel.config]
            NET = "y" # for A
        "#]],
        );
    }

    #[test]
    fn a_value_goes_where_the_definition_is() {
        let when = "[when.'arch = \"arm\"'.kernel.config]\nA = \"y\"\n[kernel.config]\nB = \"y\"\n";
        check(
            when,
            "NET",
            "y",
            "A = ",
            expect![[r#"
            [when.'arch = "arm"'.kernel.config]
            A = "y"
            NET = "y" # for A
            [kernel.config]
            B = "y"
        "#]],
        );
        check(
            "kernel.config.A = \"y\"\nkernel.arch = \"arm\"\n",
            "NET",
            "y",
            "A = ",
            expect![[r#"
            kernel.config.A = "y"
            kernel.config.NET = "y" # for A
            kernel.arch = "arm"
        "#]],
        );
        check(
            "kernel = { config = { A = \"y\" } }\n",
            "NET",
            "y",
            "A = ",
            expect![[r#"
            kernel = { config = { A = "y", NET = "y" } }
        "#]],
        );
        check(
            "[kernel.config]\nA = { value = \"m\", priority = 80 } # keep\n",
            "A",
            "y",
            "A = ",
            expect![[r#"
            [kernel.config]
            A = { value = "y", priority = 80 } # keep
        "#]],
        );
    }

    #[test]
    fn what_cannot_be_amended_is_refused() {
        check(
            "kernel = 3\n",
            "NET",
            "y",
            "",
            expect![[r#"
            `kernel` is written in a way that cannot be amended
        "#]],
        );
        check(
            "[kernel.config]\nA = { priority = 80 }\n",
            "A",
            "y",
            "A = ",
            expect![[r#"
            `A` is written in a way that cannot be amended
        "#]],
        );
        check(
            "[kernel.config\n",
            "NET",
            "y",
            "",
            expect![[r#"
            the recipe cannot be read
        "#]],
        );
        check(
            "[kernel.config]\nA = \"y\"\n",
            "NET",
            "y",
            "= ",
            expect![[r#"
            the definition is not where it was
        "#]],
        );
    }
}
