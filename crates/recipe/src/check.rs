//! Checks values against the types of their options, and brings them into canonical form.

use kiln_diag::{Code, Diagnostic, Diagnostics, Span};

use crate::declaration::{Fault, Field, OneOf, TextType, Type, Variant};
use crate::nearest::nearest;
use crate::value::{Data, Entry, Value};

/// Checks `value` against `ty`; problems go to `diagnostics`, each with the option's `path`.
///
/// The returned form is canonical: an integer read as text is text, and a bare text that stands for a variant is its
/// table.
pub(crate) fn check(ty: &Type, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Option<Data> {
    match ty {
        Type::Text(text) => check_text(text, value, path, diagnostics).map(Data::Text),
        Type::Lines => check_text(&TextType::default(), value, path, diagnostics).map(Data::Text),
        Type::Bool => match value.data {
            Data::Bool(flag) => Some(Data::Bool(flag)),
            _ => refuse(mismatch("`true` or `false`", value), value.span, path, diagnostics),
        },
        Type::Int { min, max } => match value.data {
            Data::Int(number) if (*min..=*max).contains(&number) => Some(Data::Int(number)),
            Data::Int(number) => {
                let fault = Fault::new(format!("{number} is not between {min} and {max}"));
                refuse(fault, value.span, path, diagnostics)
            }
            _ => refuse(mismatch("an integer", value), value.span, path, diagnostics),
        },
        Type::ListOf(item) => {
            let Some(items) = value.as_list() else {
                let mut fault = mismatch("a list", value);
                if matches!(value.data, Data::Text(_)) {
                    fault = fault.help(format!("write `[{}]`", value.data));
                }
                return refuse(fault, value.span, path, diagnostics);
            };
            let checked: Vec<Option<Value>> = items
                .iter()
                .map(|one| check(item, one, path, diagnostics).map(|data| Value { data, span: one.span }))
                .collect();
            checked.into_iter().collect::<Option<Vec<Value>>>().map(Data::List)
        }
        Type::OneOf(one_of) => check_one_of(one_of, value, path, diagnostics),
    }
}

fn check_one_of(one_of: &OneOf, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Option<Data> {
    let tag_of = |variant: &Variant| variant.fields[0].name;
    let Some(entries) = value.as_table() else {
        let bare = one_of.variants.iter().find(|variant| Some(tag_of(variant)) == one_of.bare);
        return match (bare, &value.data) {
            (Some(variant), Data::Text(_)) => {
                let tag = &variant.fields[0];
                let data = Data::Text(check_text(&tag.ty, value, path, diagnostics)?);
                let value = Value { data, span: value.span };
                Some(Data::Table(vec![Entry { key: tag.name.to_owned(), key_span: value.span, value }]))
            }
            _ => refuse(mismatch(&Type::OneOf(one_of.clone()).to_string(), value), value.span, path, diagnostics),
        };
    };
    let tagged = |variant: &&Variant| entries.iter().any(|entry| entry.key == tag_of(variant));
    let mut matching = one_of.variants.iter().filter(tagged);
    match (matching.next(), matching.next()) {
        (Some(variant), None) => check_fields(variant, value, path, diagnostics),
        (Some(first), Some(second)) => {
            let message = format!("`{}` and `{}` exclude each other", tag_of(first), tag_of(second));
            refuse(Fault::new(message), value.span, path, diagnostics)
        }
        (None, _) => {
            let tags: Vec<String> = one_of.variants.iter().map(|variant| format!("`{}`", tag_of(variant))).collect();
            let mut fault = Fault::new(format!("the table has none of {}", tags.join(", ")));
            let known = one_of.variants.iter().map(tag_of);
            if let Some(near) = entries.first().and_then(|entry| nearest(&entry.key, known)) {
                fault = fault.help(format!("did you mean `{near}`?"));
            }
            refuse(fault, value.span, path, diagnostics)
        }
    }
}

/// Checks the table of a variant; the result has the fields in the order of the declaration.
fn check_fields(variant: &Variant, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Option<Data> {
    let entries = value.as_table()?;
    let mut sound = true;
    for entry in entries {
        if !variant.fields.iter().any(|field| field.name == entry.key) {
            let fault = Fault::new(format!("`{}` is not a field of {variant}", entry.key));
            refuse::<()>(fault, entry.key_span, path, diagnostics);
            sound = false;
        }
    }
    let mut fields = Vec::new();
    for Field { name, required, ty } in &variant.fields {
        match entries.iter().find(|entry| entry.key == *name) {
            Some(entry) => match check_text(ty, &entry.value, path, diagnostics) {
                Some(text) => fields
                    .push(Entry { value: Value { data: Data::Text(text), span: entry.value.span }, ..entry.clone() }),
                None => sound = false,
            },
            None if *required => {
                refuse::<()>(Fault::new(format!("`{name}` is missing")), value.span, path, diagnostics);
                sound = false;
            }
            None => {}
        }
    }
    sound.then_some(Data::Table(fields))
}

fn check_text(ty: &TextType, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let checked = text(ty, value).and_then(|text| match ty.check.map(|check| check(&text)) {
        Some(Err(fault)) => Err(fault),
        _ => Ok(text),
    });
    match checked {
        Ok(text) => Some(text),
        Err(fault) => refuse(fault, value.span, path, diagnostics),
    }
}

fn text(ty: &TextType, value: &Value) -> Result<String, Fault> {
    let text = match &value.data {
        Data::Text(text) => text.clone(),
        Data::Int(number) if ty.takes_int => number.to_string(),
        Data::Bool(_) if ty.bool_help.is_some() => {
            let fault = mismatch("a string", value);
            return Err(ty.bool_help.map_or(fault.clone(), |help| fault.help(help)));
        }
        Data::Int(_) | Data::Bool(_) | Data::Other("a number with a fraction" | "a number too large") => {
            return Err(mismatch("a string", value).help("write it in quotes"));
        }
        Data::Other("`null`") => {
            return Err(mismatch("a string", value).help("leave the key out to define nothing"));
        }
        _ => return Err(mismatch("a string", value)),
    };
    if text.contains('\0') {
        return Err(Fault::new("the text has a NUL character in it"));
    }
    if ty.non_empty && text.trim().is_empty() {
        let what = if text.is_empty() { "empty" } else { "only blanks" };
        return Err(Fault::new(format!("the value is {what}")));
    }
    if !ty.among.is_empty() && !ty.among.contains(&text.as_str()) {
        let words: Vec<String> = ty.among.iter().map(|word| format!("`\"{word}\"`")).collect();
        let fault = Fault::new(format!("`{text}` is not one of {}", words.join(", ")));
        return Err(match nearest(&text, ty.among.iter().copied()) {
            Some(near) => fault.help(format!("did you mean `\"{near}\"`?")),
            None => fault,
        });
    }
    Ok(text)
}

fn mismatch(expected: &str, value: &Value) -> Fault {
    Fault::new(format!("expected {expected}, found {}", value.data.noun()))
}

fn refuse<T>(fault: Fault, span: Span, path: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    let diagnostic = Diagnostic::error(Code::Type, format!("`{path}`: {}", fault.message)).option(path).label(span, "");
    diagnostics.push(match fault.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    });
    None
}
