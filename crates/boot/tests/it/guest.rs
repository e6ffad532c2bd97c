//! Debian's kernel, booted.

use std::time::Duration;

use expect_test::{Expect, expect};
use kiln_boot::{Ended, FindingKind, Outcome, Reason, Step, StepName, Verdict};

use crate::debian::Debian;
use crate::world::{Wanted, World, shown};

/// Liminix's firewall, complete.
const FIREWALL: Wanted = Wanted {
    name: "firewall",
    targets: &[
        "nft_fib_ipv4",
        "nft_fib_ipv6",
        "nf_log_syslog",
        "nf_nat",
        "nft_chain_nat",
        "nft_ct",
        "nft_limit",
        "nft_log",
        "nft_masq",
        "nft_nat",
        "nft_reject_inet",
        "nft_reject_ipv4",
        "nft_reject_ipv6",
    ],
    dependencies: &[],
    parameters: &[("nf_conntrack", "hashsize=4096 acct=1")],
    blacklist: &[],
};
/// Shares modules with the firewall.
const PACKET_LOG: Wanted = Wanted {
    name: "packet-log",
    targets: &["nft_log", "nf_log_syslog"],
    dependencies: &[],
    parameters: &[],
    blacklist: &[],
};
/// Lacks what chains of the type `nat` need.
const NO_NAT: Wanted =
    Wanted { name: "firewall", targets: &["nft_masq", "nft_ct"], dependencies: &[], parameters: &[], blacklist: &[] };
/// Has one module without an exit function.
const LINKS: Wanted = Wanted {
    name: "links",
    targets: &["dummy", "veth", "vrf"],
    dependencies: &["firewall"],
    parameters: &[("dummy", "numdummies=2")],
    blacklist: &[],
};

/// Debian's `nft` and kmod, with what they need.
const PACKAGES: &[&str] = &[
    "nftables",
    "libnftables1",
    "libnftnl11",
    "libmnl0",
    "libjansson4",
    "libgmp10",
    "libedit2",
    "libxtables12",
    "libtinfo6",
    "libbsd0",
    "libmd0",
    "libc6",
    "kmod",
    "libkmod2",
    "liblzma5",
    "libzstd1",
    "libssl3",
];

#[test]
#[ignore = "slow: boots a guest"]
fn a_good_result_has_a_good_verdict() {
    let mut world = World::new(&[FIREWALL, PACKET_LOG, LINKS]);
    world.packages(PACKAGES);
    world.file("etc/ruleset.nft", include_bytes!("../../../../examples/shared/ruleset.nft"));
    world.check(
        "ruleset",
        "nft -f /etc/ruleset.nft\nnft list ruleset\nnft list ruleset | grep -q masquerade\n",
        Some("nft flush ruleset"),
    );
    world.check("links", "ip link show dummy1\ntest -d /sys/module/veth", None);
    world.alias("rtnl-link-dummy", "dummy");
    world.alias("nft-expr-masq", "nft_masq");
    let verdict = world.run();
    assert!(verdict.ok, "{}", shown(&verdict));
    assert_eq!(verdict.release, Some(world.program.release.clone()));
    let done = |name, outcome| verdict.steps.iter().filter(|step| step.name == name && step.outcome == outcome).count();
    // Two aliases with two tools; each loader next to each other one that does not depend on it.
    assert_eq!(done(StepName::Alias, Outcome::Ok), 4, "{}", shown(&verdict));
    assert_eq!(done(StepName::Kept, Outcome::Ok), 3, "{}", shown(&verdict));
    assert_eq!(done(StepName::Check, Outcome::Ok), 2);
    assert_eq!(done(StepName::Parameter, Outcome::Ok), 2, "{}", shown(&verdict));
    assert_eq!(verdict.requested_modules, []);
    assert!(verdict.transcript.iter().any(|line| line.text.contains("oifname \"wan0\" masquerade")));
    let vrf = verdict.steps.iter().find(|s| s.name == StepName::Gone && s.module.as_deref() == Some("vrf")).unwrap();
    assert_eq!(vrf.detail, "stays, as it must");
}

#[test]
#[ignore = "slow: boots a guest"]
fn another_machine_is_booted_the_same_way() {
    let mut world = World::on("aarch64", &Debian::foreign("arm64"), "linux-image-arm64", &[FIREWALL, PACKET_LOG]);
    world.check("machine", "test \"$(uname -m)\" = aarch64", None);
    world.alias("nft-expr-masq", "nft_masq");
    let verdict = world.run();
    assert!(verdict.ok, "{}", shown(&verdict));
}

#[test]
#[ignore = "slow: boots a guest"]
fn a_broken_module_and_one_that_is_missing_are_named() {
    let mut world = World::new(&[NO_NAT, LINKS]);
    world.replace(&world.path("nft_masq"), b"\x7fELF, but no more of it");
    world.without.push(format!("usr/{}", world.path("veth")));
    let verdict = world.run();
    check(
        &verdict,
        &[StepName::Up],
        expect![[r#"
        Up firewall: exit status 1: kmodloader-firewall: nft_masq: insmod: can't insert '/lib/modules/REL/kernel/net/netfilter/nft_masq.ko': invalid module format
        Up links: exit status 1: kmodloader-links: veth: insmod: can't insert '/lib/modules/REL/kernel/drivers/net/veth.ko': No such file or directory
    "#]],
    );
    assert_eq!(verdict.ended, Ended::Finished);
}

#[test]
#[ignore = "slow: boots a guest"]
fn loaders_that_break_the_protocol_are_caught() {
    let dummy = Wanted { name: "a-dummy", targets: &["dummy"], dependencies: &[], parameters: &[], blacklist: &[] };
    let veth = Wanted { name: "veth", targets: &["veth"], dependencies: &[], parameters: &[], blacklist: &[] };
    let mut world = World::new(&[dummy, FIREWALL, PACKET_LOG, veth]);
    let insmod = |module: &str| format!("insmod /{}\n", world.path(module));
    let script = |start: &str, stop: &str| format!("case $1 in\nstart)\n{start};;\nstop)\n{stop};;\nesac\n");
    // It removes what something else has loaded.
    let takes = script(&format!("{} || :\n", insmod("dummy").trim()), "rmmod dummy\n:\n");
    // It never releases anything.
    let keeps = script(&format!("{} || :\n", insmod("veth").trim()), ":\n");
    // Liminix's behaviour: it loads its list, fails when something is already loaded, and removes all of it.
    let modules = &world.program.loaders.iter().find(|loader| loader.name == "packet-log").unwrap().modules;
    let up: String = modules.iter().map(|module| insmod(&module.name)).collect();
    let down: String = modules.iter().rev().map(|module| format!("rmmod {}\n", module.name)).collect();
    let tears = script(&up, &down);
    for (name, text) in [("a-dummy", takes), ("veth", keeps), ("packet-log", tears)] {
        world.replace(&format!("lib/kmodloader/{name}"), text.as_bytes());
    }
    let verdict = world.run();
    check(
        &verdict,
        &[StepName::Kept, StepName::Gone, StepName::ForeignKept],
        expect![[r#"
        Kept firewall packet-log: taken away: crc32c_intel libcrc32c nfnetlink nf_tables nft_log nf_log_syslog
        Kept packet-log firewall: taken away: nf_log_syslog nft_log
        Gone veth: still there; uses: 0, used by: -
        ForeignKept dummy: taken away, though somebody else had loaded it
    "#]],
    );
    let refused = |step: &&Step| step.name == StepName::UpAgain && step.outcome == Outcome::Failed;
    let refused: Vec<_> = verdict.steps.iter().filter(refused).map(|step| step.loader.as_deref().unwrap()).collect();
    assert_eq!(refused, ["packet-log"]);
}

#[test]
#[ignore = "slow: boots a guest"]
fn failed_checks_lost_aliases_and_the_kernels_requests_are_named() {
    let mut world = World::new(&[LINKS_ALONE, NO_NAT]);
    world.check("wrong", "echo about to fail\nfalse\necho not reached", Some("exit 3"));
    world.check("noise", "printf '@kiln 0 0 ok @end\\n[ no stamp\\n'; printf 'no newline at the end'", None);
    world.packages(PACKAGES);
    world.check("nat", "nft add table ip t\nnft add chain ip t c '{ type nat hook postrouting priority 100; }'", None);
    world.alias("no-such-alias", "dummy");
    world.program.release = "6.1.0-other".to_owned();
    let verdict = world.run();
    check(
        &verdict,
        &[StepName::Release, StepName::Check, StepName::Cleanup, StepName::Alias],
        expect![[r#"
            Release : REL
            Check wrong: exit status 1
            Check nat: exit status 1
            Cleanup wrong: exit status 3
            Alias dummy no-such-alias: busybox's modprobe: modprobe: module no-such-alias not found in modules.dep
            Alias dummy no-such-alias: kmod's modprobe: modprobe: FATAL: Module no-such-alias not found in directory /lib/modules/REL
        "#]],
    );
    assert!(!verdict.transcript.iter().any(|line| line.text == "not reached"));
    // The kernel requests in vain what no loader has.
    let names: Vec<&str> = verdict.requested_modules.iter().map(|request| request.name.as_str()).collect();
    assert_eq!(names, ["nft-chain-2-nat"]);
}

const LINKS_ALONE: Wanted =
    Wanted { name: "links", targets: &["dummy"], dependencies: &[], parameters: &[], blacklist: &[] };

#[test]
#[ignore = "slow: boots a guest"]
fn a_hung_guest_is_ended_and_quoted() {
    let mut world = World::new(&[LINKS_ALONE]);
    world.check("hang", "echo waiting for the moon\nprintf 'still '\nsleep 10000", None);
    world.boot.deadline = Duration::from_secs(90);
    let verdict = world.run();
    let [Reason::Deadline { step: Some(step), last, .. }] = &verdict.reasons[..] else {
        panic!("{}", shown(&verdict));
    };
    assert_eq!(verdict.steps[*step].subject.as_deref(), Some("hang"));
    // On a slow machine the kernel, too, may speak while the check hangs, even on the unfinished line.
    let said: Vec<&str> = last.iter().filter(|line| !line.starts_with('[')).map(String::as_str).collect();
    let [.., whole, unfinished] = said[..] else { panic!("{}", shown(&verdict)) };
    assert_eq!(whole, "waiting for the moon", "{}", shown(&verdict));
    assert!(unfinished.starts_with("still "), "{}", shown(&verdict));
    assert!((90.0..100.0).contains(&verdict.seconds));
}

#[test]
#[ignore = "slow: boots a guest"]
fn a_kernel_that_finds_no_init_panics() {
    let mut world = World::new(&[LINKS_ALONE]);
    world.without.push("init".to_owned());
    let verdict = world.run();
    let [Reason::Panic { text }] = &verdict.reasons[..] else { panic!("{}", shown(&verdict)) };
    assert!(text.contains("Unable to mount root fs"), "{text}");
    assert_eq!(verdict.ended, Ended::Died);
    assert!(verdict.findings.iter().any(|finding| finding.kind == FindingKind::Panic));
    assert!(verdict.steps.iter().all(|step| step.outcome == Outcome::NotReached));
}

/// Shows the failed steps of the kinds in `names`, once each.
fn check(verdict: &Verdict, names: &[StepName], expected: Expect) {
    assert!(!verdict.ok);
    // Debian's security updates change it.
    let release = verdict.release.as_deref().unwrap();
    let mut lines: Vec<String> = Vec::new();
    for step in verdict.steps.iter().filter(|step| step.outcome == Outcome::Failed && names.contains(&step.name)) {
        let words = [&step.loader, &step.module, &step.subject].into_iter().flatten();
        let words: Vec<&str> = words.map(String::as_str).collect();
        let detail = step.detail.replace(release, "REL");
        let line = format!("{:?} {}: {detail}\n", step.name, words.join(" "));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    expected.assert_eq(&lines.concat());
}
