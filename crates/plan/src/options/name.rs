//! The syntax of names: symbols, modules, loaders, services, packages, paths in the guest.

use kiln_recipe::Fault;
use kiln_service::LoaderName;

/// Checks a Kconfig symbol, without the prefix that it has in a `.config`.
pub(crate) fn symbol(name: &str) -> Result<(), Fault> {
    if let Some(bare) = name.strip_prefix("CONFIG_").filter(|bare| !bare.is_empty()) {
        return Err(Fault::new(format!("`{name}` has the prefix of a `.config`")).help(format!("write `{bare}`")));
    }
    if !consists_of(name, "_-") {
        let message = format!("`{}` is not the name of a symbol", name.escape_debug());
        return Err(Fault::new(message).help("a symbol's name has letters, digits and `_`"));
    }
    Ok(())
}

/// Checks a module: a name, not a file.
pub(crate) fn module(name: &str) -> Result<(), Fault> {
    if consists_of(name, "_-") {
        return Ok(());
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    let base = base.split(".ko").next().unwrap_or(base);
    let fault = Fault::new(format!("`{}` is not the name of a module", name.escape_debug()));
    Err(if base != name && consists_of(base, "_-") {
        fault.help(format!("write `{base}`: the name alone, without directory and `.ko`"))
    } else {
        fault.help("a module's name has letters, digits, `_` and `-`")
    })
}

/// Checks a loader's name, which names files, directories and services.
pub(crate) fn loader(name: &str) -> Result<(), Fault> {
    let refused = |error| Fault::new(format!("`{}` cannot be the name: {error}", name.escape_debug()));
    LoaderName::new(name).map(drop).map_err(refused)
}

/// Checks a service of whatever service manager the device has.
pub(super) fn service(name: &str) -> Result<(), Fault> {
    if consists_of(name, "_.-@:") && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    let message = format!("`{}` is not the name of a service", name.escape_debug());
    Err(Fault::new(message).help("a service's name has letters, digits, `_`, `-`, `.`, `@` and `:`"))
}

/// Checks a Debian package.
///
/// # Source
/// Debian Policy, 5.6.1.
pub(super) fn package(name: &str) -> Result<(), Fault> {
    let sound = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    if sound {
        return Ok(());
    }
    let message = format!("`{}` is not the name of a Debian package", name.escape_debug());
    Err(Fault::new(message).help("a package's name has lower-case letters, digits, `+`, `-` and `.`"))
}

/// Checks the path of a file in the guest.
pub(super) fn guest_path(path: &str) -> Result<(), Fault> {
    let sound = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(sound)) {
        return Ok(());
    }
    let message = format!("`{}` is not the path of a file in the guest", path.escape_debug());
    Err(Fault::new(message).help("write it from `/` on, without `.`, `..` and doubled slashes"))
}

/// Checks that a text fits on one line of a file and has no control characters.
pub(super) fn one_line(text: &str) -> Result<(), Fault> {
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        None => Ok(()),
        Some('\n' | '\r') => Err(Fault::new("the value is more than one line")),
        Some(control) => {
            Err(Fault::new(format!("the value has the control character `{}` in it", control.escape_default())))
        }
    }
}

fn consists_of(name: &str, marks: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loader_names_are_safe() {
        let longest = "x".repeat(53);
        for name in ["firewall", "wlan-5GHz", "usb_net", "0", longest.as_str()] {
            assert_eq!(loader(name), Ok(()), "{name}");
        }
        let too_long = "x".repeat(54);
        for name in [
            "",
            "a/b",
            "a.b",
            "..",
            ".x",
            "-x",
            "a b",
            "a\n",
            "a\0",
            "a@b",
            "a;b",
            "$a",
            "ä",
            "a\\b",
            "'",
            too_long.as_str(),
        ] {
            assert!(loader(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn modules_are_named_not_filed() {
        assert_eq!(module("nft_ct"), Ok(()));
        assert_eq!(module("8021q"), Ok(()));
        let help = |name| module(name).expect_err("not a module").help.expect("a remedy");
        assert_eq!(help("nft_ct.ko"), "write `nft_ct`: the name alone, without directory and `.ko`");
        assert_eq!(help("kernel/net/nft_ct.ko.xz"), "write `nft_ct`: the name alone, without directory and `.ko`");
        assert!(module("").is_err() && module("a b").is_err() && module("../a b").is_err());
    }

    #[test]
    fn symbols_have_no_prefix() {
        assert_eq!(symbol("64BIT"), Ok(()));
        assert_eq!(symbol("CONFIG_USB").expect_err("prefixed").help.as_deref(), Some("write `USB`"));
        assert!(symbol("").is_err() && symbol("A B").is_err() && symbol("A=y").is_err());
    }

    #[test]
    fn guest_paths_stay_in_the_guest() {
        assert_eq!(guest_path("/etc/nftables.conf"), Ok(()));
        for path in ["", "/", "etc/x", "/../x", "/a//b", "/a/", "/a/./b"] {
            assert!(guest_path(path).is_err(), "{path}");
        }
    }
}
