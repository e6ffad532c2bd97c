//! Modules from outside of the tree on a real kernel, and the firmware that one of them needs: built, loaded, changed.

use kiln_testkit::assert_has;
use serde_json::Value;

use crate::sandbox::Sandbox;

const GIVER: &str = r#"
#include <linux/module.h>
int given(void) { return 42; }
EXPORT_SYMBOL_GPL(given);
MODULE_DESCRIPTION("gives");
MODULE_LICENSE("GPL");
"#;

/// It can only be loaded if the other module and both firmware files are as expected.
const TAKER: &str = r#"
#include <linux/module.h>
#include <linux/firmware.h>
#include <linux/platform_device.h>
#include "given.h"
static struct platform_device *device;
static int has_text(const char *name)
{
	const struct firmware *firmware;
	int error = request_firmware(&firmware, name, &device->dev);
	if (error)
		return error;
	if (firmware->size != 21 || memcmp(firmware->data, "firmware of the test\n", 21))
		error = -EIO;
	release_firmware(firmware);
	return error;
}
static int __init taker_init(void)
{
	int error;
	if (given() != 42)
		return -EINVAL;
	device = platform_device_register_simple("taker", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = has_text("own/probe.bin") ?: has_text("own/alias.bin");
	if (error)
		platform_device_unregister(device);
	return error;
}
static void __exit taker_exit(void) { platform_device_unregister(device); }
module_init(taker_init);
module_exit(taker_exit);
MODULE_FIRMWARE("own/probe.bin");
MODULE_FIRMWARE("own/alias.bin");
MODULE_DESCRIPTION("takes");
MODULE_LICENSE("GPL");
"#;

fn recipe(forms: &str) -> String {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/router-x86_64/kiln.toml");
    format!(
        "imports = [\"{example}\"]\n\
         [kernel]\n\
         extraModules = [\"./modules/taker\", {{ src = \"modules/giver\", make = \"GIVER=m\" }}]\n\
         [kernel.config]\nFW_LOADER_COMPRESS_XZ = \"y\"\nFW_LOADER_COMPRESS_ZSTD = \"y\"\n\
         [hardware]\nfirmware = [\"fw\"]\nfirmwareCompression = \"{forms}\"\n\
         [kmodloader.own]\ntargets = [\"taker\"]\n"
    )
}

fn scene(sandbox: &Sandbox) {
    sandbox
        .file("modules/giver/giver.c", GIVER)
        .file("modules/giver/given.h", "int given(void);\n")
        .file("modules/giver/Kbuild", "obj-$(GIVER) := giver.o\n")
        // Left by a manual build, against an arbitrary kernel.
        .file("modules/giver/giver.o", "stale")
        .file("modules/giver/Module.symvers", "stale")
        .file("modules/taker/main.c", TAKER)
        .file("modules/taker/Makefile", "obj-m := taker.o\ntaker-y := main.o\nccflags-y += -I$(src)/../giver\n")
        .file("fw/own/probe.bin", "firmware of the test\n");
    std::os::unix::fs::symlink("probe.bin", sandbox.path().join("fw/own/alias.bin")).expect("link");
}

#[test]
#[ignore = "slow: builds a kernel and boots it"]
fn modules_of_ones_own_are_built_loaded_and_changed_without_the_kernel() {
    assert_has(&["qemu-system-x86_64"]);
    let sandbox = Sandbox::with_shared_store();
    scene(&sandbox);
    let json = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let built = |sandbox: &Sandbox| json(&sandbox.kiln(&["build", "--json"]).expect(0).stdout);
    sandbox.file("kiln.toml", recipe("xz"));
    let xz = built(&sandbox);
    let modules: Vec<&str> = xz["loaders"]["own"]["modules"]
        .as_array()
        .expect("modules")
        .iter()
        .map(|module| module["path"].as_str().expect("path").rsplit_once("/updates/").expect("from outside").1)
        .collect();
    assert_eq!(modules, ["giver.ko", "taker.ko"]);
    assert_eq!(xz["firmware"]["own/alias.bin"]["path"], "lib/firmware/own/alias.bin.xz");
    let verdict = json(&sandbox.kiln(&["boot", "--json"]).expect(0).stdout);
    assert_eq!(verdict["ok"], true, "{verdict:#}");

    // Another form of firmware and another source: the same kernel.
    sandbox.file("kiln.toml", recipe("auto"));
    sandbox.file("modules/giver/giver.c", GIVER.replace("42", "43 - 1"));
    let zstd = built(&sandbox);
    assert_eq!(zstd["kernel"]["keys"]["kernel"], xz["kernel"]["keys"]["kernel"]);
    assert_ne!(zstd["kernel"]["keys"]["extraModules"], xz["kernel"]["keys"]["extraModules"]);
    assert_eq!(zstd["firmware"]["own/probe.bin"]["path"], "lib/firmware/own/probe.bin.zst");
    let verdict = json(&sandbox.kiln(&["boot", "--json"]).expect(0).stdout);
    assert_eq!(verdict["ok"], true, "{verdict:#}");
    faults(&sandbox);
}

/// Each error is reported with the user's own paths.
fn faults(sandbox: &Sandbox) {
    sandbox.file("modules/taker/main.c", TAKER.replace("given() != 42", "given( != 42"));
    let ran = sandbox.kiln(&["build"]).expect(4).says("modules/taker does not build").says("modules/taker/main.c:");
    assert!(!ran.stderr.contains("/work/"), "{}", ran.block());
    sandbox.file("modules/taker/main.c", TAKER.replace("given() != 42", "absent() != 42"));
    sandbox.file("modules/giver/given.h", "int given(void);\nint absent(void);\n");
    sandbox.kiln(&["build"]).expect(4).says("\"absent\"").says("undefined");
    sandbox.file("modules/giver/Kbuild", "obj-$(TAKER) := giver.o\n");
    sandbox.file("modules/taker/main.c", GIVER);
    sandbox.kiln(&["build"]).expect(1).says("modules/giver builds no module");
    std::fs::remove_file(sandbox.path().join("modules/giver/Kbuild")).expect("removed");
    sandbox.kiln(&["build"]).expect(1).says("bad-extra-module").says("kiln.toml:3:");
    sandbox.file(
        "kiln.toml",
        "[kernel]\nextraModules = [{ src = \"x\", make = \"O=/\" }, { src = \"y\", dir = \"..\" }]\n",
    );
    sandbox.kiln(&["eval"]).expect(1).says("`O` is set by kiln").says("not the path of a directory in the source");
}
