//! Comparisons as they are written: in the model, a variable is already its value.

use kiln_kconfig::{Evaluation, Expr, ExprId, Place, SymbolId, Type};
use kiln_plan::environment;

/// A comparison of constants, one of which may come from a variable of the environment.
pub(super) struct Written {
    /// The comparison, each variable with its value.
    pub(super) text: String,
    /// The variable that a recipe can set.
    pub(super) variable: Option<String>,
}

/// Returns whether a side of a comparison is a constant: a text in quotes.
pub(super) fn is_constant(evaluation: &Evaluation<'_>, side: SymbolId) -> bool {
    let model = evaluation.model();
    model.find(&model.name(side)) != Some(side)
}

/// Returns a comparison of two constants on the line at `place`, with its variables; `None` when it has none.
pub(super) fn written(evaluation: &Evaluation<'_>, compare: Expr<'_>, place: &Place) -> Option<Written> {
    let Expr::Compare(op, left, right) = compare else { return None };
    if !is_constant(evaluation, left) && !is_constant(evaluation, right) {
        return None;
    }
    let statement = evaluation.model().statement(place)?;
    let sign = op.as_str();
    for (at, _) in statement.match_indices(sign) {
        let (Some(before), Some(after)) = (last_quoted(&statement[..at]), first_quoted(&statement[at + sign.len()..]))
        else {
            continue;
        };
        let sides = [before, after].map(|text| Side::read(evaluation, text));
        let values = [left, right].map(|side| evaluation.model().name(side).into_owned());
        let is_same = sides.iter().zip(&values).all(|(side, value)| side.value == *value);
        if is_same && sides.iter().any(|side| side.name.is_some()) {
            let variable = sides.iter().filter_map(|side| side.name.as_deref()).find(|name| !environment::is_own(name));
            let text = format!("{} {sign} {}", sides[0].text, sides[1].text);
            return Some(Written { text, variable: variable.map(str::to_owned) });
        }
    }
    None
}

/// A quoted text of a comparison.
struct Side {
    text: String,
    value: String,
    /// The variable that it consists of.
    name: Option<String>,
}

impl Side {
    /// Reads the text between two quotes.
    fn read(evaluation: &Evaluation<'_>, text: &str) -> Side {
        let name = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).filter(|name| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            is_name && !name.is_empty()
        });
        let Some(name) = name else {
            return Side { text: format!("\"{text}\""), value: text.to_owned(), name: None };
        };
        let value = evaluation.model().environment().find(|(known, _)| *known == name).map(|(_, value)| value);
        let value = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        let shown = if value.is_empty() { "empty".to_owned() } else { format!("\"{value}\"") };
        Side { text: format!("\"{text}\" ({shown})"), value, name: Some(name.to_owned()) }
    }
}

/// Returns the quoted text at the end of a line, without its quotes.
fn last_quoted(line: &str) -> Option<&str> {
    let inner = line.trim_end().strip_suffix('"')?;
    inner.rsplit_once('"').map(|(_, text)| text)
}

/// Returns the quoted text at the beginning of a line, without its quotes.
fn first_quoted(line: &str) -> Option<&str> {
    let inner = line.trim_start().strip_prefix('"')?;
    inner.split_once('"').map(|(text, _)| text)
}

/// Returns an expression on the line at `place` with the value of each symbol, like [`Evaluation::show`], but with the
/// operands of its comparisons as they are written.
pub(super) fn show(evaluation: &Evaluation<'_>, id: ExprId, place: &Place) -> String {
    let inner = |id: ExprId, is_or_in_and: bool| {
        let text = show(evaluation, id, place);
        if is_or_in_and { format!("({text})") } else { text }
    };
    match evaluation.model().expression(id) {
        Expr::Symbol(_) => evaluation.show(id),
        Expr::Not(operand) => match evaluation.model().expression(operand) {
            Expr::Symbol(_) => evaluation.show(id),
            _ => format!("!({})", inner(operand, false)),
        },
        Expr::And(operands) => {
            let is_or = |id: ExprId| matches!(evaluation.model().expression(id), Expr::Or(_));
            operands.iter().map(|id| inner(*id, is_or(*id))).collect::<Vec<_>>().join(" && ")
        }
        Expr::Or(operands) => operands.iter().map(|id| inner(*id, false)).collect::<Vec<_>>().join(" || "),
        compare @ Expr::Compare(..) => compared(evaluation, compare, place),
    }
}

/// Returns a comparison with the values of its sides.
pub(super) fn compared(evaluation: &Evaluation<'_>, compare: Expr<'_>, place: &Place) -> String {
    let model = evaluation.model();
    let Expr::Compare(op, left, right) = compare else { return String::new() };
    if let Some(written) = written(evaluation, compare, place) {
        return written.text;
    }
    let side = |symbol: SymbolId| {
        let name = model.name(symbol);
        match (model.find(&name) == Some(symbol), model.type_of(symbol)) {
            (true, Type::Unknown | Type::Tristate) if matches!(&*name, "y" | "m" | "n") => name.into_owned(),
            (true, Type::Unknown) => format!("{name} [=n]"),
            (true, Type::String) => format!("{name} [=\"{}\"]", evaluation.value_of(symbol)),
            (true, _) => format!("{name} [={}]", evaluation.value_of(symbol)),
            (false, _) if name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name.into_owned(),
            (false, _) => format!("\"{name}\""),
        }
    };
    format!("{} {} {}", side(left), op.as_str(), side(right))
}
