//! The real `depmod` and `modprobe`, kept away from the running system's configuration.

use std::path::Path;
use std::process::{Command, Output};

/// The release of random trees.
pub(crate) const VERSION: &str = "6.12.1-test";

/// Whether kmod 30, whose bytes are compared, is installed.
pub(crate) fn is_here() -> bool {
    let version = command("depmod").arg("--version").output();
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("kmod version 30"))
}

/// Writes the indexes below `base`.
pub(crate) fn depmod(base: &Path, version: &str) -> Output {
    command("depmod").arg("-C").arg("/dev/null").arg("-b").arg(base).arg(version).output().unwrap()
}

/// Returns the module names that `modprobe` would load for `module`, in order, with repeats.
pub(crate) fn show_depends(base: &Path, version: &str, module: &str) -> Option<Vec<String>> {
    let mut modprobe = command("modprobe");
    modprobe.args(["-C", "/dev/null", "-S", version, "--show-depends", "-d"]).arg(base).arg(module);
    let output = modprobe.output().unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text.lines().filter_map(|line| line.strip_prefix("insmod "));
    Some(paths.map(|path| kiln_modgraph::module_name(path.trim_end())).collect())
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}
