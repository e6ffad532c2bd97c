//! Models of Kconfig text.

use std::sync::Arc;

use kiln_kconfig::{Dialect, Host, Model};

struct Nothing;

impl Host for Nothing {
    fn variable(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn shell(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

/// Returns the model of a valid text; `None` when it depends on itself.
pub(crate) fn model(text: &str, dialect: Dialect) -> Option<Model> {
    let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
    let files = |name: &str| (name == "Kconfig").then(|| bytes.clone());
    Model::parse("Kconfig", &files, &Nothing, dialect).0
}
