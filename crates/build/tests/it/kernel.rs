//! The kernel step: a fake tree built into a store.

use kiln_build::kernel::{Kernel, KernelError, KernelSpec, kernel};
use kiln_build::source::{self, Fetch};
use kiln_build::{Silent, Store};
use kiln_plan::SourceSpec;

use crate::fake_kernel::{CONFIG, FakeKernel};

fn build(store: &Store, fake: &FakeKernel) -> Result<Kernel, KernelError> {
    let fetch = Fetch { store, progress: &Silent, env: &Default::default() };
    let tree = source::fetch(&fetch, &SourceSpec::Path(fake.tree())).unwrap();
    let spec = KernelSpec {
        tree: &tree.tree,
        tree_key: &tree.key,
        target: &fake.target,
        toolchain: &fake.toolchain,
        config_text: CONFIG,
        targets: &["bzImage".to_owned()],
        signing_key: None,
        jobs: 2,
    };
    kernel(store, &spec, &Silent)
}

#[test]
fn a_tree_that_changes_while_it_is_built_gives_no_result() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let fake = FakeKernel::new();
    let first = build(&store, &fake).unwrap();
    assert!(first.dir.join("kernel/vmlinux").is_file());

    fake.write("edit", "");
    let error = build(&store, &fake).unwrap_err();
    assert!(matches!(error, KernelError::TreeChanged { .. }), "{error}");
    let kernels = std::fs::read_dir(dir.path().join("results")).unwrap().flatten();
    let n_kernels = kernels.filter(|entry| entry.file_name().to_string_lossy().ends_with("-kernel")).count();
    assert_eq!(n_kernels, 1);

    std::fs::remove_file(fake.tree().join("edit")).unwrap();
    let second = build(&store, &fake).unwrap();
    assert_ne!(first.key, second.key);
    assert_eq!(build(&store, &fake).unwrap().dir, second.dir);
}
