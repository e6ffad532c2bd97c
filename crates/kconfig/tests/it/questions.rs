//! What a model and its values can be asked.

use std::sync::Arc;

use expect_test::expect;
use kiln_kconfig::{Base, Dialect, Host, Model, Type, resolve};

struct Nothing;

impl Host for Nothing {
    fn variable(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn shell(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

const TREE: &str = "\
mainmenu \"A test\"
config MODULES
	bool \"modules\"
	modules
config NET
	bool \"networking\"
	help
	  All of it.

	    Really.
if NET
config NFT
	tristate \"nft\"
	select CRC if NET != n
	imply LOG
	default m if NET && (NUMBER < 5 || !MODULES)
endif
config CRC
	tristate
config LOG
	tristate \"log\"
	depends on NET
config NAME
	string \"name\"
	default \"none\"
config NUMBER
	int \"number\"
	range 1 9
	default 3
";

fn model() -> Model {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(TREE.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &Nothing, Dialect::LINUX_6_12);
    assert!(messages.is_empty());
    model.expect("the tree is sound")
}

#[test]
fn declarations() {
    let model = model();
    let mut out = format!("{} {:?}\n", model.main_menu(), model.files().collect::<Vec<_>>());
    for symbol in model.declared() {
        out += &format!("{} {:?} {:?}", model.name(symbol), model.type_of(symbol), model.prompt(symbol));
        for definition in model.definitions(symbol) {
            out += &format!(" {}", definition.place);
        }
        let parts = [
            ("depends on", model.direct_dependency(symbol)),
            ("selected by", model.reverse_dependency(symbol)),
            ("implied by", model.implied_by(symbol)),
        ];
        for (what, expression) in parts {
            out += &expression.map(|id| format!("\n  {what} {}", model.show(id))).unwrap_or_default();
        }
        for default in model.defaults(symbol) {
            let condition = default.condition.map(|id| model.show(id)).unwrap_or_default();
            out += &format!("\n  default {} if {condition} at {}", model.show(default.value), default.place);
        }
        out += &model.help(symbol).map(|help| format!("\n  {help:?}")).unwrap_or_default();
        out.push('\n');
    }
    expect![[r#"
        A test ["Kconfig"]
        MODULES Bool Some("modules") Kconfig:2:1
        NET Bool Some("networking") Kconfig:5:1
          "All of it.\n\n  Really."
        NFT Tristate Some("nft") Kconfig:12:1
          depends on NET
          default m if NET && NET && (NUMBER<5 || !MODULES) at Kconfig:16:1
        CRC Tristate None Kconfig:18:1
          selected by NFT && NET && NET!=n
        LOG Tristate Some("log") Kconfig:20:1
          depends on NET
          implied by NFT && NET
        NUMBER Int Some("number") Kconfig:26:1
          default 3 if  at Kconfig:29:1
        NAME String Some("name") Kconfig:23:1
          default "none" if  at Kconfig:25:1
    "#]]
    .assert_eq(&out);
}

#[test]
fn requests_over_a_base() {
    let model = model();
    let requests = [
        ("NET", "y"),
        ("MODULES", "y"),
        ("NFT", "m"),
        ("NAME", "a \"b\""),
        ("NUMBER", "12"),
        ("GONE", "y"),
        ("LOG", "on"),
    ];
    let resolved = resolve(&model, Base::AllNo, &requests);
    let mut out = String::from_utf8_lossy(resolved.config_text()).into_owned();
    for message in resolved.messages() {
        out += &format!("{message}\n");
    }
    for name in ["NET", "NFT", "NAME", "NUMBER", "CRC", "GONE"] {
        out += &format!("{name} {:?}\n", resolved.value(name));
    }
    let crc = model.find("CRC").unwrap();
    out += &format!("CRC {} {}\n", resolved.visibility(crc), resolved.reverse_dependency(crc));
    assert_eq!(model.type_of(crc), Type::Tristate);
    expect![[r#"
        #
        # Automatically generated file; DO NOT EDIT.
        # A test
        #
        CONFIG_MODULES=y
        CONFIG_NET=y
        CONFIG_NFT=m
        CONFIG_CRC=m
        # CONFIG_LOG is not set
        CONFIG_NAME="a \"b\""
        CONFIG_NUMBER=9
        no symbol is called `GONE`
        `LOG` is of type tristate and cannot be `on`
        NET Some("y")
        NFT Some("m")
        NAME Some("a \"b\"")
        NUMBER Some("9")
        CRC Some("m")
        GONE None
        CRC n m
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_base_of_several_texts() {
    let model = model();
    let base = [
        ("base", b"CONFIG_NET=y\nCONFIG_NAME=\"base\"\n".as_slice()),
        ("more", b"CONFIG_NAME=\"more\"\nCONFIG_NUMBER=x\n".as_slice()),
    ];
    let resolved = resolve(&model, Base::Configs(&base), &[("NUMBER", "5")]);
    assert_eq!(resolved.value("NAME").as_deref(), Some("more"));
    assert_eq!(resolved.value("NUMBER").as_deref(), Some("5"));
    let said: Vec<String> = resolved.messages().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["more:2:1: symbol value 'x' invalid for NUMBER"]);
}

#[test]
fn a_model_is_shared_between_threads() {
    let model = model();
    std::thread::scope(|scope| {
        for value in ["y", "n"] {
            let model = &model;
            scope.spawn(move || {
                assert_eq!(resolve(model, Base::Defaults, &[("NET", value)]).value("NET").as_deref(), Some(value));
            });
        }
    });
}
