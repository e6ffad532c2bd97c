//! The list of codes: every kind of finding of kiln, each with a page that explains it.
//!
//! A [`Diagnostic`](crate::Diagnostic) accepts only a [`Code`], and a code does not compile without its page, so that
//! every emitted code is known to `kiln explain`. `cargo xtask tidy` finds codes that are never emitted.

macro_rules! codes {
    ($($variant:ident $name:literal,)*) => {
        /// The kind of a finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*
        }

        impl Code {
            /// Every code, by name.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// Returns the stable name, in kebab case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                }
            }

            /// Returns its meaning, an example and remedies, in Markdown; the first paragraph under the title is a
            /// summary.
            pub const fn page(self) -> &'static str {
                match self {
                    $(Code::$variant => include_str!(concat!("code/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    BadDependency "bad-dependency",
    BadExtraModule "bad-extra-module",
    BadLoaderName "bad-loader-name",
    BadModuleName "bad-module-name",
    BadModulePath "bad-module-path",
    BadOutput "bad-output",
    BadParameters "bad-parameters",
    BrokenModuleOrder "broken-module-order",
    BuiltinParameters "builtin-parameters",
    Condition "condition",
    ConditionOverrides "condition-overrides",
    Conflict "conflict",
    ConflictingParameters "conflicting-parameters",
    ConflictingRequests "conflicting-requests",
    Contradiction "contradiction",
    CrcMismatch "crc-mismatch",
    DuplicateLoader "duplicate-loader",
    DuplicateModule "duplicate-module",
    DuplicateSymbol "duplicate-symbol",
    EmptyGroup "empty-group",
    ForcedBySelect "forced-by-select",
    ForeignModule "foreign-module",
    ForeignSymbol "foreign-symbol",
    FragmentDuplicate "fragment-duplicate",
    FragmentSyntax "fragment-syntax",
    GplOnlySymbol "gpl-only-symbol",
    IdleCondition "idle-condition",
    ImportCycle "import-cycle",
    ImportDepth "import-depth",
    KconfigError "kconfig-error",
    KconfigWarning "kconfig-warning",
    LimitedToModule "limited-to-module",
    LoaderCycle "loader-cycle",
    LostChoice "lost-choice",
    MissingFirmware "missing-firmware",
    MissingImport "missing-import",
    MissingNamespace "missing-namespace",
    MissingOption "missing-option",
    MissingRecipe "missing-recipe",
    MissingToolFeature "missing-tool-feature",
    ModularOverrides "modular-overrides",
    ModuleCycle "module-cycle",
    Name "name",
    NoModuleOrder "no-module-order",
    NoModules "no-modules",
    NoPrompt "no-prompt",
    OtherArchSymbol "other-arch-symbol",
    OutOfRange "out-of-range",
    OverruledChoice "overruled-choice",
    Priority "priority",
    RenamedSymbol "renamed-symbol",
    StrayParameters "stray-parameters",
    StrayPrefix "stray-prefix",
    Syntax "syntax",
    TargetOff "target-off",
    Type "type",
    UnknownFact "unknown-fact",
    UnknownLoader "unknown-loader",
    UnknownModule "unknown-module",
    UnknownOption "unknown-option",
    UnknownParameter "unknown-parameter",
    UnknownSymbol "unknown-symbol",
    UnknownTarget "unknown-target",
    UnloadedModule "unloaded-module",
    UnmetDependency "unmet-dependency",
    UnmetRequest "unmet-request",
    UnreadableCompression "unreadable-compression",
    UnreadableFile "unreadable-file",
    UnresolvedSymbol "unresolved-symbol",
    Unsettled "unsettled",
    VermagicMismatch "vermagic-mismatch",
    VersionMismatch "version-mismatch",
    VoidBlacklist "void-blacklist",
    WrongType "wrong-type",
}

impl Code {
    /// Returns the code with this name.
    pub fn parse(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Returns its meaning, in one sentence.
    pub fn summary(self) -> &'static str {
        let body = self.page().split_once("\n\n").map_or("", |(_, body)| body);
        body.lines().next().unwrap_or_default()
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_parts() {
        assert!(Code::ALL.is_sorted_by_key(|code| code.name()), "the list is by name");
        for code in Code::ALL {
            let (name, page) = (code.name(), code.page());
            assert!(page.starts_with(&format!("# {name}\n\n")), "{name}: no title");
            assert!(page.ends_with('\n') && !page.ends_with("\n\n"), "{name}: the end");
            // The output in the example is compared with a real run, in the tests of `cli`.
            assert!(page.contains("\n## Example\n\n```"), "{name}: no example");
            let advice = page.split("## What to do\n\n").nth(1).unwrap_or_default();
            assert!(advice.starts_with("- "), "{name}: no advice");
            assert!(code.summary().ends_with(['.', ':']), "{name}: {}", code.summary());
            assert_eq!(Code::parse(name), Some(*code));
        }
        assert_eq!(Code::parse("no-such-code"), None);
    }
}
