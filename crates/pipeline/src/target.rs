//! The machine that a recipe is built for.

use kiln_kbuild::toolchain::{Programs, Target};
use kiln_plan::evaluate::Kernel as KernelWish;
use kiln_plan::{Arch, ToolchainName};

/// Returns the machine that is built for: GNU's compiler of another architecture has that architecture's prefix.
pub fn target(host: Arch, wish: &KernelWish) -> Target {
    let arch = wish.arch.value;
    let programs = match &wish.toolchain.value {
        ToolchainName::Llvm { version } => {
            Programs::Llvm { value: version.map_or_else(|| "1".to_owned(), |version| format!("-{version}")) }
        }
        ToolchainName::Gcc => {
            let chosen = wish.cross_compile.as_ref().map(|prefix| prefix.value.clone());
            // x86's makefiles pass the compiler the option for 32 or 64 bits themselves.
            let native = arch == host || (arch.srcarch == "x86" && host.srcarch == "x86");
            let usual = || if native { String::new() } else { arch.cross_prefix() };
            Programs::Gnu { prefix: chosen.unwrap_or_else(usual) }
        }
    };
    Target { arch: arch.karch.to_owned(), srcarch: arch.srcarch.to_owned(), programs }
}
