//! The limits of what recipes and kernel trees run, as the user sets them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use kiln_exec::{NetworkSupport, Permissions, Sandbox, Support};

use crate::commands::Context;
use crate::failure::Failure;

/// Parts of a program's messages that point to its limits.
const SIGNS: [&str; 6] = [
    "Permission denied",
    "PermissionError",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "Could not resolve host",
    "Operation not permitted",
];

/// Directories of the store that programs may read; keys that modules are signed with are in none of them.
const OPEN: [&str; 3] = ["results", "making", "work"];

/// Variables that name the toolchains of version managers, whose proxies are on `PATH`.
const MANAGERS: [&str; 5] = ["ASDF_DATA_DIR", "ASDF_DIR", "MISE_DATA_DIR", "PYENV_ROOT", "RUSTUP_HOME"];

/// Returns the limits; `--no-sandbox` and `KILN_SANDBOX=off` take them away.
///
/// Programs may read the results of the store and the recipe's directory, which may both be in the home directory.
///
/// # Errors
/// `KILN_SANDBOX` has an unknown word.
pub(crate) fn of(context: &Context<'_>) -> Result<Sandbox, Failure> {
    let setting = context.environment.sandbox.clone().unwrap_or_default();
    let mut permissions = parse(&setting.to_string_lossy())?;
    let Some(permissions) = permissions.as_mut().filter(|_| !context.global.no_sandbox) else {
        return Ok(Sandbox::off());
    };
    let variable = |name: &str| context.environment.vars.get(OsStr::new(name)).map(PathBuf::from);
    let home = variable("HOME");
    permissions.read.extend(MANAGERS.into_iter().filter_map(variable).filter(|dir| !is_above(dir, home.as_deref())));
    let recipe = context.recipe().canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
    // A recipe that lies in the home itself opens none of it.
    permissions.read.extend(recipe.filter(|dir| !is_above(dir, home.as_deref())));
    permissions.read.extend(OPEN.map(|name| context.store_dir().join(name)));
    Ok(Sandbox::new(home.as_deref(), &context.environment.path, permissions.clone()))
}

fn is_above(dir: &Path, home: Option<&Path>) -> bool {
    home.and_then(|home| home.canonicalize().ok()).is_some_and(|home| home.starts_with(dir))
}

/// Reads `KILN_SANDBOX`; `None` when it is `off`.
fn parse(text: &str) -> Result<Option<Permissions>, Failure> {
    let mut permissions = Permissions::default();
    for word in text.split_whitespace() {
        match word.split_once('=') {
            None if word == "off" => return Ok(None),
            None if word == "network" => permissions.network = true,
            Some(("read", path)) if path.starts_with('/') => permissions.read.push(path.into()),
            Some(("write", path)) if path.starts_with('/') => permissions.write.push(path.into()),
            _ => {
                let failure = Failure::fault(anyhow!("`{word}` in KILN_SANDBOX is not known"));
                return Err(failure
                    .help("it is `off`, or any of `network`, `read=/PATH` and `write=/PATH` with blanks between"));
            }
        }
    }
    Ok(Some(permissions))
}

/// Returns what to do where a program failed and its limits may be the reason.
pub(crate) fn help(said: &str) -> Option<String> {
    let may_be = SIGNS.iter().any(|sign| said.contains(sign));
    may_be.then(|| {
        "by default, what recipes and kernel trees run has no network, sees nothing of the home directory, and writes to its build \
         directory only: if it needs more, allow it (`KILN_SANDBOX=\"read=/PATH write=/PATH network\"`), or use \
         `--no-sandbox`"
            .to_owned()
    })
}

/// Describes what this host gives, one line each.
pub(crate) fn describe(support: Option<Support>) -> String {
    let Some(support) = support else { return "sandbox: off\n".to_owned() };
    let files = match support.files {
        true => "limited, by Landlock",
        false => "not limited: this kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, `lsm=landlock,…`)",
    };
    let network = match support.network {
        NetworkSupport::ByThread => "none, by a namespace",
        NetworkSupport::ByProgram => "none, by a namespace of `unshare`",
        NetworkSupport::OnlyTcp => {
            "no TCP, by Landlock: this host lets users make no namespaces, which would take away all"
        }
        NetworkSupport::Nothing => "not limited",
    };
    format!("sandbox: files: {files}\nsandbox: network: {network}\n")
}

/// Returns how far the network is limited, for programs: `none`, `noTcp` or `all`.
pub(crate) fn network(support: Option<Support>) -> &'static str {
    match support.map(|support| support.network) {
        Some(NetworkSupport::ByThread | NetworkSupport::ByProgram) => "none",
        Some(NetworkSupport::OnlyTcp) => "noTcp",
        Some(NetworkSupport::Nothing) | None => "all",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_read_word_by_word() {
        let read = |text: &str| parse(text).map_err(|failure| format!("{failure:?}"));
        assert_eq!(read("").unwrap(), Some(Permissions::default()));
        assert_eq!(read("read=/a off").unwrap(), None);
        let all = Permissions { read: vec!["/a".into()], write: vec!["/b".into()], network: true };
        assert_eq!(read(" read=/a  network write=/b ").unwrap(), Some(all));
        for wrong in ["on", "read", "read=a", "write=", "network=yes"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_refusal_is_explained() {
        assert!(help("sh: 1: cannot create /etc/x: Permission denied").is_some());
        assert!(help("error: expected ';' before '}' token").is_none());
    }
}
