//! The oracle: a kernel tree's own `conf`, driven by `make`.

use std::path::{Path, PathBuf};

use kiln_exec::Exec;
use kiln_kbuild::resolve::{Base, KconfigTree};
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::{Model, Request, Type, quote, unquote};

use crate::fake_kernel::host;

/// The `conf` of one tree for one architecture, with its output directory.
pub(crate) struct Conf<'a> {
    pub(crate) tree: &'a Path,
    pub(crate) out: PathBuf,
    pub(crate) target: &'a Target,
    pub(crate) toolchain: &'a Toolchain,
}

impl Conf<'_> {
    /// Returns the `.config` for `requests` over `base`, which are given as one file of assignments.
    pub(crate) fn resolve(&self, model: &Model, base: &Base, requests: &[Request]) -> String {
        let kconfig = KconfigTree::new(self.tree, &self.out, self.target, self.toolchain, None).unwrap();
        let base = kconfig.base_text(base).unwrap();
        let mode = if base.is_all_no { "allnoconfig" } else { "alldefconfig" };
        let seed = self.out.join("seed.config");
        std::fs::write(&seed, with_requests(&base.text, model, requests)).unwrap();
        self.make(&self.out, mode, Some(&seed))
    }

    /// Returns the `.config` that the target `name` makes, with the lines of `requests` instead of those of their
    /// symbols, after `make olddefconfig`: what editing a whole `.config` comes to.
    pub(crate) fn edit(&self, model: &Model, name: &str, requests: &[Request]) -> String {
        let whole = self.make(&self.out, name, None);
        std::fs::write(self.out.join(".config"), with_requests(&whole, model, requests)).unwrap();
        self.make(&self.out, "olddefconfig", None)
    }

    /// Returns the `.config` that a target of the tree's makefile makes in `out`.
    pub(crate) fn make(&self, out: &Path, name: &str, seed: Option<&Path>) -> String {
        std::fs::create_dir_all(out).unwrap();
        let cross = self.target.programs.cross_compile();
        let mut make = Exec::new("make")
            .args(["-s", "-C", self.tree.to_str().unwrap(), &format!("O={}", out.display())])
            .args([&format!("ARCH={}", self.target.arch), &format!("CROSS_COMPILE={cross}"), name])
            .args(self.target.programs.llvm().map(|value| format!("LLVM={value}")))
            .env("PATH", crate::slow::variable("PATH").map_or_else(|| host().path, Into::into))
            .env("HOME", out)
            .env("LC_ALL", "C");
        if let Some(seed) = seed {
            make = make.env("KCONFIG_ALLCONFIG", seed);
        }
        make.text().unwrap();
        std::fs::read_to_string(out.join(".config")).unwrap()
    }
}

/// Returns the lines of `text` without those of the requested symbols, and then the requests.
fn with_requests(text: &str, model: &Model, requests: &[Request]) -> String {
    let is_requested = |line: &str| requests.iter().any(|request| names(line, &request.symbol));
    let mut lines: String = text.lines().filter(|line| !is_requested(line)).flat_map(|line| [line, "\n"]).collect();
    let mut requests: Vec<&Request> = requests.iter().collect();
    requests.sort_by_key(|request| &request.symbol);
    lines.extend(requests.iter().map(|request| assignment(model, request)));
    lines
}

/// Whether a line of a `.config` sets or unsets `symbol`.
fn names(line: &str, symbol: &str) -> bool {
    let rest = line.strip_prefix("# CONFIG_").or_else(|| line.strip_prefix("CONFIG_"));
    let rest = rest.and_then(|rest| rest.strip_prefix(symbol));
    rest.is_some_and(|rest| rest.starts_with('=') || rest == " is not set")
}

fn assignment(model: &Model, request: &Request) -> String {
    let (symbol, value) = (&request.symbol, &request.value);
    let type_ = model.find(symbol).map_or(Type::Unknown, |symbol| model.type_of(symbol));
    match value.as_str() {
        "n" => format!("# CONFIG_{symbol} is not set\n"),
        _ if type_ == Type::String => format!("CONFIG_{symbol}={}\n", quote(&unquote(value))),
        _ => format!("CONFIG_{symbol}={value}\n"),
    }
}
