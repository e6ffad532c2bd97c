use super::names;

#[test]
fn a_crate_is_named_at_the_start_of_a_path() {
    for text in ["use serde::Serialize;", "serde::to(x)", "use ::serde::de;", "use serde;", "use serde as s;"] {
        assert!(names(text, "serde"), "{text}");
    }
}

#[test]
fn a_variable_and_the_end_of_another_name_are_no_crate() {
    for text in ["let serde = 1;", "my_serde::to(x)", "serde_json::to(x)", "crate::serde::to(x)", "T::<A>::serde::X"] {
        assert!(!names(text, "serde"), "{text}");
    }
}
