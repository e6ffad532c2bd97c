//! Debian packages, as the source of a kernel and as part of a root: nothing is written outside of the directory, and no
//! link leads out of it.

#![no_main]

use std::fs;
use std::path::Path;

use kiln_fetch::archive::{ArchiveError, deb};
use kiln_fuzz::archive::{assert_holds_only, mend_tar, unpacked};
use kiln_store::Silent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    mend(&mut bytes);
    let dir = tempfile::tempdir().expect("a directory can be made");
    let (name, into) = (dir.path().join("a.deb"), dir.path().join("into"));
    fs::write(&name, &bytes).expect("the package can be written");
    run(dir.path(), || deb::unpack_source(&name, &into, &Silent));
    // Another one of the same files must not change what is there.
    let twice = || [Ok::<_, ArchiveError>(name.clone()), Ok(name.clone())];
    run(dir.path(), || deb::unpack_packages(twice().into_iter().take(1), &name, 0, &into, &Silent));
    run(dir.path(), || deb::unpack_packages(twice(), &name, 0, &into, &Silent));
});

fn run(dir: &Path, unpack: impl FnOnce() -> Result<(), ArchiveError>) {
    let into = dir.join("into");
    fs::create_dir(&into).expect("the directory can be made");
    let result = unpack();
    assert_holds_only(dir, &["a.deb", "into"]);
    if result.is_ok() {
        unpacked(&into);
    }
    fs::remove_dir_all(&into).expect("the directory can be removed");
}

/// Mends the member `data.tar`.
fn mend(deb: &mut [u8]) {
    let Some(at) = deb.windows(8).position(|bytes| bytes == b"data.tar") else { return };
    if let Some(tar) = deb.get_mut(at + 60..) {
        mend_tar(tar);
    }
}
