//! Resolves a base and requests to a `.config`.

use crate::Request;
use crate::config::{Read, Reading};
use crate::evaluation::{Evaluation, Wanted};
use crate::expression::Tristate;
use crate::message::{Level, Message, Messages, Place};
use crate::model::{Model, NodeId, SymbolId, Type};
use crate::value::unquote;

/// The values of symbols that are not requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base<'a> {
    /// Kconfig's own defaults.
    Defaults,
    /// `n` where possible.
    AllNo,
    /// The lines of one or more `.config` texts with the names that messages show; a later line overrides an earlier
    /// one.
    Configs(&'a [(&'a str, &'a [u8])]),
    /// The same over [`Base::AllNo`], as `KCONFIG_ALLCONFIG` does it.
    ConfigsOverAllNo(&'a [(&'a str, &'a [u8])]),
}

/// The values of a base config that stay as they are when requests change the defaults around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseValues {
    /// Those that the base's text sets; everything else follows the defaults, as `make defconfig` and
    /// `KCONFIG_ALLCONFIG` do it.
    Written,
    /// All that the base results in, as far as the requests allow: as a full `.config` that is edited and passed to
    /// `make olddefconfig`.
    All,
}

impl BaseValues {
    /// Returns the values that a recipe means by `written` or `all`.
    pub fn parse(text: &str) -> Option<BaseValues> {
        [BaseValues::Written, BaseValues::All].into_iter().find(|values| values.name() == text)
    }

    /// Returns the name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            BaseValues::Written => "written",
            BaseValues::All => "all",
        }
    }

    /// Returns the other one.
    #[must_use]
    pub fn other(self) -> BaseValues {
        match self {
            BaseValues::Written => BaseValues::All,
            BaseValues::All => BaseValues::Written,
        }
    }
}

/// The resulting values.
#[derive(Debug, Clone)]
pub struct Resolved<'m> {
    evaluation: Evaluation<'m>,
    config_text: Vec<u8>,
    messages: Messages,
}

/// Resolves requests over a base, in the order in which they are given.
///
/// A request replaces the lines that the base has for its symbol. Applying both would differ: before 6.11 `conf`
/// remembers the member of a choice that an earlier line selected when a later one turns it off.
///
/// A name that the model does not know, or a value that the symbol's type does not take, is a warning among the
/// [messages](Resolved::messages) and has no effect; the caller checks whether a request holds.
pub fn resolve<'m, 'r>(
    model: &'m Model,
    base: Base<'_>,
    requests: impl IntoIterator<Item = &'r Request>,
) -> Resolved<'m> {
    let requests: Vec<&Request> = requests.into_iter().collect();
    let mut evaluation = settle(model, base, &requests, false);
    let mut config_text = evaluation.write("CONFIG_");
    let is_unmet = evaluation.n_unmet > 0;
    evaluation.complete();
    let mut messages = std::mem::take(&mut evaluation.messages);
    if is_unmet {
        // There is something to report: run again, with the text and the order of the C program.
        let mut worded = settle(model, base, &requests, true);
        config_text = worded.write("CONFIG_");
        worded.complete();
        messages = worded.messages;
    }
    Resolved { evaluation, config_text, messages }
}

fn settle<'m>(model: &'m Model, base: Base<'_>, requests: &[&Request], words: bool) -> Evaluation<'m> {
    let conditions = if words { model.exact_conditions() } else { &model.conditions };
    let mut evaluation = Evaluation::with(model, conditions);
    evaluation.words = words;
    let (configs, rest) = match base {
        Base::Defaults => (&[][..], None),
        Base::AllNo => (&[][..], Some(Tristate::No)),
        Base::Configs(configs) => (configs, None),
        Base::ConfigsOverAllNo(configs) => (configs, Some(Tristate::No)),
    };
    evaluation.clear();
    let mut skip: Vec<SymbolId> = requests.iter().filter_map(|request| model.find(&request.symbol)).collect();
    skip.sort_unstable();
    for (name, text) in configs {
        evaluation.read_more(text, Reading { name, prefix: "CONFIG_", warn_unknown: false, skip: &skip });
    }
    if configs.len() > 1 {
        // A later text is meant to override the values of an earlier one.
        evaluation.messages.retain(|message| message.code != "reassigned");
    }
    for request in requests {
        evaluation.request(request);
    }
    evaluation.set_new(rest);
    evaluation
}

impl Evaluation<'_> {
    /// Takes one request; one that does not fit is a warning.
    fn request(&mut self, request: &Request) {
        let (name, value) = (request.symbol.as_str(), request.value.as_str());
        let Some(symbol) = self.model.find(name) else {
            self.refuse("unknown-symbol", &format!("no symbol is called `{name}`"));
            return;
        };
        let type_ = self.model.symbol(symbol).type_;
        let line = match type_ {
            Type::String => {
                let mut line = Vec::new();
                crate::config::quote(unquote(value).as_bytes(), self.model.dialect.raw_strings, &mut line);
                line
            }
            _ => value.as_bytes().to_vec(),
        };
        // A line break would end the line in the `.config`; a bare `n` is not a string: it unsets, which no string
        // value can do.
        let exact = match type_ {
            Type::Bool | Type::Tristate => matches!(value, "y" | "m" | "n"),
            Type::String => value != "n" && !value.contains(['\n', '\r', '\0']),
            _ => true,
        };
        let place = Place { file: "".into(), line: 0, column: 1 };
        let n_messages = self.messages.len();
        let mut read = Read::default();
        if exact && type_ != Type::Unknown {
            self.states[symbol.at()].user = None;
            self.assign(symbol, &line, &place, &mut read);
        }
        self.messages.truncate(n_messages);
        if !exact || type_ == Type::Unknown || read.n_warnings > 0 {
            let shown = type_.shown();
            self.refuse("config-value", &format!("`{name}` is of type {shown} and cannot be `{value}`"));
        }
    }

    fn refuse(&mut self, code: &'static str, text: &str) {
        let printed = format!("{text}\n").into_bytes();
        self.messages.push(Message::new(Level::Warning, code, None, text.as_bytes(), printed));
    }

    /// Sets every prompt without a value to `value`, or leaves it at its default; then recomputes the values.
    pub(crate) fn set_new(&mut self, value: Option<Tristate>) {
        if self.model.dialect.choice_values {
            self.set_new_by_value(value);
            return;
        }
        if let Some(value) = value {
            for node in (0..self.model.nodes.len() as u32).map(NodeId) {
                if let Some(symbol) = self.open_prompt(node)
                    && !self.model.is_choice(symbol)
                {
                    self.states[symbol.at()].user = Some(Wanted::Logic(value));
                }
            }
        }
        self.invalidate();
    }
}

impl<'m> Resolved<'m> {
    /// Returns the whole `.config`.
    pub fn config_text(&self) -> &[u8] {
        &self.config_text
    }

    /// Returns the messages of the run: unmet dependencies, values and lines that do not fit.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Returns the values alone, for further changes.
    pub fn into_evaluation(self) -> Evaluation<'m> {
        self.evaluation
    }
}

/// All queries on values.
impl<'m> std::ops::Deref for Resolved<'m> {
    type Target = Evaluation<'m>;

    fn deref(&self) -> &Evaluation<'m> {
        &self.evaluation
    }
}
