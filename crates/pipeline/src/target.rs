//! The machine that a recipe is built for.

use kiln_kbuild::toolchain::{Programs, Target};
use kiln_plan::evaluate::Kernel as KernelOptions;
use kiln_plan::{Arch, ToolchainName};

/// Returns the machine that is built for: GNU's compiler of another architecture has that architecture's prefix.
pub fn target(host: Arch, options: &KernelOptions) -> Target {
    let arch = options.arch.value;
    let programs = match &options.toolchain.value {
        ToolchainName::Llvm { version } => {
            Programs::Llvm { value: version.map_or_else(|| "1".to_owned(), |version| format!("-{version}")) }
        }
        ToolchainName::Gcc => {
            let chosen = options.cross_compile.as_ref().map(|prefix| prefix.value.clone());
            // x86's makefiles pass the compiler the option for 32 or 64 bits themselves.
            let native = arch == host || (arch.srcarch == "x86" && host.srcarch == "x86");
            let usual = || if native { String::new() } else { arch.cross_prefix() };
            Programs::Gnu { prefix: chosen.unwrap_or_else(usual) }
        }
    };
    Target { arch: arch.karch.to_owned(), srcarch: arch.srcarch.to_owned(), programs }
}
