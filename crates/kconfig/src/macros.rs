//! The macro language: variables, `$(…)` references, built-in functions.
//!
//! Expansion keeps its own stack instead of recursing, and every byte read is charged to a budget: untrusted text can
//! neither overflow the stack nor keep the parser busy for ever.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::ahead::{Ahead, UNKNOWN};
use crate::lexer::Fatal;
use crate::message::{Level, Message, Messages, Place};
use crate::{Host, number};

/// The operator of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// `=`
    Recursive,
    /// `:=`
    Simple,
    /// `+=`
    Append,
}

/// Variables, the part of the environment that was read, and messages.
pub(crate) struct Macros<'h> {
    host: &'h dyn Host,
    shell_buffer: usize,
    variables: Vec<Variable>,
    by_name: BTreeMap<Vec<u8>, usize>,
    /// Environment variables in the order of their first use.
    pub(crate) environment: Vec<(String, Vec<u8>)>,
    pub(crate) messages: Messages,
    /// Bytes that may still be read.
    budget: usize,
    /// Collects the commands instead of running them on the host.
    pub(crate) ahead: Option<Box<Ahead<'h>>>,
}

struct Variable {
    value: Rc<[u8]>,
    flavor: Flavor,
    /// The number of its expansions in progress.
    depth: usize,
}

/// The arguments of a call, `$(1)` first.
type Arguments = Rc<Vec<Vec<u8>>>;

enum Frame {
    /// A text that is being expanded.
    Text { input: Rc<[u8]>, at: usize, out: Vec<u8>, arguments: Arguments, variable: Option<usize> },
    /// A reference whose name and arguments are being expanded, one after another.
    Call { pieces: Vec<Rc<[u8]>>, expanded: Vec<Vec<u8>>, arguments: Arguments },
}

const BUDGET: usize = 1 << 28;
/// The cost of a reference in addition to its text.
const REFERENCE_COST: usize = 64;
const MAX_PIECES: usize = 16;
const MAX_DEPTH: usize = 1000;
const MAX_FRAMES: usize = 100_000;

impl<'h> Macros<'h> {
    /// `shell_buffer` is the size of the buffer for a command's output.
    pub(crate) fn new(host: &'h dyn Host, shell_buffer: u32) -> Macros<'h> {
        Macros {
            host,
            shell_buffer: shell_buffer as usize,
            variables: Vec::new(),
            by_name: BTreeMap::new(),
            environment: Vec::new(),
            messages: Messages::new(),
            budget: BUDGET,
            ahead: None,
        }
    }

    /// Applies `NAME = VALUE` and the other assignments.
    pub(crate) fn assign(&mut self, name: &[u8], value: &[u8], flavor: Flavor, at: &Place) -> Result<(), Fatal> {
        if self.is_unknown(name) {
            return Err(Fatal);
        }
        let known = self.by_name.get(name).copied();
        let (append, flavor) = match (known, flavor) {
            (Some(index), Flavor::Append) => (true, self.variables[index].flavor),
            (None, Flavor::Append) => (false, Flavor::Recursive),
            (_, other) => (false, other),
        };
        let index = known.unwrap_or_else(|| {
            self.variables.push(Variable { value: Rc::from([]), flavor, depth: 0 });
            self.by_name.insert(name.to_vec(), self.variables.len() - 1);
            self.variables.len() - 1
        });
        self.variables[index].flavor = flavor;
        let mut new = if flavor == Flavor::Simple { self.expand(value, at)? } else { value.to_vec() };
        if append {
            new = [&self.variables[index].value, b" ".as_slice(), &new].concat();
            self.charge(new.len(), at)?;
        }
        self.variables[index].value = Rc::from(new);
        Ok(())
    }

    /// Expands the reference whose `(` is at the start of `text`, the rest of a line.
    ///
    /// Returns the expansion and the number of bytes read. The caller handles a `$` without `(` itself.
    pub(crate) fn reference(&mut self, text: &[u8], at: &Place) -> Result<(Vec<u8>, usize), Fatal> {
        let length = self.closing(text, at)?;
        let mut whole = Vec::with_capacity(length + 1);
        whole.push(b'$');
        whole.extend_from_slice(&text[..length]);
        Ok((self.expand(&whole, at)?, length))
    }

    /// Ends parsing with a message.
    pub(crate) fn fatal(&mut self, code: &'static str, text: &[u8], at: &Place) -> Fatal {
        self.say(Level::Error, code, text, at);
        Fatal
    }

    fn say(&mut self, level: Level, code: &'static str, text: &[u8], at: &Place) {
        let mut printed = format!("{}:{}: ", at.file, at.line).into_bytes();
        printed.extend_from_slice(text);
        printed.push(b'\n');
        self.messages.push(Message::new(level, code, Some(at.clone()), text, printed));
    }

    /// Returns the length of the reference at the start of `text`, parentheses included.
    fn closing(&mut self, text: &[u8], at: &Place) -> Result<usize, Fatal> {
        let mut nest = 0_usize;
        for (index, byte) in text.iter().enumerate().skip(1) {
            match byte {
                b'(' => nest += 1,
                b')' if nest == 0 => {
                    self.charge(index + REFERENCE_COST, at)?;
                    return Ok(index + 1);
                }
                b')' => nest -= 1,
                _ => {}
            }
        }
        let shown = &text[1.min(text.len())..text.len().min(200)];
        let message = [b"unterminated reference to '", shown, b"': missing ')'"].concat();
        Err(self.fatal("unterminated-reference", &message, at))
    }

    fn charge(&mut self, bytes: usize, at: &Place) -> Result<(), Fatal> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.fatal("macro-budget", b"macro expansion takes more than 256 MiB of text", at)),
        }
    }

    fn expand(&mut self, text: &[u8], at: &Place) -> Result<Vec<u8>, Fatal> {
        let arguments: Arguments = Rc::default();
        let mut stack = vec![Frame::Text { input: Rc::from(text), at: 0, out: Vec::new(), arguments, variable: None }];
        while let Some(frame) = stack.pop() {
            if stack.len() > MAX_FRAMES {
                return Err(self.fatal("macro-depth", b"Too deep recursive expansion", at));
            }
            match frame {
                Frame::Text { input, at: position, out, arguments, variable } => {
                    let (out, next) = self.step(&input, position, out, &arguments, at)?;
                    if let Some((position, pieces)) = next {
                        let inner = arguments.clone();
                        stack.push(Frame::Text { input, at: position, out, arguments, variable });
                        stack.push(Frame::Call { pieces, expanded: Vec::new(), arguments: inner });
                        continue;
                    }
                    if let Some(index) = variable {
                        self.variables[index].depth -= 1;
                    }
                    if stack.is_empty() {
                        return Ok(out);
                    }
                    deliver(&mut stack, out);
                }
                Frame::Call { pieces, expanded, arguments } if expanded.len() < pieces.len() => {
                    let input = pieces[expanded.len()].clone();
                    let inner = arguments.clone();
                    stack.push(Frame::Call { pieces, expanded, arguments });
                    stack.push(Frame::Text { input, at: 0, out: Vec::new(), arguments: inner, variable: None });
                }
                Frame::Call { mut expanded, .. } => {
                    let name = expanded.remove(0);
                    match self.call(&name, expanded, at)? {
                        Called::Text(text) => deliver(&mut stack, text),
                        Called::Body(frame) => stack.push(frame),
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// Copies `input` from `position` up to the next reference that needs a call, and returns the pieces of that.
    #[expect(clippy::type_complexity, reason = "the pieces of one reference, and where the text goes on behind it")]
    fn step(
        &mut self,
        input: &[u8],
        mut position: usize,
        mut out: Vec<u8>,
        arguments: &[Vec<u8>],
        at: &Place,
    ) -> Result<(Vec<u8>, Option<(usize, Vec<Rc<[u8]>>)>), Fatal> {
        loop {
            let rest = &input[position..];
            let plain = rest.iter().position(|byte| *byte == b'$').unwrap_or(rest.len());
            out.extend_from_slice(&rest[..plain]);
            self.charge(plain + 1, at)?;
            if plain == rest.len() {
                return Ok((out, None));
            }
            position += plain + 1;
            if input.get(position) != Some(&b'(') {
                out.push(b'$');
                continue;
            }
            let length = self.closing(&input[position..], at)?;
            let clause = &input[position + 1..position + length - 1];
            position += length;
            let number = number::scan(clause, 10);
            let index = usize::try_from(number.value).unwrap_or(0);
            if number.length == clause.len() && index > 0 && index <= arguments.len() {
                self.charge(arguments[index - 1].len(), at)?;
                out.extend_from_slice(&arguments[index - 1]);
                continue;
            }
            return Ok((out, Some((position, self.split(clause, at)?))));
        }
    }

    /// Splits a clause at the commas outside parentheses.
    fn split(&mut self, clause: &[u8], at: &Place) -> Result<Vec<Rc<[u8]>>, Fatal> {
        let (mut nest, mut start) = (0_i64, 0);
        let mut pieces: Vec<Rc<[u8]>> = Vec::new();
        for (index, byte) in clause.iter().enumerate() {
            match byte {
                b',' if nest == 0 => {
                    pieces.push(Rc::from(&clause[start..index]));
                    start = index + 1;
                }
                b'(' => nest += 1,
                b')' => nest -= 1,
                _ => {}
            }
        }
        pieces.push(Rc::from(&clause[start..]));
        if pieces.len() > MAX_PIECES {
            return Err(self.fatal("macro-arguments", b"too many function arguments", at));
        }
        Ok(pieces)
    }

    /// Whether a text contains the answer of a command that has not been run yet.
    fn is_unknown(&self, text: &[u8]) -> bool {
        self.ahead.is_some() && text.contains(&UNKNOWN)
    }

    fn call(&mut self, name: &[u8], arguments: Vec<Vec<u8>>, at: &Place) -> Result<Called, Fatal> {
        if self.is_unknown(name) {
            return Ok(Called::Text(vec![UNKNOWN]));
        }
        if let Some(&index) = self.by_name.get(name) {
            let variable = &self.variables[index];
            if arguments.is_empty() && variable.depth > 0 {
                let message = [b"Recursive variable '", name, b"' references itself (eventually)"].concat();
                return Err(self.fatal("recursive-variable", &message, at));
            }
            if variable.depth > MAX_DEPTH {
                return Err(self.fatal("macro-depth", b"Too deep recursive expansion", at));
            }
            let input = variable.value.clone();
            if variable.flavor != Flavor::Recursive {
                self.charge(input.len(), at)?;
                return Ok(Called::Text(input.to_vec()));
            }
            self.variables[index].depth += 1;
            let arguments = Rc::new(arguments);
            let variable = Some(index);
            return Ok(Called::Body(Frame::Text { input, at: 0, out: Vec::new(), arguments, variable }));
        }
        if let Some((function, count)) = builtin(name) {
            let wrong = if arguments.len() < count { "few" } else { "many" };
            if arguments.len() != count {
                let message = format!("too {wrong} function arguments passed to '{}'", String::from_utf8_lossy(name));
                return Err(self.fatal("macro-arguments", message.as_bytes(), at));
            }
            return Ok(Called::Text(self.builtin(function, &arguments, at)?));
        }
        Ok(Called::Text(if arguments.is_empty() { self.variable(name) } else { Vec::new() }))
    }

    fn builtin(&mut self, function: Builtin, arguments: &[Vec<u8>], at: &Place) -> Result<Vec<u8>, Fatal> {
        match function {
            Builtin::ErrorIf if arguments[0] == b"y" => {
                return Err(self.fatal("error-if", &arguments[1], at));
            }
            Builtin::WarningIf if arguments[0] == b"y" => {
                self.say(Level::Warning, "warning-if", &arguments[1], at);
            }
            Builtin::ErrorIf | Builtin::WarningIf => {}
            Builtin::Info => {
                let printed = [arguments[0].as_slice(), b"\n"].concat();
                self.messages.push(Message::new(Level::Info, "info", Some(at.clone()), &arguments[0], printed));
            }
            Builtin::Filename => return Ok(at.file.as_bytes().to_vec()),
            Builtin::Lineno => return Ok(at.line.to_string().into_bytes()),
            Builtin::Shell => {
                let limit = self.shell_buffer;
                if let Some(ahead) = &mut self.ahead {
                    let answer = ahead.ask(&arguments[0]);
                    return Ok(answer.map_or_else(|| vec![UNKNOWN], |answer| shell_answer(answer, limit)));
                }
                let answer = self.host.shell(&arguments[0]).map_err(|reason| {
                    let message = format!("{}: {reason}", String::from_utf8_lossy(&arguments[0]));
                    self.fatal("shell", message.as_bytes(), at)
                })?;
                return Ok(shell_answer(answer, limit));
            }
        }
        Ok(Vec::new())
    }

    pub(crate) fn variable(&mut self, name: &[u8]) -> Vec<u8> {
        let Ok(name) = std::str::from_utf8(name) else { return Vec::new() };
        if name.is_empty() {
            return Vec::new();
        }
        if let Some((_, value)) = self.environment.iter().find(|(known, _)| known == name) {
            return value.clone();
        }
        let Some(value) = self.host.variable(name) else { return Vec::new() };
        self.environment.push((name.to_owned(), value.clone()));
        value
    }
}

enum Called {
    Text(Vec<u8>),
    Body(Frame),
}

#[derive(Clone, Copy)]
enum Builtin {
    ErrorIf,
    Filename,
    Info,
    Lineno,
    Shell,
    WarningIf,
}

/// A built-in function and the number of arguments that it takes.
fn builtin(name: &[u8]) -> Option<(Builtin, usize)> {
    match name {
        b"error-if" => Some((Builtin::ErrorIf, 2)),
        b"filename" => Some((Builtin::Filename, 0)),
        b"info" => Some((Builtin::Info, 1)),
        b"lineno" => Some((Builtin::Lineno, 0)),
        b"shell" => Some((Builtin::Shell, 1)),
        b"warning-if" => Some((Builtin::WarningIf, 2)),
        _ => None,
    }
}

/// Passes a finished text to the frame that waits for it.
fn deliver(stack: &mut [Frame], text: Vec<u8>) {
    match stack.last_mut() {
        Some(Frame::Text { out, .. }) => out.extend_from_slice(&text),
        Some(Frame::Call { expanded, .. }) => expanded.push(text),
        None => {}
    }
}

/// Quirk: the answer is truncated to the buffer of `do_shell` (scripts/kconfig/preprocess.c) and is a C string.
fn shell_answer(mut answer: Vec<u8>, buffer: usize) -> Vec<u8> {
    if answer.len() >= buffer {
        answer.truncate(buffer - 1);
    }
    while answer.last() == Some(&b'\n') {
        answer.pop();
    }
    if let Some(end) = answer.iter().position(|byte| *byte == 0) {
        answer.truncate(end);
    }
    for byte in &mut answer {
        if *byte == b'\n' {
            *byte = b' ';
        }
    }
    answer
}
