//! Lowers merged values to typed ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_diag::{Code, Diagnostic, Diagnostics, FileId, Span};
use kiln_kconfig::BaseValues;
use kiln_recipe::{Data, Merged, Modules, Tree, Value};

use crate::evaluate::{
    BaseConfig, Boot, Check, Evaluated, ExtraModule, FirmwareSource, Hardware, Kernel, Loader, Located, Pattern,
    Setting, facts, requests,
};
use crate::firmware::FirmwareCompression;
use crate::version::KernelVersion;
use crate::{Arch, SourceSpec, ToolchainName};

/// A merged recipe being lowered to [`Evaluated`].
pub(super) struct Lowering<'a> {
    pub(super) tree: &'a Tree,
    pub(super) modules: &'a Modules,
    pub(super) setting: &'a Setting,
    /// The findings so far.
    pub(super) diagnostics: Diagnostics,
}

impl Lowering<'_> {
    /// Returns the whole recipe; `None` when a value that every recipe has is at fault.
    pub(super) fn evaluated(&mut self) -> Option<Evaluated> {
        let kernel = self.kernel()?;
        let outputs = self.outputs(&kernel.arch.value);
        Some(Evaluated {
            kernel,
            outputs,
            loaders: self.names(&["kmodloader"]).into_iter().map(|name| (name.clone(), self.loader(&name))).collect(),
            hardware: self.hardware(),
            boot: self.boot()?,
            tree: self.tree.clone(),
        })
    }

    /// Returns the origin of the source, when that is sound.
    pub(super) fn source(&self) -> Option<Located<SourceSpec>> {
        let merged = self.tree.leaf(&["kernel", "src"])?;
        let Data::Table(fields) = &merged.value else { return None };
        let field = |name: &str| fields.iter().find(|field| field.key == name)?.value.as_text().map(str::to_owned);
        let tag = fields.first()?;
        let written = tag.value.as_text()?.to_owned();
        let value = match tag.key.as_str() {
            "path" => SourceSpec::Path(self.path(tag.value.span.file, &written)),
            "url" => SourceSpec::Url { url: written, sha256: field("sha256")?.to_ascii_lowercase() },
            "git" => SourceSpec::Git { url: self.git(tag.value.span.file, written), rev: field("rev")? },
            _ => SourceSpec::Apt { package: written, version: field("version") },
        };
        Some(Located { value, origin: merged.origin() })
    }

    fn kernel(&mut self) -> Option<Kernel> {
        let modular = Located {
            value: self.tree.bool(&["kernel", "modular"])?,
            origin: self.tree.leaf(&["kernel", "modular"])?.origin(),
        };
        let requests = requests::requests(self.tree, &modular, &mut self.diagnostics);
        let toolchain = self.toolchain()?;
        Some(Kernel {
            src: self.source(),
            version: self.version(),
            arch: self.arch()?,
            cross_compile: self.cross_compile(&toolchain),
            toolchain,
            modular,
            base_config: self.base_config()?,
            base_values: self.base_values()?,
            patches: self.patches(),
            extra_patch_phase: self.tree.text(&["kernel", "extraPatchPhase"])?.to_owned(),
            make_targets: self.texts(&["kernel", "makeTargets"]),
            extra_modules: self.extra_modules(),
            signing_key: self.signing_key(),
            environment: self.environment(),
            requests,
        })
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let path = ["kernel", "environment"];
        let text = |name: &str| Some((name.to_owned(), self.tree.text(&[path[0], path[1], name])?.to_owned()));
        self.tree.entries(&path).filter_map(|(name, _)| text(name)).collect()
    }

    fn version(&mut self) -> Option<Located<KernelVersion>> {
        let said = self.text(&["kernel", "version"])?;
        let said = Located { value: KernelVersion::parse(&said.value).ok()?, origin: said.origin };
        if let Some(real) = &self.setting.version {
            self.diagnostics.extend(disagreement(&said, real));
        }
        Some(said)
    }

    fn arch(&self) -> Option<Located<Arch>> {
        let value = facts::arch(self.setting, self.tree)?;
        Some(Located { value, origin: self.tree.leaf(&["kernel", "arch"]).and_then(Merged::origin) })
    }

    fn toolchain(&self) -> Option<Located<ToolchainName>> {
        let written = self.text(&["kernel", "toolchain"])?;
        Some(Located { value: ToolchainName::parse(&written.value)?, origin: written.origin })
    }

    /// Returns the prefix, which only GNU's programs have.
    fn cross_compile(&mut self, toolchain: &Located<ToolchainName>) -> Option<Located<String>> {
        let prefix = self.text(&["kernel", "crossCompile"]).filter(|prefix| !prefix.value.is_empty())?;
        if toolchain.value == ToolchainName::Gcc {
            return Some(prefix);
        }
        let message = format!("`kernel.toolchain = \"{}\"` takes no prefix", toolchain.value);
        let mut finding = Diagnostic::error(Code::StrayPrefix, message).option("kernel.crossCompile");
        for (origin, label) in [(prefix.origin, "the prefix is written here"), (toolchain.origin, "the toolchain here")]
        {
            finding = origin.into_iter().fold(finding, |finding, span| finding.label(span, label));
        }
        let help =
            "remove `kernel.crossCompile`: clang compiles for every machine, and `kernel.arch` selects the machine";
        self.diagnostics.push(finding.help(help));
        None
    }

    fn base_config(&self) -> Option<Located<BaseConfig>> {
        let written = self.text(&["kernel", "baseConfig"])?;
        let dir = written.origin.map(|span| self.dir(span.file)).unwrap_or(Path::new(""));
        Some(Located { value: BaseConfig::parse(&written.value, dir)?, origin: written.origin })
    }

    fn base_values(&self) -> Option<Located<BaseValues>> {
        let written = self.text(&["kernel", "baseValues"])?;
        Some(Located { value: BaseValues::parse(&written.value)?, origin: written.origin })
    }

    fn signing_key(&self) -> Option<Located<PathBuf>> {
        let written = self.text(&["kernel", "signingKey"])?;
        let value = match written.origin {
            Some(span) => self.path(span.file, &written.value),
            None => PathBuf::from(&written.value),
        };
        Some(Located { value, origin: written.origin })
    }

    fn patches(&self) -> Vec<Pattern> {
        let pattern = |item: &Value| {
            let dir = self.dir(item.span.file).to_owned();
            Some(Pattern { pattern: item.as_text()?.to_owned(), dir, origin: Some(item.span) })
        };
        self.tree.list(&["kernel", "patches"]).iter().filter_map(pattern).collect()
    }

    fn extra_modules(&self) -> Vec<Located<ExtraModule>> {
        let module = |item: &Value| {
            let field = |name: &str| {
                let fields = item.as_table()?;
                fields.iter().find(|field| field.key == name)?.value.as_text().map(str::to_owned)
            };
            let tag = item.as_table()?.first()?;
            let (file, written) = (tag.value.span.file, tag.value.as_text()?.to_owned());
            let src = match tag.key.as_str() {
                "url" => SourceSpec::Url { url: written, sha256: field("sha256")?.to_ascii_lowercase() },
                "git" => SourceSpec::Git { url: self.git(file, written), rev: field("rev")? },
                _ => SourceSpec::Path(self.path(file, &written)),
            };
            let variables = field("make").unwrap_or_default();
            let variables = variables.split_ascii_whitespace().map(str::to_owned).collect();
            Some(Located { value: ExtraModule { src, dir: field("dir"), variables }, origin: Some(item.span) })
        };
        self.tree.list(&["kernel", "extraModules"]).iter().filter_map(module).collect()
    }

    fn loader(&self, name: &str) -> Loader {
        let path = |option| ["kmodloader", name, option];
        let parameters = self.leaves(&path("parameters"));
        let texts = |option| self.texts(&path(option));
        let origins = ["targets", "dependencies", "blacklist"]
            .iter()
            .filter_map(|option| self.tree.leaf(&path(option))?.origin())
            .chain(parameters.values().filter_map(|parameter: &Located<String>| parameter.origin));
        Loader {
            name: name.to_owned(),
            origin: origins.min(),
            targets: texts("targets"),
            dependencies: texts("dependencies"),
            blacklist: texts("blacklist"),
            parameters,
        }
    }

    fn hardware(&self) -> Hardware {
        let source = |item: &Value| {
            let field = item.as_table()?.first()?;
            let written = field.value.as_text()?;
            let value = match field.key.as_str() {
                "path" => FirmwareSource::Path(self.path(item.span.file, written)),
                _ => FirmwareSource::Apt(written.to_owned()),
            };
            Some(Located { value, origin: Some(item.span) })
        };
        Hardware {
            firmware: self.tree.list(&["hardware", "firmware"]).iter().filter_map(source).collect(),
            firmware_missing: self.texts(&["hardware", "firmwareMissing"]),
            firmware_compression: self.firmware_compression(),
        }
    }

    fn firmware_compression(&self) -> Located<FirmwareCompression> {
        let written = self.text(&["hardware", "firmwareCompression"]);
        let value = written.as_ref().and_then(|written| FirmwareCompression::parse(&written.value));
        // The merge reports any other value.
        Located {
            value: value.unwrap_or(FirmwareCompression::Auto),
            origin: written.and_then(|written| written.origin),
        }
    }

    fn boot(&mut self) -> Option<Boot> {
        let files = self.leaves(&["boot", "files"]).into_iter().map(|(guest, local)| {
            let value = match local.origin {
                Some(span) => self.path(span.file, &local.value),
                None => PathBuf::from(&local.value),
            };
            (guest, Located { value, origin: local.origin })
        });
        let files = files.collect();
        let names = self.names(&["boot", "checks"]);
        let checks = names.into_iter().filter_map(|name| Some((name.clone(), self.check(&name)?))).collect();
        Some(Boot {
            memory_mib: u32::try_from(self.tree.int(&["boot", "memory"])?).ok()?,
            deadline: Duration::from_secs(u64::try_from(self.tree.int(&["boot", "deadline"])?).ok()?),
            packages: self.texts(&["boot", "packages"]),
            files,
            checks,
        })
    }

    fn check(&mut self, name: &str) -> Option<Check> {
        let path = |option| ["boot", "checks", name, option];
        let Some(script) = self.text(&path("script")) else {
            let option = format!("boot.checks.{name}.script");
            let mut diagnostic =
                Diagnostic::error(Code::MissingOption, format!("the check `{name}` has no `script`")).option(option);
            if let Some(span) = self.tree.leaf(&path("cleanup")).and_then(Merged::origin) {
                diagnostic = diagnostic.label(span, "the check is written here");
            }
            self.diagnostics.push(diagnostic.help("a check is a script that the guest runs"));
            return None;
        };
        let cleanup = self.text(&path("cleanup")).map(|text| text.value).unwrap_or_default();
        let packages = self.texts(&path("packages"));
        Some(Check { name: name.to_owned(), script: script.value, cleanup, packages, origin: script.origin })
    }

    pub(super) fn names(&self, path: &[&str]) -> Vec<String> {
        self.tree.entries(path).map(|(name, _)| name.to_owned()).collect()
    }

    pub(super) fn text(&self, path: &[&str]) -> Option<Located<String>> {
        let origin = self.tree.leaf(path)?.origin();
        Some(Located { value: self.tree.text(path)?.to_owned(), origin })
    }

    /// Returns the texts of a list, each once: a repeated item adds nothing.
    pub(super) fn texts(&self, path: &[&str]) -> Vec<Located<String>> {
        let mut texts: Vec<Located<String>> = Vec::new();
        for item in self.tree.list(path) {
            if let Some(text) = item.as_text().filter(|text| !texts.iter().any(|seen| seen.value == **text)) {
                texts.push(Located { value: text.to_owned(), origin: Some(item.span) });
            }
        }
        texts
    }

    pub(super) fn leaves(&self, path: &[&str]) -> BTreeMap<String, Located<String>> {
        self.tree
            .entries(path)
            .filter_map(|(key, tree)| match tree {
                Tree::Leaf(merged) => match &merged.value {
                    Data::Text(text) => {
                        Some((key.to_owned(), Located { value: text.clone(), origin: merged.origin() }))
                    }
                    _ => None,
                },
                Tree::Set(_) => None,
            })
            .collect()
    }

    fn dir(&self, file: FileId) -> &Path {
        Path::new(self.modules.dir(file).unwrap_or(""))
    }

    pub(super) fn path(&self, file: FileId, written: &str) -> PathBuf {
        let written = written.strip_prefix("./").unwrap_or(written);
        self.dir(file).join(written)
    }

    /// A repository that begins like a path is a path, relative to the recipe.
    fn git(&self, file: FileId, url: String) -> String {
        if url.starts_with("./") || url.starts_with("../") {
            self.path(file, &url).to_string_lossy().into_owned()
        } else {
            url
        }
    }
}

/// Returns the finding that the source's version is not the recipe's; `None` when they agree.
pub(super) fn disagreement(said: &Located<KernelVersion>, real: &KernelVersion) -> Option<Diagnostic> {
    if said.value.agrees(real) {
        return None;
    }
    let message = format!("the recipe gives version {}, but the source is {real}", said.value);
    let diagnostic = Diagnostic::error(Code::VersionMismatch, message).option("kernel.version");
    let label = |diagnostic: Diagnostic, span: Span| diagnostic.label(span, "written here");
    Some(said.origin.into_iter().fold(diagnostic, label).help("change `kernel.version`, or remove it"))
}
