use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

const HEADER: &str = "\
#ifdef CONFIG_OUTSIDE
#endif
struct inner {
\tint a;
#if IS_ENABLED(CONFIG_CT)
\tlong b;
#endif
};
struct outer { struct inner in; int last; };
struct other;
struct sized { char of[SIZE]; };
#define SIZE CONFIG_NR
struct elsewhere { char of[OTHER_SIZE]; };
";

/// Returns members as `name@byte+size`, with `:structure` after them.
fn structure(name: &str, size: u64, line: u64, members: &str) -> Structure {
    let member = |text: &str| {
        let (text, of) = text.split_once(':').map_or((text, None), |(text, of)| (text, Some(format!("struct {of}"))));
        let (name, place) = text.split_once('@').unwrap();
        let (offset, size) = place.split_once('+').unwrap();
        let bits = |text: &str| 8 * text.parse::<u64>().unwrap();
        Member { name: name.to_owned(), offset: bits(offset), size: bits(size), is_bit_field: false, of }
    };
    let members = members.split_ascii_whitespace().map(member).collect();
    let (kind, file) = (StructureKind::Struct, "a.h".to_owned());
    Structure { kind, name: name.to_owned(), is_typedef: false, size, members, file, line }
}

fn check(old: Vec<Structure>, new: Vec<Structure>, symbols: &[&str], expected: &Expect) {
    let mut layouts = Layouts::default();
    layouts.add([old, new]);
    let texts = layouts.files().into_iter().map(|file| (file, HEADER.to_owned())).collect();
    let mut shown = String::new();
    for change in layouts.changes(&symbols.iter().copied().collect(), &texts) {
        write!(shown, "{} {}:{} {} -> {}", change.title, change.file, change.line, change.old_size, change.new_size)
            .unwrap();
        for member in &change.members {
            let at = |slot: Option<Slot>| slot.map_or("-".to_owned(), |slot| format!("{}+{}", slot.offset, slot.size));
            write!(shown, "; {} {} -> {}", member.name, at(member.old), at(member.new)).unwrap();
        }
        writeln!(shown, "; {:?}", change.cause.map(|cause| (cause.through, cause.symbols))).unwrap();
    }
    expected.assert_eq(&shown);
}

#[test]
fn what_a_definition_names_and_who_holds_it() {
    let inner = |size, members| structure("inner", size, 3, members);
    let outer = |size, members| structure("outer", size, 9, members);
    let same = || structure("same", 4, 10, "a@0+4");
    check(
        vec![outer(8, "in@0+4:inner last@4+4"), inner(4, "a@0+4"), same()],
        vec![outer(24, "in@0+16:inner last@16+4"), inner(16, "a@0+4 b@8+8"), same()],
        &["CT", "OUTSIDE"],
        &expect![[r#"
            struct inner a.h:3 4 -> 16; b - -> 64+64; Some(([], [(5, "CT")]))
            struct outer a.h:9 8 -> 24; in 0+32 -> 0+128; last 32+32 -> 128+32; Some((["struct inner"], [(5, "CT")]))
        "#]],
    );
}

#[test]
fn members_that_go_or_move_in_a_structure_of_one_size() {
    check(
        vec![structure("inner", 8, 3, "a@0+4 b@4+4")],
        vec![structure("inner", 8, 3, "b@0+4 c@4+4")],
        &[],
        &expect![[r#"
            struct inner a.h:3 8 -> 8; a 0+32 -> -; b 32+32 -> 0+32; c - -> 32+32; None
        "#]],
    );
}

#[test]
fn a_macro_of_the_file_and_no_cause_that_is_made_up() {
    let sized = |size: u64| structure("sized", size, 11, &format!("of@0+{size}"));
    let elsewhere = |size: u64| structure("elsewhere", size, 13, &format!("of@0+{size}"));
    check(
        vec![sized(4), elsewhere(4)],
        vec![sized(8), elsewhere(8)],
        &["NR"],
        &expect![[r#"
            struct sized a.h:11 4 -> 8; of 0+32 -> 0+64; Some((["SIZE"], [(12, "NR")]))
            struct elsewhere a.h:13 4 -> 8; of 0+32 -> 0+64; None
        "#]],
    );
}

#[test]
fn members_of_a_group_count_once() {
    check(
        vec![structure("inner", 8, 3, "a@0+4 all.a@0+4 all@0+8 of.b@4+4")],
        vec![structure("inner", 8, 3, "a@4+4 all.a@4+4 all@0+8 of.b@0+4")],
        &[],
        &expect![[r#"
            struct inner a.h:3 8 -> 8; of.b 32+32 -> 0+32; a 0+32 -> 32+32; None
        "#]],
    );
}

#[test]
fn what_only_one_side_has_is_no_change() {
    check(vec![structure("gone", 4, 1, "a@0+4")], vec![structure("new", 4, 1, "a@0+4")], &[], &expect![""]);
}

#[test]
fn one_name_in_two_files() {
    let of = |file: &str, size| Structure { file: file.to_owned(), ..structure("local", size, 1, "") };
    let mut layouts = Layouts::default();
    layouts.add([vec![of("a.c", 1), of("b.c", 2)], vec![of("b.c", 2), of("a.c", 3)]]);
    assert_eq!(layouts.files().into_iter().collect::<Vec<_>>(), ["a.c"]);
}

#[test]
fn symbols_of_a_text() {
    let names = |text| namings(text).map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert_eq!(names("IS_ENABLED(CONFIG_A) CONFIG_B_MODULE XCONFIG_C CONFIG_ CONFIG_D"), "A B_MODULE B D");
}
