//! Loaders that share modules, fail, and are killed, in a booted kernel with Debian's own modules.
//!
//! Each case is a check of one guest, a script that ends at the first thing that does not hold. It starts with no
//! module of a loader in the kernel, and ends so; `cases/kit.sh` has its functions.

use kiln_boot::Outcome;

use crate::world::{Wanted, World, shown};

const LOG: Wanted =
    Wanted { name: "log", targets: &["nft_log", "nf_log_syslog"], dependencies: &[], parameters: &[], blacklist: &[] };
/// Shares `nf_tables` and what it needs with [`LOG`].
const CT: Wanted = Wanted {
    name: "ct",
    targets: &["nft_ct"],
    dependencies: &[],
    parameters: &[("nf_conntrack", "hashsize=4096 acct=1")],
    blacklist: &["veth"],
};
/// A mount holds it.
const FILES: Wanted =
    Wanted { name: "files", targets: &["overlay", "veth"], dependencies: &[], parameters: &[], blacklist: &[] };
/// Never started: its files are there for something else to load.
const SPARE: Wanted =
    Wanted { name: "spare", targets: &["nft_limit"], dependencies: &[], parameters: &[], blacklist: &[] };
/// Has no exit function.
const FOREVER: Wanted =
    Wanted { name: "forever", targets: &["vrf"], dependencies: &[], parameters: &[], blacklist: &[] };

/// Name and script.
const CASES: &[(&str, &str)] = &[
    (
        "start twice, stop twice",
        r#"
        start log log
        quiet
        status log 0
        live $(modules log)
        stop log
        nothing
        stop log
        quiet
        status log 3
        "#,
    ),
    (
        "start and stop side by side, stop in either order",
        r#"
        for order in "log ct" "ct log"; do
            for each in log ct; do
                PATH=/kiln/bin busybox sh /lib/kmodloader/$each start & eval "$each=\$!"
            done
            wait $log || fail "start of log: status $?"
            wait $ct || fail "start of ct: status $?"
            live $(modules log) $(modules ct)
            set -- $order
            stop $1
            live $(modules $2)
            for each in $(modules $1); do
                modules $2 | grep -qx $each || gone $each
            done
            stop $2
            nothing
        done
        start log ct
        settle
        for each in log ct; do
            PATH=/kiln/bin busybox sh /lib/kmodloader/$each stop & eval "$each=\$!"
        done
        wait $log || fail "stop of log: status $?"
        wait $ct || fail "stop of ct: status $?"
        nothing
        "#,
    ),
    (
        "beside hotplug",
        r#"
        /usr/sbin/modprobe nft_ct & hotplug=$!
        start ct
        wait $hotplug || fail "modprobe: status $?"
        live $(modules ct)
        stop ct
        settle
        # What modprobe loaded is still there, and nothing else.
        for each in $(modules ct | tac); do ! is_live $each || busybox rmmod $each; done
        stop ct
        nothing
        "#,
    ),
    (
        "busy at stop",
        r#"
        start files
        mount_overlay
        stop files
        said 'overlay stays loaded: '
        live overlay
        gone veth
        start files
        quiet
        umount_overlay
        stop files
        nothing
        # Another module holds it.
        start log
        by_hand nft_limit
        stop log
        said 'nf_tables stays loaded: used by nft_limit'
        live nf_tables nft_limit
        gone nft_log
        busybox rmmod nft_limit
        stop log
        nothing
        "#,
    ),
    (
        "loaded by somebody else",
        r#"
        by_hand nfnetlink
        start log
        status log 0
        said 'nfnetlink: loaded by somebody else, claimed by log'
        stop log
        live nfnetlink
        gone nf_tables nft_log nf_log_syslog
        # Taken away and put back by hand: another load of the same module.
        start log
        busybox rmmod nft_log
        by_hand nft_log
        stop log
        said 'nf_tables stays loaded: used by nft_log'
        live nfnetlink nft_log
        busybox rmmod nft_log
        stop log
        live nfnetlink
        busybox rmmod nfnetlink
        nothing
        "#,
    ),
    (
        "a load that fails half-way, and corrupt files",
        r#"
        last=$(file nft_log)
        cp $last /tmp/nft_log.ko
        size=$(wc -c <$last)
        for fault in missing empty garbage short holes; do
            echo "- $fault"
            case $fault in
            missing) rm $last ;;
            empty) : >$last ;;
            garbage) yes garbage | head -c $size >$last ;;
            short) head -c $((size / 2)) /tmp/nft_log.ko >$last ;;
            holes) { head -c 64 /tmp/nft_log.ko; head -c $((size - 64)) /dev/zero; } >$last ;;
            esac
            refused log 'kmodloader-log: nft_log: insmod: '
            nothing
        done
        # Beside a loader that is up.
        start ct
        refused log nft_log
        live $(modules ct)
        status log 3
        stop ct
        nothing
        cp /tmp/nft_log.ko $last
        start log
        # What another process took away cannot be brought back: the first start stays as good as it was.
        busybox rmmod nft_log
        echo garbage >$last
        refused log nft_log
        live nf_tables nfnetlink
        cp /tmp/nft_log.ko $last
        start log
        stop log
        nothing
        "#,
    ),
    (
        "a full /run",
        r#"
        few=0
        for inodes in 2 4 6 9 14 18 100; do
            rm -rf $run
            mkdir $run
            mount -t tmpfs -o nr_inodes=$inodes,size=4k tmpfs $run
            if loader log start; then
                live $(modules log)
            else
                [ $inodes -lt 100 ] || fail "no room in 100 inodes"
                few=$inodes
                grep -q -e 'cannot write' -e 'cannot make' -e 'No space left' /tmp/said || fail 'the reason is not said'
                gone $(all)
            fi
            stop log
            gone $(all)
            umount $run
        done
        [ $few -ge 9 ] || fail "it always fitted"
        "#,
    ),
    (
        "killed between any two steps, and started again",
        r#"
        export AT WHEN WHO
        for AT in nf_tables nft_log; do
            for WHEN in before after; do
                for WHO in loader teller all; do
                    echo "- $WHO, $WHEN the load of $AT"
                    with_insmod $killer log start
                    wait $leader || :
                    cat /tmp/said
                    # Who is left comes to an end by itself.
                    start log
                    cp /tmp/said /tmp/again
                    live $(modules log)
                    status log 0
                    stop log
                    [ "$WHEN $WHO" = "after all" ] || { nothing; continue; }
                    # Nobody was left to tell whose it is: it stays, and that is said.
                    cp /tmp/again /tmp/said
                    said "$AT: a start was killed while it loaded this"
                    live $AT
                    busybox rmmod $AT
                    stop log
                    nothing
                done
            done
        done
        # Stopped instead of started again, and mended by another loader.
        for verb in "log stop" "ct start"; do
            AT=nf_tables WHEN=before WHO=loader
            with_insmod $killer log start
            wait $leader || :
            loader $verb || fail "$verb: status $?"
            stop ct log
            nothing
        done
        "#,
    ),
    (
        "killed at any time",
        r#"
        uptime_cs() { sed 's/ .*//; s/\.//' /proc/uptime; }
        before=$(uptime_cs)
        start log
        whole=$(($(uptime_cs) - before))
        stop log
        nothing
        for turn in 1 2 3 4 5 6 7 8; do
            with_insmod "'busybox insmod'" log start
            usleep $((whole * 10000 * turn / 9))
            kill -9 -$leader || :
            wait $leader || :
            start log
            cp /tmp/said /tmp/again
            live $(modules log)
            stop log
            for each in $(modules log | tac); do
                is_live $each || continue
                grep -q -e "$each: a start was killed" /tmp/again || grep -q "$each stays loaded: " /tmp/said ||
                    fail "$each stays without a word"
                busybox rmmod $each
            done
            stop log
            nothing
        done
        "#,
    ),
    (
        "parameters and the blacklist, by loader and by hotplug",
        r#"
        start ct
        for how in loader modprobe; do
            [ "$(cat /sys/module/nf_conntrack/parameters/acct)" = Y ] || fail "acct, by $how"
            [ "$(cat /sys/module/nf_conntrack/parameters/hashsize)" = 4096 ] || fail "hashsize, by $how"
            if [ $how = loader ]; then
                stop ct
                nothing
                /usr/sbin/modprobe nft_ct
            fi
        done
        settle
        for each in $(modules ct | tac); do ! is_live $each || busybox rmmod $each; done
        nothing
        /usr/sbin/modprobe rtnl-link-veth || :
        gone veth
        start files
        live veth
        stop files
        nothing
        "#,
    ),
    (
        "a module without an exit function",
        r#"
        start forever
        stop forever
        said 'vrf stays loaded: it has no exit function'
        live vrf
        status forever 3
        start forever
        status forever 0
        stop forever
        "#,
    ),
];

#[test]
#[ignore = "slow: boots a guest"]
fn loaders_hold_up_in_a_booted_kernel() {
    let mut world = World::new(&[LOG, CT, FILES, SPARE, FOREVER]);
    world.packages(&["kmod", "libkmod2", "liblzma5", "libzstd1", "libssl3", "libc6"]);
    world.file("etc/cases/kit.sh", include_bytes!("cases/kit.sh"));
    world.program_file("etc/cases/killer", include_bytes!("cases/killer.sh"));
    // The cases start and stop the loaders, not the guest's own program.
    world.program.loaders.clear();
    for (name, script) in CASES {
        world.check(name, &format!(". /etc/cases/kit.sh\n{script}"), None);
    }
    let verdict = world.run();
    assert!(verdict.ok, "{}", shown(&verdict));
    let done = verdict.steps.iter().filter(|step| step.subject.is_some() && step.outcome == Outcome::Ok).count();
    assert_eq!(done, CASES.len());
}
