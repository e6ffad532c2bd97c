//! Archives: nothing is written outside of the directory, no link leads out of it, and a tar gives the same when it is
//! compressed.

#![no_main]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use kiln_fetch::archive::unpack;
use kiln_fuzz::archive::{assert_holds_only, is_tar, mend_tar, unpacked};
use kiln_store::Silent;
use libfuzzer_sys::fuzz_target;

/// What was unpacked, or the error.
type Result = std::result::Result<std::collections::BTreeMap<PathBuf, Vec<u8>>, String>;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    mend_tar(&mut bytes);
    let dir = tempfile::tempdir().expect("a directory can be made");
    let plain = run(dir.path(), &bytes);
    if is_tar(&bytes) {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&bytes).expect("memory can be written");
        assert_eq!(run(dir.path(), &packed.finish().expect("memory can be written")), plain);
    }
});

fn run(dir: &Path, bytes: &[u8]) -> Result {
    let (archive, into) = (dir.join("a.tar"), dir.join("into"));
    fs::write(&archive, bytes).expect("the archive can be written");
    fs::create_dir(&into).expect("the directory can be made");
    let result = unpack(&archive, &into, &Silent);
    assert_holds_only(dir, &["a.tar", "into"]);
    let result = result.map(|()| unpacked(&into)).map_err(|error| error.to_string());
    fs::remove_dir_all(&into).expect("the directory can be removed");
    result
}
