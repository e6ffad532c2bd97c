//! `kiln distill`'s work: a file's configuration, and the fewest requests that give it.

use std::collections::BTreeMap;

use kiln_kbuild::resolve::seed::{Mode, Seed};
use kiln_kbuild::resolve::{Asked, Base, Native};
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::unquote;
use kiln_plan::distill::{Needed, distill};
use kiln_plan::evaluate::Kernel as KernelWish;

use crate::error::PipelineError;
use crate::resolution::{base, conf_key, made_base};
use crate::session::Session;
use crate::target::target;
use crate::tree::Tree;

/// What is to be distilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// The text of a `.config` or a defconfig: what it does not name has Kconfig's defaults.
    Config(String),
    /// Requests over the base, by symbol.
    Requests(BTreeMap<String, String>),
}

/// What came of it.
#[derive(Debug)]
pub struct Distillation {
    /// What is built for.
    pub target: Target,
    /// The fewest requests, in the order of the menus.
    pub needed: Vec<Needed>,
    /// The configuration that both the material and the requests give, to the byte.
    pub config_text: String,
    /// Symbols of the material that the tree does not declare, with what the material says of them.
    pub unknown: Vec<(String, String)>,
    /// Symbols of the material that have another value in the configuration: what it says, and the value.
    pub lost: Vec<(String, String, String)>,
}

/// Finds the fewest requests over the base of `wish` that give the configuration of `material`.
///
/// `lines` are the symbols of the material with their values, for what is said of them.
/// # Errors
/// Any [`PipelineError`] of toolchain and Kconfig; [`PipelineError::NotDistilled`] when no requests give it.
pub fn distil(
    session: &Session<'_>,
    tree: &Tree,
    wish: &KernelWish,
    material: &Material,
    lines: &BTreeMap<String, String>,
) -> Result<Distillation, PipelineError> {
    let target = target(session.host_arch, wish);
    let toolchain = Toolchain::remembered(session.store, session.host, &target.programs)?;
    let area = session.store.work_dir(&conf_key(tree, &target, &toolchain), "conf", session.progress)?;
    let engine = Native::new(&tree.path, area.path(), &target, &toolchain, Some(session.store))?;
    let base = match base(&wish.base_config.value)? {
        Base::Defconfig(name) if !engine.has_file(&name) => {
            made_base(session, tree, &target, &toolchain, &engine, &name)?
        }
        other => other,
    };
    let asked = engine.ask(&base, &BTreeMap::new())?;
    drop(engine);
    area.finish()?;
    let wanted = match material {
        Material::Config(text) => Seed { mode: Mode::Alldefconfig, text: text.clone() },
        Material::Requests(requests) => asked.seed_with(requests)?,
    };
    let config_text = asked.config_from(&wanted)?;
    let values = asked.evaluation_from(&wanted);
    let needed = distill(&asked.evaluation(), &values).ok_or(PipelineError::NotDistilled)?;
    // What is printed must work: the engine reads it as it would read the recipe.
    let requests = needed.iter().map(|needed| (needed.symbol.clone(), needed.written())).collect();
    if asked.config_from(&asked.seed_with(&requests)?)? != config_text {
        return Err(PipelineError::NotDistilled);
    }
    let (unknown, lost) = leftover(&asked, &wanted, lines);
    Ok(Distillation { target, needed, config_text, unknown, lost })
}

type Unknown = Vec<(String, String)>;
type Lost = Vec<(String, String, String)>;

/// Lines that say something which is not in the configuration.
fn leftover(asked: &Asked, wanted: &Seed, lines: &BTreeMap<String, String>) -> (Unknown, Lost) {
    let (mut unknown, mut lost) = (Vec::new(), Vec::new());
    let values = asked.evaluation_from(wanted);
    let model = asked.model();
    for (symbol, value) in lines {
        let found = model.find(symbol).filter(|id| model.definitions(*id).next().is_some());
        let Some(id) = found else {
            // What is not there is off; nothing is lost then.
            if value != "n" {
                unknown.push((symbol.clone(), value.clone()));
            }
            continue;
        };
        let came = values.value_of(id);
        let (plain, is_number) = (unquote(value), came.starts_with("0x") || value.starts_with("0x"));
        let same_number =
            is_number && plain.trim_start_matches("0x").eq_ignore_ascii_case(came.trim_start_matches("0x"));
        if came != plain && !same_number {
            lost.push((symbol.clone(), value.clone(), came.into_owned()));
        }
    }
    (unknown, lost)
}
