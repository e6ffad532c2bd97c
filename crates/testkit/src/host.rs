//! The programs of the host that a slow test needs.

/// Fails when the host lacks one of `programs`, naming all that are missing.
///
/// They are looked for on `PATH`, and in the directories of the administrator's programs.
///
/// # Panics
/// When a program is missing.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test asks for the caller's own programs")]
pub fn assert_has(programs: &[&str]) {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.extend(["/usr/sbin".into(), "/sbin".into()]);
    let is_missing = |program: &&&str| !folders.iter().any(|folder| folder.join(program).is_file());
    let missing: Vec<&str> = programs.iter().filter(is_missing).copied().collect();
    assert!(
        missing.is_empty(),
        "missing on this host: {}; `scripts/test` installs what tests need",
        missing.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use super::assert_has;

    #[test]
    fn all_that_is_missing_is_named() {
        assert_has(&["sh", "ls"]);
        let failed = std::panic::catch_unwind(|| assert_has(&["sh", "no-such-program", "nor-this"])).unwrap_err();
        let message = failed.downcast_ref::<String>().expect("a message");
        assert!(message.contains("no-such-program, nor-this") && message.contains("scripts/test"), "{message}");
    }
}
