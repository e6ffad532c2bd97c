//! Module order: `modules.order` first, and for modules without a line there, the order of kmod's hash tables.

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic, Diagnostics};

use crate::depmod::Layout;
use crate::hash::table_order;
use crate::module::ModuleInfo;
use crate::name::uncompressed;

/// Buckets of kmod's table of modules.
const MODULE_BUCKETS: u32 = 512;

/// Buckets of kmod's table of symbols.
pub(super) const SYMBOL_BUCKETS: u32 = 2048;

/// Sorts modules by their line in `modules.order`, those without one last; stable over the hash order.
pub(super) fn sorted(
    mut modules: Vec<ModuleInfo>,
    order: Option<&[u8]>,
    layout: Layout,
    findings: &mut Diagnostics,
) -> Vec<ModuleInfo> {
    modules.sort_by_cached_key(|info| {
        let (bucket, name) = table_order(&info.name, MODULE_BUCKETS);
        (bucket, name.to_owned())
    });
    let Some(order) = order else {
        findings.push(Diagnostic::warning(Code::NoModuleOrder, "there is no modules.order: modules stay unsorted"));
        return modules;
    };
    if !order.is_empty() && !order.ends_with(b"\n") {
        // Quirk: depmod then sorts nothing at all.
        let line = order.split(|&byte| byte == b'\n').count();
        let message = format!("modules.order:{line} corrupted line misses '\\n': modules stay unsorted");
        findings.push(Diagnostic::warning(Code::BrokenModuleOrder, message));
        return modules;
    }
    let mut lines: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (number, line) in order.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        match layout {
            Layout::V30 => lines.insert(line, number),
            Layout::V34 => Some(*lines.entry(line).or_insert(number)),
        };
    }
    let key = |info: &ModuleInfo| lines.get(uncompressed(&info.path).as_bytes()).copied().unwrap_or(usize::MAX);
    modules.sort_by_cached_key(key);
    modules
}
