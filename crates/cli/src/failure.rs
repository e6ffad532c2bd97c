//! Why a command ended without its result, and the exit status for it.

mod stage;

use crate::exit;
use crate::ui::Ui;

/// The end of a command that did not reach its result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Everything has been printed already; only the status is left.
    Said(u8),
    /// The command line is wrong in a way that the parser cannot detect.
    Usage(String),
    /// An error with the status that it means.
    Error {
        /// One of [`exit`]'s constants.
        code: u8,
        /// What happened; its sources say why.
        error: anyhow::Error,
        /// What the user can do.
        help: Vec<String>,
    },
}

impl Failure {
    /// An error of the host or the network.
    pub(crate) fn host(error: impl Into<anyhow::Error>) -> Failure {
        Failure::with(exit::HOST, error.into())
    }

    /// An error in the recipe or the request.
    pub(crate) fn fault(error: impl Into<anyhow::Error>) -> Failure {
        Failure::with(exit::FAULT, error.into())
    }

    /// A build has a wrong result.
    pub(crate) fn build(error: impl Into<anyhow::Error>) -> Failure {
        Failure::with(exit::BUILD, error.into())
    }

    /// Adds a remedy.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Failure {
        if let Failure::Error { help, .. } = &mut self {
            help.push(text.into());
        }
        self
    }

    /// Prints it, and returns the exit status.
    pub(crate) fn report(self, ui: &Ui) -> u8 {
        match self {
            Failure::Said(code) => code,
            Failure::Usage(message) => {
                ui.error(&message, &["`kiln --help` shows the commands".to_owned()]);
                exit::USAGE
            }
            Failure::Error { code, error, help } => {
                ui.error(&chain(&error), &help);
                code
            }
        }
    }

    /// Whatever the error of a stage: once the user has interrupted, that is why it ended.
    fn with(code: u8, error: anyhow::Error) -> Failure {
        let code = kiln_exec::interrupt_status().unwrap_or(code);
        Failure::Error { code, error, help: Vec::new() }
    }
}

/// Returns the error and its causes, each once: a cause that its effect already quotes adds nothing.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
