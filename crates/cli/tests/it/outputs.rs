//! The outputs in a boot loader: U-Boot, in QEMU.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kiln_testkit::assert_has;

use crate::sandbox::Sandbox;

/// From the package `u-boot-qemu`.
const FIRMWARE: &str = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";
/// The time limit for a machine that is emulated on a busy host.
const PATIENCE: Duration = Duration::from_secs(240);

/// Writes a line and switches the machine off.
const INIT: &str = r#"
.global _start
_start:
    mov x0, #1
    adr x1, text
    mov x2, #22
    mov x8, #64 // write
    svc #0
    ldr x0, =0xfee1dead
    ldr x1, =0x28121969
    ldr x2, =0x4321fedc // power off
    mov x8, #142 // reboot
    svc #0
text: .ascii "the init of the image\n"
"#;

const OUTPUTS: &str = r#"
[outputs.board]
type = "dtb"
dts = "./board.dts"
[outputs.rescue]
type = "initramfs"
files."/init" = "./init"
[outputs.all]
type = "fit"
compression = "gzip"
loadAddress = "0x40080000"
dtbs = ["board"]
initramfs = "rescue"
[outputs.older]
type = "uImage"
compression = "lzma"
loadAddress = "0x40080000"
"#;

#[test]
#[ignore = "slow: builds a kernel and boots it"]
fn u_boot_boots_a_fit_and_a_uimage() {
    assert_has(&["aarch64-linux-gnu-gcc", "dtc", "qemu-system-aarch64"]);
    assert!(Path::new(FIRMWARE).is_file(), "missing on this host: {FIRMWARE}; `scripts/test` installs it");
    let sandbox = Sandbox::with_shared_store();
    let dir = sandbox.path();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/router-aarch64/kiln.toml");
    let example = example.canonicalize().expect("the example is there");
    let recipe = format!("imports = [{:?}]\n{OUTPUTS}", example.display().to_string());
    fs::write(dir.join("kiln.toml"), recipe).expect("a recipe");
    fs::write(dir.join("init.s"), INIT).expect("a source");
    run(dir, &["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-o", "init", "init.s"]);
    // The machine describes itself, as one with firmware does.
    let describe = ["-machine", "virt,dumpdtb=board.dtb", "-cpu", "cortex-a57", "-m", "512", "-bios", FIRMWARE];
    run(dir, &[&["qemu-system-aarch64", "-display", "none"], describe.as_slice()].concat());
    run(dir, &["dtc", "-q", "-I", "dtb", "-O", "dts", "-o", "board.dts", "board.dtb"]);
    sandbox.kiln(&["build"]).expect(0);

    let fit = [("result/outputs/all.itb", 0x5000_0000)];
    let said = booted(dir, &fit, "bootm 0x50000000", "reboot: Power down");
    for line in ["crc32+ sha256+ OK", "Starting kernel", "Unpacking initramfs", "the init of the image"] {
        assert!(said.contains(line), "no `{line}` in\n{said}");
    }
    let apart = [("result/outputs/older.uImage", 0x5000_0000), ("result/outputs/board.dtb", 0x5a00_0000)];
    let said = booted(dir, &apart, "bootm 0x50000000 - 0x5a000000", "VFS: Unable to mount root fs");
    assert!(said.contains("Verifying Checksum ... OK") && said.contains("Linux version"), "{said}");
}

fn run(dir: &Path, words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the console's output until `end`, with files in the machine's memory and one command for U-Boot.
fn booted(dir: &Path, files: &[(&str, u64)], command: &str, end: &str) -> String {
    let mut qemu = Command::new("qemu-system-aarch64");
    qemu.args(["-machine", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nic", "none"]);
    qemu.args(["-bios", FIRMWARE]).current_dir(dir);
    for (file, at) in files {
        assert!(fs::metadata(dir.join(file)).is_ok(), "{file}");
        qemu.arg("-device").arg(format!("loader,file={file},addr={at:#x},force-raw=on"));
    }
    let child = qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("QEMU runs");
    let mut console = Console::new(child);
    console.wait("stop autoboot", "");
    console.wait("=> ", "\n");
    console.say("setenv bootargs console=ttyAMA0\n");
    console.say(&format!("{command}\n"));
    console.wait(end, "");
    console.text()
}

/// A machine's serial line.
struct Console {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Console {
    fn new(mut child: Child) -> Console {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (child.stdout.take().expect("piped"), Arc::clone(&said));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                to.lock().expect("lock").extend_from_slice(&bytes[..n]);
            }
        });
        Console { child, said }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("lock")).into_owned()
    }

    /// Waits until `text` was printed, typing `meanwhile` twice a second.
    #[track_caller]
    fn wait(&mut self, text: &str, meanwhile: &str) {
        let started = Instant::now();
        while !self.text().contains(text) {
            let is_over = started.elapsed() > PATIENCE || self.child.try_wait().expect("a child").is_some();
            assert!(!is_over || self.text().contains(text), "no `{text}` in\n{}", self.text());
            self.say(meanwhile);
            thread::sleep(Duration::from_millis(500));
        }
    }

    fn say(&mut self, text: &str) {
        // A machine that is already off is noticed by its missing output.
        let _ = self.child.stdin.as_mut().expect("piped").write_all(text.as_bytes());
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
