//! The steps of a build and the keys of their results.
//!
//! | step | in the key | left out, and why |
//! |---|---|---|
//! | `base/1` | tree, ARCH, toolchain identity, the make target that puts the base config together | requests: they come on top |
//! | `extra-modules/1` | the kernel's key, of each source its contents, the directory in it and the variables for make, in order | where the sources are; how many compilers run |
//! | `firmware/1` | the form, each file's name and the digest of its content as it was found | where it was found |
//! | `kernel/4` | tree, ARCH, toolchain identity, the resolved config's text, the make targets in order, the signing key where modules are signed, the contents of files outside of the tree that the config has built in (initramfs, firmware, certificates) | the number of jobs, the directory, user, host and time: the build is set up so that they do not show |
//! | `deployed/1` | the keys of two kernels: the one that is out there, the one whose modules are to fit it | all else: it is in these keys |
//! | `busybox/1` | the patched source, toolchain identity, the C library's archive, the config it starts from | the machine's name: the toolchain is of one machine |
//! | `dtc/1` | tree | arch and config: `dtc` is the same with each |
//! | `output/1` | its type and settings, the kernel, contents that it takes in, keys of the outputs that it is made of, the host's programs by their content | the name of the output and of its file; files in a device tree's directories that it does not include |
//! | `result/1` | kernel, everything that the manifest says, firmware contents, rendered services | the recipe's files as such: a comment moves nothing but line numbers |
//!
//! The tree's own key (source, patches, patch phase) is made where sources are fetched, since contents are known only
//! there. A step whose work changes gets a new number.

use crate::{Key, KeyWriter};

/// The inputs of a base config.
#[derive(Debug, Clone, Copy)]
pub struct BaseInputs<'a> {
    /// The patched tree.
    pub tree: &'a Key,
    /// The kernel's ARCH.
    pub arch: &'a str,
    /// The compiler and related tools, as `build`'s toolchain names them.
    pub toolchain: &'a str,
    /// The make target.
    pub target: &'a str,
}

/// The inputs of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct KernelInputs<'a> {
    /// The patched tree.
    pub tree: &'a Key,
    /// The kernel's ARCH.
    pub arch: &'a str,
    /// The compiler and related tools, as `build`'s toolchain names them.
    pub toolchain: &'a str,
    /// The resolved `.config`.
    pub config: &'a str,
    /// Make's targets, in order.
    pub targets: &'a [String],
    /// A digest of the key that modules are signed with; its certificate is part of the kernel.
    pub signing_key: Option<&'a str>,
    /// Files outside of the tree that the config names, each with a digest.
    pub files: &'a [String],
}

/// The inputs of modules from outside of the tree.
#[derive(Debug, Clone, Copy)]
pub struct ExtraModulesInputs<'a> {
    /// The kernel's key: it covers the tree, the config, the toolchain and the signing key.
    pub kernel: &'a Key,
    /// Each source's settings in the recipe, and its contents.
    pub sources: &'a [(String, Key)],
}

/// The inputs of an output.
#[derive(Debug, Clone, Default)]
pub struct OutputInputs {
    /// Its type, as the recipe names it.
    pub kind: &'static str,
    /// The kernel, when it is part of it.
    pub kernel: Option<Key>,
    /// Its settings in the recipe, by name.
    pub settings: Vec<(String, String)>,
    /// Digests of the files in it, and of the programs that make it, by name.
    pub contents: Vec<(String, [u8; 32])>,
    /// Keys of the other outputs that it is made from, by name.
    pub outputs: Vec<(String, Key)>,
}

/// Returns the key of a base config that a makefile of the tree puts together.
pub fn base_key(inputs: &BaseInputs<'_>) -> Key {
    let mut key = KeyWriter::new("base/2");
    key.field("tree", inputs.tree).field("arch", inputs.arch).field("toolchain", inputs.toolchain);
    key.field("target", inputs.target);
    key.finish()
}

/// Returns the key of the built kernel with all its modules.
pub fn kernel_key(inputs: &KernelInputs<'_>) -> Key {
    let mut key = KeyWriter::new("kernel/4");
    key.field("tree", inputs.tree).field("arch", inputs.arch).field("toolchain", inputs.toolchain);
    key.field("config", inputs.config).list("targets", inputs.targets);
    key.list("signing key", inputs.signing_key);
    if !inputs.files.is_empty() {
        key.list("files", inputs.files);
    }
    key.finish()
}

/// Returns the key of modules that were built against a kernel.
pub fn extra_modules_key(inputs: &ExtraModulesInputs<'_>) -> Key {
    let mut key = KeyWriter::new("extra-modules/1");
    key.field("kernel", inputs.kernel);
    for (settings, contents) in inputs.sources {
        key.field("settings", settings).field("contents", contents);
    }
    key.finish()
}

/// Returns the key of a directory of firmware files in one form: `files` are their names, each with a digest of its
/// content.
pub fn firmware_key<'a>(ending: &str, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Key {
    let mut key = KeyWriter::new("firmware/1");
    key.field("ending", ending);
    for (name, digest) in files {
        key.field(name, digest);
    }
    key.finish()
}

/// Returns the key of a kernel with the images of one build and the modules of another.
pub fn deployed_key(images: &str, modules: &Key) -> Key {
    let mut key = KeyWriter::new("deployed/1");
    key.field("images", images).field("modules", modules);
    key.finish()
}

/// The inputs of a static busybox.
#[derive(Debug, Clone, Copy)]
pub struct BusyboxInputs<'a> {
    /// The patched source.
    pub source: &'a Key,
    /// The compiler and related tools, as `build`'s toolchain names them.
    pub toolchain: &'a str,
    /// A digest of the C library that is linked in.
    pub libc: &'a str,
    /// The config that it starts from.
    pub config: &'a str,
}

/// Returns the key of a busybox for a guest.
pub fn busybox_key(inputs: &BusyboxInputs<'_>) -> Key {
    let mut key = KeyWriter::new("busybox/1");
    key.field("source", inputs.source).field("toolchain", inputs.toolchain);
    key.field("libc", inputs.libc).field("config", inputs.config);
    key.finish()
}

/// Returns the key of an output.
pub fn output_key(inputs: &OutputInputs) -> Key {
    let mut key = KeyWriter::new("output/1");
    key.field("kind", inputs.kind).list("kernel", inputs.kernel.as_ref());
    for (name, value) in &inputs.settings {
        key.field("setting", name).field("value", value);
    }
    for (name, digest) in &inputs.contents {
        key.field("content", name).field("digest", digest);
    }
    for (name, other) in &inputs.outputs {
        key.field("output", name).field("key", other);
    }
    key.finish()
}

/// Returns the key of the directory that `./result` points at: `files` are all its paths with a digest of each one's
/// content.
pub fn result_key<'a>(kernel: &Key, manifest: &str, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Key {
    let mut key = KeyWriter::new("result/1");
    key.field("kernel", kernel).field("manifest", manifest);
    for (path, digest) in files {
        key.field(path, digest);
    }
    key.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Key {
        KeyWriter::new("tree").finish()
    }

    #[test]
    fn every_input_of_a_busybox_counts() {
        let (source, other) = (tree(), KeyWriter::new("other").finish());
        let base = BusyboxInputs { source: &source, toolchain: "gcc 12", libc: "l", config: "CONFIG_STATIC=y\n" };
        let variants = [
            BusyboxInputs { source: &other, ..base },
            BusyboxInputs { toolchain: "gcc 13", ..base },
            BusyboxInputs { libc: "m", ..base },
            BusyboxInputs { config: "", ..base },
        ];
        for variant in &variants {
            assert_ne!(busybox_key(variant), busybox_key(&base), "{variant:?}");
        }
    }

    #[test]
    fn every_input_of_a_kernel_counts() {
        let tree = tree();
        let targets = ["bzImage".to_owned()];
        let base = KernelInputs {
            tree: &tree,
            arch: "x86",
            toolchain: "gcc 12",
            config: "CONFIG_A=y\n",
            targets: &targets,
            signing_key: None,
            files: &[],
        };
        let files = ["/init 1".to_owned()];
        let other_tree = KeyWriter::new("other").finish();
        let variants = [
            KernelInputs { tree: &other_tree, ..base },
            KernelInputs { arch: "arm", ..base },
            KernelInputs { toolchain: "gcc 13", ..base },
            KernelInputs { config: "CONFIG_A=m\n", ..base },
            KernelInputs { targets: &[], ..base },
            KernelInputs { signing_key: Some("k"), ..base },
            KernelInputs { files: &files, ..base },
        ];
        for variant in &variants {
            assert_ne!(kernel_key(variant), kernel_key(&base), "{variant:?}");
        }
        assert_eq!(kernel_key(&base), kernel_key(&base.clone()));
    }
}
