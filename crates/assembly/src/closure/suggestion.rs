//! The module that was meant by a name that no module has.

use kiln_makefile::ModuleRules;
use kiln_modgraph::fold;

/// Names of modules that became part of another one, or got another name: old, new.
///
/// A name that a makefile still has as a part of a module is found there, and is not listed.
///
/// # Source
/// The history of the kernel's makefiles, versions 4.17 to 6.17.
const RENAMED: &[(&str, &str)] = &[
    ("autofs4", "autofs"),
    ("ip_conntrack", "nf_conntrack"),
    ("ipt_masquerade", "xt_MASQUERADE"),
    ("libcrc32c", "crc32"),
    ("nf_conntrack_ipv4", "nf_conntrack"),
    ("nf_conntrack_ipv6", "nf_conntrack"),
    ("nf_conntrack_proto_dccp", "nf_conntrack"),
    ("nf_conntrack_proto_gre", "nf_conntrack"),
    ("nf_conntrack_proto_sctp", "nf_conntrack"),
    ("nf_conntrack_proto_udplite", "nf_conntrack"),
    ("nf_flow_table_ipv4", "nf_flow_table_inet"),
    ("nf_flow_table_ipv6", "nf_flow_table_inet"),
    ("nf_log_arp", "nf_log_syslog"),
    ("nf_log_bridge", "nf_log_syslog"),
    ("nf_log_common", "nf_log_syslog"),
    ("nf_log_ipv4", "nf_log_syslog"),
    ("nf_log_ipv6", "nf_log_syslog"),
    ("nf_log_netdev", "nf_log_syslog"),
    ("nf_nat_ipv4", "nf_nat"),
    ("nf_nat_ipv6", "nf_nat"),
    ("nf_nat_masquerade_ipv4", "nf_nat"),
    ("nf_nat_masquerade_ipv6", "nf_nat"),
    ("nf_tables_arp", "nf_tables"),
    ("nf_tables_bridge", "nf_tables"),
    ("nf_tables_inet", "nf_tables"),
    ("nf_tables_ipv4", "nf_tables"),
    ("nf_tables_ipv6", "nf_tables"),
    ("nft_chain_nat_ipv4", "nft_chain_nat"),
    ("nft_chain_nat_ipv6", "nft_chain_nat"),
    ("nft_masq_ipv4", "nft_masq"),
    ("nft_masq_ipv6", "nft_masq"),
    ("nft_redir_ipv4", "nft_redir"),
    ("nft_redir_ipv6", "nft_redir"),
    ("ntfs", "ntfs3"),
];

/// Returns a line for people that names the module meant by `word`, among the built ones and those of the makefiles.
pub(super) fn suggestion(word: &str, built: &[&str], rules: &ModuleRules) -> Option<String> {
    let wanted = fold(word).to_ascii_lowercase();
    let names = || built.iter().copied().chain(rules.names());
    if let Some(same) = names().find(|name| fold(name).eq_ignore_ascii_case(&wanted)) {
        return Some(format!("did you mean `{same}`?"));
    }
    let is_name = |name: &str| names().any(|known| known == name);
    if let Some((_, new)) = RENAMED.iter().find(|(old, new)| *old == wanted && is_name(new)) {
        return Some(format!("its code is in the module `{new}` in this kernel"));
    }
    let part = [wanted.clone(), wanted.replace('_', "-")];
    // The same name below `arch/` is most likely that of another architecture.
    let of_part = part.iter().flat_map(|part| rules.with_part(part)).find(|rule| !rule.file.starts_with("arch/"));
    if let Some(rule) = of_part {
        let whole = fold(rule.object.rsplit('/').next().unwrap_or(&rule.object));
        return Some(format!("it is a part of the module `{whole}` in this kernel"));
    }
    let symbol = word.strip_prefix("CONFIG_").unwrap_or(word).to_ascii_uppercase();
    let of_symbol = rules.of_symbol(&symbol).map(|rule| fold(rule.object.rsplit('/').next().unwrap_or(&rule.object)));
    let of_symbol: Vec<String> = of_symbol.map(|name| format!("`{name}`")).collect();
    if !of_symbol.is_empty() {
        return Some(format!("the symbol `{symbol}` builds {}", of_symbol.join(", ")));
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&wanted, &name.to_ascii_lowercase());
    let (distance, near) = names().map(|name| (distance(name), name)).min()?;
    (distance <= wanted.len().div_ceil(3)).then(|| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKEFILE: &str = "\
obj-$(CONFIG_WIREGUARD) += wireguard.o
obj-$(CONFIG_NF_NAT) += nf_nat.o
obj-$(CONFIG_NF_TABLES) += nf_tables.o
nf_tables-objs := nf_tables_api.o nft_dynset.o
obj-$(CONFIG_NLS_CODEPAGE_437) += nls_cp437.o
obj-$(CONFIG_MARK) += xt_MARK.o
";

    fn check(word: &str, expected: Option<&str>) {
        let mut rules = ModuleRules::new();
        rules.add("net/Makefile", MAKEFILE);
        assert_eq!(suggestion(word, &["mymod"], &rules).as_deref(), expected, "{word}");
    }

    #[test]
    fn a_name_is_found_by_its_letters() {
        check("wirguard", Some("did you mean `wireguard`?"));
        check("WireGuard", Some("did you mean `wireguard`?"));
        check("xt-mark", Some("did you mean `xt_MARK`?"));
        check("MyMod", Some("did you mean `mymod`?"));
        check("btrfs", None);
    }

    #[test]
    fn merged_and_renamed_modules_are_known() {
        check("nf_nat_ipv4", Some("its code is in the module `nf_nat` in this kernel"));
        check("nft-dynset", Some("it is a part of the module `nf_tables` in this kernel"));
        // The new name has to be one of this kernel's.
        check("nft_masq_ipv4", None);
    }

    #[test]
    fn a_symbol_is_translated() {
        check("NLS_CODEPAGE_437", Some("the symbol `NLS_CODEPAGE_437` builds `nls_cp437`"));
    }
}
