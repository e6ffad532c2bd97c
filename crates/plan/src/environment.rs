//! The variables of the environment that a recipe can set for a kernel's Kconfig and build.

/// Whether a variable is kiln's own: it follows from other options, or the result must not depend on it.
pub fn is_own(name: &str) -> bool {
    const OWN: &[&str] = &[
        "AFLAGS",
        "AR",
        "ARCH",
        "AS",
        "AWK",
        "BASH_ENV",
        "BINDGEN",
        "BUILD_DIR",
        "CC",
        "CC_VERSION_TEXT",
        "CFLAGS",
        "CLANG_FLAGS",
        "CONFIG_SHELL",
        "CPP",
        "CROSS_COMPILE",
        "CURDIR",
        "CXX",
        "DEPMOD",
        "ENV",
        "GNUMAKEFLAGS",
        "HEADER_ARCH",
        "HOME",
        "HOSTAR",
        "HOSTCC",
        "HOSTCFLAGS",
        "HOSTCXX",
        "HOSTLD",
        "HOSTRUSTC",
        "IFS",
        "INSTALL_MOD_PATH",
        "INSTALL_PATH",
        "KAFLAGS",
        "KCFLAGS",
        "KCPPFLAGS",
        "KERNELRELEASE",
        "KERNELVERSION",
        "KRUSTFLAGS",
        "LANG",
        "LD",
        "LDFLAGS",
        "LLVM",
        "LLVM_IAS",
        "LOCALVERSION",
        "M",
        "MAKE",
        "MAKEFILES",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "MAKE_TERMERR",
        "MAKE_TERMOUT",
        "MFLAGS",
        "MO",
        "NM",
        "O",
        "OBJCOPY",
        "OBJDUMP",
        "PAHOLE",
        "PATH",
        "PATCHLEVEL",
        "PERL",
        "PWD",
        "PYTHON",
        "PYTHON3",
        "READELF",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_VERSION_TEXT",
        "SHELL",
        "SOURCE_DATE_EPOCH",
        "SRCARCH",
        "STRIP",
        "SUBARCH",
        "SUBLEVEL",
        "TMPDIR",
        "USERCFLAGS",
        "USERLDFLAGS",
        "UTS_MACHINE",
        "V",
        "VERSION",
        "VPATH",
        "W",
        "abs_objtree",
        "abs_srctree",
        "objtree",
        "srctree",
        "srcroot",
    ];
    const PREFIXES: &[&str] = &[
        "ASDF_", "CARGO", "CCACHE_", "DISTCC_", "GCC_", "GIT_", "ICECC_", "KBUILD_", "KCONFIG_", "LC_", "LD_", "MISE_",
        "NIX_", "PYENV_", "PYTHON", "RUSTUP_", "SCCACHE_", "XDG_",
    ];
    OWN.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn variables_of_trees_are_the_recipes_own() {
        for name in ["CROSS_COMPILE_COMPAT", "CROSS32CC", "BOARD", "ARCH_X"] {
            assert!(!is_own(name), "{name}");
        }
        for name in ["ARCH", "KCONFIG_ALLCONFIG", "KBUILD_BUILD_USER", "O", "M", "PATH", "HOME", "LD_PRELOAD"] {
            assert!(is_own(name), "{name}");
        }
    }
}
