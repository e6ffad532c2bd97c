//! Small trees with several ways: which comes first, and which are shown.

use expect_test::expect;
use kiln_kconfig::Base;

use crate::cases::{MODULES, check, check_over};

/// The mouse needs one request less.
#[test]
fn a_bus_is_reached_through_its_menu_and_not_through_foreign_hardware() {
    let text = "config INPUT\n\tbool \"I\"\n\tdefault y\nmenuconfig USB_MENU\n\tbool \"menu\"\n\
                config USB\n\tbool \"usb\" if USB_MENU\nconfig MOUSE\n\tbool \"apple mouse\"\n\tdepends on INPUT\n\tselect USB\n\
                config STORAGE\n\tbool \"disks\"\n\tdepends on USB\n";
    check(
        &text.replace("INPUT", "USB_MENU"),
        "STORAGE=y",
        expect![[r#"
            fix of 2, smallest
              USB=y for STORAGE
              USB_MENU=y for STORAGE
        "#]],
    );
    check(
        text,
        "STORAGE=y INPUT=y",
        expect![[r#"
        fix of 2, smallest
          USB=y for STORAGE
          USB_MENU=y for STORAGE
    "#]],
    );
}

/// With modules disabled, they and what they select are `y`; with modules they are `m`, as requested.
#[test]
fn modules_are_enabled_for_several_requests_rather_than_changing_each() {
    let mut text = MODULES.to_owned();
    for name in ["A", "B", "C", "D"] {
        text += &format!("config {name}\n\ttristate \"{name}\"\n\tselect LIB\n\tselect LIB_{name}\n");
        text += &format!("config LIB_{name}\n\ttristate \"library\"\n");
    }
    text += "config LIB\n\ttristate \"library\"\n";
    check(
        &text,
        "A=m B=m C=m D=m",
        expect![[r#"
            fix of 1, smallest
              MODULES=y for A B C D
              turns off LIB LIB_A LIB_B LIB_C LIB_D
              kept by , all but ""
        "#]],
    );
}

/// A symbol that many drivers select has no prompt of its own: the driver in its directory is the plain way to it.
#[test]
fn a_symbol_without_a_prompt_is_reached_through_those_beside_it() {
    let text = "config TTY\n\tbool \"tty\"\n\tdefault y\nconfig BUS\n\tbool\n\
                config PCI_BUS\n\tbool \"over pci\"\n\tselect BUS\n\
                config FAR\n\tbool \"farther\"\n\tselect BUS\n\tselect MORE\nconfig MORE\n\tbool\n\
                config NET\n\tbool \"net\"\n\tdepends on BUS\n";
    check(
        text,
        "NET=y",
        expect![[r#"
        fix of 1, smallest
          PCI_BUS=y for NET
          turns on BUS
    "#]],
    );
}

/// The test of a library needs one request less than a driver that uses it.
#[test]
fn a_library_is_not_turned_on_through_its_test() {
    let text = "config KUNIT\n\tbool \"unit tests\"\n\tdefault y\nconfig LIB\n\tbool\n\
                config LIB_TEST\n\tbool \"test of lib\"\n\tdepends on KUNIT\n\tselect LIB\n\
                menuconfig REGULATORS\n\tbool \"regulators\"\n\
                config REGULATOR\n\tbool \"a regulator\"\n\tdepends on REGULATORS\n\tselect LIB\n";
    check(
        text,
        "LIB=y",
        expect![[r#"
        fix of 2, smallest
          REGULATOR=y for LIB
          REGULATORS=y for LIB
    "#]],
    );
    // Where there is no other way, the test is one.
    check(
        &text.replace("\tdepends on REGULATORS\n\tselect LIB\n", ""),
        "LIB=y",
        expect![[r#"
        fix of 2, smallest
          KUNIT=y for LIB
          LIB_TEST=y for LIB
    "#]],
    );
}

/// Without the switch, three requests hold as well, and nothing else moves.
#[test]
fn few_requests_that_move_much_are_worse_than_more_that_move_little() {
    let mut text = format!("{MODULES}\tdefault y\n");
    for name in ["A", "B", "C"] {
        text += &format!("config {name}\n\ttristate \"{name}\"\n\tdefault m\n");
    }
    text += "config NAT\n\ttristate \"nat\"\n\tdepends on A && B && C\n";
    let text = text + "config BUILT_IN\n\tbool \"b\"\n\tdepends on !MODULES\n";
    check_over(
        Base::Defaults,
        &text,
        "NAT=y",
        "",
        expect![[r#"
        fix of 3, smallest
          A=y for NAT
          B=y for NAT
          C=y for NAT
    "#]],
    );
    let mut large = text.clone();
    for driver in 0..300 {
        large += &format!("config D{driver}\n\ttristate \"driver\"\n\tdefault m\n");
    }
    check_over(
        Base::Defaults,
        &large,
        "NAT=y",
        "",
        expect![[r#"
        fix of 3, smallest
          A=y for NAT
          B=y for NAT
          C=y for NAT
    "#]],
    );
    check_over(
        Base::Defaults,
        &text,
        "BUILT_IN=y",
        "",
        expect![[r#"
        fix of 1, smallest
          MODULES=n for BUILT_IN
          turns on A B C
    "#]],
    );
    check_over(
        Base::Defaults,
        &large,
        "BUILT_IN=y",
        "",
        expect![[r#"
            fix of 1, drastic, smallest
              MODULES=n for BUILT_IN
              turns on 303 symbols
        "#]],
    );
    check_over(
        Base::Defaults,
        &large,
        "BUILT_IN=y NAT=y",
        "MODULES",
        expect![[r#"
        BUILT_IN does not hold with MODULES, which is kept
        fix of 3, smallest
          A=y for NAT
          B=y for NAT
          C=y for NAT
    "#]],
    );
}

/// A symbol without a prompt stays off.
#[test]
fn what_is_lost_can_be_kept() {
    let text = "config EXPERT\n\tbool \"E\"\nconfig RT\n\tbool \"R\"\n\tdepends on EXPERT\n\
                config SPACES\n\tbool \"S\" if EXPERT\n\tdefault !EXPERT\n\
                config PIDS\n\tbool \"P\"\n\tdepends on SPACES\n\tdefault y\n\
                config HIDDEN\n\tbool\n\tdefault !EXPERT\n";
    check_over(
        Base::Defaults,
        text,
        "RT=y",
        "",
        expect![[r#"
        fix of 1, smallest
          EXPERT=y for RT
          turns off SPACES PIDS HIDDEN
          kept by SPACES=y, all but "HIDDEN"
    "#]],
    );
}

#[test]
fn each_contradicting_request_is_named_with_what_rules_it_out() {
    let text = "config A\n\tbool \"a\"\n\tdepends on E\nconfig B\n\tbool \"b\"\n\tdepends on E && !A\n\
                config C\n\tbool \"c\"\n\tdepends on E && !A\nconfig E\n\tbool \"e\"\nconfig F\n\tbool \"f\"\n\tdepends on NO\n";
    check(
        text,
        "A=y B=y C=y F=y",
        expect![[r#"
        B does not hold with A
        C does not hold with A
        F does not hold with anything
        fix of 1, smallest
          E=y for A
    "#]],
    );
}

#[test]
fn compile_test_is_the_last_alternative() {
    check(
        "config COMPILE_TEST\n\tbool \"C\"\n\
         config SOC\n\tbool \"S\"\n\tselect CLOCK\n\
         config CLOCK\n\tbool\n\
         config DRIVER\n\tbool \"D\"\n\tdepends on SOC || COMPILE_TEST\n",
        "DRIVER=y",
        expect![[r#"
            fix of 1, smallest
              SOC=y for DRIVER
              turns on CLOCK
        "#]],
    );
}

/// Three buses, each of which five drivers select, make 216 sets of three; only some are tried.
#[test]
fn of_many_sets_the_best_is_found() {
    let mut text = "config MODULES\n\tbool \"M\"\n\tmodules\n\tdefault y\n".to_owned();
    for bus in ["A", "B", "C"] {
        // The drivers come first, so that the search finds them first.
        for driver in 1..=5 {
            text += &format!("config {bus}_{driver}\n\ttristate \"D\"\n\tselect {bus}_BUS\n");
        }
        text += &format!("config {bus}_BUS\n\tbool \"B\"\n");
        text += &format!("config WANT_{bus}\n\tbool \"W\"\n\tdepends on {bus}_BUS\n");
    }
    check(
        &text,
        "WANT_A=y WANT_B=y WANT_C=y",
        expect![[r#"
            fix of 3, smallest
              A_BUS=y for WANT_A
              B_BUS=y for WANT_B
              C_BUS=y for WANT_C
        "#]],
    );
}
