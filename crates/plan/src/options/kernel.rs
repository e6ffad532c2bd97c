//! The options under `kernel`.

use kiln_recipe::{AttrsOf, Data, Declaration, Fault, Field, Leaf, OneOf, Shape, TextType, Type};

use super::{With, list, name, option, required, variant};
use crate::version::KernelVersion;
use crate::{Arch, ToolchainName};
use kiln_kconfig::unquote;

/// Returns the declarations, in the order of the reference.
pub(super) fn entries() -> Vec<Declaration> {
    let mut entries = source();
    entries.extend(build());
    entries.extend(config());
    entries
}

fn source() -> Vec<Declaration> {
    let non_empty =
        |noun| TextType { noun: Some(noun), non_empty: true, check: Some(name::one_line), ..TextType::default() };
    let src = OneOf {
        bare: Some("path"),
        variants: vec![
            variant("a directory with a kernel tree, or a tarball of one", vec![required("path", non_empty("path"))]),
            variant(
                "the tarball in a Debian package; without `version` the one that apt would install",
                vec![
                    required("apt", TextType { check: Some(name::package), ..non_empty("package") }),
                    Field { name: "version", required: false, ty: non_empty("version") },
                ],
            ),
            variant(
                "a tarball on a server, and its SHA-256",
                vec![
                    required("url", TextType { check: Some(url), ..non_empty("URL") }),
                    required("sha256", TextType { check: Some(sha256), ..non_empty("hash") }),
                ],
            ),
            variant(
                "a commit of a git repository",
                vec![
                    required("git", non_empty("URL or path")),
                    required("rev", TextType { check: Some(revision), ..non_empty("revision") }),
                ],
            ),
        ],
    };
    vec![
        option("src", "Where the kernel's source comes from.", Type::OneOf(src))
            .example("{ apt = \"linux-source-6.12\" }"),
        option(
            "version",
            "The kernel's version, as far as it matters: `6.12` agrees with 6.12.117. It is read from the source; one \
             that is written here must agree.",
            Type::Text(TextType { check: Some(version), ..non_empty("version") }),
        )
        .example("\"6.12\""),
        option(
            "arch",
            "The architecture: the kernel's `ARCH`, or a machine's usual name (`aarch64`, `mipsel`, `armv7`), which also \
             sets the toolchain. The host's own by default.",
            Type::Text(TextType { check: Some(arch), ..non_empty("architecture") }),
        )
        .example("\"x86_64\""),
        option(
            "toolchain",
            "The compiler: GCC with binutils (`gcc`), or Clang with LLD and LLVM's tools (`llvm`), whose programs may \
             have a version in their names (`llvm-14` for `clang-14` and `ld.lld-14`).",
            Type::Text(TextType { noun: Some("toolchain"), check: Some(toolchain), ..TextType::default() }),
        )
        .default(Data::Text("gcc".to_owned()))
        .example("\"llvm\""),
        option(
            "crossCompile",
            "What the names of GCC and binutils begin with, when it is not the usual prefix of the architecture.",
            Type::Text(TextType { check: Some(name::one_line), ..TextType::default() }),
        )
        .example("\"arm-none-eabi-\""),
        option(
            "patches",
            "Patches for the source, applied in order with `patch -p1`. Patterns (`*`, `?`, `[…]`) stand for the files \
             that they match, by name.",
            list(Type::Text(non_empty("path or pattern"))),
        )
        .default(Data::List(Vec::new()))
        .example("[\"patches/*.patch\"]"),
        option(
            "extraPatchPhase",
            "Shell commands that run in the patched tree.",
            Type::Lines,
        )
        .default(Data::Text("true".to_owned()))
        .example("\"sed -i s/UHI_BOOT/MIPS/ arch/mips/kernel/machine_kexec.c\""),
    ]
}

fn build() -> Vec<Declaration> {
    let target = TextType { noun: Some("target"), check: Some(make_target), ..TextType::default() };
    vec![
        option(
            "modular",
            "Whether modules are enabled. If not, what is requested as `m` is built in, and loaders have nothing to \
             load.",
            Type::Bool,
        )
        .default(Data::Bool(true)),
        option(
            "makeTargets",
            "What make builds beside the modules; paths are below `arch/SRCARCH/boot` or from the tree's top, as make \
             knows them.",
            list(Type::Text(target)),
        )
        .example("[\"vmlinux\", \"bzImage\"]"),
        extra_modules(),
        option(
            "signingKey",
            "A PEM file with the private key and certificate that modules are signed with, where the config signs them \
             (`MODULE_SIG`) and names no key itself. Without one kiln makes a key once and keeps it beside its store.",
            Type::Text(TextType {
                noun: Some("path"),
                non_empty: true,
                check: Some(name::one_line),
                ..TextType::default()
            }),
        )
        .example("\"keys/modules.pem\""),
    ]
}

fn extra_modules() -> Declaration {
    let text =
        |noun| TextType { noun: Some(noun), non_empty: true, check: Some(name::one_line), ..TextType::default() };
    let more = || {
        let dir = TextType { check: Some(inner_folder), ..text("directory") };
        let variables = TextType { check: Some(make_variables), ..text("variables") };
        [Field { name: "dir", required: false, ty: dir }, Field { name: "make", required: false, ty: variables }]
    };
    let with = |fields: Vec<Field>| fields.into_iter().chain(more()).collect::<Vec<_>>();
    let sources = OneOf {
        bare: Some("src"),
        variants: vec![
            variant(
                "a directory with a `Kbuild` or `Makefile`, or a tarball of one",
                with(vec![required("src", text("path"))]),
            ),
            variant(
                "a tarball on a server, and its SHA-256",
                with(vec![
                    required("url", TextType { check: Some(url), ..text("URL") }),
                    required("sha256", TextType { check: Some(sha256), ..text("hash") }),
                ]),
            ),
            variant(
                "a commit of a git repository",
                with(vec![
                    required("git", text("URL or path")),
                    required("rev", TextType { check: Some(revision), ..text("revision") }),
                ]),
            ),
        ],
    };
    option(
        "extraModules",
        "Modules from outside of the kernel's tree, built against this kernel and usable as targets of loaders. `dir` \
         is the directory in the source that has the makefile, `make` has variables for it (`\"CONFIG_FOO=m \
         DEBUG=1\"`). Symbols that one of them exports are available to the others.",
        list(Type::OneOf(sources)),
    )
    .example("[{ src = \"./mymod\" }]")
}

/// Checks a directory below another one.
fn inner_folder(text: &str) -> Result<(), Fault> {
    name::one_line(text)?;
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Fault::new(format!("`{text}` is not the path of a directory in the source")));
    }
    Ok(())
}

/// Checks assignments on make's command line. Variables that determine the target of the build belong to kiln.
fn make_variables(text: &str) -> Result<(), Fault> {
    name::one_line(text)?;
    for word in text.split_ascii_whitespace() {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        if !sound {
            return Err(Fault::new(format!("`{word}` is not a variable for make")).help("write `NAME=VALUE`"));
        }
        if matches!(name, "M" | "O" | "ARCH" | "CROSS_COMPILE" | "KBUILD_EXTRA_SYMBOLS" | "LLVM") {
            return Err(Fault::new(format!("`{name}` is set by kiln")).help("remove it"));
        }
    }
    Ok(())
}

fn config() -> Vec<Declaration> {
    let value = || {
        Shape::Leaf(Leaf {
            ty: Type::Text(TextType {
                noun: Some("value"),
                takes_int: true,
                bool_help: Some("write `\"y\"` or `\"n\"`"),
                check: Some(request_value),
                canonical: Some(unquote),
                ..TextType::default()
            }),
            may_be_optional: true,
        })
    };
    let symbols = || AttrsOf { placeholder: "SYMBOL", key: Some(name::symbol), shape: Box::new(value()) };
    vec![
        option(
            "baseConfig",
            "The values of symbols that are not requested: Kconfig's own defaults (`alldefconfig`), as little as \
             possible (`allnoconfig`, `tinyconfig`), a defconfig of the tree by its name, or a file \
             (`./board.config`).",
            Type::Text(TextType { noun: Some("name or path"), non_empty: true, check: Some(base_config), ..TextType::default() }),
        )
        .default(Data::Text("alldefconfig".to_owned()))
        .example("\"allnoconfig\""),
        option(
            "baseValues",
            "The values of the base config that stay when a request changes the defaults around them: those that its \
             text sets (`written`, as `KCONFIG_ALLCONFIG` and `make defconfig` do it), or all that it results in \
             (`all`, as a full `.config` that is edited and passed to `make olddefconfig`).",
            Type::Text(TextType { among: &["written", "all"], ..TextType::default() }),
        )
        .default(Data::Text("written".to_owned()))
        .example("\"all\""),
        option(
            "config",
            "Requests: the value that a Kconfig symbol, named without `CONFIG_`, must have. `y`, `m`, `n`, a number, \
             or text, which may be bare or in the quotes of a `.config`; `\"\"` is the empty text. One marked `optional = true` may stay unmet.",
            symbols(),
        )
        .example("KEXEC = { value = \"y\", optional = true }"),
        option(
            "conditionalConfig",
            "Requests that are made when another symbol is requested with any value but `n`. They override what is \
             there, whatever its priority; conditions are taken in the order of their names and do not trigger each other.",
            AttrsOf { placeholder: "CONDITION", key: Some(name::symbol), shape: Box::new(Shape::AttrsOf(symbols())) },
        )
        .example("conditionalConfig.USB.USB_XHCI_HCD = \"y\""),
        environment(),
    ]
}

/// Checks the value of a request; a text of blanks needs its quotes, so that nobody writes one by mistake.
fn request_value(text: &str) -> Result<(), Fault> {
    if !text.is_empty() && text.trim().is_empty() {
        return Err(
            Fault::new("the value is only blanks").help("write `\"\"` for the empty text, `'\" \"'` for blanks")
        );
    }
    name::one_line(text)
}

/// Returns the declaration of the variables that a tree's Kconfig files and makefiles read.
fn environment() -> Declaration {
    let value = TextType { noun: Some("text"), takes_int: true, check: Some(name::one_line), ..TextType::default() };
    let leaf = Leaf { ty: Type::Text(value), may_be_optional: false };
    option(
        "environment",
        "Variables of the environment that the tree's Kconfig files and makefiles read (`CROSS_COMPILE_COMPAT`), for \
         every command. What kiln sets itself (`ARCH`, `CC`, `CROSS_COMPILE`, `KCONFIG_*` and others) cannot be set.",
        AttrsOf { placeholder: "VARIABLE", key: Some(variable_name), shape: Box::new(Shape::Leaf(leaf)) },
    )
    .example("CROSS_COMPILE_COMPAT = \"arm-linux-gnueabihf-\"")
}

/// Checks the name of a variable; refuses those that kiln sets.
fn variable_name(name: &str) -> Result<(), Fault> {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_word || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Fault::new(format!("`{}` is not the name of a variable", name.escape_debug())));
    }
    if !crate::environment::is_own(name) {
        return Ok(());
    }
    let fault = Fault::new(format!("`{name}` is set by kiln"));
    Err(match name {
        "ARCH" | "SRCARCH" | "SUBARCH" => fault.help("set `kernel.arch`"),
        "CROSS_COMPILE" => fault.help("set `kernel.crossCompile`"),
        "CC" | "LD" | "AR" | "LLVM" | "LLVM_IAS" => fault.help("set `kernel.toolchain`, or `kernel.crossCompile`"),
        "LOCALVERSION" => fault.help("set `kernel.config.LOCALVERSION`"),
        "KCONFIG_ALLCONFIG" => fault.help("set `kernel.baseConfig`, or import the fragment"),
        _ => fault.help("remove it: the result must not depend on it"),
    })
}

fn version(text: &str) -> Result<(), Fault> {
    KernelVersion::parse(text).map(drop).map_err(|error| Fault::new(error.to_string()))
}

fn arch(text: &str) -> Result<(), Fault> {
    match Arch::parse(text) {
        Some(_) => Ok(()),
        None => Err(unknown_arch(text)),
    }
}

/// Returns the fault that there is no such architecture, with the one that was probably meant.
pub(crate) fn unknown_arch(text: &str) -> Fault {
    let fault = Fault::new(format!("there is no architecture `{}`", text.escape_debug()));
    match kiln_recipe::nearest(text, Arch::known()) {
        Some(near) if Arch::parse(near).is_some() => fault.help(format!("did you mean `{near}`?")),
        _ if text == "x86" => fault.help("write `x86_64` or `i386`"),
        _ => fault.help("the usual ones are `x86_64`, `arm64`, `arm`, `mips`, `mipsel` and `riscv`"),
    }
}

fn toolchain(text: &str) -> Result<(), Fault> {
    if ToolchainName::parse(text).is_some() {
        return Ok(());
    }
    let fault = Fault::new(format!("there is no toolchain `{}`", text.escape_debug()));
    Err(if text.starts_with("gcc") {
        fault.help("write `gcc`; another one by the prefix of its programs, in `kernel.crossCompile`")
    } else {
        fault.help("write `gcc`, `llvm`, or `llvm-N` for programs that are called `clang-N`")
    })
}

fn url(text: &str) -> Result<(), Fault> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some("http" | "https" | "file") => Ok(()),
        _ => Err(Fault::new("the URL begins with none of `https://`, `http://`, `file://`")),
    }
}

fn sha256(text: &str) -> Result<(), Fault> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Fault::new("a SHA-256 has 64 hexadecimal digits").help("`sha256sum FILE` prints it"))
}

/// Checks a revision; refuses text that git could take for an option.
fn revision(text: &str) -> Result<(), Fault> {
    name::one_line(text)?;
    if text.starts_with('-') || text.contains(char::is_whitespace) {
        return Err(Fault::new(format!("`{text}` is not a revision")));
    }
    Ok(())
}

/// Checks a target; refuses text that make could take for an option or an assignment.
pub(super) fn make_target(text: &str) -> Result<(), Fault> {
    let sound = !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+%@,".contains(c))
        && text.split('/').all(|part| part != "..");
    if sound {
        return Ok(());
    }
    Err(Fault::new(format!("`{}` is not a target of make", text.escape_debug())))
}

fn base_config(text: &str) -> Result<(), Fault> {
    name::one_line(text)?;
    match crate::evaluate::BaseConfig::parse(text, "") {
        Some(_) => Ok(()),
        None => {
            let fault = Fault::new(format!("`{text}` is not a base config"));
            let known = ["alldefconfig", "allnoconfig", "tinyconfig", "defconfig"];
            Err(match kiln_recipe::nearest(text, known) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!(
                    "write `./{text}` for a file; the name of a defconfig in the tree ends in `defconfig`"
                )),
            })
        }
    }
}
