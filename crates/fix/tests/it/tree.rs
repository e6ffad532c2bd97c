//! Models of Kconfig text.

use std::sync::Arc;

use kiln_kconfig::{Dialect, Model, NoHost};

/// Returns the model of a valid text; `None` when it depends on itself.
pub(crate) fn model(text: &str, dialect: Dialect) -> Option<Model> {
    let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
    let files = |name: &str| (name == "Kconfig").then(|| bytes.clone());
    Model::parse("Kconfig", &files, &NoHost, dialect).0
}
