//! A result as kiln would build it, from Debian's kernel, and a boot of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_boot::{
    Alias, BootSpec, Check, GuestSpec, Loader, LoaderModule, Machine, Program, ProgramSpec, Verdict, host_tree,
};
use kiln_image::{Contents, FileTree, NodeKind};
use kiln_modgraph::{ClosureOptions, Graph, Inputs, Layout, closure, depmod};
use kiln_service::{Dependency, LoadStep, LoaderName, LoaderSpec};
use kiln_testkit::assert_has;
use tempfile::TempDir;

use crate::debian::Debian;

/// A loader to be rendered.
pub(crate) struct Wanted {
    pub(crate) name: &'static str,
    pub(crate) targets: &'static [&'static str],
    pub(crate) dependencies: &'static [&'static str],
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// What hotplug must not load by alias.
    pub(crate) blacklist: &'static [&'static str],
}

/// Everything about a boot, to be changed before it is run.
pub(crate) struct World {
    pub(crate) program: ProgramSpec,
    pub(crate) guest: GuestSpec,
    pub(crate) boot: BootSpec,
    _scratch: TempDir,
    /// What to leave out of the guest's files, with everything below it.
    pub(crate) without: Vec<String>,
    /// The first process, when it is not the guest's own; it has to make sure that the program is run.
    pub(crate) init: Option<&'static str>,
}

impl World {
    /// Lays out loaders over Debian's cloud kernel.
    pub(crate) fn new(wanted: &[Wanted]) -> World {
        World::on("x86_64", &Debian::native(), "linux-image-cloud-amd64", wanted)
    }

    /// Lays out loaders over another kernel of Debian's.
    pub(crate) fn on(machine: &str, debian: &Debian, kernel: &str, wanted: &[Wanted]) -> World {
        let machine = *Machine::find(machine).unwrap();
        assert_has(&[machine.program]);
        let (root, release, kernel) = debian.kernel(kernel);
        let modules = Modules::read(&root, &release);
        let mut result = FileTree::new();
        let loaders: Vec<Loader> = wanted.iter().map(|wanted| modules.loader(wanted)).collect();
        modules.install(&loaders, &mut result);
        services(wanted, &loaders, &mut result);
        let busybox = debian.package("busybox-static").join("bin/busybox");
        let scratch = tempfile::tempdir().unwrap();
        World {
            program: ProgramSpec { release, loaders, ..ProgramSpec::default() },
            guest: GuestSpec {
                busybox: host_tree::lazy_contents(&busybox).unwrap(),
                result,
                packages: FileTree::new(),
                files: FileTree::new(),
            },
            boot: BootSpec {
                machine,
                kernel,
                initramfs: scratch.path().join("initramfs"),
                memory_mib: machine.memory_mib,
                deadline: Duration::from_secs(300),
                append: Vec::new(),
                arguments: Vec::new(),
                program: None,
                search_path: "/usr/bin:/bin".into(),
                console_log: Some(scratch.path().join("console, raw.log")),
            },
            _scratch: scratch,
            without: Vec::new(),
            init: None,
        }
    }

    /// Adds a check.
    pub(crate) fn check(&mut self, name: &str, script: &str, cleanup: Option<&str>) {
        let cleanup = cleanup.map(str::to_owned);
        self.program.checks.push(Check { name: name.to_owned(), script: script.to_owned(), cleanup, skipped: None });
    }

    /// Adds an alias.
    pub(crate) fn alias(&mut self, alias: &str, module: &str) {
        self.program.aliases.push(Alias { alias: alias.to_owned(), module: module.to_owned() });
    }

    /// Unpacks Debian packages into the guest.
    pub(crate) fn packages(&mut self, names: &[&str]) {
        let debian = Debian::native();
        for name in names {
            self.guest.packages.overlay(host_tree::read(&debian.package(name), "").unwrap()).unwrap();
        }
        self.program.kmod = self.guest.has_kmod();
    }

    /// Puts a file of the recipe into the guest.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) {
        self.guest.files.file(path, 0o644, Contents::bytes(bytes)).unwrap();
    }

    /// Puts an executable file into the guest.
    pub(crate) fn program_file(&mut self, path: &str, bytes: &[u8]) {
        self.guest.files.file(path, 0o755, Contents::bytes(bytes)).unwrap();
    }

    /// Puts a link into the guest.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.guest.files.symlink(path, target).unwrap();
    }

    /// Returns where `module` is in the guest.
    pub(crate) fn path(&self, module: &str) -> String {
        let mut modules = self.program.loaders.iter().flat_map(|loader| &loader.modules);
        modules.find(|found| found.name == module).unwrap().path.clone()
    }

    /// Replaces the bytes of a file of the result.
    pub(crate) fn replace(&mut self, path: &str, bytes: &[u8]) {
        let mut over = FileTree::new();
        over.file(path, 0o755, Contents::bytes(bytes)).unwrap();
        self.guest.result.overlay(over).unwrap();
    }

    /// Boots.
    pub(crate) fn run(&self) -> Verdict {
        let program = Program::plan(&self.program, &kiln_boot::nonce()).unwrap();
        let tree = kiln_boot::tree(&self.guest, &program).unwrap();
        let mut kept = FileTree::new();
        let left_out = |path: &str| {
            let within = |gone: &String| {
                path.strip_prefix(gone.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            self.without.iter().any(within)
        };
        for (path, node) in tree.iter().filter(|(path, _)| !left_out(path)) {
            match node.kind {
                NodeKind::Directory => kept.dir(path, node.mode).unwrap(),
                _ => kept.insert(path, node.clone()).unwrap(),
            }
        }
        if let Some(init) = self.init {
            let mut own = FileTree::new();
            own.symlink("init", init).unwrap();
            kept.overlay(own).unwrap();
        }
        kiln_boot::write_initramfs(&kept, &self.boot.initramfs).unwrap();
        let verdict = kiln_boot::run(&self.boot, &program, &mut |_| {}).unwrap();
        let json = serde_json::to_string(&verdict).unwrap();
        assert!(serde_json::from_str::<Verdict>(&json).unwrap() == verdict, "the verdict changes in JSON");
        verdict
    }
}

/// Formats the verdict for people who read a failed test.
pub(crate) fn shown(verdict: &Verdict) -> String {
    let lines = verdict.transcript.iter().map(|line| format!("{:8.3} {:?} {}\n", line.seconds, line.source, line.text));
    format!("{}ended: {:?}\nreasons: {:#?}\n", lines.collect::<String>(), verdict.ended, verdict.reasons)
}

/// Debian's modules and their facts.
struct Modules {
    release: String,
    graph: Graph,
    files: BTreeMap<String, PathBuf>,
}

impl Modules {
    fn read(root: &Path, release: &str) -> Modules {
        let top = root.join("lib/modules").join(release);
        let mut files = BTreeMap::new();
        walk(&top, &top, &mut files);
        let info = |(path, file): (&String, &PathBuf)| {
            let bytes = fs::read(file).unwrap();
            kiln_modgraph::read::module(path, bytes.as_slice()).unwrap()
        };
        let order = fs::read(top.join("modules.order")).unwrap();
        let builtin = fs::read(top.join("modules.builtin")).unwrap();
        let builtin_modinfo = fs::read(top.join("modules.builtin.modinfo")).unwrap();
        let (graph, _) = Graph::build(Inputs {
            modules: files.iter().map(info).collect(),
            order: Some(&order),
            builtin: Some(&builtin),
            builtin_modinfo: Some(&builtin_modinfo),
            kernel_symbols: None,
            layout: Layout::V30,
        });
        Modules { release: release.to_owned(), graph, files }
    }

    fn loader(&self, wanted: &Wanted) -> Loader {
        let options = ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] };
        let closure = closure(&self.graph, wanted.targets, &options).unwrap();
        let parameters: BTreeMap<&str, &str> = wanted.parameters.iter().copied().collect();
        let module = |entry: &kiln_modgraph::Entry| LoaderModule {
            name: entry.module.clone(),
            path: format!("lib/modules/{}/{}", self.release, self.graph.module(entry.id).path),
            parameters: parameters.get(entry.module.as_str()).unwrap_or(&"").to_string(),
            stays: !entry.unloadable,
            soft: false,
        };
        Loader {
            name: wanted.name.to_owned(),
            dependencies: wanted.dependencies.iter().map(|&name| name.to_owned()).collect(),
            modules: closure.load_order().map(module).collect(),
        }
    }

    fn install(&self, loaders: &[Loader], result: &mut FileTree) {
        let top = format!("lib/modules/{}", self.release);
        let mut ids = Vec::new();
        for module in loaders.iter().flat_map(|loader| &loader.modules) {
            if result.get(&module.path).is_none() {
                let file = &self.files[module.path.strip_prefix(&format!("{top}/")).unwrap()];
                host_tree::read_file(result, file, &module.path).unwrap();
                ids.push(self.graph.find(&module.name).unwrap());
            }
        }
        for (name, bytes) in depmod(&self.graph.subset(&ids), Layout::V30).unwrap() {
            result.file(&format!("{top}/{name}"), 0o644, Contents::bytes(bytes)).unwrap();
        }
    }
}

fn walk(top: &Path, dir: &Path, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(top, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            files.insert(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned(), path);
        }
    }
}

/// Puts the services of all managers, and what `modprobe` reads, where a device has them.
fn services(wanted: &[Wanted], loaders: &[Loader], result: &mut FileTree) {
    let step = |module: &LoaderModule| LoadStep {
        module: module.name.clone(),
        path: format!("/{}", module.path),
        parameters: module.parameters.clone(),
        stays_loaded: module.stays,
        soft: module.soft,
    };
    let spec = |(wanted, loader): (&Wanted, &Loader)| LoaderSpec {
        name: LoaderName::new(loader.name.clone()).unwrap(),
        description: String::new(),
        dependencies: loader
            .dependencies
            .iter()
            .map(|name| Dependency::Loader(LoaderName::new(name.clone()).unwrap()))
            .collect(),
        modules: loader.modules.iter().map(step).collect(),
        modular: true,
        blacklist: wanted.blacklist.iter().map(|&name| name.to_owned()).collect(),
        origin: None,
    };
    let (graph, findings) = kiln_service::graph(wanted.iter().zip(loaders).map(spec).collect());
    assert!(!findings.has_errors(), "{findings:?}");
    let places = [
        ("services/sh/", "lib/kmodloader/"),
        ("services/systemd/", "etc/systemd/system/"),
        ("services/openrc/", "etc/init.d/"),
        ("services/s6-rc/", "etc/s6-rc/source/"),
        ("lib/", "lib/"),
    ];
    for file in kiln_service::render(&graph, "/lib/kmodloader") {
        let there = places.iter().find_map(|(from, to)| Some(format!("{to}{}", file.path.strip_prefix(from)?)));
        let there = there.unwrap_or_else(|| panic!("where does {} go?", file.path));
        result.file(&there, file.mode as u16, Contents::bytes(file.contents)).unwrap();
    }
}
