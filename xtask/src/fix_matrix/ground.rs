//! The bases of an architecture under both meanings, and what the tree's own `conf` makes of requests over them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kiln_fix::Setting;
use kiln_kconfig::{Base, BaseValues, Evaluation, Model, Request, Type, resolve};

use crate::kconfig_matrix::oracle::Server;

/// A base config of the tree.
pub(super) struct Ground {
    pub(super) name: &'static str,
    /// The option of `conf` that reads the written values.
    pub(super) mode: &'static str,
    /// The values that the base writes.
    pub(super) written: Vec<u8>,
    /// The whole `.config` that `conf` makes of them.
    pub(super) all: Vec<u8>,
}

impl Ground {
    /// Returns the values with the requests over those of the base.
    pub(super) fn resolve<'m>(&self, model: &'m Model, values: BaseValues, requests: &[Request]) -> Evaluation<'m> {
        let text = text(model, self.text(values), requests, &[]);
        resolve(model, self.base(values, &[("base", text.as_slice())]), &[]).into_evaluation()
    }

    fn text(&self, values: BaseValues) -> &[u8] {
        match values {
            BaseValues::Written => &self.written,
            BaseValues::All => &self.all,
        }
    }

    fn base<'a>(&self, values: BaseValues, configs: &'a [(&'a str, &'a [u8])]) -> Base<'a> {
        match values {
            BaseValues::Written if self.mode == "allnoconfig" => Base::ConfigsOverAllNo(configs),
            _ => Base::Configs(configs),
        }
    }
}

/// Returns the bases of an architecture.
pub(super) fn all(tree: &Path, arch: &str, judge: &mut Judge<'_>) -> Result<Vec<Ground>> {
    let configs = tree.join("arch").join(arch).join("configs");
    let names = ["defconfig", "x86_64_defconfig", "multi_v7_defconfig", "malta_defconfig"];
    let file = names.iter().map(|name| configs.join(name)).find(|file| file.exists());
    let file = file.with_context(|| format!("{} has no defconfig that is known", configs.display()))?;
    let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let mut grounds = vec![
        Ground { name: "allnoconfig", mode: "allnoconfig", written: Vec::new(), all: Vec::new() },
        Ground { name: "defconfig", mode: "alldefconfig", written: text, all: Vec::new() },
        Ground { name: "alldefconfig", mode: "alldefconfig", written: Vec::new(), all: Vec::new() },
    ];
    for ground in &mut grounds {
        ground.all = judge.config(&Case { ground, values: BaseValues::Written, requests: &[], settings: &[] })?;
    }
    Ok(grounds)
}

/// Requests over a base, and the settings that are to make them hold.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) ground: &'a Ground,
    pub(super) values: BaseValues,
    pub(super) requests: &'a [Request],
    pub(super) settings: &'a [Setting],
}

impl Case<'_> {
    fn text(&self, model: &Model) -> Vec<u8> {
        text(model, self.ground.text(self.values), self.requests, self.settings)
    }
}

/// The tree's own `conf`, and the engine.
pub(super) struct Judge<'m> {
    pub(super) model: &'m Model,
    server: Server,
    folder: PathBuf,
}

impl<'m> Judge<'m> {
    /// Creates one that works in `folder`.
    pub(super) fn new(model: &'m Model, server: Server, folder: PathBuf) -> Judge<'m> {
        Judge { model, server, folder }
    }

    /// Returns the requests that `conf` does not meet with the settings.
    pub(super) fn conf(&mut self, case: &Case<'_>) -> Result<Vec<String>> {
        let config = self.config(case)?;
        Ok(self.unmet(&config, case))
    }

    /// Returns the requests that the engine does not meet with the settings.
    pub(super) fn engine(&self, case: &Case<'_>) -> Vec<String> {
        let text = case.text(self.model);
        let configs = [("base", text.as_slice())];
        let resolved = resolve(self.model, case.ground.base(case.values, &configs), &[]);
        self.unmet(resolved.config_text(), case)
    }

    /// Returns the `.config` that `conf` writes.
    pub(super) fn config(&mut self, case: &Case<'_>) -> Result<Vec<u8>> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        std::fs::create_dir_all(self.folder.join("include/config"))?;
        std::fs::write(self.folder.join("include/config/auto.conf"), "")?;
        let text = case.text(self.model);
        let status = match case.values {
            BaseValues::Written => {
                let seed = self.folder.join("seed");
                std::fs::write(&seed, text)?;
                let variables = [("KCONFIG_ALLCONFIG", seed.display().to_string())];
                self.server.run(&self.folder, &format!("--{}", case.ground.mode), &variables)?
            }
            // What people do: they edit the `.config`.
            BaseValues::All => {
                std::fs::write(self.folder.join(".config"), text)?;
                self.server.run(&self.folder, "--olddefconfig", &[])?
            }
        };
        ensure!(status == 0, "conf ended with {status}");
        Ok(std::fs::read(self.folder.join(".config"))?)
    }

    /// Returns the requests that a `.config` does not meet; a setting of a requested symbol replaces its request.
    fn unmet(&self, config: &[u8], case: &Case<'_>) -> Vec<String> {
        let config = String::from_utf8_lossy(config);
        let wanted = case.requests.iter().map(|request| {
            let altered = case.settings.iter().find(|setting| self.model.name(setting.symbol) == request.symbol);
            (&request.symbol, altered.map_or(&request.value, |setting| &setting.value))
        });
        let mut unmet = Vec::new();
        for (name, value) in wanted {
            let type_ = type_of(self.model, name);
            let line = line(type_, name, value);
            let is_off = value == "n" && type_.is_logic();
            let has = |start: &str| config.lines().any(|line| line.starts_with(start));
            let is_met = if is_off {
                !has(&format!("CONFIG_{name}="))
            } else {
                config.lines().any(|one| one == line.trim_end())
            };
            if !is_met {
                unmet.push(format!("{name}={value}"));
            }
        }
        unmet
    }
}

/// Returns the base, then requests and settings in the order of their names, as `kiln check` applies them.
fn text(model: &Model, base: &[u8], requests: &[Request], settings: &[Setting]) -> Vec<u8> {
    let is_kept = |request: &&Request| settings.iter().all(|setting| model.name(setting.symbol) != request.symbol);
    let kept = requests.iter().filter(is_kept).map(|request| (request.symbol.clone(), request.value.as_str()));
    let added = settings.iter().map(|setting| (model.name(setting.symbol).into_owned(), setting.value.as_str()));
    let mut all: Vec<(String, &str)> = kept.chain(added).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    // As in a recipe, a request replaces the base's line.
    let mut text = Vec::new();
    for line in base.split_inclusive(|byte| *byte == b'\n') {
        let starts =
            |name: &str, start: &str, end: &str| line.starts_with(format!("{start}CONFIG_{name}{end}").as_bytes());
        if !all.iter().any(|(name, _)| starts(name, "", "=") || starts(name, "# ", " is not set")) {
            text.extend_from_slice(line);
        }
    }
    text.push(b'\n');
    for (name, value) in all {
        text.extend_from_slice(line(type_of(model, &name), &name, value).as_bytes());
    }
    text
}

fn type_of(model: &Model, name: &str) -> Type {
    model.find(name).map_or(Type::Unknown, |symbol| model.type_of(symbol))
}

fn line(type_: Type, name: &str, value: &str) -> String {
    match type_ {
        Type::Bool | Type::Tristate if value == "n" => format!("# CONFIG_{name} is not set\n"),
        Type::String => format!("CONFIG_{name}=\"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\"")),
        _ => format!("CONFIG_{name}={value}\n"),
    }
}
