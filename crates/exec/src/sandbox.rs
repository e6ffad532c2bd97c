//! Limits for programs that a recipe or a kernel tree brings: no network, few places to write, no view of the user's home.
//!
//! Landlock limits the files, a network namespace without devices the network. Both are set on a thread that starts the
//! child and then ends: the child inherits them, and nothing else of this process has them. Only root may make a
//! namespace from a thread; for others `unshare` of util-linux, which every Debian has, makes one with a namespace of
//! users around it. Landlock itself also refuses TCP, from its version 4 on.
//!
//! A limit that this host cannot set is left out, and [`Sandbox::support`] says so.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, path_beneath_rules,
};

use crate::exec::find_program;

mod roots;

/// The rights that are limited: those of files, and TCP. Later versions of Landlock limit `ioctl` on devices, which
/// terminals need.
const LIMITED: ABI = ABI::V4;

/// Devices that any program may write to.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random"];

/// Directories that no program of a recipe or tree may read, beside the user's home.
const HOMES: [&str; 2] = ["/home", "/root"];

/// The means by which programs are limited; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    inner: Option<Arc<Inner>>,
}

/// Rights that the user gives beyond the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Directories and files that programs may read, in the home directory too.
    pub read: Vec<PathBuf>,
    /// Directories that they may write to.
    pub write: Vec<PathBuf>,
    /// Whether they have the network.
    pub network: bool,
}

/// The limits that this host can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// Whether files can be limited.
    pub files: bool,
    /// The limit of the network.
    pub network: NetworkSupport,
}

/// A limit of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkSupport {
    /// There is none at all: a namespace that a thread makes.
    ByThread,
    /// There is none at all: a namespace that `unshare` makes.
    ByProgram,
    /// TCP only, by Landlock.
    OnlyTcp,
    /// Not at all.
    Nothing,
}

#[derive(Debug)]
struct Inner {
    permissions: Permissions,
    /// The paths that every program may read.
    readable: Vec<PathBuf>,
    support: Support,
    /// `unshare`, for a host with [`NetworkSupport::ByProgram`].
    unshare: Option<PathBuf>,
    /// The namespace without devices, made once.
    namespace: OnceLock<Option<File>>,
}

/// The limits of one program.
#[derive(Debug, Clone)]
pub(crate) struct Confinement {
    inner: Arc<Inner>,
    pub(crate) readable: Vec<PathBuf>,
    pub(crate) writable: Vec<PathBuf>,
}

/// Two that share their inner part, or that limit nothing.
impl PartialEq for Sandbox {
    fn eq(&self, other: &Sandbox) -> bool {
        match (&self.inner, &other.inner) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Sandbox {}

impl Sandbox {
    /// Returns one that limits nothing.
    pub const fn off() -> Sandbox {
        Sandbox { inner: None }
    }

    /// Finds out what this host gives. `home` is the user's home directory, `path` the value of `PATH`, whose directories
    /// programs may read where they are in the home.
    pub fn new(home: Option<&Path>, path: &OsStr, permissions: Permissions) -> Sandbox {
        let homes: Vec<PathBuf> = HOMES.iter().map(PathBuf::from).chain(home.map(Path::to_owned)).collect();
        let readable = roots::outside_of(&homes).into_iter().chain(roots::of_tools(path, &homes)).collect();
        let unshare = find_program(OsStr::new("/usr/bin:/bin"), Path::new("unshare"));
        let files = landlock_works();
        let network = if permissions.network {
            NetworkSupport::Nothing
        } else if crate::is_root() && on_thread(|| enter(nix::sched::CloneFlags::CLONE_NEWNET)).is_ok() {
            NetworkSupport::ByThread
        } else if unshare.as_deref().is_some_and(works) {
            NetworkSupport::ByProgram
        } else if files {
            NetworkSupport::OnlyTcp
        } else {
            NetworkSupport::Nothing
        };
        let support = Support { files, network };
        let inner = Inner { permissions, readable, support, unshare, namespace: OnceLock::new() };
        Sandbox { inner: Some(Arc::new(inner)) }
    }

    /// Returns what the host gives; `None` when nothing is to be limited.
    pub fn support(&self) -> Option<Support> {
        self.inner.as_ref().map(|inner| inner.support)
    }

    pub(crate) fn confinement(&self, readable: &[&Path], writable: &[&Path]) -> Option<Confinement> {
        let owned = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect();
        let inner = self.inner.clone()?;
        Some(Confinement { inner, readable: owned(readable), writable: owned(writable) })
    }
}

impl Confinement {
    /// Returns the program and the arguments that come before its own, for a host that limits the network by a program.
    pub(crate) fn wrapped(&self, program: PathBuf) -> (PathBuf, Vec<OsString>) {
        match (&self.inner.unshare, self.inner.support.network) {
            (Some(unshare), NetworkSupport::ByProgram) => {
                let flags = ["--user", "--map-current-user", "--net", "--"].map(OsString::from);
                (unshare.clone(), flags.into_iter().chain([program.into_os_string()]).collect())
            }
            _ => (program, Vec::new()),
        }
    }

    /// Starts a command with the limits.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        on_thread(|| {
            self.leave_network()?;
            if self.inner.support.files {
                self.restrict().map_err(io::Error::other)?;
            }
            command.spawn()
        })
    }

    /// Moves this thread into the namespace without devices.
    fn leave_network(&self) -> io::Result<()> {
        if self.inner.support.network != NetworkSupport::ByThread {
            return Ok(());
        }
        let made = || {
            enter(nix::sched::CloneFlags::CLONE_NEWNET).ok()?;
            File::open("/proc/thread-self/ns/net").ok()
        };
        let namespace = self.inner.namespace.get_or_init(|| on_thread(|| made().ok_or_else(refused)).ok());
        let namespace = namespace.as_ref().ok_or_else(refused)?;
        Ok(nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET)?)
    }

    /// Limits the files of this thread.
    fn restrict(&self) -> Result<(), landlock::RulesetError> {
        let Inner { permissions, readable, support, .. } = &*self.inner;
        let read = readable.iter().chain(&permissions.read).chain(&self.readable);
        let write = permissions.write.iter().chain(&self.writable);
        let all = AccessFs::from_all(LIMITED);
        let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
        if !permissions.network {
            rules = rules.handle_access(AccessNet::from_all(LIMITED))?;
        }
        let mut rules = rules
            .create()?
            .add_rules(path_beneath_rules(read, AccessFs::from_read(LIMITED)))?
            .add_rules(path_beneath_rules(write, all))?;
        let processes = (support.network == NetworkSupport::ByProgram).then_some("/proc");
        for device in DEVICES.into_iter().chain(processes) {
            if let Ok(file) = PathFd::new(device) {
                // `unshare` writes the map of its namespace's users; to other processes of the user, Landlock refuses it.
                let rights = AccessFs::from_read(LIMITED) | AccessFs::WriteFile | AccessFs::Truncate;
                let rights = if device == "/proc" { rights } else { rights & AccessFs::from_file(LIMITED) };
                rules = rules.add_rule(PathBeneath::new(file, rights))?;
            }
        }
        rules.restrict_self()?;
        Ok(())
    }
}

fn refused() -> io::Error {
    io::Error::other("this host does not let programs leave the network any more")
}

/// Runs `action` on a thread of its own, whose limits end with it.
fn on_thread<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, action)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended early")))
    })
}

fn enter(flags: nix::sched::CloneFlags) -> io::Result<()> {
    Ok(nix::sched::unshare(flags)?)
}

/// Whether Landlock is there: a set of rules can be made.
fn landlock_works() -> bool {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

/// Whether `unshare` may make namespaces: some hosts refuse them to users.
fn works(unshare: &Path) -> bool {
    let mut command = Command::new(unshare);
    command.args(["--user", "--map-current-user", "--net", "--", "/bin/true"]).env_clear();
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests;
