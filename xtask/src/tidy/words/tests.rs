use super::check;

#[test]
fn phrases_are_found_with_their_lines() {
    let text = "/// Resolves it.\nlet text = \"its prompt is not in sight\";\n// Written ANEW, by chance.\n";
    assert_eq!(
        check("a.rs", text),
        ["a.rs:2: `in sight`: write `visible`", "a.rs:3: `anew`: write `again`", "a.rs:3: `by chance`: write `random`",]
    );
}

#[test]
fn parts_of_words_and_names_are_not_phrases() {
    assert_eq!(check("a.md", "`is_spelled_alike`, settle_anew, in sights, reminds\n"), Vec::<String>::new());
}
