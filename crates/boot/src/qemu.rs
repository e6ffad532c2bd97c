//! QEMU's command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::machine::Machine;

/// One boot.
#[derive(Debug, Clone)]
pub struct BootSpec {
    /// The machine that QEMU emulates.
    pub machine: Machine,
    /// The kernel image; absolute.
    pub kernel: PathBuf,
    /// The initramfs; absolute.
    pub initramfs: PathBuf,
    /// The guest's memory in MiB.
    pub memory_mib: u32,
    /// How long the whole boot may take.
    pub deadline: Duration,
    /// Additional words for the kernel's command line.
    pub append: Vec<String>,
    /// Additional arguments for QEMU.
    pub arguments: Vec<OsString>,
    /// The QEMU program, when it is not the machine's own; a name or an absolute path.
    pub program: Option<PathBuf>,
    /// The directories to look for QEMU in, as in `PATH`.
    pub search_path: OsString,
    /// Where to keep the raw console, if it is to be kept; absolute.
    pub console_log: Option<PathBuf>,
}

/// Returns QEMU's arguments, without the program.
pub fn command_line(spec: &BootSpec) -> Vec<OsString> {
    let machine = &spec.machine;
    let mut line: Vec<OsString> = Vec::new();
    let mut add = |words: &[&str]| line.extend(words.iter().map(OsString::from));
    add(&["-M", machine.board, "-accel", "tcg"]);
    if let Some(cpu) = machine.cpu {
        add(&["-cpu", cpu]);
    }
    add(&["-m", &spec.memory_mib.to_string(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
    let mut console = OsString::from("stdio,id=console,mux=off,signal=off");
    if let Some(log) = &spec.console_log {
        console.push(",logfile=");
        console.push(quoted(log.as_os_str().to_owned()));
    }
    line.extend(["-chardev".into(), console, "-serial".into(), "chardev:console".into()]);
    line.extend(["-kernel".into(), spec.kernel.clone().into_os_string()]);
    line.extend(["-initrd".into(), spec.initramfs.clone().into_os_string()]);
    line.extend(["-append".into(), kernel_command_line(spec).into()]);
    line.extend(spec.arguments.iter().cloned());
    line
}

/// Returns the kernel's command line.
fn kernel_command_line(spec: &BootSpec) -> String {
    let Machine { console, early_console, .. } = spec.machine;
    let console = format!("console={console},115200");
    // Stamped kernel messages can be distinguished from the guest's own lines even where they cut through one.
    // A panic ends QEMU at once: `-1` reboots, and `-no-reboot` makes that an end.
    let fixed = [early_console, &console, "panic=-1", "printk.time=1", "loglevel=7", "rdinit=/init"];
    let words = fixed.into_iter().chain(spec.append.iter().map(String::as_str));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A comma ends an option's value in QEMU's syntax unless it is doubled.
fn quoted(value: OsString) -> OsString {
    match value.into_string() {
        Ok(text) => text.replace(',', ",,").into(),
        Err(value) => value,
    }
}

#[cfg(test)]
mod tests;
