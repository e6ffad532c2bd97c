//! Names of Debian packages that depend on an architecture.

use kiln_plan::Arch;
use kiln_plan::tools::gcc_plugin_package;

/// Returns the package of the compiler whose name begins with `prefix` (`aarch64-linux-gnu-`).
pub fn cross_compiler_package(prefix: &str) -> String {
    format!("gcc-{}", triple(prefix))
}

/// Returns the package of the linker whose name begins with `prefix`.
pub(super) fn cross_binutils_package(prefix: &str) -> String {
    format!("binutils-{}", triple(prefix))
}

/// Returns the package of the C library that Debian's compiler for `arch` links with.
pub(super) fn cross_libc_package(arch: Arch) -> String {
    format!("libc6-dev-{}-cross", arch.debian.unwrap_or(arch.machine))
}

/// Returns the package with the headers of a GCC's plugins; without a version, that of Debian's default compiler.
pub(super) fn gcc_plugin(compiler: &str, version: &str) -> String {
    gcc_plugin_package(compiler, version).unwrap_or_else(|| "gcc-plugin-dev".to_owned())
}

/// Returns the package of LLVM's `program`; `None` when it is not LLVM's. `value` is that of `LLVM`.
///
/// # Source
/// The file lists of Debian 12's `clang`, `lld` and `llvm`, and of those with a version in their names (`clang-14`).
pub(super) fn llvm_package(program: &str, value: &str) -> Option<String> {
    let version = if value.starts_with('-') { value } else { "" };
    let plain = program.rsplit('/').next().unwrap_or(program).strip_suffix(version)?;
    let package = match plain {
        "clang" | "clang++" => "clang",
        "ld.lld" => "lld",
        _ if plain.starts_with("llvm-") => "llvm",
        _ => return None,
    };
    Some(format!("{package}{version}"))
}

/// Returns the program that emulates `machine` (as `uname -m` prints, or the kernel's `ARCH`), and its package.
///
/// # Source
/// The file lists of Debian 12's `qemu-system-*` packages.
pub fn qemu_package(machine: &str) -> (String, &'static str) {
    let (name, package) = match machine {
        "x86" | "amd64" => ("x86_64", "qemu-system-x86"),
        "x86_64" | "i386" => (machine, "qemu-system-x86"),
        "i486" | "i586" | "i686" => ("i386", "qemu-system-x86"),
        "arm64" | "aarch64" | "aarch64_be" => ("aarch64", "qemu-system-arm"),
        _ if machine.starts_with("arm") => ("arm", "qemu-system-arm"),
        _ if machine.starts_with("mips") => (machine, "qemu-system-mips"),
        "ppc" => ("ppc", "qemu-system-ppc"),
        "powerpc" | "ppc64" | "ppc64le" => ("ppc64", "qemu-system-ppc"),
        _ if machine.starts_with("sparc") => (machine, "qemu-system-sparc"),
        "riscv" => ("riscv64", "qemu-system-misc"),
        "s390" => ("s390x", "qemu-system-misc"),
        "parisc" | "parisc64" => ("hppa", "qemu-system-misc"),
        "openrisc" => ("or1k", "qemu-system-misc"),
        other => (other, "qemu-system-misc"),
    };
    (format!("qemu-system-{name}"), package)
}

/// Returns the triple of a prefix as in package names: Debian writes `x86_64-linux-gnu` as `x86-64-linux-gnu`.
fn triple(prefix: &str) -> String {
    let file = prefix.rsplit('/').next().unwrap_or(prefix);
    file.trim_end_matches('-').replace('_', "-")
}
