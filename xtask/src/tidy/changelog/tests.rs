use super::check;

#[test]
fn only_long_entries_under_unreleased_are_found() {
    let long = format!("- {}", "x".repeat(239));
    let fits = format!("- {}", "x".repeat(238));
    let text = format!("# Changelog\n\n## Unreleased\n\n### Recipes\n\n{fits}\n{long}\n\n## 0.1.0\n\n{long}\n");
    assert_eq!(check(&text), ["CHANGELOG.md:8: an entry of 241 characters; at most 240"]);
}

#[test]
fn continued_lines_count() {
    let half = "x".repeat(120);
    let text = format!("## Unreleased\n\n- {half}\n  {half}\n\n  not an entry's\n");
    assert_eq!(check(&text), ["CHANGELOG.md:3: an entry of 244 characters; at most 240"]);
}

#[test]
fn there_must_be_an_unreleased_section() {
    assert_eq!(check("# Changelog\n"), ["CHANGELOG.md: no `## Unreleased` section"]);
}
