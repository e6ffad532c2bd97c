//! Kconfig text to symbol model, values and `.config`.
//!
//! Text comes in through [`Files`], the environment through [`Host`]; [`Model::parse`] makes a [`Model`], which is
//! immutable and can be shared; an [`Evaluation`] holds values. [`fragment`] reads the lines in which a user requests
//! values. Nothing here knows Linux; the differences between versions of the language are a [`Dialect`].

pub mod fragment;

mod ahead;
mod autoconf;
mod checks;
mod conditions;
mod conf;
mod config;
mod declaration;
mod dialect;
mod environment;
mod evaluation;
mod exact;
mod expression;
mod help;
mod host;
mod lexer;
mod macros;
mod message;
mod model;
mod number;
mod parser;
mod random;
mod recursion;
mod request;
mod resolve;
mod simplify;
mod value;

pub use ahead::commands_ahead;
pub use autoconf::AutoFiles;
pub use conf::{Mode, Outcome, run};
pub use config::{Config, Difference};
pub use declaration::{Declaration, Declarations, OtherFile};
pub use dialect::{Dialect, InChoice, ShortText};
pub use environment::{Environment, Linux, Programs};
pub use evaluation::{Change, Evaluation, Limit, Reason, Refused, Term};
pub use expression::{Comparison, Expr, ExprId, Tristate};
pub use host::{Files, Host, NoHost};
pub use message::{Level, Message, Messages, Place};
pub use model::{
    DefaultValue, Definition, Model, NodeId, NodeKind, Prompt, PropertyId, Range, Selection, SymbolId, Type,
};
pub use request::{Request, Strength};
pub use resolve::{Base, BaseValues, Resolved, resolve};
pub use value::{Value, quote, unquote};
