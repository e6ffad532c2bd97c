//! `softdep=` lines: modules to load before and after another, when they exist.

/// One soft dependency line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Softdep {
    /// Words after `pre:`: names or aliases of modules to load before.
    pub pre: Vec<String>,
    /// Words after `post:`: to load afterwards.
    pub post: Vec<String>,
}

impl Softdep {
    /// Reads the value of a `softdep=`; words before any `pre:` or `post:` have no meaning and are left out.
    ///
    /// # Source
    /// `modprobe.d(5)`, `MODULE_SOFTDEP` in `include/linux/module.h`.
    pub fn parse(value: &str) -> Softdep {
        let mut softdep = Softdep::default();
        let mut list = None;
        for word in value.split_ascii_whitespace() {
            match (word, &list) {
                ("pre:", _) => list = Some(true),
                ("post:", _) => list = Some(false),
                (_, Some(true)) => softdep.pre.push(word.to_owned()),
                (_, Some(false)) => softdep.post.push(word.to_owned()),
                (_, None) => {}
            }
        }
        softdep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_after_a_mark_only() {
        let softdep = Softdep::parse("cifs pre: a  b post: c pre: d");
        assert_eq!((softdep.pre.join(" "), softdep.post.join(" ")), ("a b d".to_owned(), "c".to_owned()));
    }
}
