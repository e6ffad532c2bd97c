//! File systems that are full or cannot be written to.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_exec::Exec;

/// A small file system in memory for as long as it lives.
#[derive(Debug)]
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Mounts one at `at`, which is created, with the option `size` of mount(8); prints a note and returns `None` where
    /// that is not allowed.
    ///
    /// # Panics
    /// `at` cannot be created.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn mount(at: &Path, size: &str) -> Option<Tmpfs> {
        fs::create_dir(at).expect("a new directory");
        let mount =
            Exec::new("mount").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["-t", "tmpfs", "-o", size, "tmpfs"]);
        match mount.arg(at).text() {
            Ok(_) => Some(Tmpfs(at.to_owned())),
            Err(error) => {
                eprintln!("skipped: cannot mount a tmpfs: {error}");
                None
            }
        }
    }

    /// Returns its mount point.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Mounts it again with other options.
    ///
    /// # Panics
    /// The system refuses.
    pub fn remount(&self, options: &str) {
        let mount = Exec::new("mount").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["-o", options]);
        mount.arg(&self.0).text().expect("mounted again");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let umount = Exec::new("umount").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let _ = umount.arg("-l").arg(&self.0).text();
    }
}
