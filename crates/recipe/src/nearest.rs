//! Suggests a known name for an unknown one.

/// Returns the name among `known` that is nearest to `name`, when one is near enough to be a typing mistake.
///
/// Case is ignored, then single edits and swaps are counted; about one in three characters may differ. Of equally near
/// names the first wins, so the order of `known` decides.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let length = folded.chars().count();
    let limit = |candidate: &str| (length.max(candidate.chars().count()) / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= limit(candidate) && distance < candidate.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let known = ["config", "conditionalConfig", "makeTargets", "arch"];
        let check = |name, want| assert_eq!(nearest(name, known), want, "{name}");
        check("confg", Some("config"));
        check("cofnig", Some("config"));
        check("maketargets", Some("makeTargets"));
        check("condtionalConfg", Some("conditionalConfig"));
        check("x", None);
        check("", None);
        check("something", None);
    }
}
