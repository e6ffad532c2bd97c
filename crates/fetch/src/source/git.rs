//! One commit of a git repository, by means of the `git` program.
//!
//! Only that commit is transferred when the server allows it. The result is the bare tree, without `.git`:
//! Kbuild would otherwise derive a version from whatever repository state it finds.

use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError};
use kiln_plan::{Key, KeyWriter};
use kiln_store::{directory, remove};

use super::SourceError;
use crate::context::{Fetch, is_proxy, missing};

/// Why a commit could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git could not be run, or failed.
    #[error("cannot get {rev} from {url}{}", missing(source, "git"))]
    Failed {
        /// The repository.
        url: String,
        /// The requested revision.
        rev: String,
        /// The error of git, with its output.
        source: Box<ExecError>,
    },
    /// The repository has no such revision.
    #[error("{url} has no branch, tag or commit `{rev}`{}", shortened(rev))]
    NoSuchRev {
        /// The repository.
        url: String,
        /// The requested revision.
        rev: String,
    },
    /// The revision is not a commit.
    #[error("`{rev}` of {url} is not a commit")]
    NotACommit {
        /// The repository.
        url: String,
        /// The requested revision.
        rev: String,
    },
}

/// Returns the tree, its key and the commit's hash.
pub(super) fn checkout(fetch: &Fetch<'_>, url: &str, rev: &str) -> Result<(PathBuf, Key, String), SourceError> {
    let commit = if is_hash(rev) { rev.to_ascii_lowercase() } else { resolve(fetch, url, rev)? };
    let key = KeyWriter::new("git/1").field("commit", &commit).finish();
    let tree = fetch.store.realize(&key, "source", fetch.progress, |dir| fill(fetch, url, rev, &commit, dir))?;
    Ok((tree, key, commit))
}

/// Looks up the commit of the branch or tag `rev` in the repository.
fn resolve(fetch: &Fetch<'_>, url: &str, rev: &str) -> Result<String, SourceError> {
    let peeled = format!("{rev}^{{}}");
    let listed = git(fetch).args(["ls-remote", "--quiet", "--", url, rev, &peeled]).text();
    let listed = listed.map_err(|source| failed(url, rev, source))?;
    let find = |name: &str| listed.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix('\t'));
    // An annotated tag is an object of its own; `^{}` is its commit. The order is git's own (gitrevisions(7)).
    let names = ["", "refs/", "refs/tags/", "refs/heads/"].map(|prefix| format!("{prefix}{rev}"));
    let found = names.iter().find_map(|name| find(&format!("{name}^{{}}")).or_else(|| find(name)));
    let found = found.ok_or_else(|| GitError::NoSuchRev { url: url.to_owned(), rev: rev.to_owned() })?;
    Ok(found.to_owned())
}

fn fill(fetch: &Fetch<'_>, url: &str, rev: &str, commit: &str, dir: &Path) -> Result<(), SourceError> {
    let failed = |source| failed(url, rev, source);
    let here = || git(fetch).dir(dir);
    // No template: it could bring hooks.
    here().args(["init", "--quiet", "--template=", "."]).text().map_err(failed)?;
    let packs = dir.join(".git/objects/pack");
    let task = format!("fetch {commit} from {url}");
    directory::watch(fetch.progress, &task, None, &packs, || transfer(fetch, url, commit, dir)).map_err(failed)?;
    let peeled = format!("{commit}^{{commit}}");
    let commit = match here().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).text() {
        Ok(hash) => hash.trim().to_owned(),
        Err(ExecError::Failed { .. }) => {
            let (url, rev) = (url.to_owned(), rev.to_owned());
            let is_there = here().args(["cat-file", "-e", commit]).text().is_ok();
            let error = if is_there { GitError::NotACommit { url, rev } } else { GitError::NoSuchRev { url, rev } };
            return Err(error.into());
        }
        Err(source) => return Err(failed(source)),
    };
    fetch.progress.begin(&format!("check out {commit}"), None);
    // The user's settings (line ends, filters) must not change the content of a commit.
    let checkout = here()
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "core.autocrlf=false", "-c", "core.symlinks=true", "-c", "advice.detachedHead=false"])
        .args(["checkout", "--quiet", "--force", "--detach", &commit])
        .text();
    fetch.progress.end();
    checkout.map_err(failed)?;
    let repository = dir.join(".git");
    remove(&repository).map_err(|source| SourceError::Path { path: repository, source })
}

/// Transfers the commit alone or, from a server that sends only what it lists, everything.
fn transfer(fetch: &Fetch<'_>, url: &str, commit: &str, dir: &Path) -> Result<(), ExecError> {
    let get = |args: &[&str]| git(fetch).dir(dir).args(["fetch", "--quiet", "--no-tags"]).args(args).text().map(drop);
    match get(&["--depth=1", "--", url, commit]) {
        Err(ExecError::Failed { tail, .. }) if tail.iter().any(|line| is_refusal(line)) => {
            get(&["--", url, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"])
        }
        result => result,
    }
}

fn is_refusal(line: &str) -> bool {
    ["not our ref", "unadvertised object", "does not allow request", "couldn't find remote ref"]
        .iter()
        .any(|words| line.contains(words))
}

/// Returns `git` with what it needs of the user's environment, without any way to prompt the user.
fn git(fetch: &Fetch<'_>) -> Exec {
    let wanted = |name: &str| {
        let prefixes = ["GIT_SSH", "GIT_SSL", "GIT_CONFIG", "GIT_PROXY", "GIT_HTTP", "GIT_ASKPASS", "SSH_"];
        is_proxy(name)
            || matches!(name, "PATH" | "HOME" | "USER" | "LOGNAME" | "XDG_CONFIG_HOME" | "XDG_RUNTIME_DIR")
            || matches!(name, "SSL_CERT_FILE" | "SSL_CERT_DIR" | "CURL_CA_BUNDLE")
            || prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    let ssh = fetch.text_of("GIT_SSH_COMMAND").unwrap_or("ssh -o BatchMode=yes");
    Exec::new("git")
        .envs(fetch.env_of(wanted))
        .env("GIT_SSH_COMMAND", ssh)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
}

fn failed(url: &str, rev: &str, source: ExecError) -> SourceError {
    match source {
        ExecError::Interrupted(interrupt) => interrupt.into(),
        source => GitError::Failed { url: url.to_owned(), rev: rev.to_owned(), source: Box::new(source) }.into(),
    }
}

/// Whether `rev` is a whole hash, SHA-1 or SHA-256.
fn is_hash(rev: &str) -> bool {
    matches!(rev.len(), 40 | 64) && rev.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn shortened(rev: &str) -> &'static str {
    let looks_like_hash = (7..40).contains(&rev.len()) && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
    if looks_like_hash { ": a commit must be given by its whole hash" } else { "" }
}
