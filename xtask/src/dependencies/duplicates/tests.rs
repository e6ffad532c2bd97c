use super::findings;

fn of(packages: &[(&'static str, &str)], known: &[(&str, &str)]) -> Vec<String> {
    findings(packages.iter().map(|(name, version)| (*name, (*version).to_owned())), known)
}

#[test]
fn a_new_duplicate_is_found_with_its_versions() {
    let packages = [("a", "1.0.0"), ("b", "1.0.0"), ("a", "2.0.0")];
    assert_eq!(of(&packages, &[]), ["`a` is there in versions 1.0.0, 2.0.0: see `cargo tree --duplicates`"]);
}

#[test]
fn a_known_duplicate_is_no_finding_until_it_is_gone() {
    let known = [("a", "why")];
    assert_eq!(of(&[("a", "1.0.0"), ("a", "2.0.0")], &known), Vec::<String>::new());
    assert_eq!(of(&[("a", "2.0.0")], &known), ["`a` is not a duplicate any more: remove it from KNOWN"]);
}
