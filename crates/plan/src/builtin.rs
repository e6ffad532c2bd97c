//! The modules that ship inside kiln, imported as `kiln:NAME`.
//!
//! Each is a recipe file under `modules/`; its first comment line states its purpose.

use kiln_recipe::Builtin;

/// The text before the colon in the name of a shipped module.
pub const SCHEME: &str = "kiln";

macro_rules! builtin {
    ($name:literal, $doc:literal) => {
        Builtin { name: $name, doc: $doc, text: include_str!(concat!("modules/", $name, ".toml")) }
    };
}

/// Every shipped module, by name.
pub const BUILTINS: &[Builtin] = &[
    builtin!("arch/aarch64", "64-bit ARM, little endian"),
    builtin!("arch/arm", "32-bit ARM, version 7, hard float"),
    builtin!("arch/mips", "32-bit MIPS; choose the byte order with `arch/mipseb` or `arch/mipsel`"),
    builtin!("arch/mipseb", "32-bit MIPS, big endian"),
    builtin!("arch/mipsel", "32-bit MIPS, little endian"),
    builtin!("arch/riscv64", "64-bit RISC-V"),
    builtin!("arch/x86_64", "64-bit x86"),
    builtin!("base", "what a small networked device needs: Liminix's base set"),
    builtin!("firewall", "netfilter's nftables as modules, and the loader `firewall`: Liminix's firewall"),
    builtin!("qemu", "what a QEMU guest needs to start from an initramfs, to use its console and to power off"),
];
