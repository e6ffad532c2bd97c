//! The kernel step: a fake tree built into a store.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use kiln_kbuild::kernel::{Kernel, KernelError, KernelSpec, kernel};
use kiln_kbuild::make::BuildError;
use kiln_store::{Silent, Store, StoreError};
use kiln_testkit::{Tmpfs, chain, is_clean};

use crate::fake_kernel::{CONFIG, FakeKernel};

fn build(store: &Store, fake: &FakeKernel) -> Result<Kernel, KernelError> {
    build_config(store, fake, CONFIG)
}

fn build_config(store: &Store, fake: &FakeKernel, config_text: &str) -> Result<Kernel, KernelError> {
    let tree = fake.tree();
    let key = kiln_store::tree_key(store, &tree).unwrap();
    let spec = KernelSpec {
        tree: &tree,
        tree_key: &key,
        target: &fake.target,
        toolchain: &fake.toolchain,
        config_text,
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

#[test]
fn a_disk_that_is_full_when_a_kernel_is_installed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(&dir.path().join("disk"), "size=1m") else { return };
    let at = disk.path().join("store");
    drop(Store::open(&at).unwrap());
    // There is space for compiling elsewhere.
    let elsewhere = ["work", "cache"].map(|folder| {
        fs::remove_dir_all(at.join(folder)).unwrap();
        Tmpfs::mount(&at.join(folder), "size=16m").unwrap()
    });
    let store = Store::open(&at).unwrap();
    fs::write(disk.path().join("fill"), vec![0; 2 << 20]).unwrap_err();
    let fake = FakeKernel::new();
    let error = build(&store, &fake).unwrap_err();
    assert!(matches!(error, KernelError::Store(StoreError::Full { .. })), "{}", chain(&error));
    assert!(is_clean(&at) && fs::read_dir(at.join("results")).unwrap().count() == 0);
    let has_vmlinux = |entry: fs::DirEntry| entry.path().join("dir/vmlinux").is_file();
    assert!(fs::read_dir(at.join("work")).unwrap().flatten().any(has_vmlinux), "it did not come to the installation");
    fs::remove_file(disk.path().join("fill")).unwrap();
    assert!(build(&store, &fake).unwrap().dir.join("kernel/vmlinux").is_file());
    drop(elsewhere);
}

#[test]
fn the_directory_of_a_killed_build_that_cannot_be_built_in_is_emptied_and_an_error_of_the_source_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let fake = FakeKernel::new();
    let first = build(&store, &fake).unwrap();
    let area = dir.path().join(format!("work/{}-kbuild", first.work));
    // As a crash of the machine may leave it: make believes that the object is there.
    fs::write(area.join("in-use"), "").unwrap();
    fs::remove_file(area.join("dir/kernel/a.o")).unwrap();
    fs::create_dir(area.join("dir/kernel/a.o")).unwrap();
    let config = CONFIG.replace("CONFIG_NAME=\"\"", "CONFIG_NAME=\"x\"");
    let second = build_config(&store, &fake, &config).unwrap();
    assert!(second.dir.join("kernel/vmlinux").is_file() && area.join("dir/kernel/a.o").is_file());
    assert!(!area.join("in-use").exists());

    fake.write("kernel/b.c", "int b(void) { return }\n");
    let error = build(&store, &fake).unwrap_err();
    assert!(matches!(error, KernelError::Build(BuildError::Failed { .. })), "{error}");
    let is_marked = |entry: fs::DirEntry| entry.path().join("in-use").exists();
    assert!(!fs::read_dir(dir.path().join("work")).unwrap().flatten().any(is_marked), "it was not cut off");
}

#[test]
fn two_recipes_at_once_share_a_folder_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let fake = FakeKernel::new();
    let configs: Vec<String> =
        (0..3).map(|n| CONFIG.replace("CONFIG_NAME=\"\"", &format!("CONFIG_NAME=\"{n}\""))).collect();
    let kernels: Vec<Kernel> = std::thread::scope(|scope| {
        let (store, fake) = (&store, &fake);
        let mut threads = Vec::new();
        for config in &configs {
            threads.push(scope.spawn(move || build_config(store, fake, config).unwrap()));
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (kernel, config) in kernels.iter().zip(&configs) {
        assert_eq!(fs::read_to_string(kernel.dir.join("config")).unwrap(), *config);
        assert_eq!(kernel.work, kernels[0].work);
    }
    assert!(is_clean(dir.path()));
}

#[test]
fn a_kernel_in_the_store_that_was_damaged_is_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let fake = FakeKernel::new();
    let vmlinux = |kernel: &Kernel| kernel.dir.join("kernel/vmlinux");
    let first = vmlinux(&build(&store, &fake).unwrap());
    let bytes = fs::read(&first).unwrap();
    let mut permissions = fs::metadata(&first).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "whoever damages a file can write it")]
    permissions.set_readonly(false);
    fs::set_permissions(&first, permissions).unwrap();
    fs::write(&first, &bytes[..bytes.len() / 2]).unwrap();
    let again = vmlinux(&build(&store, &fake).unwrap());
    assert_eq!(fs::read(again).unwrap(), bytes);
}

/// After a clock went backwards, or a file was copied with its time, contents count, not times.
#[test]
fn an_edit_with_an_old_time_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let fake = FakeKernel::new();
    let first = build(&store, &fake).unwrap();
    let vmlinux = |kernel: &Kernel| fs::read(kernel.dir.join("kernel/vmlinux")).unwrap();
    // The same number of bytes, and older than every object.
    fake.write("kernel/a.c", "int a(void) { return 7; }\n");
    set_time(&fake.tree().join("kernel/a.c"), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let edited = build(&store, &fake).unwrap();
    assert_ne!(first.key, edited.key);
    assert_ne!(vmlinux(&first), vmlinux(&edited));
    // A time in the future changes nothing by itself.
    set_time(&fake.tree().join("kernel/b.c"), SystemTime::now() + Duration::from_secs(1_000_000));
    assert_eq!(build(&store, &fake).unwrap().key, edited.key);
}

fn set_time(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}
