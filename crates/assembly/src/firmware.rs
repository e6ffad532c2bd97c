//! Firmware files: the form that the kernel can read, and the rules of a collection for its names.

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic};
use kiln_kconfig::Config;
use kiln_plan::evaluate::Located;
use kiln_plan::firmware::{FirmwareCompression, Packing};
use kiln_plan::{KernelVersion, VersionRange};

/// The links and the uncompressed files of one firmware collection.
///
/// # Source
/// The file `WHENCE` of linux-firmware, and `copy-firmware.sh` beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whence {
    links: BTreeMap<String, String>,
    raw: Vec<String>,
}

/// Longer chains of links are cycles.
const MAX_LINKS: usize = 40;

/// Returns the form in which firmware files are installed, with an error when the kernel cannot read the requested one.
pub fn packing(
    wish: &Located<FirmwareCompression>,
    config: &Config,
    version: &KernelVersion,
) -> (Packing, Option<Diagnostic>) {
    let FirmwareCompression::Fixed(packing) = wish.value else {
        let best = [Packing::Zstd, Packing::Xz].into_iter().find(|packing| is_read(*packing, config, version));
        return (best.unwrap_or(Packing::Raw), None);
    };
    if is_read(packing, config, version) {
        return (packing, None);
    }
    let (name, symbol) = match packing {
        Packing::Zstd => ("zstd", "FW_LOADER_COMPRESS_ZSTD"),
        _ => ("xz", "FW_LOADER_COMPRESS_XZ"),
    };
    let message = format!("this kernel cannot read firmware that is compressed with {name}");
    let finding = Diagnostic::error(Code::UnreadableCompression, message)
        .option("hardware.firmwareCompression")
        .label(wish.origin, "requested here")
        .help(format!("set `FW_LOADER_COMPRESS = \"y\"` and `{symbol} = \"y\"` under `kernel.config`"))
        .help("or write `\"auto\"`, which selects one that the kernel can read");
    (Packing::Raw, Some(finding))
}

/// Whether a kernel of this config reads files in this form.
///
/// # Source
/// drivers/base/firmware_loader/Kconfig; before 5.19 there was one form, and `FW_LOADER_COMPRESS` meant it.
fn is_read(packing: Packing, config: &Config, version: &KernelVersion) -> bool {
    let is_on = |symbol| config.get(symbol) == Some("y");
    let has_one_form = VersionRange::parse("<5.19").is_ok_and(|range| range.contains(version));
    match packing {
        Packing::Raw => true,
        Packing::Xz if has_one_form => is_on("FW_LOADER_COMPRESS"),
        Packing::Xz => is_on("FW_LOADER_COMPRESS_XZ"),
        Packing::Zstd => is_on("FW_LOADER_COMPRESS_ZSTD"),
    }
}

impl Whence {
    /// Parses the text of a `WHENCE` file; lines that are neither links nor raw files are ignored.
    pub fn parse(text: &str) -> Whence {
        let mut whence = Whence::default();
        let plain = |name: &str| name.trim().trim_matches('"').replace("\\ ", " ");
        for line in text.lines() {
            if let Some((name, target)) = line.strip_prefix("Link:").and_then(|rest| rest.split_once(" -> ")) {
                whence.links.insert(plain(name), plain(target));
            } else if let Some(name) = line.strip_prefix("RawFile:") {
                whence.raw.push(plain(name));
            }
        }
        whence
    }

    /// Returns the names that are links, whether to files or to directories.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.links.keys().map(String::as_str)
    }

    /// Whether the collection requires that this file is not compressed.
    pub fn is_raw(&self, name: &str) -> bool {
        self.raw.iter().any(|raw| raw == name)
    }

    /// Returns the name that `name` leads to when it, or a directory in it, is a link; `None` when nothing in it is.
    pub fn target(&self, name: &str) -> Option<String> {
        let mut now = name.to_owned();
        for _ in 0..MAX_LINKS {
            let ends = now.match_indices('/').map(|(at, _)| at).chain([now.len()]);
            let link = ends.filter_map(|end| Some((end, self.links.get(&now[..end])?))).next();
            let Some((end, target)) = link else { return (now != name).then_some(now) };
            let folder = now[..end].rsplit_once('/').map_or("", |(folder, _)| folder);
            now = joined(folder, &format!("{target}{}", &now[end..]))?;
        }
        None
    }
}

/// Returns `relative` joined to `folder`, without `.` and `..`; `None` when it leads out of the top.
pub fn joined(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the text of a link at `from` that leads to `to`; both from the same top.
pub fn link_text(from: &str, to: &str) -> String {
    let folder: Vec<&str> = from.split('/').collect();
    let folder = &folder[..folder.len() - 1];
    let target: Vec<&str> = to.split('/').collect();
    let shared = folder.iter().zip(&target[..target.len() - 1]).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - shared);
    up.chain(target[shared..].iter().copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(symbols: &[&str]) -> Config {
        symbols.iter().map(|symbol| ((*symbol).to_owned(), "y".to_owned())).collect()
    }

    fn wish(text: &str) -> Located<FirmwareCompression> {
        Located { value: FirmwareCompression::parse(text).expect("a form"), origin: None }
    }

    #[test]
    fn the_kernel_decides() {
        let version = |text| KernelVersion::parse(text).expect("a version");
        let of = |text: &str, symbols: &[&str]| {
            let (packing, finding) = packing(&wish(text), &config(symbols), &version("6.12"));
            finding.is_none().then_some(packing)
        };
        let both = ["FW_LOADER_COMPRESS", "FW_LOADER_COMPRESS_XZ", "FW_LOADER_COMPRESS_ZSTD"];
        assert_eq!(of("auto", &[]), Some(Packing::Raw));
        assert_eq!(of("auto", &both), Some(Packing::Zstd));
        assert_eq!(of("auto", &both[..2]), Some(Packing::Xz));
        assert_eq!(of("auto", &both[..1]), Some(Packing::Raw), "nothing is chosen");
        let old = packing(&wish("auto"), &config(&both[..1]), &version("5.15.1"));
        assert_eq!(old, (Packing::Xz, None), "there was one form");
        assert_eq!(of("none", &both), Some(Packing::Raw));
        assert_eq!(of("xz", &both), Some(Packing::Xz));
        assert_eq!(of("xz", &[both[0], both[2]]), None);
        assert_eq!(of("zstd", &both[..2]), None);
        assert_eq!(of("xz", &[]), None);
        let refused = packing(&wish("zstd"), &config(&[]), &version("6.1")).1.expect("refused");
        assert_eq!(refused.code, Code::UnreadableCompression);
        assert!(refused.help[0].contains("FW_LOADER_COMPRESS_ZSTD"));
    }

    #[test]
    fn links_of_files_and_folders_are_followed() {
        let text = "Driver: x\n\nFile: cypress/a.bin\nRawFile: \"b c.bin\"\nLink: brcm/a.bin -> ../cypress/a.bin\n\
                    Link: brcm/board.bin -> a.bin\nLink: old -> brcm\nLink: one -> two\nLink: two -> one\n\
                    Link: with\\ blank -> brcm/a.bin\nLink: out -> ../../etc/passwd\n";
        let whence = Whence::parse(text);
        let target = |name: &str| whence.target(name);
        assert_eq!(target("cypress/a.bin"), None);
        assert_eq!(target("brcm/a.bin").as_deref(), Some("cypress/a.bin"));
        assert_eq!(target("old/board.bin").as_deref(), Some("cypress/a.bin"));
        assert_eq!(target("with blank").as_deref(), Some("cypress/a.bin"));
        assert_eq!((target("one"), target("out")), (None, None));
        assert!(whence.is_raw("b c.bin") && !whence.is_raw("cypress/a.bin"));
    }

    #[test]
    fn a_link_leads_from_where_it_is() {
        for (from, to, text) in [
            ("a", "b", "b"),
            ("d/a", "d/b", "b"),
            ("d/a", "e/b", "../e/b"),
            ("a", "d/e/b", "d/e/b"),
            ("d/e/a", "d/b", "../b"),
            ("d/e/a", "b", "../../b"),
        ] {
            assert_eq!(link_text(from, to), text, "{from} to {to}");
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            assert_eq!(joined(folder, text).as_deref(), Some(to));
        }
    }
}
