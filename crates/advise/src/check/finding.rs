//! Puts unmet requests into words.

use kiln_diag::{Code, Diagnostic, Severity, Span};

use super::{Cause, Evidence, Request, Unmet, UnmetKind};
use kiln_kconfig::Type;
use kiln_plan::tools::Tool;

/// The number of sentences of a reason that are shown; `kiln why` shows all.
const N_OBSTACLES: usize = 12;
/// The number of failing lines that are shown with their text.
const N_LINES: usize = 3;

impl Unmet {
    /// Returns the finding in words; an optional request becomes a note, any other an error.
    ///
    /// `place` returns the [`Span`] of `(file, line)` of the tree, when its text is available.
    pub fn diagnostic(&self, place: &dyn Fn(&str, u32) -> Option<Span>) -> Diagnostic {
        let request = &self.request;
        let severity = if request.is_optional() { Severity::Note } else { Severity::Error };
        let mut diagnostic = Diagnostic {
            severity,
            ..Diagnostic::error(self.kind.code(), self.message())
                .brief(self.in_brief())
                .option(format!("kernel.config.{}", request.symbol))
                .label(request.origin, "requested here")
        };
        for rival in &self.rivals {
            let text = format!("and `{}` was requested as `{}` here", rival.symbol, rival.value);
            diagnostic = diagnostic.label(rival.origin, text);
        }
        if let Some(declaration) = &self.declaration {
            match place(&declaration.file, declaration.line) {
                Some(span) => diagnostic = diagnostic.label(span, "declared here"),
                None => diagnostic = diagnostic.note(format!("it is declared at {}", declaration.place())),
            }
        }
        let mut shown = Vec::new();
        for obstacle in self.obstacles.iter().filter(|obstacle| obstacle.depth == 0) {
            let Some((file, line)) = obstacle.place.as_deref().and_then(|place| place.rsplit_once(':')) else {
                continue;
            };
            let (Ok(line), true) = (line.parse(), shown.len() < N_LINES && !shown.contains(&obstacle.place)) else {
                continue;
            };
            let is_declared_there =
                self.declaration.as_ref().is_some_and(|declared| declared.place() == format!("{file}:{line}"));
            if let Some(span) = place(file, line).filter(|_| !is_declared_there) {
                diagnostic = diagnostic.label(span, obstacle.label);
                shown.push(obstacle.place.clone());
            }
        }
        for obstacle in self.obstacles.iter().take(N_OBSTACLES) {
            diagnostic = diagnostic.note(obstacle.sentence());
        }
        let more = self.obstacles.len().saturating_sub(N_OBSTACLES);
        if more > 0 {
            diagnostic = diagnostic.note(format!("and {more} more: `kiln why {}` shows all of them", request.symbol));
        }
        if let Some(fact) = self.fact() {
            diagnostic = diagnostic.note(fact);
        }
        let mut help = self.help();
        if request.is_optional() {
            help.retain(|line| *line != self.allowing());
        }
        help.into_iter().fold(diagnostic, Diagnostic::help)
    }

    /// Returns the reason in a few words: the first cause, or else what the message says after the symbol and its value.
    fn in_brief(&self) -> String {
        let first = self.obstacles.iter().filter(|obstacle| obstacle.depth == 0);
        let own = format!("`{}` ", self.request.symbol);
        let mut causes = first.filter_map(|obstacle| obstacle.text.strip_prefix(&own));
        let is_host = self.kind == UnmetKind::ToolFeature;
        if let Some(package) = self.obstacles.iter().filter(|_| is_host).find_map(|one| one.package.as_deref()) {
            return format!("needs a tool that this host lacks (Debian package {package})");
        }
        if let Some(cause) = causes.next().filter(|_| !is_host) {
            let more = causes.count();
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            return format!("{cause}{more}");
        }
        let message = self.message();
        match message.split_once("` but ") {
            Some((_, rest)) => rest.strip_prefix("is not set: ").unwrap_or(rest).to_owned(),
            None => message.strip_prefix(&own).unwrap_or(&message).to_owned(),
        }
    }

    fn message(&self) -> String {
        let Request { symbol, value, .. } = &self.request;
        let came = match &self.resolved {
            None => "is not set".to_owned(),
            Some(resolved) => format!("is `{}`", kiln_kconfig::unquote(resolved)),
        };
        let came = format!("`{symbol}` was requested as `{value}` but {came}");
        match &self.kind {
            UnmetKind::UnknownSymbol { is_spelled_alike: false, elsewhen: None, .. } => {
                format!("this kernel has no symbol `{symbol}` and no similar name")
            }
            UnmetKind::UnknownSymbol { .. } => format!("this kernel has no symbol `{symbol}`"),
            UnmetKind::Renamed { to, .. } => format!("`{symbol}` is called `{to}` in this kernel"),
            UnmetKind::OtherArch { arches, .. } => {
                format!("`{symbol}` exists only for {}", listed(arches.iter().map(|arch| format!("`{arch}`"))))
            }
            UnmetKind::WrongType { symbol_type } if value.is_empty() => {
                format!("`{symbol}` is {} and cannot be empty", symbol_type.with_article())
            }
            UnmetKind::WrongType { symbol_type } => {
                format!("`{symbol}` is {} and cannot be `{value}`", symbol_type.with_article())
            }
            UnmetKind::NoModules => format!("`{symbol}` cannot be `m` while `MODULES` is off"),
            UnmetKind::NoPrompt => format!("{came}: it has no prompt"),
            UnmetKind::Dependency if value == "n" => format!("{came}: it is not visible"),
            UnmetKind::Dependency => format!("{came}: its dependencies are not met"),
            UnmetKind::LimitedToModule => format!("{came}: its dependencies limit it to `m`"),
            UnmetKind::Selected => format!("{came}: another symbol selects it"),
            UnmetKind::LostChoice { chosen: Some(chosen), .. } if chosen != symbol => {
                format!("{came}: its choice is set to `{chosen}`")
            }
            UnmetKind::LostChoice { .. } => format!("{came}: no other member of its choice can be set"),
            UnmetKind::OutOfRange { low, high, .. } => format!("{came}: its range is {low} to {high}"),
            UnmetKind::ToolFeature => format!("{came}: this host's tools lack a feature that it needs"),
            UnmetKind::Conflict => match self.rivals.first() {
                Some(rival) => format!("{came}: `{} = \"{}\"` rules it out", rival.symbol, rival.value),
                None => came,
            },
            UnmetKind::Value => came,
        }
    }

    /// Returns the fact to note besides the obstacles.
    fn fact(&self) -> Option<String> {
        match &self.kind {
            UnmetKind::OutOfRange { line, place, .. } => Some(format!("{line} ({place})")),
            UnmetKind::LostChoice { prompt, place, .. } => {
                let prompt = prompt.as_ref().map(|prompt| format!(" `{prompt}`")).unwrap_or_default();
                Some(format!("exactly one member of the choice{prompt} is on ({place})"))
            }
            UnmetKind::OtherArch { place, .. } => Some(format!("it is declared at {place}")),
            UnmetKind::Renamed { place, to, evidence: Evidence::Transitional } => {
                Some(format!("`{to}` takes over its value ({place})"))
            }
            UnmetKind::Renamed { place, evidence: Evidence::History { version, is_before }, .. } => {
                let when = if *is_before { "before Linux" } else { "since Linux" };
                Some(format!("that is its name {when} {version} ({place})"))
            }
            UnmetKind::Renamed { place, to, evidence: Evidence::Prompt { prompt, version } } => Some(format!(
                "in Linux {version}, which was resolved here before, `{}` has the prompt \"{prompt}\", which is `{to}`'s \
                 now ({place})",
                self.request.symbol
            )),
            UnmetKind::UnknownSymbol { elsewhen, .. } => elsewhen.clone(),
            _ => None,
        }
    }

    fn help(&self) -> Vec<String> {
        let Request { symbol, value, .. } = &self.request;
        let accept = |value: &str| format!("set `{symbol} = \"{value}\"`");
        match &self.kind {
            UnmetKind::UnknownSymbol { nearest, is_spelled_alike: false, elsewhen: None } => {
                let similar = alternatives(nearest.iter().map(|name| format!("`{name}`")));
                let similar = Some(format!("names with similar words: {similar}")).filter(|_| !nearest.is_empty());
                let patches = "if a patch adds it, name the patch in `kernel.patches`; if not, remove the request";
                similar.into_iter().chain([patches.to_owned(), self.allowing()]).collect()
            }
            UnmetKind::UnknownSymbol { nearest, elsewhen: Some(_), .. } if nearest.is_empty() => {
                vec!["`kiln find WORD` searches names, prompts and files".to_owned(), self.allowing()]
            }
            UnmetKind::UnknownSymbol { nearest, .. } if nearest.is_empty() => {
                vec!["`kiln find WORD` searches names, prompts and files".to_owned()]
            }
            UnmetKind::UnknownSymbol { nearest, .. } => {
                vec![format!("did you mean {}?", alternatives(nearest.iter().map(|name| format!("`{name}`"))))]
            }
            UnmetKind::Renamed { to, .. } => vec![format!("set `{to} = \"{value}\"`")],
            UnmetKind::OtherArch { arches, .. } => {
                let arch = arches.first().map_or("", String::as_str);
                vec![format!("move it under `[when.'arch = \"{arch}\"'.kernel.config]`")]
            }
            UnmetKind::WrongType { symbol_type } => {
                let mut help = vec![symbol_type.hint().to_owned()];
                if *symbol_type == Type::String {
                    help.push(format!(
                        "to set the text `{value}` itself, write its quotes: `{symbol} = '\"{value}\"'`"
                    ));
                }
                if value.is_empty() && symbol_type.is_logic() {
                    help.push(format!("to turn it off, set `{symbol} = \"n\"`"));
                }
                help.extend(meant(value, *symbol_type).map(accept));
                help
            }
            UnmetKind::NoModules => vec![
                "or set `kernel.modular = false`, which builds what is `m` into the kernel".to_owned(),
                self.allowing(),
            ],
            UnmetKind::LimitedToModule => vec![format!("or {}", accept("m")), self.allowing()],
            UnmetKind::Selected | UnmetKind::NoPrompt if value == "m" && self.resolved.as_deref() == Some("y") => {
                vec![format!("or {}", accept("y")), self.allowing()]
            }
            UnmetKind::LostChoice { chosen, .. } if value == "n" => {
                let chosen = chosen.as_deref().unwrap_or("it");
                vec![format!("set another member of the choice instead of turning `{chosen}` off"), self.allowing()]
            }
            UnmetKind::LostChoice { .. } => {
                vec![format!(
                    "keep one of the two requests, or write `{symbol} = {{ force = \"{value}\" }}`: of requests with \
                     equal priority, the one whose name comes last wins"
                )]
            }
            UnmetKind::OutOfRange { .. } => vec!["set a number in the range".to_owned(), self.allowing()],
            UnmetKind::ToolFeature => self.tools().into_iter().chain([self.allowing()]).collect(),
            UnmetKind::Dependency | UnmetKind::NoPrompt if !self.arches().is_empty() => {
                let arches = self.arches();
                let tests: Vec<String> = arches.iter().map(|arch| format!("arch = \"{arch}\"")).collect();
                let when = if tests.len() == 1 { tests.concat() } else { format!("any({})", tests.join(", ")) };
                vec![
                    format!("it is for other machines: move it under `[when.'{when}'.kernel.config]`"),
                    self.allowing(),
                ]
            }
            UnmetKind::Dependency | UnmetKind::NoPrompt if self.variable().is_some() => {
                let variable = self.variable().unwrap_or_default();
                vec![format!("set `kernel.environment.{variable}`, or what it asks for otherwise"), self.allowing()]
            }
            UnmetKind::Dependency | UnmetKind::NoPrompt if self.obstacles.iter().any(|cause| cause.is_never) => vec![
                "no request can turn that on in this tree: a patch (`kernel.patches`) or another version might"
                    .to_owned(),
                self.allowing(),
            ],
            UnmetKind::Conflict => vec!["change one of the requests".to_owned(), self.allowing()],
            _ => vec![self.allowing()],
        }
    }

    /// Returns what to do about each of the host's tools that is in the way; `kiln doctor` is named where it knows it.
    fn tools(&self) -> Vec<String> {
        let doctor = |tool: Tool| match Tool::of_request(&self.request.symbol) == Some(tool) {
            true => " (`kiln doctor --install` does it)",
            false => "",
        };
        let mut help: Vec<String> = Vec::new();
        for cause in self.obstacles.iter().filter(|cause| cause.is_host) {
            let Some(tool) = cause.tool else { continue };
            let doctor = doctor(tool);
            let line = match (tool, &cause.package) {
                (Tool::GccPlugins, Some(package)) => {
                    format!("install the headers of the compiler's plugins: Debian package {package}{doctor}")
                }
                (Tool::GccPlugins, None) => format!("install the headers of the compiler's plugins{doctor}"),
                (Tool::Llvm, _) => "it needs Clang and LLD: set `kernel.toolchain = \"llvm\"`".to_owned(),
                (Tool::Gcc, _) => "it needs GCC: set `kernel.toolchain = \"gcc\"`".to_owned(),
                (Tool::Pahole, _) => {
                    format!("install the program `pahole`, or a newer one: Debian package pahole{doctor}")
                }
                (Tool::Rust, _) => format!(
                    "install `rustc`, the source of its library and `bindgen`, as new as \
                     Documentation/process/changes.rst says: Debian packages rustc, rust-src, bindgen{doctor}"
                ),
            };
            if !help.contains(&line) {
                help.push(line);
            }
        }
        if help.is_empty() {
            let none = "no request can turn that on: use another version of the tool, or another toolchain \
                        (`kernel.toolchain`, `kernel.crossCompile`)";
            help.push(none.to_owned());
        }
        help
    }

    /// Returns the variable of the environment that one of the causes asks for.
    fn variable(&self) -> Option<&str> {
        self.obstacles.iter().find_map(|cause| cause.variable.as_deref())
    }

    /// Returns the other architectures that a part of its own dependency ties it to.
    fn arches(&self) -> &[String] {
        let is_tied = |cause: &&Cause| (cause.depth == 0 || cause.is_never) && !cause.arches.is_empty();
        let tied = self.obstacles.iter().find(is_tied);
        tied.map_or(&[], |cause| &cause.arches)
    }

    fn allowing(&self) -> String {
        let Request { symbol, value, .. } = &self.request;
        format!("or mark it as optional: `{symbol} = {{ value = {value:?}, optional = true }}`")
    }
}

impl UnmetKind {
    /// Returns the stable name of this kind of finding.
    pub fn code(&self) -> Code {
        match self {
            UnmetKind::UnknownSymbol { is_spelled_alike: false, elsewhen: None, .. } => Code::ForeignSymbol,
            UnmetKind::UnknownSymbol { .. } => Code::UnknownSymbol,
            UnmetKind::Renamed { .. } => Code::RenamedSymbol,
            UnmetKind::OtherArch { .. } => Code::OtherArchSymbol,
            UnmetKind::WrongType { .. } => Code::WrongType,
            UnmetKind::NoModules => Code::NoModules,
            UnmetKind::NoPrompt => Code::NoPrompt,
            UnmetKind::Dependency => Code::UnmetDependency,
            UnmetKind::LimitedToModule => Code::LimitedToModule,
            UnmetKind::Selected => Code::ForcedBySelect,
            UnmetKind::LostChoice { .. } => Code::LostChoice,
            UnmetKind::OutOfRange { .. } => Code::OutOfRange,
            UnmetKind::ToolFeature => Code::MissingToolFeature,
            UnmetKind::Conflict => Code::ConflictingRequests,
            UnmetKind::Value => Code::UnmetRequest,
        }
    }
}

/// Returns the value that a word of another language means: of CMake, devicetree, Nix, a `lsmod` or a menu.
fn meant(word: &str, symbol_type: Type) -> Option<&'static str> {
    let value = match word.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "on" | "1" | "enable" | "enabled" | "builtin" | "built-in" | "built_in" => "y",
        "no" | "n" | "false" | "off" | "0" | "disable" | "disabled" | "none" | "unset" => "n",
        "m" | "mod" | "module" | "modular" if symbol_type == Type::Tristate => "m",
        "m" | "mod" | "module" | "modular" => "y",
        _ => return None,
    };
    symbol_type.is_logic().then_some(value)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    joined(names.collect(), "and")
}

fn alternatives(names: impl Iterator<Item = String>) -> String {
    joined(names.collect(), "or")
}

fn joined(mut names: Vec<String>, word: &str) -> String {
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} {word} {last}", names.join(", ")),
    }
}
