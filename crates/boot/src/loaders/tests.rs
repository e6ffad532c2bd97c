//! From a manifest and an index to what the guest must prove.

use expect_test::expect;

use super::*;

#[test]
fn loaders_are_what_the_manifest_says() {
    let manifest = Manifest::from_json(
        r#"{
            "version": 1, "kiln": "0.1.0",
            "kernel": {"release": "6.1", "arch": "arm64", "machine": "aarch64", "modular": true, "source": "apt",
                "toolchain": [], "keys": {}, "images": []},
            "requests": {}, "firmware": {},
            "loaders": {"net": {"targets": ["my-mod"], "dependencies": ["board"], "builtin": [], "modules": [
                {"name": "my-mod", "path": "lib/modules/6.1/my-mod.ko", "size": 1, "because": [], "loaded": true,
                    "parameters": "a=1", "staysLoaded": true, "soft": true},
                {"name": "asked", "path": "lib/modules/6.1/asked.ko", "size": 1, "because": [], "loaded": false}
            ]}},
            "sizes": {"modules": 2, "moduleBytes": 2, "allModules": 2, "allModuleBytes": 2}
        }"#,
    );
    let module = LoaderModule {
        name: "my_mod".to_owned(),
        path: "lib/modules/6.1/my-mod.ko".to_owned(),
        parameters: "a=1".to_owned(),
        stays: true,
        soft: true,
    };
    let loader = Loader { name: "net".to_owned(), dependencies: vec!["board".to_owned()], modules: vec![module] };
    assert_eq!(loaders(&manifest.unwrap()), [loader]);
}

#[test]
fn aliases_are_plain_unshared_and_one_a_module() {
    let index = "# Aliases extracted from modules themselves.\n\
        alias nft-expr-masq nft_masq\nalias nft-expr-2-masq nft_masq\nalias pci:v00001AF4d*sv* virtio\n\
        alias shared nft_masq\nalias shared tun\nalias devname:net/tun tun\nalias char-major-10-200 tun\n\
        alias other elsewhere\nalias net-pf-17 af_packet\n";
    let module = |name: &str| LoaderModule {
        name: name.to_owned(),
        path: String::new(),
        parameters: String::new(),
        stays: false,
        soft: false,
    };
    let modules = ["nft_masq", "virtio", "tun", "af_packet"].map(module).to_vec();
    let loaders = [Loader { name: "all".to_owned(), dependencies: Vec::new(), modules }];
    let shown = |most| {
        let found = aliases(index, &loaders, most).into_iter();
        found.map(|alias| format!("{} {}\n", alias.alias, alias.module)).collect::<String>()
    };
    expect![[r#"
        net-pf-17 af_packet
        nft-expr-2-masq nft_masq
        char-major-10-200 tun
    "#]]
    .assert_eq(&shown(9));
    assert_eq!(shown(1), "net-pf-17 af_packet\n");
}
