//! Files outside of the tree that a config names and a build includes: their contents are part of the kernel's key.
//!
//! Other symbols name paths on the device (`MODPROBE_PATH`), and are text like any other. A relative path is inside the
//! tree, whose key covers it already.

use std::path::{Path, PathBuf};

use kiln_kconfig::Config;

use kiln_store::directory;

/// Symbols whose values are paths, in some of them several.
const PATHS: [&str; 7] = [
    "INITRAMFS_SOURCE",
    "MODULE_SIG_KEY",
    "SYSTEM_TRUSTED_KEYS",
    "SYSTEM_REVOCATION_KEYS",
    "SYSTEM_BLACKLIST_HASH_LIST",
    "CFG80211_EXTRA_REGDB_KEYDIR",
    "UNUSED_KSYMS_WHITELIST",
];
/// The symbols for names of files, and for the directory that they are in.
const FIRMWARE: (&str, &str) = ("EXTRA_FIRMWARE", "EXTRA_FIRMWARE_DIR");

/// Returns each such file or directory with a digest of its contents; `-` for one that cannot be read, which fails the
/// build anyway.
pub(super) fn digests(config: &Config) -> Vec<String> {
    let digests = paths(config).into_iter();
    digests.map(|path| format!("{} {}", path.display(), digest(&path).unwrap_or_else(|| "-".to_owned()))).collect()
}

/// Returns each such file or directory.
pub(crate) fn paths(config: &Config) -> Vec<PathBuf> {
    let words = |symbol: &str| -> Vec<String> {
        let value = config.get(symbol).unwrap_or_default().trim_matches('"');
        value.split_whitespace().map(str::to_owned).collect()
    };
    let mut paths: Vec<PathBuf> = PATHS.iter().flat_map(|symbol| words(symbol)).map(PathBuf::from).collect();
    let folder = words(FIRMWARE.1).concat();
    paths.extend(words(FIRMWARE.0).iter().map(|name| Path::new(&folder).join(name)));
    paths.retain(|path| path.is_absolute());
    paths
}

fn digest(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some(directory::list(path).ok()?.content().ok()?.to_string());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(kiln_file::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_count_wherever_a_build_takes_them_in() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir(at("root")).unwrap();
        for name in ["root/init", "list", "blob", "path"] {
            std::fs::write(at(name), "1").unwrap();
        }
        let text = format!(
            "CONFIG_INITRAMFS_SOURCE=\"{} {}\"\nCONFIG_EXTRA_FIRMWARE=\"blob gone\"\nCONFIG_EXTRA_FIRMWARE_DIR=\"{}\"\n\
             CONFIG_MODPROBE_PATH=\"{}\"\nCONFIG_SYSTEM_TRUSTED_KEYS=\"certs/in-tree.pem\"\n",
            at("root"),
            at("list"),
            dir.path().display(),
            at("path")
        );
        let config = Config::parse(&text);
        let before = digests(&config);
        assert_eq!(before.len(), 4, "{before:?}");
        assert!(before[3].ends_with("/gone -"));
        for (name, place) in [("root/init", 0), ("list", 1), ("blob", 2)] {
            std::fs::write(at(name), "2").unwrap();
            let after = digests(&config);
            assert_ne!(after[place], before[place], "{name}");
        }
        let before = digests(&config);
        std::fs::write(at("path"), "2").unwrap();
        assert_eq!(digests(&config), before, "a path on the device is text");
    }
}
