//! A module's parameter string, split into the arguments of insmod.

/// Splits `text` at blanks outside double quotes; quotes stay in the words.
///
/// insmod joins its arguments with blanks and passes the result to the kernel, so the words restore the same string,
/// except for the number of blanks between them.
/// # Errors
/// A line for people, when a quote is not closed or the text has control characters other than blanks.
/// # Source
/// `next_arg` in the kernel's `lib/cmdline.c`: a quote anywhere in a word toggles.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        // Newlines separate words like blanks, but are not possible inside quotes in a line of modprobe.d.
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
        if c.is_control() && (quoted || !blank) {
            return Err(format!("the parameters contain the control character {c:?}"));
        }
        if blank && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        quoted ^= c == '"';
        word.push(c);
    }
    if quoted {
        return Err("a `\"` in the parameters is not closed".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[&str]) {
        let want: Vec<String> = want.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(words(text), Ok(want));
    }

    #[test]
    fn words_are_cut_where_the_kernel_cuts_them() {
        check("", &[]);
        check("  a=1\t b\n", &["a=1", "b"]);
        check(r#"a="x  y" b=z"#, &[r#"a="x  y""#, "b=z"]);
        check(r#""a=x y" b"#, &[r#""a=x y""#, "b"]);
        check("a=$(reboot);`x`'\\", &["a=$(reboot);`x`'\\"]);
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        assert!(words("a=\"x y").is_err());
        assert!(words("a=\0").is_err());
        assert!(words("a=\"x\ny\"").is_err());
    }
}
