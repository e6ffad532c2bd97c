//! The dialogue of `oldconfig` and `oldaskconfig`: a question for each prompt, a line for each answer.

use super::{Exit, Mode, Run};
use crate::evaluation::Wanted;
use crate::expression::Tristate;
use crate::message::Level;
use crate::model::{NodeId, NodeKind, PropertyKind, SymbolId, Type};
use crate::{checks, number};

/// The position in a dialogue.
pub(super) struct Dialogue<'m> {
    answers: &'m [u8],
    /// Whether a read came to the end of the answers.
    at_end: bool,
    indent: usize,
    /// The menu that is being asked about.
    root: NodeId,
    n_restarts: usize,
    /// Whether everything is asked, not only what is new.
    all: bool,
}

/// Longer answers are truncated.
const MAX_LINE: usize = 4095;
/// The most times that a question is asked without an answer being read.
const MAX_REPEATS: usize = 3;

/// The rounds of one question; the C program would repeat it for ever.
#[derive(Default)]
struct Rounds {
    n_idle: usize,
    n_left: Option<usize>,
}

impl Rounds {
    /// Whether the question may be asked (again).
    fn next(&mut self, talk: &Dialogue<'_>) -> bool {
        let n_left = Some(talk.answers.len());
        self.n_idle = if self.n_left == n_left { self.n_idle + 1 } else { 0 };
        self.n_left = n_left;
        self.n_idle < MAX_REPEATS
    }
}

impl<'a> Run<'a> {
    /// Asks until no symbol is new any more (`main`, scripts/kconfig/conf.c).
    pub(super) fn ask(&mut self) -> Result<(), Exit> {
        let mode = self.mode;
        let answers: &[u8] = match mode {
            Mode::OldConfig(answers) | Mode::OldAskConfig(answers) => answers,
            _ => b"",
        };
        let all = matches!(mode, Mode::OldAskConfig(_));
        let mut talk = Dialogue { answers, at_end: false, indent: 1, root: NodeId::ROOT, n_restarts: 0, all };
        if all {
            self.ask_menu(NodeId::ROOT, &mut talk)?;
            talk.all = false;
        }
        let mut left = self.left_to_ask(&talk);
        loop {
            talk.n_restarts = 0;
            self.ask_new(NodeId::ROOT, &mut talk)?;
            if talk.n_restarts == 0 {
                return Ok(());
            }
            let now = self.left_to_ask(&talk);
            // No question reaches some new symbol: the C program would start again for ever.
            if now >= left {
                return self.no_answers();
            }
            left = now;
        }
    }

    /// A measure that decreases with each useful round: the answers left, and the symbols without a user's value.
    fn left_to_ask(&self, talk: &Dialogue<'_>) -> usize {
        talk.answers.len() + self.evaluation.states.iter().filter(|state| state.user.is_none()).count()
    }

    /// `check_conf`: asks about the menus that contain new symbols.
    fn ask_new(&mut self, node: NodeId, talk: &mut Dialogue<'_>) -> Result<(), Exit> {
        if !self.evaluation.is_shown(node) {
            return Ok(());
        }
        if self.is_new(node) {
            talk.n_restarts += 1;
            if talk.n_restarts == 1 {
                self.print("*\n* Restart config...\n*\n");
            }
            talk.root = self.menu_of(node);
            self.ask_menu(talk.root, talk)?;
        }
        for child in self.evaluation.tree_children(node) {
            self.ask_new(child, talk)?;
        }
        Ok(())
    }

    /// Whether the user could give a value to the node's symbol but has not.
    pub(super) fn is_new(&self, node: NodeId) -> bool {
        let model = self.evaluation.model;
        let Some(symbol) = model.node(node).symbol else { return false };
        let state = self.evaluation.state(symbol);
        let is_set_choice = model.dialect.choice_values && model.is_choice(symbol) && state.value == Tristate::Yes;
        state.user.is_none() && (self.evaluation.is_changeable(symbol) || is_set_choice)
    }

    /// The innermost menu that a node is in.
    fn menu_of(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while at != NodeId::ROOT && !self.is_heading(at) {
            at = self.evaluation.tree_parent(at);
        }
        at
    }

    fn is_heading(&self, node: NodeId) -> bool {
        let model = self.evaluation.model;
        let kind = model.node(node).prompt.map(|prompt| model.property(prompt).kind);
        matches!(kind, Some(PropertyKind::Menu(_)))
    }

    /// `conf`: asks about a node and what is below it.
    fn ask_menu(&mut self, node: NodeId, talk: &mut Dialogue<'_>) -> Result<(), Exit> {
        if !self.evaluation.is_shown(node) {
            return Ok(());
        }
        let model = self.evaluation.model;
        if self.is_heading(node) && !talk.all && talk.root != node {
            return self.ask_new(node, talk);
        }
        if self.is_heading(node) || model.node(node).kind == NodeKind::Comment {
            let title = String::from_utf8_lossy(model.title(node)).into_owned();
            let indent = talk.indent;
            self.print(&format!("{:>indent$}\n{:>indent$} {title}\n{:>indent$}\n", '*', '*', '*'));
        }
        let symbol = model.node(node).symbol;
        if let Some(symbol) = symbol {
            if model.is_choice(symbol) {
                let goes_on = if model.dialect.choice_values {
                    self.ask_older_choice(node, symbol, talk)?;
                    self.evaluation.state(symbol).value == Tristate::Mod
                } else {
                    self.ask_choice(node, symbol, false, talk)?;
                    false
                };
                if !goes_on {
                    return Ok(());
                }
            } else if matches!(model.symbol(symbol).type_, Type::Int | Type::Hex | Type::String) {
                self.ask_text(node, symbol, talk)?;
            } else {
                self.ask_logic(node, symbol, talk)?;
            }
            talk.indent += 2;
        }
        for child in self.evaluation.tree_children(node) {
            self.ask_menu(child, talk)?;
        }
        if symbol.is_some() {
            talk.indent -= 2;
        }
        Ok(())
    }

    fn ask_text(&mut self, node: NodeId, symbol: SymbolId, talk: &mut Dialogue<'_>) -> Result<(), Exit> {
        loop {
            self.print_prompt(node, talk);
            let name = self.evaluation.model.name(symbol).into_owned();
            self.evaluation.compute(symbol);
            let shown = self.evaluation.shown(symbol).to_vec();
            let text = String::from_utf8_lossy(&shown).into_owned();
            self.print(&format!("({name}) [{text}] "));
            let Some(line) = self.answer(symbol, &text, talk) else { return Ok(()) };
            let value = match line.as_slice() {
                b"\n" => Some(shown),
                b"?\n" => {
                    self.print_help(node);
                    None
                }
                // The last byte is treated as the end of the line.
                [text @ .., _] => Some(text.to_vec()),
                [] => Some(Vec::new()),
            };
            if value.is_some_and(|value| self.set_text(symbol, &value)) {
                return Ok(());
            }
            if talk.at_end {
                let text = format!("no value for new symbol '{name}' at end of input");
                self.say(Level::Error, "no-answer", &text, format!("\nerror: {text}\n"));
                return Err(Exit(1));
            }
        }
    }

    fn ask_logic(&mut self, node: NodeId, symbol: SymbolId, talk: &mut Dialogue<'_>) -> Result<(), Exit> {
        let mut rounds = Rounds::default();
        while rounds.next(talk) {
            self.print_prompt(node, talk);
            let name = self.evaluation.model.name_bytes(symbol);
            if !name.is_empty() {
                let text = format!("({}) ", String::from_utf8_lossy(name));
                self.print(&text);
            }
            self.evaluation.compute(symbol);
            let old = self.evaluation.state(symbol).value;
            self.print(&format!("[{}", old.as_str().to_uppercase()));
            for value in [Tristate::No, Tristate::Mod, Tristate::Yes] {
                if old != value && self.is_within_range(symbol, value) {
                    self.print(&format!("/{}", value.as_str()));
                }
            }
            self.print("/?] ");
            let Some(line) = self.answer(symbol, old.as_str(), talk) else { return Ok(()) };
            let value = match line.trim_ascii() {
                b"n" | b"N" | b"no" | b"No" => Some(Tristate::No),
                b"m" | b"M" => Some(Tristate::Mod),
                b"y" | b"Y" | b"yes" | b"Yes" => Some(Tristate::Yes),
                b"" => Some(old),
                [b'?', ..] => None,
                _ => continue,
            };
            if value.is_some_and(|value| self.set_logic(symbol, value)) {
                return Ok(());
            }
            self.print_help(node);
        }
        self.no_answers()
    }

    fn ask_choice(
        &mut self,
        node: NodeId,
        choice: SymbolId,
        is_new: bool,
        talk: &mut Dialogue<'_>,
    ) -> Result<(), Exit> {
        let legacy = self.evaluation.model.dialect.choice_values;
        let mut is_new = is_new;
        let mut rounds = Rounds::default();
        while rounds.next(talk) {
            self.print_heading(node, talk);
            let chosen = if legacy { self.evaluation.chosen(choice) } else { self.evaluation.choose(node) };
            let (members, default, any_new) = self.print_members(node, chosen, talk);
            is_new |= any_new && !legacy;
            let pad = talk.indent - 1;
            self.print(&format!("{:pad$}choice", ""));
            let mut line = Vec::new();
            let picked = if members.len() == 1 {
                self.print("[1]: 1\n");
                Some(1)
            } else {
                self.print(&format!("[1-{}?]: ", members.len()));
                if talk.all || is_new {
                    line = self.line(b"", talk).trim_ascii().to_vec();
                    match line.first() {
                        Some(b'?') => {
                            self.print_help(node);
                            continue;
                        }
                        None => Some(default),
                        Some(digit) if digit.is_ascii_digit() => Some(number::signed(&line, 10) as usize),
                        Some(_) => continue,
                    }
                } else {
                    self.print(&format!("{default}\n"));
                    Some(default)
                }
            };
            let child = picked.and_then(|picked| members.get(picked.wrapping_sub(1)).copied());
            let Some(child) = child else { continue };
            if line.last() == Some(&b'?') {
                self.print_help(child);
                continue;
            }
            let Some(member) = self.evaluation.model.node(child).symbol else { continue };
            if !legacy {
                self.choose_member(node, member);
                return Ok(());
            }
            self.set_logic(member, Tristate::Yes);
            for below in self.evaluation.tree_children(child) {
                talk.indent += 2;
                self.ask_menu(below, talk)?;
                talk.indent -= 2;
            }
            return Ok(());
        }
        self.no_answers()
    }

    /// Before 6.11 a choice has a value, which is asked for first when it is not set.
    fn ask_older_choice(&mut self, node: NodeId, choice: SymbolId, talk: &mut Dialogue<'_>) -> Result<(), Exit> {
        // The answer about its value does not change whether the choice is new.
        let is_new = self.evaluation.state(choice).user.is_none();
        let changeable = self.evaluation.is_changeable(choice);
        if changeable {
            self.ask_logic(node, choice, talk)?;
            self.evaluation.compute(choice);
        }
        match self.evaluation.state(choice).value {
            Tristate::No => Ok(()),
            Tristate::Mod => {
                if !changeable {
                    self.print_heading(node, talk);
                }
                Ok(())
            }
            Tristate::Yes => self.ask_choice(node, choice, is_new, talk),
        }
    }

    /// Lists the visible members; returns their nodes, the number of the one that is on, and whether one is new.
    fn print_members(
        &mut self,
        node: NodeId,
        chosen: Option<SymbolId>,
        talk: &Dialogue<'_>,
    ) -> (Vec<NodeId>, usize, bool) {
        let indent = talk.indent;
        let (mut members, mut default, mut any_new) = (Vec::new(), 0, false);
        for child in self.evaluation.tree_children(node) {
            if !self.evaluation.is_shown(child) {
                continue;
            }
            let model = self.evaluation.model;
            let title = String::from_utf8_lossy(model.title(child)).into_owned();
            let Some(symbol) = model.node(child).symbol else {
                self.print(&format!("{:>indent$} {title}\n", '*'));
                continue;
            };
            members.push(child);
            let mut mark = ' ';
            if chosen == Some(symbol) {
                default = members.len();
                mark = '>';
            }
            let is_new = self.evaluation.state(symbol).user.is_none();
            any_new |= is_new;
            let new = if is_new { " (NEW)" } else { "" };
            let name = model.name(symbol).into_owned();
            self.print(&format!("{mark:>indent$} {}. {title} ({name}){new}\n", members.len()));
        }
        (members, default, any_new)
    }

    /// Turns one member on and the other visible ones off; these become the latest values given by the user
    /// (`choice_set_value`, scripts/kconfig/symbol.c).
    fn choose_member(&mut self, choice: NodeId, member: SymbolId) {
        let mut changed = false;
        let below: Vec<NodeId> = self.evaluation.model.below(choice).collect();
        for symbol in below.into_iter().filter_map(|node| self.evaluation.model.node(node).symbol) {
            if self.evaluation.state(symbol).visible == Tristate::No {
                continue;
            }
            let value = if symbol == member { Tristate::Yes } else { Tristate::No };
            changed |= self.evaluation.state(symbol).value != value;
            self.evaluation.states[symbol.at()].user = Some(Wanted::Logic(value));
            self.evaluation.move_member(symbol, true);
        }
        if changed {
            self.reevaluate();
        }
    }

    /// `sym_set_tristate_value`; returns whether the value is possible.
    fn set_logic(&mut self, symbol: SymbolId, value: Tristate) -> bool {
        let old = self.evaluation.state(symbol).value;
        if !self.is_within_range(symbol, value) {
            return false;
        }
        self.evaluation.states[symbol.at()].user = Some(Wanted::Logic(value));
        self.evaluation.states[symbol.at()].wanted_value = value;
        if value == Tristate::Yes && self.evaluation.model.dialect.choice_values {
            self.evaluation.want_member(symbol);
        }
        if old != value {
            self.reevaluate();
        }
        true
    }

    fn is_within_range(&self, symbol: SymbolId, value: Tristate) -> bool {
        let state = self.evaluation.state(symbol);
        let type_ = self.evaluation.effective_type(symbol);
        if state.visible == Tristate::No || (type_ == Type::Bool && value == Tristate::Mod) {
            return false;
        }
        if state.visible <= state.reverse {
            return false;
        }
        let dialect = self.evaluation.model.dialect;
        if dialect.promotes_implied && state.implied == Tristate::Yes && value == Tristate::Mod {
            return false;
        }
        let legacy = dialect.choice_values;
        if legacy && self.evaluation.is_listed(symbol) && state.visible == Tristate::Yes {
            return value == Tristate::Yes;
        }
        value >= state.reverse && value <= state.visible
    }

    /// `sym_set_string_value`; returns whether the text is accepted.
    fn set_text(&mut self, symbol: SymbolId, text: &[u8]) -> bool {
        let type_ = self.evaluation.model.symbol(symbol).type_;
        let old = self.evaluation.states[symbol.at()].user.take();
        self.evaluation.states[symbol.at()].user = Some(Wanted::Text(text.into()));
        if !checks::is_valid(type_, text) || !self.evaluation.is_in_range(symbol) {
            self.evaluation.states[symbol.at()].user = old;
            return false;
        }
        let bare = type_ == Type::Hex && !text.starts_with(b"0x") && !text.starts_with(b"0X");
        let text = if bare { [b"0x", text].concat() } else { text.to_vec() };
        let same = old == Some(Wanted::Text(text.as_slice().into()));
        self.evaluation.states[symbol.at()].user = Some(Wanted::Text(text.into()));
        if bare || !same {
            self.reevaluate();
        }
        true
    }

    fn reevaluate(&mut self) {
        self.evaluation.invalidate();
        self.changed = true;
    }

    /// Reads an answer; `None` when the value cannot be asked for.
    fn answer(&mut self, symbol: SymbolId, default: &str, talk: &mut Dialogue<'_>) -> Option<Vec<u8>> {
        if self.evaluation.state(symbol).user.is_none() {
            self.print("(NEW) ");
        }
        let is_old = !talk.all && self.evaluation.state(symbol).user.is_some();
        if is_old || !self.evaluation.is_changeable(symbol) {
            self.print(&format!("{default}\n"));
            return None;
        }
        Some(self.line(b"\n", talk))
    }

    /// Reads a line and prints it; returns `usual` at the end of the answers.
    fn line(&mut self, usual: &[u8], talk: &mut Dialogue<'_>) -> Vec<u8> {
        let length = talk.answers.iter().position(|byte| *byte == b'\n').map_or(talk.answers.len(), |at| at + 1);
        let (line, rest) = talk.answers.split_at(length.min(MAX_LINE));
        talk.at_end |= rest.is_empty() && line.last() != Some(&b'\n') && line.len() < MAX_LINE;
        talk.answers = rest;
        if line.is_empty() {
            let text = "error in reading or end of file";
            self.say(Level::Error, "no-answer", text, "\nError in reading or end of file.\n".to_owned());
        }
        let line = if line.is_empty() { usual } else { line };
        self.outcome.stdout.extend_from_slice(line);
        line.to_vec()
    }

    fn no_answers(&mut self) -> Result<(), Exit> {
        let text = "a question has no answer, and there is no more input";
        self.say(Level::Error, "no-answer", text, format!("\nerror: {text}\n"));
        Err(Exit(1))
    }

    fn print_prompt(&mut self, node: NodeId, talk: &Dialogue<'_>) {
        let pad = talk.indent - 1;
        let text = format!("{:pad$}{} ", "", String::from_utf8_lossy(self.evaluation.model.title(node)));
        self.print(&text);
    }

    fn print_heading(&mut self, node: NodeId, talk: &Dialogue<'_>) {
        let pad = talk.indent - 1;
        let text = format!("{:pad$}{}\n", "", String::from_utf8_lossy(self.evaluation.model.title(node)));
        self.print(&text);
    }

    fn print_help(&mut self, node: NodeId) {
        let help = self.evaluation.long_help(node, &self.prefix);
        self.outcome.stdout.extend_from_slice(&help);
    }

    fn print(&mut self, text: &str) {
        self.outcome.stdout.extend_from_slice(text.as_bytes());
    }
}
