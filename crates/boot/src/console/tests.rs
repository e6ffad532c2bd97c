//! Lines as they come from guests, whole and cut.

use expect_test::{Expect, expect};

use super::*;

fn read(lines: &str) -> Console {
    let mut console = Console::new("N0NCE");
    for line in lines.split('\n') {
        console.push(1.0, line.trim_end_matches('\r'));
    }
    console
}

/// Shows reports, requests, findings, the end, and the source of each line.
fn check(lines: &str, expected: Expect) {
    let console = read(lines);
    let mut text = String::new();
    for (step, report) in &console.reports {
        text.push_str(&format!("step {step} {:?} {:?}\n", report.outcome, report.text));
    }
    for one in console.requested() {
        text.push_str(&format!("request {} after {:?}\n", one.name, one.step));
    }
    for finding in console.findings() {
        text.push_str(&format!("{:?} at {}: {}\n", finding.kind, finding.line, finding.text));
    }
    for line in console.lines() {
        text.push_str(&format!("{:?}| {}\n", line.source, line.text));
    }
    if console.finished() {
        text.push_str("finished\n");
    }
    expected.assert_eq(&text);
}

#[test]
fn reports_come_twice_and_count_once() {
    check(
        "[    0.500000] Linux version 6.1\r\n\r\n@kiln N0NCE 0 ok 6.1 @end\r\n@kiln N0NCE 0 ok 6.1 @end\r\nhello\r\n@kiln N0NCE 1 fail exit status 1: no such file @end\n@kiln N0NCE request note nft-expr-masq @end\n@kiln N0NCE request note nft-expr-masq @end\n@kiln N0NCE finish ok  @end",
        expect![[r#"
            step 0 Ok "6.1"
            step 1 Failed "exit status 1: no such file"
            request nft-expr-masq after Some(1)
            Kernel| [    0.500000] Linux version 6.1
            Report| 0 ok 6.1
            Guest| hello
            Report| 1 fail exit status 1: no such file
            Report| request note nft-expr-masq
            Report| request note nft-expr-masq
            Report| finish ok
            finished
        "#]],
    );
}

#[test]
fn kernel_messages_cut_through_reports_at_any_byte() {
    let report = "@kiln N0NCE 7 ok all is well @end";
    for at in 1..report.len() {
        for messages in ["[    3.141592] tun: one", "[    3.141592] tun: one\r\n[   12.000001] tun: two"] {
            let console = read(&format!("{}{messages}\r\n{}\r\nbye", &report[..at], &report[at..]));
            let report = console.report(7).unwrap_or_else(|| panic!("lost when cut at {at}"));
            assert_eq!((report.outcome, report.text.as_str()), (Outcome::Ok, "all is well"), "cut at {at}");
            assert_eq!(console.lines()[0].source, LineSource::Kernel);
            assert_eq!(console.lines().last().unwrap().text, "bye");
        }
    }
}

#[test]
fn a_message_without_a_stamp_costs_one_of_the_two() {
    check(
        "@kiln N0NCE 7 oktun: one\nrest @end\n@kiln N0NCE 7 ok rest @end",
        expect![[r#"
        step 7 Ok "rest"
        Guest| rest @end
        Report| 7 ok rest
    "#]],
    );
}

#[test]
fn what_only_looks_like_a_report_is_none() {
    check(
        "@kiln GUESS 1 ok @end\n@kiln N0NCE 2 ok no end\n@kiln N0NCE 3 maybe x @end\n@kiln N0NCE -4 ok x @end\n@kiln N0NCE 99999999999999999999 ok x @end\n@kiln N0NCE finish maybe @end\nN0NCE 5 ok @end\n@kiln N0NCE",
        expect![[r#"
            Guest| @kiln GUESS 1 ok @end
            Guest| N0NCE 5 ok @end
            Guest| @kiln N0NCE
        "#]],
    );
}

#[test]
fn findings_are_the_kernels_own() {
    check(
        "[    1.000000] Run /init as init process\nKernel panic - not syncing: said a script\n[    2.000000] WARNING: CPU: 0 PID: 1 at net/x.c:1\n[    2.100000][    T1] BUG: kernel NULL pointer dereference, address: 0\n[    2.200000] Oops: 0000 [#1] PREEMPT SMP\n[    2.300000] nft[77]: segfault at 0 ip 0\n[    3.000000] watchdog: BUG: soft lockup - CPU#0 stuck\n[    4.000000] Kernel panic - not syncing: Attempted to kill init!\n[    4.100000] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---",
        expect![[r#"
            Warning at 2: WARNING: CPU: 0 PID: 1 at net/x.c:1
            Bug at 3: BUG: kernel NULL pointer dereference, address: 0
            Oops at 4: Oops: 0000 [#1] PREEMPT SMP
            Crash at 5: nft[77]: segfault at 0 ip 0
            Stall at 6: watchdog: BUG: soft lockup - CPU#0 stuck
            Panic at 7: Kernel panic - not syncing: Attempted to kill init!
            Kernel| [    1.000000] Run /init as init process
            Guest| Kernel panic - not syncing: said a script
            Kernel| [    2.000000] WARNING: CPU: 0 PID: 1 at net/x.c:1
            Kernel| [    2.100000][    T1] BUG: kernel NULL pointer dereference, address: 0
            Kernel| [    2.200000] Oops: 0000 [#1] PREEMPT SMP
            Kernel| [    2.300000] nft[77]: segfault at 0 ip 0
            Kernel| [    3.000000] watchdog: BUG: soft lockup - CPU#0 stuck
            Kernel| [    4.000000] Kernel panic - not syncing: Attempted to kill init!
            Kernel| [    4.100000] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---
        "#]],
    );
    assert!(read("[    4.100000] ---[ end Kernel panic - not syncing: x ]---").dead());
    assert!(!read("echo ---[ end Kernel panic").dead());
}

#[test]
fn without_stamps_the_beginning_of_a_message_decides() {
    check(
        "Booting Linux\nKernel panic - not syncing: VFS: no root\nwe said Kernel panic",
        expect![[r#"
        Panic at 1: Kernel panic - not syncing: VFS: no root
        Guest| Booting Linux
        Kernel| Kernel panic - not syncing: VFS: no root
        Guest| we said Kernel panic
    "#]],
    );
}

#[test]
fn hostile_output_is_cleaned_and_capped() {
    check(
        "\u{1b}[31mred\u{1b}[0m\u{7}\tand\u{0} \u{1b}]0;title\u{7} \u{fffd}",
        expect![[r#"
        Guest| red and ]0;title �
    "#]],
    );
    let mut console = Console::new("N0NCE");
    for _ in 0..MAX_LINES + 5 {
        console.push(0.0, "noise");
    }
    console.push(0.0, &"x".repeat(1_000_000));
    console.push(0.0, "[    9.000000] Kernel panic - not syncing: at last");
    console.push(0.0, "@kiln N0NCE 3 ok late @end");
    assert_eq!((console.lines().len(), console.dropped()), (MAX_LINES, 8));
    assert!(console.report(3).is_some());
    assert_eq!(console.findings().len(), 1);
    let mut console = Console::new("N0NCE");
    console.push(0.0, &"é".repeat(1_000_000));
    assert!(console.lines()[0].text.len() <= MAX_LINE + 4);
    // A report that is cut for ever must not grow for ever.
    for _ in 0..10_000 {
        console.push(0.0, &format!("@kiln N0NCE {}[    9.000000] x", "y".repeat(1000)));
    }
    assert!(console.cut.len() <= 2 * MAX_LINE);
}
