//! A kernel tree in miniature: a makefile with Kbuild's targets and output format, a `conf`, and real C files.
//!
//! It compiles quickly with the host's own compiler, and fails on request: with a file `twist` its Kconfig differs,
//! with `edit` next to it a source changes while it is built, the sources can be replaced by ones that do not compile,
//! and `slow`, `kill`, `env` in the output directory change the recipe of `kernel/b.o`.

use std::path::{Path, PathBuf};

use kiln_kbuild::make::{BuildError, BuildSpec, Built};
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain};
use kiln_store::{Progress, Silent};

/// The tree, with directories for output next to it.
pub(crate) struct FakeKernel {
    dir: tempfile::TempDir,
    pub(crate) target: Target,
    pub(crate) toolchain: Toolchain,
}

/// The resolved configuration of the fake without requests.
pub(crate) const CONFIG: &str =
    "#\n# Fake\n#\nCONFIG_MODULES=y\nCONFIG_NET=m\n# CONFIG_USB is not set\nCONFIG_NAME=\"\"\n";

/// Returns a host with the programs that the fake's recipes call.
pub(crate) fn host() -> Host {
    Host::new("/usr/local/bin:/usr/bin:/bin")
}

impl FakeKernel {
    pub(crate) fn new() -> FakeKernel {
        let dir = tempfile::tempdir().unwrap();
        let target = Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") };
        let kernel = FakeKernel { dir, target, toolchain: Toolchain::discover(&host(), &Programs::gnu("")).unwrap() };
        for (name, text) in FILES {
            kernel.write(name, text);
        }
        kernel
    }

    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("build.log")
    }

    /// Writes a file of the tree.
    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.tree().join(name), text);
    }

    /// Writes a file of the output directory.
    pub(crate) fn write_out(&self, name: &str, text: &str) {
        write(&self.out().join(name), text);
    }

    pub(crate) fn build(&self) -> Result<Built, BuildError> {
        self.build_with(&["bzImage".to_owned()], CONFIG, &Silent)
    }

    pub(crate) fn build_with(
        &self,
        targets: &[String],
        config_text: &str,
        progress: &dyn Progress,
    ) -> Result<Built, BuildError> {
        self.build_in(&self.out(), &self.log(), targets, config_text, progress)
    }

    pub(crate) fn build_in(
        &self,
        out: &Path,
        log: &Path,
        targets: &[String],
        config_text: &str,
        progress: &dyn Progress,
    ) -> Result<Built, BuildError> {
        let spec = BuildSpec {
            tree: &self.tree(),
            out,
            target: &self.target,
            toolchain: &self.toolchain,
            config_text,
            targets,
            jobs: 4,
            signing_key: None,
            log,
        };
        kiln_kbuild::make::build(&spec, progress)
    }

    /// Returns every file of the tree with its text.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.tree()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), std::fs::read(&path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const FILES: &[(&str, &str)] = &[
    ("Makefile", MAKEFILE),
    ("Kbuild", "obj-y += kernel/\nobj-y += net/\n"),
    ("kernel/Makefile", "obj-y := a.o b.o\n"),
    ("net/Makefile", "obj-$(CONFIG_NET) += net.o\n"),
    ("Kconfig", "source \"kernel/Kconfig\"\nsource \"arch/$(SRCARCH)/Kconfig\"\n"),
    ("kernel/Kconfig", KCONFIG),
    ("arch/x86/Kconfig", "config X86\n\tdef_bool y\n"),
    ("arch/arm/Kconfig", "config ARM_LPAE\n\tbool \"LPAE\"\n"),
    ("arch/x86/Makefile", "made_defconfig:\n"),
    ("arch/x86/configs/file_defconfig", "CONFIG_USB=y\nCONFIG_NAME=\"file\"\n"),
    ("kernel/configs/tiny-base.config", "CONFIG_NAME=\"tiny\"\n"),
    ("arch/x86/configs/tiny.config", "CONFIG_USB=y"),
    ("scripts/kconfig/conf", CONF),
    ("kernel/a.c", "int a(void) { return 1; }\n"),
    ("kernel/b.c", "int b(void) { return 2; }\n"),
    ("net/net.c", "int net(void) { return 3; }\n"),
];

const KCONFIG: &str = "\
config MODULES
\tbool \"modules\"
\tdefault y
\tmodules
config NET
\ttristate \"net\"
\tdefault m
config USB
\ttristate \"usb\"
config NAME
\tstring \"name\"
";

/// `conf`: a symbol's value is the last assignment in the seed, otherwise its value for the mode.
const CONF: &str = r##"
set -e
case $1 in
    broken_defconfig) echo 'kernel/Kconfig:3: syntax error' >&2; exit 1;;
    made_defconfig) seed="$srctree/arch/x86/configs/file_defconfig";;
    olddefconfig | syncconfig) seed=.config;;
    *) seed=${KCONFIG_ALLCONFIG:-/dev/null};;
esac
if grep -q 'CONFIG_NET=bad' "$seed"; then echo "$seed:1:warning: symbol value 'bad' invalid for NET" >&2; fi
value() { # name, otherwise
    line=$(grep -E "^(CONFIG_$1=|# CONFIG_$1 is not set)" "$seed" | tail -n 1)
    [ -n "$line" ] || line=$2
    echo "$line"
}
otherwise='# CONFIG_NET is not set'
case $1 in alldefconfig | made_defconfig) otherwise='CONFIG_NET=m';; esac
{
    printf '#\n# Fake\n#\n'
    value MODULES 'CONFIG_MODULES=y'
    value NET "$otherwise"
    value USB '# CONFIG_USB is not set'
    value NAME 'CONFIG_NAME=""'
} > .config.new
if [ -f "$srctree/twist" ]; then sed -i 's/^CONFIG_NET=m/CONFIG_NET=y/' .config.new; fi
if [ "$1" != syncconfig ] || ! cmp -s .config.new .config; then cp .config.new .config; fi
rm .config.new
"##;

const MAKEFILE: &str = r##"VERSION = 6
PATCHLEVEL = 99
SUBLEVEL = 0
EXTRAVERSION =
# The fake keeps Kbuild's promises: messages, notes (.cmd) written behind each object, lists of modules.
export srctree := $(CURDIR)
CC := gcc
# Without it make would delete the objects of modules as intermediate.
.SECONDARY:
modules := $(if $(shell grep -s CONFIG_NET=m $(O)/.config),net)

define compile
	@mkdir -p $(@D)
	@echo '  CC      $(1)'; $(CC) -c -o $@ $(srctree)/$(1:.o=.c) && echo 'note: $$(wildcard include/config/NET)' > $(O)/$(dir $(1)).$(notdir $(1)).cmd
endef

alldefconfig allnoconfig olddefconfig syncconfig made_defconfig broken_defconfig:
	@cd $(O) && sh $(srctree)/scripts/kconfig/conf $@

vmlinux: $(O)/vmlinux
$(O)/vmlinux: $(O)/kernel/a.o $(O)/kernel/b.o $(if $(modules),,$(O)/net/net.o)
	@mkdir -p $(O)/include/config; echo 6.99.0-fake > $(O)/include/config/kernel.release
	@cp $(O)/.config $(O)/include/config/auto.conf
	@[ ! -f $(O)/env ] || env > $(O)/env
	@echo '  LD      vmlinux'; ld -r -o $@ $^; nm $@ > $(O)/System.map

bzImage: vmlinux
	@mkdir -p $(O)/arch/x86/boot; cp $(O)/vmlinux $(O)/arch/x86/boot/bzImage

dtbs:
	@mkdir -p $(O)/arch/x86/boot/dts/acme; touch $(O)/arch/x86/boot/dts/acme/a.dtb $(O)/arch/x86/boot/dts/b.dtbo

all: bzImage
quiet forgetful:
	@:
image_name:
	@echo $(if $(wildcard $(O)/no-image),,arch/x86/boot/bzImage)

lexer:
	@echo '  LEX     scripts/lexer.c'; PATH=/nonexistent flex

modules: $(modules:%=$(O)/net/%.ko)
	@echo "$(modules:%=net/%.o)" > $(O)/modules.order; touch $(O)/modules.builtin $(O)/Module.symvers
$(O)/net/%.ko: $(O)/net/%.o
	@echo '  LD [M]  net/$*.ko'; cp $< $@

$(O)/kernel/b.o: $(srctree)/kernel/b.c
	@mkdir -p $(@D)
	@if [ -f $(srctree)/edit ]; then echo '/* edited */' >> $(srctree)/kernel/a.c; fi
	@if [ -f $(O)/slow ]; then sleep 300 & echo $$! > $(O)/slow.tmp; mv $(O)/slow.tmp $(O)/slow.pid; wait; fi
	@if [ -f $(O)/kill ]; then rm $(O)/kill; echo half > $@; kill -KILL $$PPID; sleep 5; fi
	@if [ -f $(O)/fill ]; then cat /dev/zero > $(O)/kernel/zero; exit 1; fi
	$(call compile,kernel/b.o)
$(O)/%.o: $(srctree)/%.c
	$(call compile,$*.o)
"##;
