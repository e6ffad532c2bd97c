//! A directory to run kiln in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kiln_testkit::assert_has;
use tempfile::TempDir;

/// A temporary directory with files; kiln runs in it with a store of its own unless told otherwise.
pub(crate) struct Sandbox {
    dir: TempDir,
    store: Option<PathBuf>,
}

/// The programs that fetch a kernel's source and build it.
pub(crate) const KERNEL_TOOLS: &[&str] =
    &["apt-get", "bc", "bison", "dpkg-deb", "flex", "gcc", "ld", "make", "patch", "tar", "xz"];

/// The outcome of a run.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// Creates an empty directory, and a store in it.
    pub(crate) fn new() -> Sandbox {
        let dir = tempfile::tempdir().expect("temporary directory");
        let store = Some(dir.path().join("store"));
        Sandbox { dir, store }
    }

    /// Creates an empty directory for a slow test; results go to the user's store, so that tests share a built kernel.
    pub(crate) fn with_shared_store() -> Sandbox {
        assert_has(KERNEL_TOOLS);
        Sandbox { store: None, ..Sandbox::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, and creates the directories above it.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> &Sandbox {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("directory");
        fs::write(path, text).expect("file");
        self
    }

    /// Runs kiln to its end.
    pub(crate) fn kiln(&self, args: &[&str]) -> Ran {
        self.run(self.command(args))
    }

    /// Runs kiln with another `PATH`: a directory with the programs of a host that lacks some.
    pub(crate) fn kiln_on(&self, bin: &Path, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.env("PATH", bin);
        self.run(command)
    }

    /// Runs kiln with additional variables in its environment.
    pub(crate) fn kiln_where(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        self.run(command)
    }

    /// Runs kiln with a limit on its address space.
    pub(crate) fn kiln_within(&self, mebibytes: u64, args: &[&str]) -> Ran {
        let whole = self.command(args);
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -v {} && exec \"$0\" \"$@\"", mebibytes << 10));
        command.arg(whole.get_program()).args(whole.get_args()).current_dir(self.path()).env("NO_COLOR", "1");
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Ran {
        let output = command.output().expect("kiln runs");
        Ran { code: output.status.code(), stdout: self.tidy(&output.stdout), stderr: self.tidy(&output.stderr) }
    }

    /// Starts kiln; its output is discarded.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kiln starts")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
        command.args(args).current_dir(self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        if let Some(store) = &self.store {
            command.arg("--store").arg(store);
        }
        command
    }

    /// Replaces the directory's own path, with which every expected text would differ.
    fn tidy(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(&self.path().display().to_string(), "DIR")
    }
}

impl Ran {
    /// Returns all three in one block.
    pub(crate) fn block(&self) -> String {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        let section = |name: &str, text: &str| match text {
            "" => String::new(),
            text => format!("--- {name}\n{text}"),
        };
        format!("status: {code}\n{}{}", section("stdout", &self.stdout), section("stderr", &self.stderr))
    }

    /// Fails unless the status is `code`; returns both outputs.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}", self.block());
        self
    }

    /// Fails unless standard error has `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Ran {
        assert!(self.stderr.contains(text), "`{text}` is not in\n{}", self.block());
        self
    }

    /// Fails unless standard output has the text.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Ran {
        assert!(self.stdout.contains(text), "`{text}` is not in\n{}", self.block());
        self
    }
}
