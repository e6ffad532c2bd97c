//! Licences of the crates that are linked into kiln.

use cargo_metadata::Metadata;
use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

/// Licences, by SPDX identifier, that any crate may have: permissive, with no condition but to keep the notice.
const ALLOWED: &[&str] = &["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Zlib"];

/// A licence that only one crate may have.
struct Exception {
    package: &'static str,
    licence: &'static str,
    /// Why this is acceptable.
    #[expect(dead_code, reason = "for the reader of the table")]
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception { package: "libbz2-rs-sys", licence: "bzip2-1.0.6", reason: "the terms of bzip2, like BSD-3-Clause" },
    Exception { package: "unicode-ident", licence: "Unicode-3.0", reason: "tables from the Unicode data files" },
    Exception {
        package: "webpki-roots",
        licence: "CDLA-Permissive-2.0",
        reason: "data: Mozilla's list of root certificates",
    },
];

/// Returns a finding for each crate whose licence is not allowed, and for each exception that is not needed.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let packages = || metadata.packages.iter();
    let refused = packages().filter_map(|package| refused(&package.name, package.license.as_deref(), EXCEPTIONS));
    let needless = EXCEPTIONS.iter().filter(|exception| {
        let mut of_it = packages().filter(|package| package.name.as_str() == exception.package);
        !of_it.any(|package| refused_without_exceptions(package.license.as_deref()))
    });
    refused.chain(needless.map(|exception| format!("`{}` needs no exception: remove it", exception.package))).collect()
}

fn refused_without_exceptions(licence: Option<&str>) -> bool {
    refused("", licence, &[]).is_some()
}

/// Returns why a package of this licence expression may not be used.
fn refused(package: &str, licence: Option<&str>, exceptions: &[Exception]) -> Option<String> {
    let Some(licence) = licence else { return Some(format!("`{package}` declares no licence")) };
    // "MIT/Apache-2.0" is how crates wrote "or" before SPDX expressions.
    let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("`{package}`: `{licence}` is no SPDX expression: {}", error.reason)),
    };
    let excepted = |id: &str| exceptions.iter().any(|one| one.package == package && one.licence == id);
    let allowed = |requirement: &LicenseReq| match &requirement.license {
        LicenseItem::Spdx { id, .. } => ALLOWED.contains(&id.name) || excepted(id.name),
        LicenseItem::Other { .. } => false,
    };
    (!expression.evaluate(allowed)).then(|| format!("`{package}` has a licence that is not allowed: {licence}"))
}

#[cfg(test)]
mod tests;
