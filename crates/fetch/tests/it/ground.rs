//! A store in a temporary directory, the host's environment, and all notes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use kiln_exec::Sandbox;
use kiln_fetch::{Fetch, Source, SourceError};
use kiln_plan::SourceSpec;
use kiln_store::{Progress, Store};
use tempfile::TempDir;

/// The environment of a test.
pub(crate) struct Ground {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) env: BTreeMap<OsString, OsString>,
    said: Said,
}

#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Progress for Said {
    fn begin(&self, task: &str, _total: Option<u64>) {
        self.note(task);
    }

    fn advance(&self, _done: u64, _item: &str) {}

    fn end(&self) {}

    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

static OFF: Sandbox = Sandbox::off();

impl Ground {
    pub(crate) fn new() -> Ground {
        let dir = TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let path = (OsString::from("PATH"), OsString::from("/usr/local/bin:/usr/bin:/bin"));
        Ground { dir, store, env: BTreeMap::from([path]), said: Said::default() }
    }

    pub(crate) fn fetch(&self) -> Fetch<'_> {
        Fetch { store: &self.store, progress: &self.said, env: &self.env, sandbox: &OFF }
    }

    pub(crate) fn get(&self, spec: &SourceSpec) -> Result<Source, SourceError> {
        kiln_fetch::fetch(&self.fetch(), spec)
    }

    /// Returns a path below the test's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file below the test's directory, with its parent directories.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the notes so far, and clears them.
    pub(crate) fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.0.lock().unwrap())
    }

    /// Whether nothing half-made is in the store.
    pub(crate) fn is_clean(&self) -> bool {
        kiln_testkit::is_clean(self.store.dir())
    }
}

/// The makefile in [`kernel_tar`].
pub(crate) const MAKEFILE: &str = "VERSION = 9\nPATCHLEVEL = 8\nSUBLEVEL = 7\nEXTRAVERSION = -rc6\n";

/// Reads the makefile of a tree.
pub(crate) fn makefile(source: &Source) -> String {
    fs::read_to_string(source.tree.join("Makefile")).unwrap()
}

/// Returns a tiny kernel tree as a tar with one directory at the top, and `extra` files of 1 KiB.
pub(crate) fn kernel_tar(extra: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, text: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, path, text).unwrap();
    };
    add("linux-9.8/Makefile", MAKEFILE.as_bytes());
    add("linux-9.8/Kconfig", b"mainmenu \"Linux\"\n");
    add("linux-9.8/init/main.c", b"int one;\nint two;\nint three;\n");
    for number in 0..extra {
        add(&format!("linux-9.8/many/{number:05}.c"), &[b'x'; 1024]);
    }
    builder.into_inner().unwrap()
}
