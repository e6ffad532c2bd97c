use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_kconfig::{Dialect, NoHost};

use super::*;

const KCONFIG: &str = "\
config MODULES
	bool \"modules\"
	modules
config NF_TABLES
	tristate \"nf_tables support\"
	select NFNETLINK
config NFNETLINK
	tristate
config NFT_CT
	depends on NF_TABLES && !BROKEN
	tristate \"conntrack module\"
config BROKEN
	bool
";

const MAKEFILE: &str = "\
obj-$(CONFIG_NF_TABLES) += nf_tables.o
nf_tables-objs := nf_tables_core.o nf_tables_api.o
obj-$(CONFIG_NFT_CT) += nft_ct.o nft-extra.o
obj-m += always.o
";

fn check(word: &str, expected: Expect) {
    let text: Arc<[u8]> = KCONFIG.as_bytes().into();
    let files = move |name: &str| (name == "Kconfig").then(|| Arc::clone(&text));
    let (model, said) = Model::parse("Kconfig", &files, &NoHost, Dialect::NEWEST);
    let model = model.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&said.stderr())));
    let mut rules = ModuleRules::new();
    rules.add("net/netfilter/Makefile", MAKEFILE);
    let config = Config::parse("CONFIG_NF_TABLES=m\nCONFIG_NFNETLINK=m\n");
    let naming = Naming { model: &model, rules: &rules, config: &config };
    let mut shown = String::new();
    for named in find(&naming, word) {
        shown.push_str(&format!("{:?}", named.matched));
        if let Some(symbol) = &named.symbol {
            shown.push_str(&format!(
                " {}={:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                symbol.name,
                symbol.value,
                symbol.prompt,
                symbol.places,
                symbol.depends,
                symbol.dependencies,
                symbol.selected_by,
                symbol.request
            ));
        }
        for module in &named.modules {
            shown.push_str(&format!(" [{} {} {:?}]", module.module, module.rule, module.parts));
        }
        shown.push('\n');
    }
    if shown.is_empty() {
        shown = format!("nothing; near: {:?}\n", near(&naming, word));
    }
    expected.assert_eq(&shown);
}

#[test]
fn modules_symbols_files_and_prompts_lead_to_each_other() {
    check(
        "nft_ct",
        expect![[r#"
            Module NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_ct net/netfilter/Makefile:3 ["net/netfilter/nft_ct"]]
        "#]],
    );
    check(
        "nft-ct.ko",
        expect![[r#"
            Module NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_ct net/netfilter/Makefile:3 ["net/netfilter/nft_ct"]]
        "#]],
    );
    check(
        "CONFIG_NFT_CT",
        expect![[r#"
            Symbol NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_ct net/netfilter/Makefile:3 ["net/netfilter/nft_ct"]] [nft_extra net/netfilter/Makefile:3 ["net/netfilter/nft-extra"]]
        "#]],
    );
    check(
        "nf_tables_api.c",
        expect![[r#"
            Source NF_TABLES=Some("m") Some("nf_tables support") ["Kconfig:4"] None [] [] Some("NF_TABLES = \"m\"") [nf_tables net/netfilter/Makefile:1 ["net/netfilter/nf_tables_core", "net/netfilter/nf_tables_api"]]
        "#]],
    );
    check(
        "net/netfilter/nft-extra.c",
        expect![[r#"
            Source NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_extra net/netfilter/Makefile:3 ["net/netfilter/nft-extra"]]
        "#]],
    );
    check(
        "Conntrack",
        expect![[r#"
            Prompt NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_ct net/netfilter/Makefile:3 ["net/netfilter/nft_ct"]] [nft_extra net/netfilter/Makefile:3 ["net/netfilter/nft-extra"]]
        "#]],
    );
    check(
        "nfnetlink",
        expect![[r#"
            Symbol NFNETLINK=Some("m") None ["Kconfig:7"] None [] ["NF_TABLES"] None
        "#]],
    );
    check(
        "always",
        expect![[r#"
        Module [always net/netfilter/Makefile:4 ["net/netfilter/always"]]
    "#]],
    );
}

#[test]
fn what_nothing_answers_to_has_neighbours() {
    check(
        "nft_cd",
        expect![[r#"
        nothing; near: ["NFT_CT", "nft_ct"]
    "#]],
    );
    check(
        "CONFIG_NF_TABELS",
        expect![[r#"
        nothing; near: ["NF_TABLES", "nf_tables"]
    "#]],
    );
    check(
        "no such thing at all",
        expect![[r#"
        nothing; near: []
    "#]],
    );
    check(
        "",
        expect![[r#"
        nothing; near: []
    "#]],
    );
}

#[test]
fn several_words_are_found_in_any_order() {
    check(
        "support nf_tables",
        expect![[r#"
        Prompt NF_TABLES=Some("m") Some("nf_tables support") ["Kconfig:4"] None [] [] Some("NF_TABLES = \"m\"") [nf_tables net/netfilter/Makefile:1 ["net/netfilter/nf_tables_core", "net/netfilter/nf_tables_api"]]
    "#]],
    );
    check(
        "CT Module",
        expect![[r#"
        Prompt NFT_CT=None Some("conntrack module") ["Kconfig:9"] Some("NF_TABLES && !BROKEN") [("NF_TABLES", Some("m")), ("BROKEN", None)] [] Some("NFT_CT = \"m\"") [nft_ct net/netfilter/Makefile:3 ["net/netfilter/nft_ct"]] [nft_extra net/netfilter/Makefile:3 ["net/netfilter/nft-extra"]]
    "#]],
    );
    check(
        "support module",
        expect![[r#"
        nothing; near: []
    "#]],
    );
}
