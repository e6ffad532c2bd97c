//! Keywords that are reserved everywhere.

use super::Token;
use crate::Dialect;

/// Keywords that only some versions have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keywords {
    pub(crate) optional: bool,
    pub(crate) transitional: bool,
    pub(crate) options: bool,
    pub(crate) bare_words: bool,
    pub(crate) macros: bool,
}

impl Keywords {
    pub(crate) fn of(dialect: Dialect) -> Keywords {
        Keywords {
            optional: dialect.choice_values,
            transitional: dialect.transitional,
            options: dialect.options,
            bare_words: dialect.bare_words,
            macros: dialect.macros,
        }
    }
}

/// The token of a keyword; `None` for any other word.
pub(super) fn keyword(word: &[u8], keywords: Keywords) -> Option<Token> {
    Some(match word {
        b"bool" => Token::Bool,
        b"choice" => Token::Choice,
        b"comment" => Token::Comment,
        b"config" => Token::Config,
        b"def_bool" => Token::DefBool,
        b"def_tristate" => Token::DefTristate,
        b"default" => Token::Default,
        b"depends" => Token::Depends,
        b"endchoice" => Token::EndChoice,
        b"endif" => Token::EndIf,
        b"endmenu" => Token::EndMenu,
        b"help" => Token::Help,
        b"hex" => Token::Hex,
        b"if" => Token::If,
        b"imply" => Token::Imply,
        b"int" => Token::Int,
        b"mainmenu" => Token::MainMenu,
        b"menu" => Token::Menu,
        b"menuconfig" => Token::MenuConfig,
        b"modules" if !keywords.options => Token::Modules,
        b"option" if keywords.options => Token::Option,
        b"---help---" if keywords.options => Token::Help,
        b"on" => Token::On,
        b"optional" if keywords.optional => Token::Optional,
        b"prompt" => Token::Prompt,
        b"range" => Token::Range,
        b"select" => Token::Select,
        b"source" => Token::Source,
        b"string" => Token::String,
        b"transitional" if keywords.transitional => Token::Transitional,
        b"tristate" => Token::Tristate,
        b"visible" => Token::Visible,
        _ => return None,
    })
}
