//! A base config under both meanings that a base can have.

use std::sync::OnceLock;

use kiln_kconfig::{Base, BaseValues, Model, Request, Resolved, resolve};

use super::BaseText;

/// The name that messages show for the text of a base.
const BASE: &str = "base";

/// The text of a base, and the whole `.config` that results from it, once requested.
#[derive(Debug)]
pub(super) struct BaseTexts {
    /// The values that requests are resolved over.
    pub(super) values: BaseValues,
    written: BaseText,
    all: OnceLock<BaseText>,
}

impl BaseTexts {
    pub(super) fn new(written: BaseText, values: BaseValues) -> BaseTexts {
        BaseTexts { values, written, all: OnceLock::new() }
    }

    /// Returns the base that requests are resolved over.
    pub(super) fn text(&self, model: &Model) -> &BaseText {
        self.text_of(self.values, model)
    }

    /// Returns the base with `values` of it kept.
    pub(super) fn text_of(&self, values: BaseValues, model: &Model) -> &BaseText {
        let all = || {
            let resolved = self.written.resolve(model, &[]);
            // A `.config` may hold strings that are not UTF-8; what a tree or a recipe wrote was read as text.
            BaseText { is_all_no: false, text: String::from_utf8_lossy(resolved.config_text()).into_owned() }
        };
        match values {
            BaseValues::Written => &self.written,
            BaseValues::All => self.all.get_or_init(all),
        }
    }
}

impl BaseText {
    pub(super) fn resolve<'m>(&self, model: &'m Model, requests: &[&Request]) -> Resolved<'m> {
        let configs = [(BASE, self.text.as_bytes())];
        let base = if self.is_all_no { Base::ConfigsOverAllNo(&configs) } else { Base::Configs(&configs) };
        resolve(model, base, requests.iter().copied())
    }
}
