//! Distills real configs: the requests have the same config in the tree's own `conf`, and none of them can be omitted.
//! All are slow.

use std::path::{Path, PathBuf};

use kiln_advise::distill::{Needed, distill};
use kiln_exec::Exec;
use kiln_kbuild::resolve::{Base, KconfigTree, config_of};
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain};
use kiln_kconfig::{BaseValues, Request};
use kiln_store::Store;

use crate::conf::Conf;
use crate::fake_kernel::host;
use crate::slow::{first_difference, kernel_tree, variable, x86};

/// Returns the config that Debian builds its kernel with, from the package `linux-config-6.12`.
fn debian(tree: &Path) -> String {
    let folder = tree.parent().unwrap();
    let file = folder.join("linux-config-6.12/usr/src/linux-config-6.12/config.amd64_none_amd64.xz");
    if !file.exists() {
        let script = "set -e; rm -rf part; mkdir part; cd part; apt-get download linux-config-6.12; \
                      dpkg-deb -x *.deb ../linux-config-6.12; cd ..; rm -rf part";
        Exec::new("sh").args(["-c", script]).dir(folder).env("PATH", host().path).text().unwrap();
    }
    Exec::new("xz").args(["-dc", file.to_str().unwrap()]).env("PATH", host().path).text().unwrap()
}

/// Returns the requests of a device in the seed corpus.
fn device(name: &str) -> Vec<Request> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/corpus/seed/devices");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let request = |(symbol, value): (&String, &serde_json::Value)| Request::fixed(symbol, value.as_str().unwrap());
    json["merged"].as_object().unwrap().iter().map(request).collect()
}

enum DistillInput {
    Config(String),
    Requests(Vec<Request>),
}

/// Checks the distilled requests of one config. `work` is kept for the next call: building `conf` takes longest.
fn check(work: &Path, name: &str, target: &Target, base: &Base, input: &DistillInput) -> Vec<Needed> {
    let tree = kernel_tree();
    let store = Store::open(&work.join("store")).unwrap();
    let work = work.join(&target.arch);
    let everything = Host::new(variable("PATH").unwrap());
    let toolchain = Toolchain::discover(&everything, &target.programs).unwrap();
    let kconfig = KconfigTree::new(&tree, &work.join("native"), target, &toolchain, Some(&store)).unwrap();
    let parsed = kconfig.parse(base, BaseValues::Written).unwrap();
    let wanted = match input {
        DistillInput::Config(text) => parsed.resolve_text(text),
        DistillInput::Requests(requests) => parsed.resolve(requests).unwrap(),
    };
    let needed = distill(&parsed.base_values(), &wanted).unwrap();
    let requests: Vec<Request> = needed.iter().map(|needed| Request::fixed(&needed.symbol, needed.written())).collect();

    let conf = Conf { tree: &tree, out: work.join("conf"), target, toolchain: &toolchain };
    let theirs = match input {
        DistillInput::Config(text) => conf.resolve(parsed.model(), &Base::File(text.clone()), &[]),
        DistillInput::Requests(requests) => conf.resolve(parsed.model(), base, requests),
    };
    let ours = conf.resolve(parsed.model(), base, &requests);
    assert!(theirs == ours, "{name}: the recipe gives another config:\n{}", first_difference(&ours, &theirs));

    // Each request is left out in turn, and everything resolved again; of long lists only every n-th one.
    let step = needed.len() / 150 + 1;
    for needless in requests.iter().step_by(step) {
        let fewer = requests.iter().filter(|request| *request != needless);
        let config = config_of(&parsed.resolve(fewer).unwrap());
        assert!(config.text() != theirs, "{name}: {} is needless", needless.symbol);
    }
    needed
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn debians_config() {
    let tree = kernel_tree();
    let work = tempfile::tempdir().unwrap();
    let config = DistillInput::Config(debian(&tree));
    for base in [Base::Alldefconfig, Base::Allnoconfig, Base::Defconfig("x86_64_defconfig".to_owned())] {
        let needed = check(work.path(), "debian", &x86(), &base, &config);
        assert!((1000..6000).contains(&needed.len()), "{base:?}: {}", needed.len());
    }
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn a_defconfig() {
    let tree = kernel_tree();
    let text = std::fs::read_to_string(tree.join("arch/x86/configs/x86_64_defconfig")).unwrap();
    let work = tempfile::tempdir().unwrap();
    let config = DistillInput::Config(text);
    for base in [Base::Alldefconfig, Base::Allnoconfig, Base::Tinyconfig] {
        check(work.path(), "x86_64_defconfig", &x86(), &base, &config);
    }
    let own = Base::Defconfig("x86_64_defconfig".to_owned());
    assert_eq!(check(work.path(), "x86_64_defconfig", &x86(), &own, &config), [], "over itself nothing is needed");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn lists_of_requests() {
    let arm64 = Target { arch: "arm64".into(), srcarch: "arm64".into(), programs: Programs::gnu("aarch64-linux-gnu-") };
    let work = tempfile::tempdir().unwrap();
    let devices = [
        "belkin-rt3200",
        "gl-ar750",
        "gl-mt300a",
        "gl-mt300n-v2",
        "qemu-aarch64",
        "qemu-armv7l",
        "qemu",
        "tp-archer-ax23",
    ];
    for name in devices {
        let requests = DistillInput::Requests(device(&format!("{name}.json")));
        // For another architecture most symbols of a list are unknown, which must not matter.
        let is_arm = ["belkin-rt3200", "qemu-aarch64"].contains(&name);
        let targets = if is_arm { vec![&arm64] } else { vec![] };
        let x86 = x86();
        for target in targets.into_iter().chain([&x86]) {
            check(work.path(), name, target, &Base::Alldefconfig, &requests);
            check(work.path(), name, target, &Base::Allnoconfig, &requests);
        }
    }
}
