use super::{Exception, refused};

const EXCEPTIONS: &[Exception] = &[Exception { package: "data", licence: "Unicode-3.0", reason: "data" }];

fn is_refused(package: &str, licence: &str) -> bool {
    refused(package, Some(licence), EXCEPTIONS).is_some()
}

#[test]
fn one_allowed_side_of_an_or_is_enough() {
    assert!(!is_refused("a", "LGPL-2.1-or-later OR MIT"));
    assert!(!is_refused("a", "MIT/Apache-2.0"));
    assert!(is_refused("a", "GPL-3.0-only"));
}

#[test]
fn both_sides_of_an_and_must_be_allowed() {
    assert!(!is_refused("a", "Apache-2.0 AND ISC"));
    assert!(is_refused("a", "MIT AND Unicode-3.0"));
}

#[test]
fn an_exception_is_for_one_package_and_one_licence() {
    assert!(!is_refused("data", "(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_refused("data", "MPL-2.0"));
    assert!(is_refused("other", "Unicode-3.0"));
}

#[test]
fn a_package_must_say_its_licence_in_spdx() {
    assert_eq!(refused("a", None, EXCEPTIONS), Some("`a` declares no licence".to_owned()));
    assert!(is_refused("a", "see LICENSE"));
}
