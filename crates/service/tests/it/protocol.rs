//! Sharing and failing, case by case: each is run under every shell and must have the same result.

mod cut_off;
mod failing;
mod sharing;

use expect_test::Expect;

use crate::device::{Device, Shell, shells};

/// Runs `script` on a device prepared by `prepare`, with waits of `patience` seconds.
fn check_on(patience: u32, prepare: impl Fn(&Device), script: &str, want: Expect) {
    let play = |shell: &Shell| {
        let device = Device::new(shell, patience);
        prepare(&device);
        device.play(script)
    };
    let seen: Vec<(&str, String)> = shells().iter().map(|shell| (shell.name, play(shell))).collect();
    want.assert_eq(&seen[0].1);
    for (shell, other) in &seen[1..] {
        assert_eq!(*other, seen[0].1, "under {shell}");
    }
}

fn check(script: &str, want: Expect) {
    check_on(30, |_| (), script, want);
}
