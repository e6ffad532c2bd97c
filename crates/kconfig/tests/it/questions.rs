//! Queries on a model and its values.

use std::sync::Arc;

use expect_test::expect;
use kiln_kconfig::{
    Base, Dialect, Evaluation, Limit, Model, NoHost, Reason, Request, Selection, Tristate, Type, resolve,
};

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

const REASONS: &str = "\
config MODULES
	bool \"modules\"
	default y
	modules
config NET
	bool \"net\"
config PCI
	tristate \"pci\"
config WIFI
	tristate \"wifi\"
	depends on NET && !(PCI = n) && PCI
	select CRC if PCI
	imply LED
config CRC
	tristate
	depends on NET || PCI=y
config LED
	bool \"led\"
	default y if !NET
config SIZE
	int \"size\"
	default 12
	range 1 9 if NET
choice
	prompt \"speed\"
config FAST
	bool \"fast\"
config SLOW
	bool \"slow\"
	depends on NET
endchoice
config HIDDEN
	bool
	default y if FAST && !MODULES
";

fn parse(text: &str) -> Model {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(text.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &NoHost, Dialect::LINUX_6_12);
    assert!(messages.is_empty());
    model.expect("the tree is sound")
}

fn model() -> Model {
    parse(TREE)
}

/// A reason in one line.
fn reason(values: &Evaluation<'_>, name: &str) -> String {
    let model = values.model();
    let line =
        |line: &Selection| format!("{} line {} as {}", model.name(line.by), line.place.line, values.strength(line));
    let lines = |lines: &[Selection]| lines.iter().map(line).collect::<Vec<_>>().join(", ");
    let symbol = model.find(name).expect(name);
    let because = match values.reason(symbol) {
        Reason::Fixed => "fixed".to_owned(),
        Reason::Nothing => "nothing".to_owned(),
        Reason::User => format!("user gave {}", values.user_value(symbol).expect("it was given")),
        Reason::Default(default) => format!("default {} line {}", model.show(default.value), default.place.line),
        Reason::Implied(by) => format!("implied by {}", lines(&by)),
        Reason::Selected(by) => format!("selected by {}", lines(&by)),
        Reason::Choice { chosen, .. } => format!("choice of {:?}", chosen.map(|chosen| model.name(chosen))),
        Reason::Range(range) => format!("range to {} line {}", model.name(range.high), range.place.line),
    };
    format!("{name}={}: {because}\n", values.value_of(symbol))
}

/// The limits of a symbol, one a line.
fn limits(values: &Evaluation<'_>, name: &str, wanted: Tristate) -> String {
    let model = values.model();
    let mut out = String::new();
    for limit in values.limits(model.find(name).expect(name), wanted) {
        let text = match limit {
            Limit::NoPrompt => "no prompt".to_owned(),
            Limit::NoModules => "cannot be m".to_owned(),
            Limit::Choice(choice) => format!("the only one of {:?}", model.prompt_of(choice)),
            Limit::Selected(by) => format!("selected by {}", model.name(by[0].by)),
            Limit::Prompt { place, terms } => {
                let terms: Vec<String> = terms.iter().map(|term| values.show(term.expression)).collect();
                format!("prompt in line {}: {}", place.line, terms.join("; "))
            }
        };
        out += &format!("{name} to {wanted}: {text}\n");
    }
    out
}

#[test]
fn reasons_and_limits() {
    let model = parse(REASONS);
    let mut values = Evaluation::new(&model);
    let set = |name: &str, value: &str, values: &mut Evaluation<'_>| {
        let symbol = model.find(name).unwrap();
        assert!(values.set(symbol, value).is_ok(), "{name}");
    };
    let all = ["NET", "WIFI", "CRC", "LED", "SIZE", "FAST", "SLOW", "HIDDEN"];
    let mut out = all.iter().map(|name| reason(&values, name)).collect::<String>();
    let (yes, module, no) = (Tristate::Yes, Tristate::Mod, Tristate::No);
    set("WIFI", "y", &mut values);
    for (name, wanted) in [("WIFI", yes), ("CRC", yes), ("LED", module), ("SLOW", yes), ("FAST", no), ("NET", yes)] {
        out += &limits(&values, name, wanted);
    }
    out += "after NET=y, PCI=m\n";
    set("NET", "y", &mut values);
    set("PCI", "m", &mut values);
    out += &limits(&values, "WIFI", yes);
    set("SLOW", "y", &mut values);
    set("SIZE", "11", &mut values);
    out += &all.iter().map(|name| reason(&values, name)).collect::<String>();
    out += &limits(&values, "CRC", no);
    out += "after NET=n, PCI=y\n";
    set("PCI", "y", &mut values);
    set("NET", "n", &mut values);
    set("LED", "n", &mut values);
    out += &["CRC", "LED", "SIZE"].iter().map(|name| reason(&values, name)).collect::<String>();
    expect![[r#"
        NET=n: nothing
        WIFI=n: nothing
        CRC=n: nothing
        LED=y: default y line 19
        SIZE=12: default 12 line 22
        FAST=y: choice of Some("FAST")
        SLOW=n: choice of Some("FAST")
        HIDDEN=n: nothing
        WIFI to y: prompt in line 10: NET [=n]; !PCI [=n]=n [=n]; PCI [=n]
        CRC to y: no prompt
        LED to m: cannot be m
        SLOW to y: prompt in line 29: NET [=n]
        FAST to n: the only one of Some("speed")
        after NET=y, PCI=m
        WIFI to y: prompt in line 10: PCI [=m]
        NET=y: user gave y
        WIFI=m: user gave y
        CRC=m: selected by WIFI line 12 as m
        LED=y: implied by WIFI line 13 as m
        SIZE=9: range to 9 line 23
        FAST=n: choice of Some("SLOW")
        SLOW=y: choice of Some("SLOW")
        HIDDEN=n: nothing
        CRC to n: selected by WIFI
        CRC to n: no prompt
        after NET=n, PCI=y
        CRC=n: nothing
        LED=n: user gave n
        SIZE=11: user gave 11
    "#]]
    .assert_eq(&out);
}

#[test]
fn selected_too_far() {
    let model = parse(
        "config A\n\tbool \"a\"\n\tselect B\nconfig B\n\tbool \"b\"\n\tdepends on C = \"x y\" && D\nconfig C\n\tstring \"c\"\nconfig D\n\tdef_bool y\n",
    );
    let [a, b] = ["A", "B"].map(|name| model.find(name).unwrap());
    let mut values = Evaluation::new(&model);
    assert_eq!(values.unmet().count(), 0);
    assert!(values.set(a, "y").is_ok());
    assert_eq!(values.unmet().collect::<Vec<_>>(), [b]);
    let direct = model.direct_dependency(b).unwrap();
    let terms = values.too_low(direct, Tristate::Yes);
    let shown: Vec<String> = terms.iter().map(|term| values.show(term.expression)).collect();
    assert_eq!(shown, ["C [=]=x y"], "as the C program prints values");
    assert_eq!(model.show(terms[0].expression), "C=\"x y\"", "as Kconfig writes it");
    let names: Vec<_> = model.symbols_in(direct).into_iter().map(|symbol| model.name(symbol)).collect();
    assert_eq!(names, ["C", "D"]);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let model = parse(REASONS);
    let mut values = Evaluation::new(&model);
    let before = values.config_text();
    for (name, value) in [("NET", "m"), ("NET", "yes"), ("PCI", ""), ("SIZE", "0x1"), ("SIZE", ""), ("y", "n")] {
        assert!(values.set(model.find(name).unwrap(), value).is_err(), "{name}={value}");
    }
    assert_eq!(values.config_text(), before);
}

#[test]
fn what_is_shared_may_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Model>();
    shared::<Evaluation<'static>>();
    shared::<kiln_kconfig::Resolved<'static>>();
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
    let resolved = resolve(&model, Base::AllNo, &requests.map(|(name, value)| Request::fixed(name, value)));
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
    let resolved = resolve(&model, Base::Configs(&base), &[Request::fixed("NUMBER", "5")]);
    assert_eq!(resolved.value("NAME").as_deref(), Some("more"));
    assert_eq!(resolved.value("NUMBER").as_deref(), Some("5"));
    let said: Vec<String> = resolved.messages().iter().map(ToString::to_string).collect();
    assert_eq!(said, [""; 0], "a line whose place a request takes is not read");
    let resolved = resolve(&model, Base::Configs(&base), &[]);
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
                assert_eq!(
                    resolve(model, Base::Defaults, &[Request::fixed("NET", value)]).value("NET").as_deref(),
                    Some(value)
                );
            });
        }
    });
}
