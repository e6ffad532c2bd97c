use cargo_metadata::semver::Version;

use super::newer;

#[test]
fn only_a_newer_rust_is_a_finding() {
    let declared = Version::new(1, 89, 0);
    assert_eq!(newer("a", None, &declared), None);
    assert_eq!(newer("a", Some(&declared), &declared), None);
    let needed = Version::new(1, 90, 0);
    let finding = "`a` needs Rust 1.90.0, and the workspace declares 1.89.0".to_owned();
    assert_eq!(newer("a", Some(&needed), &declared), Some(finding));
}
