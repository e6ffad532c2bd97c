//! Every entry of a store compared with what was recorded about it, and damaged ones removed.
//!
//! [`Store::audit`] compares what the store knows about; generations and the signing key are added here.

use std::collections::BTreeSet;
use std::path::Path;

use kiln_kbuild::signing;
use kiln_store::{Fault, Progress, Store, StoreError};

use crate::generation::{self, GenerationError};

/// Why a store could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityError {
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The generations could not be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
}

/// Compares every entry; returns the damaged ones by path. Nothing is changed.
///
/// # Errors
/// See [`IntegrityError`].
pub fn verify(store: &Store, progress: &dyn Progress) -> Result<Vec<Fault>, IntegrityError> {
    let mut faults: BTreeSet<Fault> = store.audit(progress)?.into_iter().collect();
    faults.extend(of_generations(store)?);
    let key = signing::damage(store)?;
    faults.extend(key.map(|why| Fault { path: signing::KEY_PATH.into(), why }));
    Ok(faults.into_iter().collect())
}

/// Removes the entries that [`verify`] returned, unless another kiln has made them again: the next run makes those that
/// it needs. What cannot be made again (a generation, the signing key) is lost.
///
/// # Errors
/// See [`IntegrityError`].
pub fn repair(store: &Store, faults: &[Fault], progress: &dyn Progress) -> Result<(), IntegrityError> {
    let generations = of_generations(store)?;
    let is_damaged = |path: &Path| {
        let is_key = path == Path::new(signing::KEY_PATH) && signing::damage(store).is_ok_and(|why| why.is_some());
        is_key || generations.iter().any(|fault| fault.path == path)
    };
    Ok(store.remove_damaged(faults, is_damaged, progress)?)
}

fn of_generations(store: &Store) -> Result<Vec<Fault>, GenerationError> {
    let fault = |file: generation::Unreadable| Fault {
        path: Path::new("roots").join(file.path.file_name().unwrap_or_default()),
        why: file.why,
    };
    Ok(generation::all(store)?.unreadable.into_iter().map(fault).collect())
}
