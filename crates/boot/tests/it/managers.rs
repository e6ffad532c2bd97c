//! Loaders under the service managers that Debian has, in a booted kernel: systemd as the first process, OpenRC, and s6.
//!
//! Debian has no s6-rc. Its oneshots are run here by the programs with which s6-rc runs them: execline reads the
//! command line, and s6's `s6-sudo` has a service of `s6-svscan` run it. What s6-rc would add is the order, which a few
//! lines of shell take from `dependencies.d`.

use kiln_boot::Outcome;

use crate::world::{Wanted, World, shown};

const BASE: Wanted = Wanted {
    name: "base",
    targets: &["nft_ct"],
    dependencies: &[],
    parameters: &[("nf_conntrack", "hashsize=4096 acct=1")],
    blacklist: &[],
};
/// Depends on [`BASE`], shares modules with it, and has one that a mount holds.
const TOP: Wanted =
    Wanted { name: "top", targets: &["nft_log", "overlay"], dependencies: &["base"], parameters: &[], blacklist: &[] };
/// Has the longest possible name.
const LONG: Wanted = Wanted {
    name: "the_longest-name-that-a-loader-can-have-has-53-bytes_",
    targets: &["dummy", "veth", "nft_log", "nft_ct"],
    dependencies: &["top"],
    parameters: &[("dummy", "numdummies=2")],
    blacklist: &[],
};

/// The packages that every guest needs besides its manager.
const COMMON: &[&str] = &["libc6", "dash", "kmod", "libkmod2", "liblzma5", "libzstd1", "libssl3"];
const SYSTEMD: &[&str] = &[
    "systemd",
    "libsystemd-shared",
    "libsystemd0",
    "libacl1",
    "libapparmor1",
    "libaudit1",
    "libblkid1",
    "libcap-ng0",
    "libcap2",
    "libcrypt1",
    "libgcrypt20",
    "libgpg-error0",
    "libip4tc2",
    "liblz4-1",
    "libmount1",
    "libpam0g",
    "libpcre2-8-0",
    "libseccomp2",
    "libselinux1",
    "mount",
];
const OPENRC: &[&str] =
    &["openrc", "libeinfo1", "librc1", "libaudit1", "libcap-ng0", "libpam0g", "libselinux1", "libpcre2-8-0"];
const S6: &[&str] = &["s6", "execline", "libs6-2.11", "libexecline2.9", "libskarnet2.13"];
/// busybox's commands that the loaders use and that no package contains.
const COMMANDS: &[&str] = &["insmod", "ls", "mkdir", "mv", "rm", "rmdir", "rmmod", "sleep"];

/// The first process is systemd; this is what it runs once it is up, in place of the guest's own program.
const DRIVER: &str = r#"
exec </dev/null >/dev/console 2>&1
say() {
    for twice in 1 2; do printf '\n@kiln %s %s %s %s @end\n' "$nonce" "$1" "$2" "$3"; done
}
step_release() { say "$1" ok "$(/kiln/busybox uname -r)"; }
step_script() {
    if /kiln/busybox sh -e "/kiln/scripts/$2"; then say "$1" ok; else say "$1" fail "exit status $?"; fi
}
requested() { :; }
. /kiln/plan
say finish ok
/kiln/busybox poweroff -f
"#;

/// Loads, and then does not return until its `sleep` is ended.
const SLOW_INSMOD: &str = "#!/bin/sh
/kiln/busybox insmod \"$@\" || exit
sleep 1000 &
wait
exit 0
";

/// Boots and asserts that every check has passed.
fn run(mut world: World, cases: &[(&str, &str)]) {
    world.file("etc/cases/kit.sh", include_bytes!("cases/kit.sh"));
    world.program_file("etc/cases/slow-insmod", SLOW_INSMOD.as_bytes());
    world.program.loaders.clear();
    for (name, script) in cases {
        world.check(name, &format!(". /etc/cases/kit.sh\n. /etc/cases/manager.sh\n{script}"), None);
    }
    let verdict = world.run();
    assert!(verdict.ok, "{}", shown(&verdict));
    let done = verdict.steps.iter().filter(|step| step.subject.is_some() && step.outcome == Outcome::Ok).count();
    assert_eq!(done, cases.len());
}

/// A guest with `packages`, without what no program reads.
fn world(packages: &[&str]) -> World {
    let mut world = World::new(&[BASE, TOP, LONG]);
    world.packages(&[COMMON, packages].concat());
    for gone in ["doc", "man", "locale", "bash-completion", "lintian"] {
        world.without.push(format!("usr/share/{gone}"));
    }
    world.without.push("usr/lib/x86_64-linux-gnu/gconv".to_owned());
    for command in COMMANDS {
        world.link(&format!("usr/bin/{command}"), "/kiln/busybox");
    }
    world
}

#[test]
#[ignore = "slow: boots a guest"]
fn systemd_starts_and_stops_the_loaders() {
    let mut world = world(SYSTEMD);
    world.init = Some("usr/lib/systemd/systemd");
    world.boot.memory_mib = 768;
    world.file("etc/machine-id", b"0123456789abcdef0123456789abcdef\n");
    world.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n");
    world.file("etc/group", b"root:x:0:\n");
    world.file("etc/cases/driver.sh", DRIVER.as_bytes());
    world.file("etc/cases/manager.sh", include_bytes!("cases/systemd.sh"));
    // Modules that are listed for every boot are foreign.
    world.file("etc/modules-load.d/cases.conf", b"veth\n");
    world.file(
        "etc/systemd/system/cases.service",
        b"[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/kiln/busybox sh /etc/cases/driver.sh\n",
    );
    world.file("etc/systemd/system/cases.target", b"[Unit]\nRequires=multi-user.target\nWants=cases.service\n");
    world.link("etc/systemd/system/default.target", "cases.target");
    let top = format!("kmodloader-{}.service", TOP.name);
    world.link(&format!("etc/systemd/system/multi-user.target.wants/{top}"), &format!("../{top}"));
    // There are no logins, and nothing outlives the guest.
    for unit in
        ["getty.target", "systemd-logind.service", "systemd-tmpfiles-setup.service", "systemd-update-utmp.service"]
    {
        world.link(&format!("etc/systemd/system/{unit}"), "/dev/null");
    }
    world.boot.append.push("systemd.show_status=false".to_owned());
    let cases = [
        (
            "enabled loaders are up after the boot, in order",
            "
            up base top
            live $(modules base) $(modules top) veth
            before base top
            status base 0
            ",
        ),
        (
            "start and stop follow the dependencies",
            "
            systemctl stop kmodloader-base
            down base top
            gone $(modules base) $(modules top)
            systemctl start kmodloader-$long
            up base top $long
            before base top
            before top $long
            live $(modules base) $(modules top) $(modules $long)
            systemctl restart kmodloader-$long
            up base top $long
            systemctl stop kmodloader-$long kmodloader-top
            up base
            live $(modules base) veth
            gone overlay dummy
            systemctl start kmodloader-base kmodloader-base
            systemctl stop kmodloader-base
            gone $(modules base)
            # It was there before the loader.
            live veth
            ",
        ),
        (
            "a start that fails is a failed unit and leaves nothing",
            "
            last=$(file nft_log)
            cp $last /tmp/good
            echo garbage >$last
            if systemctl start kmodloader-top; then fail 'it started'; fi
            [ $(systemctl is-failed kmodloader-top) = failed ] || fail 'not failed'
            up base
            live $(modules base)
            gone overlay nft_log
            cp /tmp/good $last
            systemctl start kmodloader-top
            up top
            ",
        ),
        (
            "a busy module is no failed unit",
            "
            mount_overlay
            systemctl stop kmodloader-top
            down top
            live overlay
            umount_overlay
            systemctl start kmodloader-top
            systemctl stop kmodloader-base
            gone $(modules base) $(modules top)
            ",
        ),
        (
            "a start that hangs is killed, and the next one is right",
            "
            mkdir -p /run/systemd/system/kmodloader-top.service.d
            printf '[Service]\\nEnvironment=PATH=/etc/slow:/usr/bin\\nTimeoutStartSec=5\\nTimeoutStopSec=3\\n' \\
                >/run/systemd/system/kmodloader-top.service.d/slow.conf
            mkdir -p /etc/slow
            ln -s /etc/cases/slow-insmod /etc/slow/insmod
            systemctl daemon-reload
            if systemctl start kmodloader-top; then fail 'it started'; fi
            rm /etc/slow/insmod
            # systemd ended the script alone: what loads the module goes on, and tells.
            killall -9 sleep
            systemctl start kmodloader-top || { journalctl --no-pager -b -u kmodloader-top; fail 'no start'; }
            up top
            live $(modules top)
            systemctl stop kmodloader-base
            gone $(modules base) $(modules top)
            ",
        ),
    ];
    run(world, &cases);
}

#[test]
#[ignore = "slow: boots a guest"]
fn openrc_starts_and_stops_the_loaders() {
    let mut world = world(OPENRC);
    world.file("etc/cases/manager.sh", include_bytes!("cases/openrc.sh"));
    let cases = [
        (
            "a runlevel brings the loaders up, in order",
            "
            /kiln/busybox --install -s /usr/bin 2>/dev/null || :
            openrc sysinit
            rc-update add kmodloader-top default
            openrc default
            up base top
            live $(modules base) $(modules top)
            ",
        ),
        (
            "start and stop follow the dependencies",
            "
            rc-service kmodloader-base stop
            down base top
            gone $(modules base) $(modules top)
            rc-service kmodloader-$long start
            up base top $long
            live $(modules base) $(modules top) $(modules $long)
            rc-service kmodloader-$long restart
            up base top $long
            rc-service kmodloader-top stop
            down top $long
            up base
            live $(modules base)
            gone overlay dummy veth
            rc-service kmodloader-base restart
            up base
            live $(modules base)
            ",
        ),
        (
            "a start that fails is a stopped service and leaves nothing",
            "
            last=$(file nft_log)
            cp $last /tmp/good
            echo garbage >$last
            if rc-service kmodloader-top start; then fail 'it started'; fi
            down top
            up base
            live $(modules base)
            gone overlay nft_log
            cp /tmp/good $last
            rc-service kmodloader-top start
            up top
            ",
        ),
        (
            "a busy module is no failed stop",
            "
            mount_overlay
            rc-service kmodloader-top stop
            down top
            live overlay
            umount_overlay
            rc-service kmodloader-top start
            rc-service kmodloader-base stop
            down base top
            gone $(modules base) $(modules top)
            ",
        ),
    ];
    run(world, &cases);
}

#[test]
#[ignore = "slow: boots a guest"]
fn s6_runs_the_oneshots() {
    let mut world = world(S6);
    world.file("etc/cases/manager.sh", include_bytes!("cases/s6.sh"));
    let cases = [
        (
            "the source directories are as s6-rc-compile reads them",
            "
            cd /etc/s6-rc/source
            set -- *
            [ $# = 3 ] || fail \"$*\"
            for service; do
                [ ${#service} -le 64 ] || fail \"$service is ${#service} bytes long\"
                [ \"$(cat $service/type)\" = oneshot ]
                [ \"$(wc -l <$service/type)\" = 1 ]
                for each in up down; do
                    # One command line, by execline's own reader.
                    [ \"$(wc -l <$service/$each)\" = 1 ]
                    grep -vq '^#!' $service/$each
                    case $(cat $service/timeout-$each) in '' | *[!0-9]*) fail 'no number' ;; esac
                done
                for each in $(ls $service/dependencies.d 2>/dev/null); do
                    [ -f $service/dependencies.d/$each ]
                    [ -d $each ] || fail \"$service needs $each, which is not there\"
                done
                for each in $(ls $service); do
                    case $each in
                    type | up | down | timeout-up | timeout-down | dependencies.d) ;;
                    *) fail \"$each means nothing to s6-rc-compile\" ;;
                    esac
                done
            done
            ",
        ),
        (
            "up and down, in order",
            "
            begin
            change up kmodloader-$long
            [ \"$order\" = \" kmodloader-base kmodloader-top kmodloader-$long\" ] || fail \"$order\"
            live $(modules base) $(modules top) $(modules $long)
            oneshot kmodloader-base up
            oneshot kmodloader-$long down
            gone dummy veth
            live $(modules base) $(modules top)
            mount_overlay
            oneshot kmodloader-top down
            live overlay $(modules base)
            umount_overlay
            oneshot kmodloader-top down
            oneshot kmodloader-base down
            gone $(modules base) $(modules top)
            ",
        ),
        (
            "an up that fails says so and leaves nothing",
            "
            last=$(file nft_log)
            cp $last /tmp/good
            echo garbage >$last
            oneshot kmodloader-base up
            if oneshot kmodloader-top up; then fail 'it came up'; fi
            gone overlay nft_log
            live $(modules base)
            cp /tmp/good $last
            oneshot kmodloader-top up
            oneshot kmodloader-top down
            oneshot kmodloader-base down
            gone $(modules base) $(modules top)
            ",
        ),
    ];
    run(world, &cases);
}
