//! apt's lists: the host's, or kiln's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kiln_exec::{Exec, ExecError};
use kiln_store::{Lock, directory, write_whole};

use super::{AptError, Deb};
use crate::context::{Fetch, is_proxy};

/// Which lists of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// Those of the machine's own apt.
    Host,
    /// Those in the store.
    Own,
    /// Those of source packages, in the store.
    Sources,
}

/// A directory of apt's, locked by this process alone.
pub(crate) struct State {
    dir: PathBuf,
    lists: Lists,
    _lock: Lock,
}

/// The age at which kiln's own lists are fetched again.
const STALE: Duration = Duration::from_secs(24 * 3600);
const UPDATED: &str = "updated";
/// Hooks of the host would clean the host's caches, and notify its desktop of these lists.
const NO_HOOKS: &str = "\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
";

impl State {
    /// Opens the host's lists, with caches of kiln's own.
    pub(super) fn of_host(fetch: &Fetch<'_>) -> Result<State, AptError> {
        State::open(fetch, "host", Lists::Host, None)
    }

    /// Opens kiln's own lists for an architecture, or for the host's; fetched when they are missing or old.
    pub(super) fn own(fetch: &Fetch<'_>, architecture: Option<&str>) -> Result<State, AptError> {
        let state = State::open(fetch, architecture.unwrap_or("own"), Lists::Own, architecture)?;
        match state.age() {
            None => state.update(fetch)?,
            Some(age) if age > STALE => {
                if let Err(AptError::Failed { source, .. }) = state.update(fetch) {
                    fetch.progress.note(&format!("apt's lists are old and could not be fetched again: {source}"));
                }
            }
            Some(_) => {}
        }
        Ok(state)
    }

    /// Opens the lists of source packages, fetched when they are missing or old.
    pub(crate) fn of_sources(fetch: &Fetch<'_>) -> Result<State, AptError> {
        let state = State::open(fetch, "sources", Lists::Sources, None)?;
        if state.age().is_none_or(|age| age > STALE) {
            let host = Exec::new("apt-config").envs(fetch.env_of(is_apts)).args(["shell", "LIST"]);
            let host = host.args(["Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]).text();
            let host = host.map_err(|source| failed("the host's sources", source))?;
            let path = |name: &str| {
                let value =
                    host.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''));
                PathBuf::from(value.unwrap_or_default())
            };
            super::sources_list::write_entries(&path("LIST"), &path("PARTS"), &state.dir)?;
            // A third-party archive may have no sources; missing ones are reported when looked up.
            match state.update(fetch) {
                Err(AptError::Unnamed { said, .. }) => fetch.progress.note(&format!("apt: {}", said.trim_end())),
                updated => updated?,
            }
        }
        Ok(state)
    }

    /// Returns the files of the source package `name`.
    pub(crate) fn source_files(&self, fetch: &Fetch<'_>, name: &str) -> Result<Vec<Deb>, AptError> {
        let empty = self.dir.join("nothing");
        let ask = || self.source(fetch).dir(&empty).args(["--print-uris", "--", name]).capture();
        self.named(fetch, &format!("the source of {name}"), ask)
    }

    /// Downloads them into `dir`.
    pub(crate) fn download_source(&self, fetch: &Fetch<'_>, name: &str, dir: &Path, size: u64) -> Result<(), AptError> {
        let run = || self.source(fetch).dir(dir).args(["--", name]).text();
        let done = directory::watch(fetch.progress, &format!("download {name}"), Some(size), dir, run);
        done.map(drop).map_err(|source| failed(name, source))
    }

    /// Returns those of `names` that the lists do not have.
    pub(super) fn absent(&self, fetch: &Fetch<'_>, names: &[&str]) -> Result<Vec<String>, AptError> {
        let said = self.program("apt-cache", fetch).arg("pkgnames").text();
        let said = said.map_err(|source| failed(&names.join(", "), source))?;
        let known: BTreeSet<&str> = said.lines().collect();
        Ok(names.iter().filter(|name| !known.contains(*name)).map(|&name| name.to_owned()).collect())
    }

    /// Returns the file of the one package `what`.
    pub(super) fn find(&self, fetch: &Fetch<'_>, what: &str) -> Result<Deb, AptError> {
        // A file of that name in the working directory counts as downloaded, and is not named.
        let empty = self.dir.join("nothing");
        let ask = || self.apt(fetch).dir(&empty).args(["download", "--print-uris", "--", what]).capture();
        let debs = self.named(fetch, what, ask)?;
        debs.into_iter().next().ok_or_else(|| AptError::Unnamed { what: what.to_owned(), said: String::new() })
    }

    /// Downloads the package `what` into `dir`.
    pub(super) fn download(&self, fetch: &Fetch<'_>, what: &str, dir: &Path, size: u64) -> Result<(), AptError> {
        let run = || self.apt(fetch).dir(dir).args(["download", "--", what]).text();
        let done = directory::watch(fetch.progress, &format!("download {what}"), Some(size), dir, run);
        done.map(drop).map_err(|source| failed(what, source))
    }

    /// Returns the files of the packages `names` and of all their dependencies.
    pub(super) fn closure(&self, fetch: &Fetch<'_>, names: &[&str]) -> Result<Vec<Deb>, AptError> {
        // apt does not name files that it has already downloaded, so it gets an empty directory.
        let nothing = format!("Dir::Cache::archives={}", self.dir.join("nothing").display());
        let ask = || self.install(fetch, names).args(["--print-uris", "-o", &nothing]).capture();
        self.named(fetch, &names.join(", "), ask)
    }

    /// Downloads the files that [`State::closure`] named; returns the directory with the files.
    pub(super) fn download_closure(
        &self,
        fetch: &Fetch<'_>,
        names: &[&str],
        debs: &[Deb],
    ) -> Result<PathBuf, AptError> {
        let archives = self.dir.join("cache/archives");
        let size = debs.iter().map(|deb| deb.size).sum();
        let run = || self.install(fetch, names).arg("--download-only").text();
        let task = format!("download {} packages", debs.len());
        let done = directory::watch(fetch.progress, &task, Some(size), &archives, run);
        done.map_err(|source| failed(&names.join(", "), source))?;
        Ok(archives)
    }

    fn open(fetch: &Fetch<'_>, name: &str, lists: Lists, architecture: Option<&str>) -> Result<State, AptError> {
        let lock = fetch.store.lock(&format!("apt-{name}"), "apt lists", fetch.progress)?;
        let dir = fetch.store.cache(&format!("apt/{name}"))?;
        let io = |path: &Path, source| AptError::Io { path: path.to_owned(), source };
        for folder in ["state/lists/partial", "cache/archives/partial", "nothing/partial"] {
            fetch.store.cache(&format!("apt/{name}/{folder}"))?;
        }
        let status = dir.join("status");
        write_whole(&status, b"").map_err(|source| io(&status, source))?;
        let mut config = NO_HOOKS.to_owned();
        if let Some(architecture) = architecture {
            config += &format!(
                "APT::Architecture \"{architecture}\";\n#clear APT::Architectures;\nAPT::Architectures:: \"{architecture}\";\n"
            );
        }
        let path = dir.join("apt.conf");
        write_whole(&path, config.as_bytes()).map_err(|source| io(&path, source))?;
        Ok(State { dir, lists, _lock: lock })
    }

    /// Runs `ask` and reads the files it names; when kiln's own lists may be the cause, fetches them and retries.
    fn named(
        &self,
        fetch: &Fetch<'_>,
        what: &str,
        ask: impl Fn() -> Result<kiln_exec::Output, ExecError>,
    ) -> Result<Vec<Deb>, AptError> {
        let asked = self.parse(what, ask());
        let is_fresh = self.age().is_some_and(|age| age < Duration::from_secs(60));
        match asked {
            Err(AptError::Unnamed { .. }) if self.lists != Lists::Host && !is_fresh => {
                self.update(fetch)?;
                self.parse(what, ask())
            }
            asked => asked,
        }
    }

    fn parse(&self, what: &str, asked: Result<kiln_exec::Output, ExecError>) -> Result<Vec<Deb>, AptError> {
        let output = asked.map_err(|source| failed(what, source))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let parse = |line| match self.lists {
            Lists::Sources => Deb::parse_source(line),
            lists => Deb::parse(line, lists),
        };
        let debs: Vec<Deb> = text.lines().filter_map(parse).collect();
        let n_files = text.lines().filter(|line| line.starts_with('\'')).count();
        if output.status.success() && !debs.is_empty() && debs.len() == n_files {
            return Ok(debs);
        }
        let said = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
        let said =
            String::from_utf8_lossy(&said).lines().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n");
        Err(AptError::Unnamed { what: what.to_owned(), said })
    }

    /// Fetches the lists; apt's warnings are passed on.
    fn update(&self, fetch: &Fetch<'_>) -> Result<(), AptError> {
        let lists = self.dir.join("state/lists");
        let run = || self.apt(fetch).arg("update").capture();
        let output = directory::watch(fetch.progress, "fetch apt's lists", None, &lists, run);
        let output = output.map_err(|source| failed("lists of packages", source))?;
        let said = String::from_utf8_lossy(&output.stderr);
        // Without one list of several, a package may still be found; with none of them, nothing can be.
        if !output.status.success() && !has_list(&lists) {
            return Err(AptError::Unnamed { what: "its lists".to_owned(), said: said.into_owned() });
        }
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            fetch.progress.note(&format!("apt: {line}"));
        }
        let path = self.dir.join(UPDATED);
        write_whole(&path, b"").map_err(|source| AptError::Io { path, source })
    }

    /// Returns the age of the lists; `None` without lists.
    fn age(&self) -> Option<Duration> {
        let updated = fs::metadata(self.dir.join(UPDATED)).and_then(|meta| meta.modified()).ok()?;
        Some(SystemTime::now().duration_since(updated).unwrap_or_default())
    }

    fn install(&self, fetch: &Fetch<'_>, names: &[&str]) -> Exec {
        self.apt(fetch).args(["install", "--yes", "--no-install-recommends"]).args(names)
    }

    fn source(&self, fetch: &Fetch<'_>) -> Exec {
        self.apt(fetch).args(["source", "--download-only", "--only-source"])
    }

    fn apt(&self, fetch: &Fetch<'_>) -> Exec {
        self.program("apt-get", fetch)
    }

    fn program(&self, program: &str, fetch: &Fetch<'_>) -> Exec {
        let option = |name: &str, path: &str| format!("{name}={}", self.dir.join(path).display());
        let apt = Exec::new(program)
            .envs(fetch.env_of(is_apts))
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("--config-file")
            .arg(self.dir.join("apt.conf"))
            .args([
                "-qq",
                "-o",
                "Acquire::ForceHash=SHA256",
                "-o",
                "Acquire::Languages=none",
                "-o",
                "Acquire::Retries=3",
            ])
            // The user that apt would switch to may not be able to access the store.
            .args(["-o", "APT::Sandbox::User=root"])
            .args(["-o", &option("Dir::Cache", "cache"), "-o", "Dir::Cache::archives=archives"])
            .args(["-o", "Dir::Cache::pkgcache=pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"]);
        let own = |apt: Exec| {
            apt.args(["-o", &option("Dir::State", "state"), "-o", "Dir::State::lists=lists"])
                .args(["-o", &option("Dir::State::status", "status")])
        };
        match self.lists {
            Lists::Host => apt,
            Lists::Own => own(apt),
            Lists::Sources => own(apt)
                .args(["-o", &option("Dir::Etc::sourcelist", "list")])
                .args(["-o", &option("Dir::Etc::sourceparts", "parts")]),
        }
    }
}

/// Whether there is a list of packages in `lists`.
fn has_list(lists: &Path) -> bool {
    let is_list = |name: &str| name.contains("_Packages") || name.contains("_Sources");
    fs::read_dir(lists).into_iter().flatten().flatten().any(|entry| entry.file_name().to_str().is_some_and(is_list))
}

/// Whether a variable of the user's is passed to apt.
fn is_apts(name: &str) -> bool {
    is_proxy(name) || matches!(name, "PATH" | "HOME" | "APT_CONFIG" | "NETRC")
}

/// Returns the paths that the host's apt depends on: its lists, what is installed, its settings.
pub(super) fn of_host() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = ["/var/lib/apt/lists", "/var/lib/dpkg/status", "/etc/apt"].map(PathBuf::from).into();
    let settings = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let top: Vec<PathBuf> = settings(Path::new("/etc/apt")).collect();
    paths.extend(top.iter().filter(|path| path.is_dir()).flat_map(|folder| settings(folder)).collect::<Vec<_>>());
    paths.extend(top);
    paths
}

fn failed(what: &str, source: ExecError) -> AptError {
    match source {
        ExecError::Interrupted(interrupt) => interrupt.into(),
        source => AptError::Failed { what: what.to_owned(), source: Box::new(source) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_apt_prints() {
        let hash = "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744";
        let line = format!(
            "'http://h/busybox-static_1.35.0-4%2bb1_arm64.deb' busybox-static_1%3a1.35.0-4+b1_arm64.deb 928188 SHA256:{hash}"
        );
        let deb = Deb::parse(&line, Lists::Own).unwrap();
        assert_eq!(
            (deb.package.as_str(), deb.version.as_str(), deb.size),
            ("busybox-static", "1:1.35.0-4+b1", 928_188)
        );
        assert_eq!(deb.sha256.to_string(), hash);
        assert_eq!(Deb::parse("Reading package lists...", Lists::Own), None);
        assert_eq!(Deb::parse("'http://h/a.deb' a_1_all.deb 1 MD5Sum:00", Lists::Own), None);
    }
}
