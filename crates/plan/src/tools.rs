//! Tools of the host that symbols of Linux need beyond those of every build.

/// A tool, or a part of one, that a host may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// The headers of GCC's plugins, which are a package of their own.
    GccPlugins,
    /// Clang and LLD as the kernel's toolchain.
    Llvm,
    /// GCC as the kernel's compiler.
    Gcc,
    /// `pahole`, which writes BTF.
    Pahole,
    /// The Rust compiler, the source of its library, and `bindgen`.
    Rust,
}

impl Tool {
    /// Returns the tool that a symbol requested by name needs, among those that a package of the host adds: `kiln
    /// doctor` looks for it.
    ///
    /// # Source
    /// `scripts/gcc-plugins/Kconfig`, `security/Kconfig.hardening`, `lib/Kconfig.debug` and `init/Kconfig` of Linux 6.12.
    pub fn of_request(symbol: &str) -> Option<Tool> {
        match symbol {
            "GCC_PLUGINS" | "RANDSTRUCT_FULL" | "RANDSTRUCT_PERFORMANCE" => Some(Tool::GccPlugins),
            _ if symbol.starts_with("GCC_PLUGIN_") => Some(Tool::GccPlugins),
            "DEBUG_INFO_BTF" | "DEBUG_INFO_BTF_MODULES" | "SCHED_CLASS_EXT" => Some(Tool::Pahole),
            "RUST" | "DRM_PANIC_SCREEN_QR_CODE" => Some(Tool::Rust),
            _ => None,
        }
    }
}

/// Returns the Debian package with the headers of the plugins of the compiler `cc` (`aarch64-linux-gnu-gcc`), whose
/// version is `version` (`12.2.0`, or the first line that it prints with `--version`).
pub fn gcc_plugin_package(cc: &str, version: &str) -> Option<String> {
    let number = version.split_whitespace().next_back()?;
    let major = number.split('.').next().filter(|major| major.bytes().all(|byte| byte.is_ascii_digit()))?;
    let name = cc.rsplit('/').next().unwrap_or(cc);
    let (prefix, _) = name.rsplit_once("gcc")?;
    let triple = prefix.trim_end_matches('-').replace('_', "-");
    let suffix = if triple.is_empty() { String::new() } else { format!("-{triple}") };
    (!major.is_empty()).then(|| format!("gcc-{major}-plugin-dev{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::gcc_plugin_package;

    #[test]
    fn the_package_of_a_compilers_plugins() {
        let debian = "gcc (Debian 12.2.0-14+deb12u1) 12.2.0";
        let named = |cc, version| gcc_plugin_package(cc, version);
        assert_eq!(named("gcc", debian).as_deref(), Some("gcc-12-plugin-dev"));
        assert_eq!(named("gcc-13", "13.3.0").as_deref(), Some("gcc-13-plugin-dev"));
        let cross = named("aarch64-linux-gnu-gcc", "12.2.0");
        assert_eq!(cross.as_deref(), Some("gcc-12-plugin-dev-aarch64-linux-gnu"));
        assert_eq!(named("/usr/bin/x86_64-linux-gnu-gcc", "14").as_deref(), Some("gcc-14-plugin-dev-x86-64-linux-gnu"));
        assert_eq!(named("clang", "14.0.6"), None);
        assert_eq!(named("gcc", ""), None);
    }
}
