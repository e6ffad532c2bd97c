use expect_test::{Expect, expect};

use super::error::shown;
use super::*;

fn check(resolved: &str, written: &str, expected: Expect) {
    expected.assert_eq(&format!("differs:{}", shown(&differences(resolved, written))));
}

#[test]
fn differences_are_paired_by_symbol() {
    check(
        "CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n",
        "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=1\n",
        expect![[r#"
            differs:
              resolved: CONFIG_B=m
              kernel:   # CONFIG_B is not set
              resolved: # CONFIG_C is not set
              kernel:   (no such line)
              resolved: (no such line)
              kernel:   CONFIG_D=1"#]],
    );
}

#[test]
fn another_order_or_heading_is_a_difference_too() {
    check(
        "#\n# A\n#\nCONFIG_A=y\n",
        "#\n# B\n#\nCONFIG_A=y\n",
        expect![[r#"
        differs:
          resolved: # A
          kernel:   # B"#]],
    );
    check(
        "CONFIG_A=y\n",
        "CONFIG_A=y\n\n",
        expect![[r#"
        differs:
          resolved: (no such line)
          kernel:   "#]],
    );
}

#[test]
fn many_differences_are_cut() {
    let ours: String = (0..50).map(|index| format!("CONFIG_A{index}=y\n")).collect();
    assert!(shown(&differences(&ours, "")).ends_with("\n  and 30 more"));
}
