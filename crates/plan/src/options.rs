//! Every option of a recipe, declared: the merge follows these, and `kiln options` prints them.

mod kernel;
mod name;
mod outputs;

use kiln_recipe::{AttrsOf, Data, Declaration, Field, OneOf, Section, Shape, TextType, Type, Variant};

pub(crate) use kernel::unknown_arch;
pub(crate) use name::symbol;
pub(crate) use outputs::{address, block_size};

/// Returns the options of a recipe.
pub fn options() -> Section {
    Section {
        entries: vec![
            section("kernel", "The kernel: its source, its configuration and what is built of it.", kernel::entries()),
            option(
                "kmodloader",
                "A named requirement: modules with all that they need, and the service that loads and unloads them.",
                AttrsOf {
                    placeholder: "NAME",
                    key: Some(name::loader),
                    shape: Box::new(Shape::Section(Section { entries: loader() })),
                },
            ),
            section("hardware", "The device's hardware besides its processor.", hardware()),
            outputs::declaration(),
            section("boot", "The virtual machine in which `kiln boot` tests the result.", boot()),
        ],
    }
}

fn loader() -> Vec<Declaration> {
    vec![
        option(
            "targets",
            "Modules that must be loaded, by name. Their dependencies are included.",
            list(module_name()),
        )
        .default(Data::List(Vec::new()))
        .example("[\"nft_ct\", \"nft_masq\"]"),
        option("dependencies", "Services that must be up before the modules are loaded.", list(service_name()))
            .default(Data::List(Vec::new()))
            .example("[\"wlan-calibration\"]"),
        option(
            "parameters",
            "The parameters that a module is loaded with.",
            AttrsOf {
                placeholder: "MODULE",
                key: Some(name::module),
                shape: Box::new(Type::Text(TextType { check: Some(name::one_line), ..TextType::default() }).into()),
            },
        )
        .example("parameters.nf_conntrack = \"hashsize=4096\""),
        option(
            "blacklist",
            "Modules that are not loaded even if a target names them as a soft dependency. Hard dependencies cannot \
             be left out.",
            list(module_name()),
        )
        .default(Data::List(Vec::new())),
    ]
}

fn hardware() -> Vec<Declaration> {
    let path = TextType { noun: Some("path"), non_empty: true, ..TextType::default() };
    let package = TextType { noun: Some("package"), check: Some(name::package), ..TextType::default() };
    let sources = OneOf {
        bare: Some("path"),
        variants: vec![
            variant("a directory laid out like `/lib/firmware`", vec![required("path", path)]),
            variant("a Debian package that has files under `/lib/firmware`", vec![required("apt", package)]),
        ],
    };
    vec![
        option(
            "firmware",
            "Where firmware files are looked for, in order. Only files that a loaded module, or a driver in the kernel image, names are \
             installed.",
            list(Type::OneOf(sources)),
        )
        .default(Data::List(Vec::new()))
        .example("[{ apt = \"firmware-realtek\" }, \"./firmware\"]"),
        option(
            "firmwareMissing",
            "Firmware files, by the name that a module asks for, that may be missing: modules name files for all \
             the devices that they drive, and a given device needs few of them. `*` and `?` match as in a shell.",
            list(Type::Text(TextType { noun: Some("file name"), non_empty: true, ..TextType::default() })),
        )
        .default(Data::List(Vec::new()))
        .example("[\"rtl_nic/*\"]"),
        option(
            "firmwareCompression",
            "How firmware files are compressed on the device: with the best compression that the kernel can read \
             (`auto`, by its `FW_LOADER_COMPRESS_ZSTD` and `FW_LOADER_COMPRESS_XZ`), with a fixed one, or not at all.",
            Type::Text(TextType { among: &["auto", "none", "xz", "zstd"], ..TextType::default() }),
        )
        .default(Data::Text("auto".to_owned()))
        .example("\"none\""),
    ]
}

fn boot() -> Vec<Declaration> {
    let path = TextType { noun: Some("path"), non_empty: true, ..TextType::default() };
    let checks = vec![
        option(
            "script",
            "Shell commands that run in the guest while every loader is up; a bad exit status fails the check.",
            Type::Lines,
        )
        .example("\"nft -f /etc/ruleset\""),
        option(
            "cleanup",
            "Shell commands that undo what the script did, so that modules can be unloaded.",
            Type::Lines,
        )
        .default(Data::Text(String::new())),
        option(
            "packages",
            "Debian packages that the script needs, with those that they depend on. If Debian lacks one of them for \
             the machine, the check is skipped, and the verdict says so.",
            list(Type::Text(TextType { noun: Some("package"), check: Some(name::package), ..TextType::default() })),
        )
        .default(Data::List(Vec::new()))
        .example("[\"nftables\"]"),
    ];
    vec![
        option("memory", "The guest's memory, in MiB.", Type::Int { min: 32, max: 1 << 20 }).default(Data::Int(512)),
        option("deadline", "How long the guest may run, in seconds.", Type::Int { min: 1, max: 86_400 })
            .default(Data::Int(300)),
        option(
            "packages",
            "Debian packages whose files the guest gets, with the packages that they depend on.",
            list(Type::Text(TextType { noun: Some("package"), check: Some(name::package), ..TextType::default() })),
        )
        .default(Data::List(Vec::new()))
        .example("[\"nftables\"]"),
        option(
            "files",
            "Files that the guest gets: the path in the guest, and the file here.",
            AttrsOf { placeholder: "PATH", key: Some(name::guest_path), shape: Box::new(Type::Text(path).into()) },
        )
        .example("files.\"/etc/ruleset\" = \"./ruleset.nft\""),
        option(
            "checks",
            "What must work in the guest once every loader is up.",
            AttrsOf {
                placeholder: "NAME",
                key: Some(name::loader),
                shape: Box::new(Shape::Section(Section { entries: checks })),
            },
        ),
    ]
}

/// Shorthands of declarations.
trait With: Sized {
    fn default(self, value: Data) -> Self;
    fn example(self, toml: &'static str) -> Self;
}

impl With for Declaration {
    fn default(mut self, value: Data) -> Declaration {
        self.default = Some(value);
        self
    }

    fn example(mut self, toml: &'static str) -> Declaration {
        self.example = Some(toml);
        self
    }
}

fn option(name: &'static str, doc: &'static str, shape: impl Into<Shape>) -> Declaration {
    Declaration { name, doc, example: None, default: None, shape: shape.into() }
}

fn section(name: &'static str, doc: &'static str, entries: Vec<Declaration>) -> Declaration {
    option(name, doc, Shape::Section(Section { entries }))
}

fn list(item: Type) -> Type {
    Type::ListOf(Box::new(item))
}

fn variant(doc: &'static str, fields: Vec<Field>) -> Variant {
    Variant { fields, doc }
}

fn required(name: &'static str, ty: TextType) -> Field {
    Field { name, required: true, ty }
}

fn module_name() -> Type {
    Type::Text(TextType { noun: Some("module name"), check: Some(name::module), ..TextType::default() })
}

fn service_name() -> Type {
    Type::Text(TextType { noun: Some("service name"), check: Some(name::service), ..TextType::default() })
}
