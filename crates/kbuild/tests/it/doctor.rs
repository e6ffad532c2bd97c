//! Runs the doctor on the test machine, which builds kernels and so lacks nothing.

use kiln_kbuild::doctor::{Work, checks};
use kiln_kbuild::toolchain::{Host, Programs, Target};
use kiln_kconfig::Config;

#[test]
fn a_host_that_compiles_lacks_nothing_and_an_empty_one_everything() {
    let work = Work {
        target: Some(Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") }),
        config: Config::parse(""),
        apt_source: false,
        git_source: false,
        outputs: std::collections::BTreeSet::new(),
        patches: true,
        boot_machine: None,
    };
    let here = checks(&work, &crate::fake_kernel::host()).unwrap();
    assert!(here.is_empty(), "{here:?}");
    let nowhere = checks(&work, &Host::new("/nonexistent")).unwrap();
    let packages: Vec<&str> = nowhere.iter().map(|missing| missing.debian_package.as_str()).collect();
    assert!(packages.is_sorted() && packages.contains(&"patch") && packages.contains(&"libelf-dev"), "{packages:?}");
}
