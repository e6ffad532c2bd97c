//! `kiln fix`: on a tree of a few symbols, and on Debian's.

use std::fs;

use crate::sandbox::Sandbox;

/// A tree that is just enough of a kernel to be resolved.
fn small(requests: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n");
    sandbox.file("tree/scripts/kconfig/conf.c", "");
    sandbox.file("tree/arch/x86/Kconfig", "");
    sandbox.file("tree/arch/x86/Makefile", "");
    sandbox.file("tree/arch/arm/Kconfig", "config ARM_ONLY\n\tbool \"for arm\"\n");
    sandbox.file(
        "tree/Kconfig",
        "config MODULES\n\tbool \"Modules\"\n\tmodules\n\tdefault y\n\
         config NET\n\tbool \"Networking\"\n\tselect SOCKETS\nconfig SOCKETS\n\tbool\n\
         config DRM\n\ttristate \"Graphics\"\nconfig I915\n\ttristate \"Intel\"\n\tdepends on DRM && NET\n\
         config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on !A\n",
    );
    sandbox.file(
        "kiln.toml",
        format!("# ours\n[kernel]\nsrc = \"tree\"\narch = \"x86_64\"\nbaseConfig = \"allnoconfig\"\n\n[kernel.config]\nMODULES = \"y\"\n{requests}"),
    );
    sandbox
}

#[test]
fn a_symbol_is_recognised_under_its_new_name() {
    let sandbox = small("");
    sandbox.kiln(&["-q", "check"]).expect(0);
    let kconfig = fs::read_to_string(sandbox.path().join("tree/Kconfig")).unwrap();
    let newer = kconfig.replace("config NET\n", "config NETWORKING\n").replace("DRM && NET", "DRM && NETWORKING");
    sandbox.file("tree/Kconfig", newer.replace("config B\n\tbool \"b\"\n\tdepends on !A\n", ""));
    sandbox.file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 18\nSUBLEVEL = 2\nEXTRAVERSION =\n");
    let recipe = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    sandbox.file("kiln.toml", format!("{recipe}NET = \"y\"\nB = \"y\"\n"));
    for command in ["check", "fix"] {
        let ran =
            sandbox.kiln(&["-q", "--details", command]).expect(1).says("`NET` is called `NETWORKING` in this kernel");
        let ran = ran.says("in Linux 6.12.1, which was resolved here before, `NET` has the prompt \"Networking\"");
        ran.says("set `NETWORKING = \"y\"`").says("Linux 6.12.1 has it: \"b\" in Kconfig");
    }
}

#[test]
fn a_fix_is_lines_to_paste() {
    let sandbox = small("DRM = \"m\"\nI915 = \"y\" # the screen\n");
    let ran = sandbox.kiln(&["-q", "fix"]).expect(0);
    for line in [
        "I915 = \"y\" (kiln.toml:10:1) does not hold yet",
        "1. 2 requests, the smallest number possible:",
        "    DRM = \"y\"  # \"Graphics\", Kconfig:10, instead of \"m\", for I915",
        "    NET = \"y\"  # \"Networking\", Kconfig:5, for I915",
        "  turns on 1 more: SOCKETS",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.block());
    }
    let shown: serde_json::Value =
        serde_json::from_str(&sandbox.kiln(&["-q", "fix", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["outcome"], "fixed");
    assert_eq!(shown["fixes"][0]["requests"][1]["symbol"], "NET");
    assert_eq!(shown["fixes"][0]["smallest"], true);
}

#[test]
fn what_is_asked_for_is_fixed_too() {
    let sandbox = small("");
    let ran = sandbox.kiln(&["-q", "fix"]).expect(0);
    assert_eq!(ran.stdout, "the one request holds\n");
    let ran = sandbox.kiln(&["-q", "fix", "CONFIG_NET=y"]).expect(0);
    assert_eq!(ran.stdout, "this request is enough:\n    NET = \"y\"  # as requested\n");
    let ran = sandbox.kiln(&["-q", "fix", "I915=m"]).expect(0);
    assert!(ran.stdout.contains("    I915 = \"m\"  # as requested\n    DRM = \"m\"  #"), "{}", ran.block());
}

#[test]
fn what_cannot_be_fixed_is_named() {
    let sandbox = small("A = \"y\"\nB = \"y\"\n");
    sandbox.kiln(&["fix"]).expect(1).says("`A = \"y\"` and `B = \"y\"` cannot hold together").says("kiln.toml:9:1");
    let ran = sandbox.kiln(&["fix"]).says("`B` needs !A [=y] (Kconfig:");
    assert!(ran.stdout.is_empty(), "{}", ran.block());
    let sandbox = small("ARM_ONLY = \"y\"\nNETT = \"y\"\nDRM = \"yes\"\nI915 = \"m\"\n");
    let ran = sandbox.kiln(&["fix"]).expect(1);
    let ran = ran.says("`ARM_ONLY` exists only for `arm`").says("no symbol `NETT`").says("did you mean `NET`");
    assert!(ran.stderr.contains("wrong-type"), "{}", ran.block());
    let ran = sandbox.kiln(&["fix", "NETX=y"]).expect(1).says("no symbol `NETX`");
    assert!(!ran.stdout.contains("NETX"), "what there is not is no part of a fix: {}", ran.block());
    small("").kiln(&["fix", "NET"]).expect(2).says("`NET` is not a request");
}

#[test]
fn no_time_is_said_to_be_none() {
    let sandbox = small("I915 = \"m\"\n");
    sandbox.kiln(&["fix", "--deadline", "0"]).expect(6).says("the search was not complete after 0 s");
    sandbox.kiln(&["fix", "--deadline", "nan"]).expect(2).says("is not a number of seconds");
}

#[test]
fn no_memory_is_not_called_a_lack_of_time() {
    let sandbox = small("I915 = \"m\"\n");
    let ran = sandbox.kiln_within(400, &["-q", "fix"]);
    ran.expect(3).says("the solver cannot allocate 512 MiB of memory").says("ulimit -v");
    sandbox
        .kiln_within(400, &["-q", "check"])
        .expect(1)
        .says("no fix was searched for: the solver cannot allocate 512 MiB");
}

#[test]
fn two_members_of_a_choice_are_named_once() {
    let sandbox = small("FAST = \"y\"\nSLOW = \"y\"\n");
    let kconfig = fs::read_to_string(sandbox.path().join("tree/Kconfig")).unwrap();
    let choice = "choice\n\tprompt \"Speed\"\nconfig FAST\n\tbool \"fast\"\nconfig SLOW\n\tbool \"slow\"\nendchoice\n";
    sandbox.file("tree/Kconfig", kconfig + choice);
    let ran = sandbox.kiln(&["-q", "check"]).expect(1).says("its choice is set to `SLOW`");
    assert!(!ran.stderr.contains("error[contradiction]"), "{}", ran.block());
    sandbox.kiln(&["-q", "fix"]).expect(1).says("`FAST = \"y\"` and `SLOW = \"y\"` cannot hold together");
}

#[test]
fn a_written_fix_is_all_that_is_missing() {
    let sandbox = small("# the screen\nDRM = \"m\"\nI915 = \"y\" # ours\n\n# the end\n");
    let ran = sandbox.kiln(&["-q", "check"]).expect(1);
    assert!(ran.stderr.contains("all requests hold with `DRM = \"y\"` and `NET = \"y\"`"), "{}", ran.block());
    let ran = sandbox.kiln(&["-q", "fix", "--write"]).expect(0);
    assert!(ran.stdout.ends_with("written to kiln.toml\n"), "{}", ran.block());
    let recipe = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    assert!(
        recipe.ends_with(
            "MODULES = \"y\"\n# the screen\n\
             DRM = \"y\" # \"Graphics\", Kconfig:10, instead of \"m\", for I915\n\
             I915 = \"y\" # ours\n\
             NET = \"y\" # \"Networking\", Kconfig:5, for I915\n\n# the end\n"
        ),
        "{recipe}"
    );
    sandbox.kiln(&["-q", "check"]).expect(0);
    assert_eq!(sandbox.kiln(&["-q", "fix", "--write"]).expect(0).stdout, "all 4 requests hold\n");
    assert_eq!(fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap(), recipe);
}

#[test]
fn a_fix_is_written_where_the_request_stands() {
    let sandbox = small("");
    let recipe = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    let with_import = |file: &str| format!("imports = [\"./{file}\"]\n{recipe}");
    sandbox.file("kiln.toml", with_import("board.config")).file("board.config", "# board\nCONFIG_I915=m\n# end\n");
    sandbox.kiln(&["-q", "fix", "--write"]).expect(0);
    assert_eq!(
        fs::read_to_string(sandbox.path().join("board.config")).unwrap(),
        "# board\nCONFIG_I915=m\n# \"Graphics\", Kconfig:10, for I915\nCONFIG_DRM=m\n\
         # \"Networking\", Kconfig:5, for I915\nCONFIG_NET=y\n# end\n"
    );
    assert_eq!(fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap(), with_import("board.config"));
    sandbox.kiln(&["-q", "check"]).expect(0);

    // JSON has no comments, so the request goes into the main file.
    let json = "{ \"kernel\": { \"config\": { \"I915\": \"m\" } } }\n";
    sandbox.file("kiln.toml", with_import("board.json")).file("board.json", json);
    sandbox.kiln(&["-q", "fix", "--write"]).expect(0);
    assert_eq!(fs::read_to_string(sandbox.path().join("board.json")).unwrap(), json);
    sandbox.kiln(&["-q", "check"]).expect(0);

    sandbox.file("kiln.toml", &recipe);
    sandbox.kiln(&["-q", "fix", "--write", "I915=m"]).expect(0);
    let written = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    assert!(written.contains("\nI915 = \"m\"\nDRM = \"m\" # "), "{written}");
    sandbox.kiln(&["-q", "check"]).expect(0);
}

#[test]
fn a_recipe_that_cannot_be_written_is_left_alone() {
    let same = |sandbox: &Sandbox, code: i32, says: &str| {
        let file = sandbox.path().join("kiln.toml");
        let before = fs::read(&file).unwrap();
        sandbox.kiln(&["-q", "fix", "--write"]).expect(code).says(says);
        assert_eq!(fs::read(&file).unwrap(), before);
        assert_eq!(fs::read_dir(sandbox.path()).unwrap().count(), 3, "the recipe, the tree and the store");
    };
    let sandbox = small("I915 = \"m\"\n");
    let file = sandbox.path().join("kiln.toml");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    same(&sandbox, 3, "kiln.toml is read-only");
    same(&small("A = \"y\"\nB = \"y\"\n"), 1, "cannot hold together");
    same(&small("NOWHERE = \"y\"\n"), 1, "no symbol `NOWHERE`");
    // The fix makes a condition true whose requests do not hold.
    let condition = "A = \"y\"\nI915 = \"m\"\n[kernel.conditionalConfig.NET]\nB = \"y\"\n";
    same(&small(condition), 1, "conditional requests of the recipe do not hold");
}

/// A tree in which some requests cannot hold, each for another reason, and the most harmful fix is the shortest.
fn trap(requests: &str) -> Sandbox {
    let sandbox = small("");
    sandbox.file(
        "tree/Kconfig",
        "config MODULES\n\tbool \"modules\"\n\tmodules\n\tdefault y\n\
         config P\n\tbool \"p\"\nconfig X\n\tbool \"x\"\n\tdepends on P\n\
         config NEVER\n\tbool\nconfig Y\n\tbool \"y\"\n\tdepends on NEVER\n\
         config TOOL\n\tdef_bool $(shell,false && echo y || echo n)\nconfig Z\n\tbool \"z\"\n\tdepends on TOOL\n\
         config CT\n\ttristate \"conntrack\"\n\tdefault m\nconfig XT\n\ttristate \"tables\"\n\tdefault m\n\
         config NAT\n\ttristate \"nat\"\n\tdepends on CT && XT\nconfig D1\n\ttristate \"driver\"\n\tdefault m\n\
         config SAFE\n\tbool \"safe\"\n\tdepends on !MODULES\n\
         config EXPERT\n\tbool \"expert\"\nconfig RT\n\tbool \"rt\"\n\tdepends on EXPERT\n\
         config SPACES\n\tbool \"spaces\" if EXPERT\n\tdefault !EXPERT\n\
         config PIDS\n\tbool \"pids\"\n\tdepends on SPACES\n\tdefault y\n",
    );
    sandbox.file(
        "kiln.toml",
        format!(
            "[kernel]\nsrc = \"tree\"\narch = \"x86_64\"\nmakeTargets = [\"vmlinux\"]\n[kernel.config]\n{requests}"
        ),
    );
    sandbox
}

#[test]
fn each_request_that_cannot_hold_is_named_and_the_others_are_fixed() {
    let sandbox = trap("X = \"y\"\nY = \"y\"\nZ = \"y\"\n");
    let ran = sandbox.kiln(&["-q", "fix"]).expect(1);
    let ran =
        ran.says("no further requests make `Y = \"y\"` hold").says("error[missing-tool-feature]: `Z` was requested");
    assert!(ran.stdout.contains("    P = \"y\"  # \"p\", Kconfig:5, for X\n"), "{}", ran.block());
    assert!(!ran.stdout.contains("Y = ") && !ran.stdout.contains("Z = "), "{}", ran.block());
    let shown: serde_json::Value =
        serde_json::from_str(&sandbox.kiln(&["-q", "fix", "--json"]).expect(1).stdout).unwrap();
    assert_eq!(shown["outcome"], "fixed");
    assert_eq!(shown["setAside"][0]["symbol"], "Y");
    assert_eq!(shown["setAside"][0]["reason"], "unreachable");
    assert_eq!(shown["setAside"][1]["symbol"], "Z");
    assert_eq!(shown["setAside"][1]["reason"], "tool");
    sandbox.kiln(&["-q", "check"]).expect(1).says("all other requests hold with `P = \"y\"`");
    let ran = sandbox.kiln(&["-q", "fix", "--write"]).expect(1);
    assert!(ran.stdout.ends_with("written to kiln.toml\n"), "{}", ran.block());
    let ran = sandbox.kiln(&["-q", "check"]).expect(1);
    assert!(ran.stdout.starts_with("2 of 4 requests hold"), "{}", ran.block());
}

#[test]
fn what_a_loader_needs_is_never_turned_off() {
    let loader = "[kmodloader.wifi]\ntargets = [\"d1\"]\n";
    let ran = trap(&format!("NAT = \"y\"\n{loader}")).kiln(&["-q", "fix"]).expect(0);
    assert!(ran.stdout.contains("    CT = \"y\"  # \"conntrack\""), "{}", ran.block());
    assert!(ran.stdout.contains("    XT = \"y\"  # \"tables\""), "{}", ran.block());
    assert!(!ran.stdout.contains("MODULES"), "{}", ran.block());
    let sandbox = trap(&format!("SAFE = \"y\"\n{loader}"));
    let ran = sandbox.kiln(&["-q", "fix"]).expect(1);
    ran.says("`SAFE = \"y\"` would turn off what the loaders need: MODULES");
    let ran = trap("SAFE = \"y\"\n").kiln(&["-q", "fix"]).expect(0);
    assert!(ran.stdout.contains("    MODULES = \"n\""), "without a loader it is a way: {}", ran.block());
}

#[test]
fn large_consequences_are_said_first_and_not_recommended() {
    let sandbox = trap("SAFE = \"y\"\n");
    let mut kconfig = fs::read_to_string(sandbox.path().join("tree/Kconfig")).unwrap();
    for driver in 0..300 {
        kconfig += &format!("config DRIVER_{driver}\n\ttristate \"driver\"\n\tdefault m\n");
    }
    sandbox.file("tree/Kconfig", kconfig);
    let ran = sandbox.kiln(&["-q", "fix"]).expect(0);
    let told = "every way has large consequences: with the first, it turns on 303 more\n\n1. 1 request, ";
    assert!(ran.stdout.contains(told), "{}", ran.block());
    assert!(ran.stdout.contains("DRIVER_8 and 291 others\n"), "{}", ran.block());
    let ran = sandbox.kiln(&["-q", "fix", "--all"]).expect(0);
    assert!(ran.stdout.contains("DRIVER_298, DRIVER_299\n"), "{}", ran.block());
    let ran = sandbox.kiln(&["-q", "check"]).expect(1);
    let ran = ran.says("all requests hold with `MODULES = \"n\"`, which has large consequences (it turns on 303 more)");
    assert!(!ran.stderr.contains("--write"), "{}", ran.block());
}

#[test]
fn what_a_fix_turns_off_can_be_kept() {
    let sandbox = trap("RT = \"y\"\n");
    let ran = sandbox.kiln(&["-q", "fix"]).expect(0);
    for line in [
        "    EXPERT = \"y\"  # \"expert\"",
        "  turns off or lowers 2 more: SPACES, PIDS\n",
        "  1 more request would keep all of them (`--keep` adds them):\n      SPACES = \"y\"  # \"spaces\", Kconfig:",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.block());
    }
    let ran = sandbox.kiln(&["-q", "fix", "--keep", "--write"]).expect(0);
    assert!(!ran.stdout.contains("turns off"), "{}", ran.block());
    let recipe = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    assert!(
        recipe.contains("SPACES = \"y\" # \"spaces\", Kconfig:") && recipe.contains(", kept as it is\n"),
        "{recipe}"
    );
    sandbox.kiln(&["-q", "check"]).expect(0);
}

/// Requests over a base of Debian's tree, and the expected output of `kiln fix`.
const FIELD: &[(&str, &str, &str, i32, &[&str])] = &[
    (
        "x86_64",
        "allnoconfig",
        "VIRTIO_NET = \"y\"\n",
        0,
        &["NET = \"y\"", "NETDEVICES = \"y\"", "NET_CORE = \"y\"", "for VIRTIO_NET"],
    ),
    (
        "x86_64",
        "allnoconfig",
        "MODULES = \"y\"\nNF_LOG_SYSLOG = \"m\"\nNFT_MASQ = \"m\"\nNF_NAT = \"m\"\n",
        0,
        &["NETFILTER = \"y\"", "NF_CONNTRACK = \"m\"", "NF_TABLES = \"m\"", "for NFT_MASQ, NF_LOG_SYSLOG, NF_NAT"],
    ),
    (
        "x86_64",
        "alldefconfig",
        "NETFILTER_XT_TARGET_LOG = \"m\"\nMODULES = \"y\"\nNETFILTER_ADVANCED = \"n\"\nNETFILTER_XT_MATCH_OWNER = \"m\"\n",
        1,
        &["NETFILTER_ADVANCED", "cannot hold together"],
    ),
    (
        "arm64",
        "alldefconfig",
        "CMDLINE_FROM_BOOTLOADER = \"y\"\n",
        0,
        &["1. 1 request, the smallest number possible", "CMDLINE = \"\\\" \\\"\""],
    ),
    ("x86_64", "alldefconfig", "USB_G_SERIAL = \"y\"\n", 0, &["USB_GADGET = \"y\"", "for USB_G_SERIAL"]),
    ("x86_64", "alldefconfig", "DEBUG_INFO = \"y\"\n", 0, &["DEBUG_INFO_DWARF", "for DEBUG_INFO"]),
    (
        "x86_64",
        "alldefconfig",
        "FB_EP93XX = \"y\"\n",
        1,
        &["no further requests make `FB_EP93XX = \"y\"` hold", "ARCH_EP93XX"],
    ),
    (
        "x86_64",
        "alldefconfig",
        "DRM = \"m\"\nMODULES = \"y\"\nDRM_I915 = \"y\"\n",
        0,
        &["DRM = \"y\"", "instead of \"m\""],
    ),
];

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn cases_from_the_field() {
    let sandbox = Sandbox::with_shared_store();
    for (arch, base, requests, code, parts) in FIELD {
        let kernel =
            format!("[kernel]\nsrc = {{ apt = \"linux-source-6.12\" }}\narch = \"{arch}\"\nbaseConfig = \"{base}\"\n");
        sandbox.file("kiln.toml", format!("{kernel}[kernel.config]\n{requests}"));
        let ran = sandbox.kiln(&["-q", "fix"]).expect(*code);
        for part in *parts {
            assert!(ran.stdout.contains(part) || ran.stderr.contains(part), "{part}: {requests}{}", ran.block());
        }
    }
}

#[test]
fn set_and_unset_write_and_take_back() {
    let sandbox = small("");
    let recipe = || fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    let before = recipe();
    let ran = sandbox.kiln(&["-q", "set", "I915=y"]).expect(0);
    assert!(ran.stdout.ends_with("written to kiln.toml\n"), "{}", ran.block());
    for line in ["I915 = \"y\"", "DRM = \"y\"", "NET = \"y\""] {
        assert!(recipe().contains(line), "{line}: {}", recipe());
    }
    sandbox.kiln(&["-q", "check"]).expect(0);
    // The lines of the fix have comments of their own, which go with them.
    let ran = sandbox.kiln(&["-q", "unset", "CONFIG_I915", "DRM", "NET"]).expect(0);
    assert!(ran.stdout.starts_with("removed DRM = \"y\"\nremoved I915 = \"y\"\n"), "{}", ran.block());
    assert_eq!(recipe(), before);
    sandbox.kiln(&["-q", "unset", "I915"]).expect(1).says("the recipe does not request `I915`");
    sandbox.kiln(&["set"]).expect(2);
    sandbox.kiln(&["-q", "set", "NO_SUCH=y"]).expect(1).says("this kernel has no symbol `NO_SUCH`");
    assert_eq!(recipe(), before);
}

#[test]
fn unset_removes_whole_lines_or_nothing() {
    let sandbox = small("");
    let start = fs::read_to_string(sandbox.path().join("kiln.toml")).unwrap();
    let start = start.replace("[kernel.config]\nMODULES = \"y\"\n", "");
    let file = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    let inline = format!("{start}config = {{ NET = \"y\", A = \"y\" }}\n");
    sandbox.file("kiln.toml", &inline);
    sandbox.kiln(&["-q", "unset", "NET"]).expect(1).says("shares its line").says("kiln.toml:");
    assert_eq!(file("kiln.toml"), inline);
    sandbox.file("kiln.toml", format!("imports = [\"./more.config\", \"kiln:base\"]\n{start}"));
    sandbox.file("more.config", "# ours\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_DRM=m");
    sandbox.kiln(&["-q", "unset", "B", "DRM"]).expect(0).shows("written to more.config");
    assert_eq!(file("more.config"), "# ours\nCONFIG_A=y\n");
    sandbox.kiln(&["-q", "unset", "MODULES"]).expect(1).says("ships with kiln");
}
