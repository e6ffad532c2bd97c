//! A simulated device: directories in place of /proc, /sys and /run, a fake kernel, and a few loaders.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kiln_service::{LoadStep, LoaderName, LoaderSpec, graph, render};

/// The programs that a loader may use besides insmod and rmmod; its path has no others.
const TOOLS: [&str; 6] = ["ls", "mkdir", "mv", "rm", "rmdir", "sleep"];
/// Modules in load order with their dependencies.
const MODULES: [(&str, &str); 6] =
    [("base", ""), ("left", "base"), ("right", "base"), ("top", "left right"), ("solo", ""), ("phy", "")];

/// A shell to run the scripts with, and the source of its tools.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    command: Vec<PathBuf>,
    busybox_tools: bool,
}

pub(crate) struct Device {
    dir: tempfile::TempDir,
    shell: Shell,
}

/// Every shell on the machine; POSIX requires one, so there is always at least one.
pub(crate) fn shells() -> Vec<Shell> {
    let busybox =
        find("busybox").map(|path| Shell { name: "busybox", command: vec![path, "sh".into()], busybox_tools: true });
    let plain = ["dash", "bash", "mksh"]
        .into_iter()
        .filter_map(|name| find(name).map(|path| Shell { name, command: vec![path], busybox_tools: false }));
    let shells: Vec<Shell> = busybox.into_iter().chain(plain).collect();
    assert!(!shells.is_empty(), "no shell to test with");
    shells
}

/// Finds a program in the usual directories.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.exists())
}

/// A loader of `modules` (words), whose files are in `lib`. `soft` and `permanent` name some of them.
pub(crate) fn spec(lib: &str, name: &str, modules: &str, soft: &str, permanent: &str) -> LoaderSpec {
    let has = |list: &str, module: &str| list.split(' ').any(|word| word == module);
    let step = |module: &str| LoadStep {
        module: module.to_owned(),
        path: format!("{lib}/{module}.ko"),
        parameters: if module == "solo" { "a=1 b=\"x  y\" c='$(d);*".to_owned() } else { String::new() },
        stays_loaded: has(permanent, module),
        soft: has(soft, module),
    };
    LoaderSpec {
        name: LoaderName::new(name).unwrap(),
        description: String::new(),
        dependencies: Vec::new(),
        modules: modules.split(' ').filter(|word| !word.is_empty()).map(step).collect(),
        modular: name != "builtin",
        blacklist: Vec::new(),
        origin: None,
    }
}

impl Device {
    /// Returns a device on which every wait of a loader ends after `patience` seconds.
    pub(crate) fn new(shell: &Shell, patience: u32) -> Device {
        let device = Device { dir: tempfile::tempdir().unwrap(), shell: shell.clone() };
        for dir in ["bin", "proc", "sys/module", "run", "lib", "busy", "hooks", "graves", "loaders"] {
            fs::create_dir_all(device.path(dir)).unwrap();
        }
        device.write("proc/modules", "");
        let kernel = include_str!("kernel.sh").replace("@TOP@", &device.top());
        for name in ["insmod", "rmmod"] {
            device.write(&format!("bin/{name}"), &kernel);
            fs::set_permissions(device.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
        }
        for tool in TOOLS {
            let program = if device.shell.busybox_tools { "busybox" } else { tool };
            symlink(find(program).unwrap(), device.path(&format!("bin/{tool}"))).unwrap();
        }
        if shell.name == "mksh" {
            // The other shells have it built in.
            symlink(find("printf").unwrap(), device.path("bin/printf")).unwrap();
        }
        MODULES.iter().for_each(|(name, _)| device.mend(name));
        device.install(patience);
        device
    }

    fn install(&self, patience: u32) {
        let lib = self.path("lib").display().to_string();
        let specs = vec![
            spec(&lib, "a", "base left", "", ""),
            spec(&lib, "b", "base right", "", ""),
            spec(&lib, "c", "base left right top", "", ""),
            spec(&lib, "d", "solo phy", "solo", "phy"),
            spec(&lib, "none", "", "", ""),
            spec(&lib, "builtin", "base", "", ""),
        ];
        let (graph, diagnostics) = graph(specs);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        for file in render(&graph, "/lib/kmodloader") {
            if let Some(name) = file.path.strip_prefix("services/sh/") {
                self.write(&format!("loaders/{name}"), &self.turned(file.contents, patience));
            }
        }
    }

    /// Replaces the fixed paths of the script by those of this device, and limits its path to the tools.
    fn turned(&self, mut script: String, patience: u32) -> String {
        let top = self.top();
        let turns = [
            ("\nrun=/run/".to_owned(), format!("\nrun={top}/run/")),
            ("\nsys_module=/".to_owned(), format!("\nsys_module={top}/")),
            ("\nproc_modules=/".to_owned(), format!("\nproc_modules={top}/")),
            ("\npatience=60\n".to_owned(), format!("\npatience={patience}\n")),
            ("\nPATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin\n".to_owned(), format!("\nPATH={top}/bin\n")),
            // Some shells prefer an `rmmod` of their own.
            (" rmmod \"".to_owned(), format!(" {top}/bin/rmmod \"")),
            ("(rmmod \"".to_owned(), format!("({top}/bin/rmmod \"")),
            ("\trmmod \"".to_owned(), format!("\t{top}/bin/rmmod \"")),
            (" insmod '".to_owned(), format!(" {top}/bin/insmod '")),
        ];
        for (from, to) in turns {
            script = script.replace(&from, &to);
        }
        for gone in ["=/run/", "=/sys/", "=/proc/", "\npatience=60\n", "/usr/bin", " rmmod \"", " insmod '"] {
            assert!(!script.contains(gone), "the script was not turned away from {gone}");
        }
        script
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn top(&self) -> String {
        self.dir.path().display().to_string()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    /// Starts a loader's script; its output goes to a file, so that waiting for it does not wait for children that
    /// outlive it.
    pub(crate) fn spawn(&self, loader: &str, verb: &str, said: &str) -> Child {
        let out = fs::File::create(self.path(said)).unwrap();
        let mut command = Command::new(&self.shell.command[0]);
        command.args(&self.shell.command[1..]).arg(self.path("loaders").join(loader)).arg(verb);
        command.env_clear().stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        command.spawn().unwrap()
    }

    /// Runs a loader's script to its end; returns its exit status (-9 if it was killed) and its output.
    pub(crate) fn call(&self, loader: &str, verb: &str) -> (i32, String) {
        let status = self.spawn(loader, verb, "said").wait().unwrap();
        let said = fs::read_to_string(self.path("said")).unwrap();
        // Some shells report a killed child.
        let said = said.replace(&self.top(), "").lines().filter(|line| !line.trim_end().ends_with("Killed")).fold(
            String::new(),
            |mut said, line| {
                said += line;
                said.push('\n');
                said
            },
        );
        (status.code().unwrap_or(-9), said)
    }

    /// Loads or unloads a module like a program that knows nothing of loaders.
    pub(crate) fn outsider(&self, verb: &str, module: &str) -> bool {
        let argument = if verb == "insmod" { self.path(&format!("lib/{module}.ko")) } else { module.into() };
        let mut command = Command::new(self.path("bin").join(verb));
        command.arg(argument).env_clear().env("BY", "outsider").stderr(Stdio::null());
        command.status().unwrap().success()
    }

    pub(crate) fn mend(&self, module: &str) {
        let needs = MODULES.iter().find(|(name, _)| *name == module).unwrap().1;
        self.write(&format!("lib/{module}.ko"), &format!("ko {module} {needs}\n"));
    }

    pub(crate) fn is_live(&self, module: &str) -> bool {
        self.path("sys/module").join(module).exists()
    }

    pub(crate) fn loaded_by(&self, module: &str) -> String {
        let by = fs::read_to_string(self.path("sys/module").join(module).join("by")).unwrap_or_default();
        by.trim().to_owned()
    }

    /// The loaded modules in the order of [`MODULES`], those of an outsider marked with `*`.
    pub(crate) fn live(&self) -> String {
        let live = MODULES.iter().map(|(name, _)| *name).filter(|name| self.is_live(name));
        let words: Vec<String> = live
            .map(|name| if self.loaded_by(name) == "loader" { name.to_owned() } else { format!("{name}*") })
            .collect();
        words.join(" ")
    }

    /// The state under /run except the lock and the boot: claims as `MODULE/LOADER`, marks without their numbers.
    pub(crate) fn state(&self) -> String {
        let mut found = Vec::new();
        let run = self.path("run/kmodloader");
        for dir in names(&run) {
            assert!(!dir.starts_with(".new"), "left behind: {dir}");
            if dir == ".lock" {
                assert_eq!(names(&run.join(".lock")), ["free"]);
            } else if !dir.starts_with(".boot") {
                let entries = names(&run.join(&dir));
                found.extend(entries.iter().map(|name| {
                    format!("{dir}/{}", name.trim_end_matches(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']))
                }));
                if entries.is_empty() && dir != ".started" {
                    found.push(format!("{dir}/"));
                }
            }
        }
        found.join(" ")
    }

    pub(crate) fn violations(&self) -> String {
        fs::read_to_string(self.path("violations")).unwrap_or_default()
    }

    /// Runs `script`, one command a line, and returns the visible result of each.
    ///
    /// `LOADER start|stop|status` calls a loader; `insmod` and `rmmod` act as an outsider; `busy`, `idle`, `corrupt`,
    /// `mend` and `hook MODULE WHEN ACTION` (see `kernel.sh`) prepare a module; `show` prints the claims and marks.
    pub(crate) fn play(&self, script: &str) -> String {
        let mut seen = String::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            _ = writeln!(seen, "$ {line}");
            match words[..] {
                ["insmod" | "rmmod", module] => assert!(self.outsider(words[0], module), "{line}"),
                ["busy", module] => self.write(&format!("busy/{module}"), ""),
                ["idle", module] => fs::remove_file(self.path("busy").join(module)).unwrap(),
                ["corrupt", module] => self.write(&format!("lib/{module}.ko"), "garbage\n"),
                ["mend", module] => self.mend(module),
                ["hook", module, when, action] => self.write(&format!("hooks/{module}.{when}"), &format!("{action}\n")),
                ["write", path, word] => self.write(path, &format!("{word}\n")),
                ["remove", path] => {
                    fs::remove_dir_all(self.path(path)).or_else(|_| fs::remove_file(self.path(path))).unwrap()
                }
                ["show"] => _ = writeln!(seen, "{}", self.state()),
                [loader, verb] => {
                    let (status, said) = self.call(loader, verb);
                    seen += &said;
                    if status != 0 {
                        _ = writeln!(seen, "[{status}]");
                    }
                    // A child of a killed loader may still be running.
                    if status != -9 {
                        _ = writeln!(seen, "= {}", self.live());
                    }
                }
                _ => panic!("no such command: {line}"),
            }
        }
        assert_eq!(self.violations(), "");
        seen
    }
}

/// The names in a directory, sorted; none when it does not exist.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until `done`, at most 20 seconds.
pub(crate) fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain");
}
