use std::os::unix::fs::symlink;

use kiln_kconfig::Config;

use super::*;

fn work(config: &str, cross: Option<&str>) -> Work {
    with(config, Programs::gnu(cross.unwrap_or_default()))
}

fn with(config: &str, programs: Programs) -> Work {
    Work {
        target: Some(Target { arch: "arm64".into(), srcarch: "arm64".into(), programs }),
        config: Config::parse(config),
        apt_source: false,
        git_source: false,
        outputs: BTreeSet::new(),
        patches: false,
        boot_machine: None,
    }
}

fn packages_of(work: &Work) -> Vec<String> {
    let packages: BTreeSet<String> = needs(work).into_iter().map(|need| need.debian_package).collect();
    packages.into_iter().collect()
}

fn needs_package(work: &Work, package: &str) -> bool {
    packages_of(work).iter().any(|name| name == package)
}

#[test]
fn what_is_needed_follows_the_recipe() {
    let plain = work("", None);
    assert_eq!(
        packages_of(&plain),
        ["bc", "binutils", "bison", "flex", "gcc", "gzip", "libc6-dev", "make", "perl-base"]
    );
    for (config, package) in [
        ("CONFIG_MODULE_SIG=y\n", "libssl-dev"),
        ("CONFIG_KERNEL_XZ=y\n", "xz-utils"),
        ("CONFIG_IKHEADERS=m\n", "cpio"),
        ("CONFIG_UNWINDER_ORC=y\n", "libelf-dev"),
        ("CONFIG_DEBUG_INFO_BTF=y\n", "pahole"),
    ] {
        assert!(needs_package(&work(config, None), package) && !needs_package(&plain, package), "{config}");
    }
    assert!(needs_package(&work("", Some("aarch64-linux-gnu-")), "gcc-aarch64-linux-gnu"));
    assert!(needs_package(&Work { patches: true, ..plain.clone() }, "patch"));
    for (program, package) in [("mkimage", "u-boot-tools"), ("mksquashfs", "squashfs-tools"), ("lzop", "lzop")] {
        assert!(needs_package(&Work { outputs: BTreeSet::from([program]), ..plain.clone() }, package));
    }
    assert!(needs_package(&Work { git_source: true, ..plain.clone() }, "git"));
    let boots = |machine: &str| Work { boot_machine: Some(machine.into()), ..plain.clone() };
    assert!(needs_package(&boots("aarch64"), "qemu-system-arm"));
    assert!(!needs_package(&boots("aarch64"), "libc6-dev-arm64-cross"));
    // Debian has no busybox for this machine, so one is compiled.
    for package in ["qemu-system-mips", "gcc-mips-linux-gnu", "libc6-dev-mips-cross", "patch"] {
        assert!(needs_package(&boots("mips"), package), "{package}");
    }
    assert!(needs_package(&boots("riscv64"), "libc6-dev-riscv64-cross"));
}

#[test]
fn llvm_needs_no_gnu_compiler() {
    let llvm = |value: &str| with("", Programs::Llvm { value: value.to_owned() });
    let others = ["bc", "binutils", "bison"];
    let check = |value: &str, more: [&str; 3]| {
        let rest = ["flex", "gzip", "libc6-dev"];
        let mut expected: Vec<&str> =
            others.iter().chain(&rest).chain(&more).chain(&["make", "perl-base"]).copied().collect();
        expected.sort_unstable();
        assert_eq!(packages_of(&llvm(value)), expected);
    };
    check("1", ["clang", "lld", "llvm"]);
    check("-14", ["clang-14", "lld-14", "llvm-14"]);
    let target = llvm("-14").target.unwrap();
    for (program, package) in [("clang-14", "clang-14"), ("/usr/bin/ld.lld-14", "lld-14"), ("llvm-strip-14", "llvm-14")]
    {
        assert_eq!(Missing::program(program, &target).debian_package, package, "{program}");
    }
    assert_eq!(Missing::program("flex", &target).debian_package, "flex");
    let header = |work: &Work| needs(work).into_iter().find(|need| need.debian_package == "libc6-dev").unwrap().probe;
    assert!(matches!(header(&llvm("1")), Probe::Library { compiler, .. } if compiler == "clang"));
}

#[test]
fn a_compiler_without_its_c_library_lacks_it() {
    let (_dir, host) = host_with(&["gcc"]);
    let there = |compiler: &str, library: &str| {
        let probe = Probe::CrossLibrary { compiler: compiler.to_owned(), library: library.to_owned() };
        probe::is_there(&probe, &host).unwrap()
    };
    assert!(there("gcc", "libc.a"));
    assert!(!there("gcc", "libnosuch.a"));
    assert!(!there("mips-linux-gnu-gcc", "libc.a"));
}

#[test]
fn packages_of_architectures() {
    assert_eq!(cross_compiler_package("x86_64-linux-gnu-"), "gcc-x86-64-linux-gnu");
    assert_eq!(cross_compiler_package("/opt/bin/arm-linux-gnueabihf-"), "gcc-arm-linux-gnueabihf");
    for (machine, program, package) in [
        ("x86_64", "qemu-system-x86_64", "qemu-system-x86"),
        ("i686", "qemu-system-i386", "qemu-system-x86"),
        ("armv7l", "qemu-system-arm", "qemu-system-arm"),
        ("mipsel", "qemu-system-mipsel", "qemu-system-mips"),
        ("ppc64le", "qemu-system-ppc64", "qemu-system-ppc"),
        ("riscv64", "qemu-system-riscv64", "qemu-system-misc"),
    ] {
        assert_eq!(qemu_package(machine), (program.to_owned(), package));
    }
}

/// Creates a directory with links to only some of this machine's programs.
fn host_with(programs: &[&str]) -> (tempfile::TempDir, Host) {
    let dir = tempfile::tempdir().unwrap();
    let path = std::ffi::OsString::from("/usr/local/bin:/usr/bin:/bin");
    for program in programs {
        let file = kiln_exec::find_program(&path, Path::new(program)).unwrap();
        symlink(file, dir.path().join(program)).unwrap();
    }
    let host = Host::new(dir.path().as_os_str().to_owned());
    (dir, host)
}

#[test]
fn a_bare_host_lacks_everything_and_one_command_mends_it() {
    let (_dir, host) = host_with(&[]);
    let missing = checks(&work("", None), &host).unwrap();
    let command = install_command(&missing, false).unwrap();
    assert_eq!(
        command,
        "sudo apt-get install --yes --no-install-recommends bc binutils bison flex gcc gzip libc6-dev make perl-base"
    );
    assert!(install_command(&missing, true).unwrap().starts_with("apt-get install"));
    assert_eq!(install_command(&[], true), None);
}

#[test]
fn one_missing_program_is_named_with_its_package() {
    let all = ["ar", "as", "bc", "bison", "gcc", "ld", "make", "nm", "objcopy", "perl", "gzip"];
    let (_dir, host) = host_with(&all);
    let missing = checks(&work("", None), &host).unwrap();
    let lines: Vec<String> = missing.iter().map(Missing::to_string).collect();
    assert_eq!(
        lines,
        ["the program `flex` is missing: needed to build the kernel's configuration program (Debian package flex)"]
    );
}

#[test]
fn a_header_is_found_by_compiling() {
    let (_dir, host) = host_with(&["gcc", "as", "ld"]);
    let there = |header: &str| {
        let probe = Probe::Library { compiler: "gcc".into(), header: header.to_owned(), library: None };
        probe::is_there(&probe, &host).unwrap()
    };
    assert!(there("stdio.h"));
    assert!(!there("no/such/header.h"));
}

#[test]
fn what_a_log_says_is_missing_is_told_in_the_same_words() {
    let target =
        Target { arch: "arm64".into(), srcarch: "arm64".into(), programs: Programs::gnu("aarch64-linux-gnu-") };
    assert_eq!(Missing::program("flex", &target).debian_package, "flex");
    assert_eq!(Missing::program("/usr/bin/lzop", &target).debian_package, "lzop");
    assert_eq!(Missing::program("aarch64-linux-gnu-gcc", &target).debian_package, "gcc-aarch64-linux-gnu");
    assert_eq!(Missing::header("openssl/bio.h").unwrap().debian_package, "libssl-dev");
    assert_eq!(Missing::header("linux/types.h"), None);
}

#[test]
fn the_size_of_a_download_is_read() {
    let line = "'http://deb.example/pool/main/b/bc/bc_1.07.1-3+b1_amd64.deb' bc_1.07.1-3+b1_amd64.deb 109864 SHA256:ab";
    assert_eq!(super::download_size(line), Some(109_864));
    for line in ["Reading package lists...", "'odd", "'a' b c d", ""] {
        assert_eq!(super::download_size(line), None, "{line}");
    }
}

#[test]
fn parts_of_compilers_that_requests_need() {
    let package = |config: &str, cross: Option<&str>| {
        let needs = needs(&work(config, cross));
        needs.into_iter().map(|need| need.debian_package).collect::<Vec<_>>()
    };
    let has = |config: &str, name: &str| package(config, None).iter().any(|package| package == name);
    assert!(has("CONFIG_GCC_PLUGIN_LATENT_ENTROPY=y\n", "gcc-plugin-dev"));
    assert!(has("CONFIG_RANDSTRUCT_FULL=y\n", "gcc-plugin-dev"));
    assert!(!has("CONFIG_RANDSTRUCT_NONE=y\n", "gcc-plugin-dev"));
    assert!(has("CONFIG_SCHED_CLASS_EXT=y\n", "pahole"));
    assert!(has("CONFIG_RUST=y\n", "rust-src"));
    assert_eq!(package("CONFIG_RUST=y\n", None).iter().filter(|package| *package == "bindgen").count(), 1);
    assert!(
        !needs(&with("CONFIG_GCC_PLUGINS=y\n", Programs::Llvm { value: "1".to_owned() }))
            .iter()
            .any(|need| matches!(need.probe, Probe::GccPlugins { .. }))
    );
}
