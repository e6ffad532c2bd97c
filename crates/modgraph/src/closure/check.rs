//! What a kernel would refuse: the checks that it makes when a module is loaded, made beforehand.

use std::collections::BTreeSet;

use super::{ClosureError, ClosureOptions};
use crate::graph::{Graph, ModuleId};
use crate::kernel_symbols::is_made_up;
use crate::module::{ModuleInfo, Want};

/// The exporter of a symbol, and the terms of the export.
struct Exported<'a> {
    crc: Option<u32>,
    namespace: Option<&'a str>,
    gpl_only: bool,
    exporter: Option<&'a str>,
}

pub(super) fn check(graph: &Graph, modules: &[ModuleId], options: &ClosureOptions<'_>) -> Vec<ClosureError> {
    let mut errors = cycles(graph, modules);
    for &id in modules {
        let info = graph.module(id);
        errors.extend(vermagic(info, options));
        for want in info.wants.iter() {
            match exported(graph, want) {
                Some(exported) => symbol(info, want, &exported, options, &mut errors),
                None => errors.extend(unresolved(graph, info, want)),
            }
        }
    }
    errors
}

/// Returns symbols of any module that nothing exports, or that have another version than it was compiled against.
///
/// Without the symbols of the kernel image, only those between modules can be checked.
pub fn symbol_faults(graph: &Graph) -> Vec<ClosureError> {
    let all: Vec<ModuleId> = graph.ids().collect();
    let faults =
        check(graph, &all, &ClosureOptions { vermagic: None, missing_namespaces_load: true, without: &[] }).into_iter();
    let kinds = |error: &ClosureError| {
        matches!(error, ClosureError::UnresolvedSymbol { .. } | ClosureError::CrcMismatch { .. })
    };
    faults.filter(kinds).collect()
}

fn cycles(graph: &Graph, modules: &[ModuleId]) -> Vec<ClosureError> {
    if graph.cyclic_count() == 0 {
        return Vec::new();
    }
    let names: BTreeSet<&str> = modules.iter().map(|&id| graph.module(id).name.as_str()).collect();
    let cycles = graph.cycles().into_iter();
    cycles
        .filter(|cycle| cycle.edges.iter().any(|edge| names.contains(&*edge.module)))
        .map(ClosureError::Cycle)
        .collect()
}

/// Compares as the kernel does: with symbol versions, the first word (the release) may differ.
///
/// # Source
/// `kernel/module/version.c`, `same_magic`.
fn vermagic(info: &ModuleInfo, options: &ClosureOptions<'_>) -> Option<ClosureError> {
    let expected = options.vermagic?;
    let found = info.modinfo.text("vermagic")?;
    let compared = |magic: &str| match info.versioned {
        true => magic.trim_end().split_once(' ').map_or("", |(_, rest)| rest).to_owned(),
        false => magic.trim_end().to_owned(),
    };
    (compared(expected) != compared(&found)).then(|| ClosureError::Vermagic {
        module: info.name.clone(),
        found: found.trim_end().to_owned(),
        expected: expected.trim_end().to_owned(),
    })
}

fn exported<'a>(graph: &'a Graph, want: Want<'_>) -> Option<Exported<'a>> {
    let name = want.name.strip_prefix('.').unwrap_or(want.name);
    if let Some(owner) = graph.export(name) {
        let (owner, export) = (graph.module(owner.module), owner.export as usize);
        let export = &owner.exports[export];
        let (namespace, exporter) = (export.namespace.as_deref(), Some(owner.name.as_str()));
        return Some(Exported { crc: export.crc, namespace, gpl_only: export.gpl_only, exporter });
    }
    let symbol = graph.kernel_symbols()?.image(name)?;
    let namespace = symbol.namespace.as_deref();
    Some(Exported { crc: symbol.crc, namespace, gpl_only: symbol.gpl_only, exporter: None })
}

fn unresolved(graph: &Graph, info: &ModuleInfo, want: Want<'_>) -> Option<ClosureError> {
    let known = graph.kernel_symbols()?;
    if want.weak || is_made_up(want.name) {
        return None;
    }
    let provider = known.get(want.name).and_then(|symbol| symbol.module.as_deref());
    let (module, symbol) = (info.name.clone(), want.name.to_string());
    Some(ClosureError::UnresolvedSymbol { module, symbol, provider: provider.map(str::to_owned) })
}

fn symbol(
    info: &ModuleInfo,
    want: Want<'_>,
    exported: &Exported<'_>,
    options: &ClosureOptions<'_>,
    errors: &mut Vec<ClosureError>,
) {
    let (module, symbol) = (|| info.name.clone(), || want.name.to_string());
    if let (Some(wanted), Some(there)) = (want.crc, exported.crc)
        && wanted != there
    {
        let exporter = exported.exporter.map(str::to_owned);
        errors.push(ClosureError::CrcMismatch {
            module: module(),
            symbol: symbol(),
            wanted,
            exported: there,
            exporter,
        });
    }
    if let Some(namespace) = exported.namespace
        && !options.missing_namespaces_load
        && !may_use(info, namespace)
    {
        let namespace = namespace.to_owned();
        errors.push(ClosureError::Namespace { module: module(), symbol: symbol(), namespace });
    }
    if exported.gpl_only && !info.gpl_compatible() {
        let licence = info.modinfo.text("license").unwrap_or_default().into_owned();
        errors.push(ClosureError::GplOnly { module: module(), licence, symbol: symbol() });
    }
}

/// Whether a module may use what is exported under this namespace: by import, or because `module:A,B*` names it.
///
/// # Source
/// `kernel/module/main.c`, `verify_namespace_is_imported` and `verify_module_namespace`.
fn may_use(info: &ModuleInfo, namespace: &str) -> bool {
    let named = namespace.strip_prefix("module:").is_some_and(|list| {
        list.split(',').map(crate::name::fold).any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => info.name.starts_with(start),
            None => info.name == pattern,
        })
    });
    named || info.modinfo.values("import_ns").any(|import| import == namespace.as_bytes())
}
