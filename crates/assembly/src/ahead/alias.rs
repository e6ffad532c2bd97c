//! Aliases that sources give to their modules, as far as the text shows them.

use kiln_modgraph::{fnmatch, fold};

/// The beginnings of aliases whose rest is the number behind a constant.
///
/// # Source
/// The macros `MODULE_ALIAS_…` below `include/`, and the `request_module` calls for these aliases.
const COMPUTED: &[&str] = &[
    "binfmt-",
    "block-major-",
    "char-major-",
    "net-pf-",
    "nf-logger-",
    "nfnetlink-subsys-",
    "nft-af-",
    "nft-chain-",
    "snd-card-",
    "sound-service-",
    "sound-slot-",
    "tty-ldisc-",
];

/// The beginning of every macro that adds an alias.
const MACRO: &str = "MODULE_ALIAS";

/// Whether the alias `word` has a part that macros compute.
pub(super) fn is_computed(word: &str) -> bool {
    COMPUTED.iter().any(|start| word.starts_with(start) && word.ends_with(|c: char| c.is_ascii_digit()))
}

/// Whether the text of a C file may give its module the alias `word`.
///
/// A macro puts a prefix before the literal that it is given, which is its own name in most cases
/// (`MODULE_ALIAS_FS("vfat")` is `fs-vfat`); some add the literal alone, too.
///
/// # Source
/// `include/linux/module.h`, `include/crypto/algapi.h`, `include/net/netfilter/nf_tables.h`, `include/net/genetlink.h`.
pub fn may_name(source: &str, word: &str) -> bool {
    let word = fold(word);
    source.match_indices(MACRO).any(|(at, _)| {
        let Some((kind, rest)) = source[at + MACRO.len()..].split_once('(') else { return false };
        let arguments = &rest[..rest.find(");").unwrap_or(0)];
        let prefix = match kind {
            "_GENL_FAMILY" => "net_pf_16_".to_owned(),
            kind => format!("{}_", kind.trim_start_matches('_').to_ascii_lowercase()),
        };
        let has_prefix = !kind.is_empty() && word.starts_with(&prefix);
        literals(arguments).any(|literal| {
            let literal = fold(literal);
            let is_end = has_prefix && word.ends_with(&format!("_{literal}"));
            is_end || word == literal || fnmatch(literal.as_bytes(), word.as_bytes())
        })
    })
}

fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2).filter(|literal| !literal.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_aliases_are_found() {
        let source = "MODULE_LICENSE(\"GPL\");\nMODULE_ALIAS(\"ip_conntrack\");\nMODULE_ALIAS_FS(\"vfat\");\n\
                      MODULE_ALIAS_NFT_CHAIN(AF_INET, \"nat\");\nMODULE_ALIAS_CRYPTO(\"sha256\");\n\
                      MODULE_ALIAS(\n\t\"platform-*\");\n";
        for word in
            ["ip_conntrack", "ip-conntrack", "fs-vfat", "nft-chain-2-nat", "sha256", "crypto-sha256", "platform-x"]
        {
            assert!(may_name(source, word), "{word}");
        }
        for word in ["GPL", "conntrack", "vfat2", "wirguard", "xsha256", "nf_nat", "xfs_vfat"] {
            assert!(!may_name(source, word), "{word}");
        }
        assert!(is_computed("nf-logger-2-0") && !is_computed("nf_logger") && !is_computed("usre-2"));
    }
}
