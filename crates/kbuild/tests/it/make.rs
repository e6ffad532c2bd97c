//! Builds a fake kernel: the resulting files, and every kind of failure.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use expect_test::expect;
use kiln_exec::Exec;
use kiln_kbuild::make::failure::FailureKind;
use kiln_kbuild::make::{BuildError, Module};
use kiln_store::{Progress, Silent};

use crate::fake_kernel::{CONFIG, FakeKernel, host};

/// Keeps the progress messages.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn say(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Progress for Heard {
    fn begin(&self, task: &str, total: Option<u64>) {
        self.say(format!("begin {task} {total:?}"));
    }
    fn advance(&self, done: u64, item: &str) {
        self.say(format!("{done} {item}"));
    }
    fn end(&self) {
        self.say("end".to_owned());
    }
    fn note(&self, line: &str) {
        self.say(format!("note {line}"));
    }
}

#[test]
fn a_build_leaves_kernel_images_and_modules() {
    let kernel = FakeKernel::new();
    let before = kernel.snapshot();
    let targets = ["bzImage", "dtbs", "vmlinux", "all"].map(str::to_owned);
    let built = kernel.build_with(&targets, CONFIG, &Silent).unwrap();
    let out = kernel.out().canonicalize().unwrap();
    assert_eq!(built.release, "6.99.0-fake");
    assert_eq!(built.modules, [Module { file: out.join("net/net.ko"), installed: "kernel/net/net.ko".into() }]);
    assert_eq!(built.modules_order, "kernel/net/net.ko\n");
    let images: Vec<(String, Vec<String>)> = built
        .images
        .iter()
        .map(|image| {
            let files = image.files.iter().map(|file| file.strip_prefix(&out).unwrap().display().to_string());
            (image.target.clone(), files.collect())
        })
        .collect();
    let expected = expect![[r#"
        [("bzImage", ["arch/x86/boot/bzImage"]), ("dtbs", ["arch/x86/boot/dts/acme/a.dtb", "arch/x86/boot/dts/b.dtbo"]), ("vmlinux", ["vmlinux"]), ("all", ["arch/x86/boot/bzImage"])]"#]];
    expected.assert_eq(&format!("{images:?}"));
    assert!(built.vmlinux.is_file() && built.system_map.is_file() && built.module_symvers.is_some());
    assert_eq!(std::fs::read_to_string(built.config).unwrap(), CONFIG);
    assert!(std::fs::read_to_string(kernel.log()).unwrap().contains("  CC      kernel/a.o\n"));
    assert_eq!(kernel.snapshot(), before, "the tree was written to");
}

#[test]
fn progress_knows_its_total_and_a_second_build_has_none_left() {
    let kernel = FakeKernel::new();
    let heard = Heard::default();
    kernel.build_with(&[], CONFIG, &heard).unwrap();
    let lines = heard.0.into_inner().unwrap();
    assert_eq!(lines[..3], ["begin configure None", "end", "begin compile Some(5)"]);
    // Three objects and the module; the fake does not compile the module's description.
    assert_eq!(lines.iter().filter_map(|line| line.split(' ').next()?.parse().ok()).max(), Some(4_u64), "{lines:?}");

    let again = Heard::default();
    kernel.build_with(&[], CONFIG, &again).unwrap();
    let lines = again.0.into_inner().unwrap();
    assert!(lines.contains(&"begin compile Some(0)".to_owned()), "{lines:?}");

    let changed = Heard::default();
    kernel.build_with(&[], &CONFIG.replace("CONFIG_NET=m", "CONFIG_NET=y"), &changed).unwrap();
    assert!(changed.0.into_inner().unwrap().contains(&"begin compile Some(3)".to_owned()), "all objects note NET");
}

#[test]
fn the_environment_is_made_for_the_build() {
    let kernel = FakeKernel::new();
    kernel.write_out("env", "");
    kernel.build().unwrap();
    let text = std::fs::read_to_string(kernel.out().join("env")).unwrap();
    let out = kernel.out().canonicalize().unwrap();
    let tree = kernel.tree().canonicalize().unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| {
            !["MAKE", "MFLAGS", "PWD=", "_=", "O=", "srctree=", "SHLVL=", "OLDPWD="]
                .iter()
                .any(|made| line.starts_with(made))
        })
        .map(|line| line.replace(out.to_str().unwrap(), "OUT").replace(tree.to_str().unwrap(), "TREE"))
        .collect();
    lines.sort();
    let expected = expect![[r#"
        ARCH=x86_64
        CROSS_COMPILE=
        GIT_CONFIG_GLOBAL=/dev/null
        HOME=OUT/.kiln/home
        KAFLAGS=-fdebug-prefix-map=TREE=/usr/src/linux -fdebug-prefix-map=OUT=/usr/src/linux-build -fmacro-prefix-map=TREE/=
        KBUILD_BUILD_HOST=kiln
        KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970
        KBUILD_BUILD_USER=kiln
        KBUILD_BUILD_VERSION=1
        KCFLAGS=-fdebug-prefix-map=TREE=/usr/src/linux -fdebug-prefix-map=OUT=/usr/src/linux-build -fmacro-prefix-map=TREE/=
        KRUSTFLAGS=--remap-path-prefix=TREE=/usr/src/linux --remap-path-prefix=OUT=/usr/src/linux-build
        LC_ALL=C
        LOCALVERSION=
        PATH=/usr/local/bin:/usr/bin:/bin
        PYTHONNOUSERSITE=1
        SOURCE_DATE_EPOCH=0
        TMPDIR=OUT/.kiln/tmp"#]];
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_kernel_without_modules_has_none() {
    let kernel = FakeKernel::new();
    let config =
        CONFIG.replace("CONFIG_MODULES=y", "# CONFIG_MODULES is not set").replace("CONFIG_NET=m", "CONFIG_NET=y");
    let built = kernel.build_with(&[], &config, &Silent).unwrap();
    assert!(built.modules.is_empty() && built.modules_builtin.is_none() && built.module_symvers.is_none());
}

#[test]
fn the_first_error_is_shown_while_other_jobs_run() {
    let kernel = FakeKernel::new();
    kernel.write("kernel/a.c", "int a(void) { return undeclared; }\n");
    kernel.write("net/net.c", "#error \"net\"\n");
    let error = kernel.build().unwrap_err();
    let BuildError::Failed { failure, log } = &error else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::Compiler);
    assert!(failure.headline.contains("error: "), "{failure:?}");
    let text = error.to_string();
    assert!(text.contains("undeclared") || text.contains("#error"), "{text}");
    assert!(text.contains(&log.display().to_string()) && !text.contains("make:"), "{text}");
    // After the sources are corrected, the same call continues.
    kernel.write("kernel/a.c", "int a(void) { return 1; }\n");
    kernel.write("net/net.c", "int net(void) { return 3; }\n");
    kernel.build().unwrap();
}

#[test]
fn a_kconfig_that_differs_stops_the_build() {
    let kernel = FakeKernel::new();
    kernel.write("twist", "");
    let error = kernel.build().unwrap_err();
    expect![[r#"
        the kernel's own Kconfig differs from what was resolved:
          resolved: CONFIG_NET=m
          kernel:   CONFIG_NET=y"#]]
    .assert_eq(&error.to_string());
    assert!(!kernel.out().join("kernel/a.o").exists(), "something was compiled");
}

#[test]
fn a_missing_program_is_told_in_the_doctors_words() {
    let kernel = FakeKernel::new();
    let error = kernel.build_with(&["lexer".to_owned()], CONFIG, &Silent).unwrap_err();
    let BuildError::Missing { missing, .. } = &error else { panic!("{error}") };
    assert_eq!(
        kiln_kbuild::doctor::install_command(missing, true).as_deref(),
        Some("apt-get install --yes --no-install-recommends flex")
    );
}

#[test]
fn targets_that_are_not_there() {
    let kernel = FakeKernel::new();
    let error = kernel.build_with(&["bzimage".to_owned()], CONFIG, &Silent).unwrap_err();
    assert!(matches!(&error, BuildError::Failed { failure, .. } if failure.kind == FailureKind::NoRule), "{error}");
    kernel.write_out("no-image", "");
    let error = kernel.build_with(&["forgetful".to_owned()], CONFIG, &Silent).unwrap_err();
    assert!(matches!(&error, BuildError::NoOutput { target, .. } if target == "forgetful"), "{error}");
}

#[test]
fn trees_that_cannot_be_built() {
    let kernel = FakeKernel::new();
    kernel.write(".config", "");
    let text = kernel.build().unwrap_err().to_string();
    assert!(text.contains("was built in (it has .config); run `make mrproper`"), "{text}");
    std::fs::remove_file(kernel.tree().join(".config")).unwrap();
    std::fs::remove_file(kernel.tree().join("Kconfig")).unwrap();
    let text = kernel.build().unwrap_err().to_string();
    assert!(text.contains("is not a kernel tree: it has no Kconfig"), "{text}");

    let kernel = FakeKernel::new();
    let out = kernel.out().with_file_name("with space");
    let text = kernel.build_in(&out, &kernel.log(), &[], CONFIG, &Silent).unwrap_err().to_string();
    assert!(text.contains("make does not support a directory"), "{text}");
}

#[test]
fn a_killed_build_does_not_leave_half_an_object() {
    let kernel = FakeKernel::new();
    kernel.build().unwrap();
    // The object is made again, and make and compiler are killed while it is half written, next to its old `.cmd` file.
    std::fs::write(kernel.tree().join("kernel/b.c"), "int b(void) { return 4; }\n").unwrap();
    kernel.write_out("kill", "");
    kernel.build().unwrap_err();
    assert_eq!(std::fs::read_to_string(kernel.out().join("kernel/b.o")).unwrap(), "half\n");
    kernel.build().unwrap();
    let object = std::fs::read(kernel.out().join("kernel/b.o")).unwrap();
    assert!(object.starts_with(b"\x7fELF"));
}

#[test]
fn a_full_disk_is_called_so() {
    let kernel = FakeKernel::new();
    let error = kernel.build_in(&kernel.out(), Path::new("/dev/full"), &[], CONFIG, &Silent).unwrap_err();
    assert!(matches!(&error, BuildError::NoSpace { .. }), "{error}");
    // A disk that becomes full during compilation: needs the right to mount one.
    let disk = kernel.out().with_file_name("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = Exec::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&disk).env("PATH", host().path);
    if !mount.capture().is_ok_and(|output| output.status.success()) {
        return;
    }
    std::fs::write(disk.join("fill"), "").unwrap();
    let full = kernel.build_in(&disk, &kernel.log(), &[], CONFIG, &Silent);
    for name in ["fill", "kernel/zero"] {
        std::fs::remove_file(disk.join(name)).unwrap();
    }
    let after = kernel.build_in(&disk, &kernel.log(), &[], CONFIG, &Silent);
    let umount = Exec::new("umount").arg(&disk).env("PATH", host().path).text();
    assert!(matches!(full, Err(BuildError::NoSpace { .. })), "{full:?}");
    after.unwrap();
    umount.unwrap();
}

/// Interrupts affect the whole process, so this test runs itself in another one, which it recognizes by its directory.
#[test]
fn an_interrupt_ends_the_children() {
    let here = std::env::current_dir().unwrap();
    if here.join("interrupt-me").exists() {
        return interrupt_me(&here);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("interrupt-me"), "").unwrap();
    let output = Exec::new(std::env::current_exe().unwrap())
        .args(["--exact", "kbuild::an_interrupt_ends_the_children", "--nocapture"])
        .dir(dir.path())
        .env("PATH", host().path)
        .deadline(Duration::from_secs(300))
        .capture()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn interrupt_me(here: &Path) {
    kiln_exec::on_signals().unwrap();
    let kernel = FakeKernel::new();
    kernel.write_out("slow", "");
    let pid_file = kernel.out().join("slow.pid");
    let watch = pid_file.clone();
    let signal = std::thread::spawn(move || {
        while !watch.exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT).unwrap();
    });
    let error = kernel.build().unwrap_err();
    signal.join().unwrap();
    assert!(matches!(error, BuildError::Interrupted(_)), "{error}");
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    let deadline = Instant::now() + Duration::from_secs(10);
    while process.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let state = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    // A process whose parent has not waited for it yet has ended too.
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    std::fs::remove_file(here.join("interrupt-me")).unwrap();
}
