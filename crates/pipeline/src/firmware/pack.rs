//! Firmware files in the form that the kernel reads.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use kiln_plan::firmware::Packing;
use kiln_plan::step::firmware_key;
use rayon::prelude::*;

use super::Packed;
use super::collection::File;
use crate::compress;
use crate::error::AssembleError;
use crate::session::Session;

/// Returns each file in the form `wanted`, by name: as it was found when that is the form already, else from the store.
///
/// A file that was found compressed is always unpacked: it may have been packed with options that the kernel's decoder
/// lacks.
pub(super) fn pack<'a>(
    session: &Session<'_>,
    files: &BTreeMap<&'a str, &'a File>,
    wanted: Packing,
) -> Result<BTreeMap<&'a str, Packed>, AssembleError> {
    let form = |file: &File| if file.stays_raw { Packing::Raw } else { wanted };
    let changed: Vec<(&str, &File)> = files
        .iter()
        .map(|(name, file)| (*name, *file))
        .filter(|(_, file)| (file.packing, form(file)) != (Packing::Raw, Packing::Raw))
        .collect();
    let digests: Vec<(&str, [u8; 32])> = changed
        .par_iter()
        .map(|(name, file)| Ok((*name, *blake3::hash(&read(&file.path)?).as_bytes())))
        .collect::<Result<_, AssembleError>>()?;
    let mut packed: BTreeMap<&str, Packed> =
        files.iter().map(|(name, file)| (*name, Packed { path: file.path.clone(), ending: "" })).collect();
    if changed.is_empty() {
        return Ok(packed);
    }
    let key = firmware_key(wanted.ending(), digests.iter().map(|(name, digest)| (*name, digest.as_slice())));
    let dir = session.store.realize(&key, "firmware", session.progress, |out| {
        session.progress.begin("pack firmware", None);
        let done = changed.par_iter().try_for_each(|(name, file)| {
            kiln_exec::interrupted()?;
            let to = out.join(format!("{name}{}", form(file).ending()));
            one(file, form(file), &to).map_err(|source| AssembleError::read(&file.path, source))
        });
        session.progress.end();
        done
    })?;
    for (name, file) in changed {
        let ending = form(file).ending();
        packed.insert(name, Packed { path: dir.join(format!("{name}{ending}")), ending });
    }
    Ok(packed)
}

fn one(file: &File, form: Packing, to: &Path) -> io::Result<()> {
    let found = kiln_file::read(&file.path)?;
    let raw = match file.packing {
        Packing::Raw => found,
        Packing::Xz => compress::unxz(&found)?,
        Packing::Zstd => compress::unzstd(&found)?,
    };
    let bytes = match form {
        Packing::Raw => raw,
        Packing::Xz => compress::xz(&raw)?,
        Packing::Zstd => compress::zstd(&raw)?,
    };
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(to, bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, AssembleError> {
    kiln_file::read(path).map_err(|source| AssembleError::read(path, source))
}
