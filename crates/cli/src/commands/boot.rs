//! `kiln boot`: boots the result in QEMU and prints the verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use kiln_assembly::manifest::Manifest;
use kiln_boot::{
    BootError, BootSpec, Check, GuestSpec, Machine, Program, ProgramSpec, aliases, host_tree, loaders, nonce, tree,
    write_initramfs,
};
use kiln_fetch::apt;
use kiln_fetch::apt::AptError;
use kiln_image::FileTree;
use kiln_pipeline::{PipelineError, Session, busybox};
use kiln_plan::Arch;
use kiln_plan::evaluate::Boot;
use kiln_store::Progress;

use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::verdict;
use crate::workshop::Workshop;

/// Boot the result in QEMU, start and stop its loaders, and print the verdict
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The result to boot
    #[arg(long, value_name = "DIR", default_value = "result")]
    result: PathBuf,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
    /// Write the transcript to this file
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Stream the guest console
    #[arg(long, short)]
    verbose: bool,
    /// Time limit for the guest, in seconds [default: `boot.deadline` of the recipe]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u64>,
    /// Add a word to the kernel's command line
    #[arg(long, value_name = "WORD")]
    append: Vec<String>,
}

/// The number of aliases that the guest tries.
const ALIASES: usize = 8;

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let workshop = Workshop::open(context)?;
    let session = workshop.session(context, 1);
    let (evaluated, _) = evaluation::with_source(context, &session, form)?;
    let result = context.environment.current_dir.join(&args.result);
    let manifest = read_manifest(&result)?;
    let machine = *Machine::find(&manifest.kernel.machine).ok_or_else(|| no_machine(&manifest.kernel.machine))?;
    let kernel = kernel_image(&result, &manifest, &machine)?;

    let (guest, skipped) = guest(&session, &result, &manifest, &evaluated.boot)?;
    let program = program(&result, &manifest, &evaluated.boot, guest.has_kmod(), &skipped)?;
    let scratch = tempfile::tempdir().context("cannot make a temporary directory").map_err(Failure::host)?;
    let initramfs = scratch.path().join("initramfs.cpio");
    let files = tree(&guest, &program).map_err(Failure::fault)?;
    write_initramfs(&files, &initramfs).map_err(Failure::host)?;

    let spec = BootSpec {
        machine,
        kernel,
        initramfs,
        memory_mib: evaluated.boot.memory_mib.max(machine.memory_mib),
        deadline: args.deadline.map_or(evaluated.boot.deadline, Duration::from_secs),
        append: args.append.clone(),
        arguments: Vec::new(),
        program: None,
        search_path: context.environment.path.clone(),
        console_log: Some(scratch.path().join("console.log")),
    };
    let progress = context.ui;
    progress.begin(&format!("booting Linux {} on {}", manifest.kernel.release, machine.name), None);
    let mut n_lines = 0;
    let booted = kiln_boot::run(&spec, &program, &mut |line| {
        n_lines += 1;
        if args.verbose {
            context.ui.say(&line.text);
        }
        progress.advance(n_lines, &line.text);
    });
    progress.end();
    let booted = booted.map_err(refused)?;
    if let Some(path) = &args.transcript {
        let text: String = booted.transcript.iter().map(verdict::transcript_line).collect();
        let path = context.environment.current_dir.join(path);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(Failure::host)?;
    }
    if args.json {
        context.ui.json(&serde_json::to_value(&booted).context("verdict").map_err(Failure::host)?);
    } else {
        context.ui.result(&verdict::text(&booted));
    }
    Ok(if booted.ok { exit::FINE } else { exit::GUEST })
}

/// Reads the manifest of a result.
pub(super) fn read_manifest(result: &Path) -> Result<Manifest, Failure> {
    let path = result.join("manifest.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(|error| Failure::fault(error).help("`kiln build` makes a result; `--result DIR` names another"))?;
    Manifest::from_json(&text).with_context(|| path.display().to_string()).map_err(Failure::fault)
}

fn no_machine(name: &str) -> Failure {
    let known: Vec<&str> = Machine::all().iter().map(|machine| machine.name).collect();
    Failure::fault(anyhow::anyhow!("no virtual machine for `{name}`; there are {}", known.join(", ")))
}

/// Returns the first image of the result that QEMU can start.
fn kernel_image(result: &Path, manifest: &Manifest, machine: &Machine) -> Result<PathBuf, Failure> {
    let found = machine.images.iter().find_map(|name| {
        let path = format!("kernel/{name}");
        manifest.kernel.images.iter().any(|image| image.path == path).then_some(path)
    });
    let path = found.ok_or_else(|| {
        let wanted = machine.images.join(" or ");
        Failure::fault(anyhow::anyhow!("QEMU's {} starts {wanted}, and the result has none", machine.name))
            .help(format!("add it to the recipe: `kernel.makeTargets = [\"{}\"]`", machine.images[0]))
    })?;
    result.join(&path).canonicalize().with_context(|| format!("cannot read {path}")).map_err(Failure::host)
}

/// Returns the guest's files, and the reason for each check that cannot be made.
fn guest(
    session: &Session<'_>,
    result: &Path,
    manifest: &Manifest,
    boot: &Boot,
) -> Result<(GuestSpec, BTreeMap<String, String>), Failure> {
    let machine = &manifest.kernel.machine;
    let arch = Arch::parse(machine).ok_or_else(|| no_machine(machine))?;
    let failed = |error: AptError| Failure::from(PipelineError::Source(error.into()));
    let absent = |names: &[&str]| match arch.debian {
        Some(debian) => apt::absent(&session.fetch(), names, debian).map_err(failed),
        None => Ok(names.iter().map(|&name| name.to_owned()).collect()),
    };
    let mut names: Vec<&str> = boot.packages.iter().map(|name| name.value.as_str()).collect();
    let mut skipped = BTreeMap::new();
    for check in boot.checks.values() {
        let wanted: Vec<&str> = check.packages.iter().map(|name| name.value.as_str()).collect();
        let missing = if wanted.is_empty() { Vec::new() } else { absent(&wanted)? };
        if missing.is_empty() {
            names.extend(wanted);
        } else {
            let reason = format!("Debian has no {} for {arch}", missing.join(", "));
            skipped.insert(check.name.clone(), reason);
        }
    }
    let mut packages = FileTree::new();
    if !names.is_empty() {
        let debian = arch.debian.ok_or_else(|| {
            Failure::fault(anyhow::anyhow!("Debian has no packages for `{machine}`"))
                .help("remove them from `boot.packages`; a check's own `packages` may be missing")
        })?;
        let unpacked = apt::packages(&session.fetch(), &names, debian).map_err(failed)?;
        packages = host_tree::read(&unpacked, "").map_err(Failure::host)?;
    }
    let mut files = FileTree::new();
    for (at, file) in &boot.files {
        host_tree::read_file(&mut files, &file.value, at.trim_start_matches('/')).map_err(Failure::fault)?;
    }
    let busybox = busybox(session, arch, absent(&["busybox-static"])?.is_empty())?;
    let guest = GuestSpec {
        busybox: host_tree::lazy_contents(&busybox).map_err(Failure::host)?,
        result: host_tree::read_result(result).map_err(Failure::host)?,
        packages,
        files,
    };
    Ok((guest, skipped))
}

/// Returns a static busybox: Debian's own, or one that is compiled from Debian's source.
fn busybox(session: &Session<'_>, arch: Arch, is_packaged: bool) -> Result<PathBuf, Failure> {
    let Some(debian) = arch.debian.filter(|_| is_packaged) else {
        let help = "`kiln doctor` shows what is missing to compile busybox";
        return busybox::busybox(session, arch).map_err(|error| Failure::host(error).help(help));
    };
    let packages = apt::packages(&session.fetch(), &["busybox-static"], debian)
        .map_err(|error| Failure::from(PipelineError::Source(error.into())))?;
    let places = ["usr/bin/busybox", "bin/busybox"].map(|path| packages.join(path));
    Ok(places.iter().find(|path| path.is_file()).unwrap_or(&places[0]).clone())
}

fn program(
    result: &Path,
    manifest: &Manifest,
    boot: &Boot,
    kmod: bool,
    skipped: &BTreeMap<String, String>,
) -> Result<Program, Failure> {
    let loaders = loaders(manifest);
    let alias_file = result.join("lib/modules").join(&manifest.kernel.release).join("modules.alias");
    let aliases = std::fs::read_to_string(alias_file).map(|text| aliases(&text, &loaders, ALIASES)).unwrap_or_default();
    let checks = boot.checks.values().map(|check| Check {
        name: check.name.clone(),
        script: check.script.clone(),
        cleanup: Some(check.cleanup.clone()).filter(|text| !text.is_empty()),
        skipped: skipped.get(&check.name).cloned(),
    });
    let spec = ProgramSpec {
        release: manifest.kernel.release.clone(),
        loaders,
        checks: checks.collect(),
        aliases: if manifest.kernel.modular { aliases } else { Vec::new() },
        kmod,
    };
    Program::plan(&spec, &nonce()).map_err(Failure::fault)
}

fn refused(error: BootError) -> Failure {
    let failure = match &error {
        BootError::NoQemu { package, .. } => {
            Some(format!("install it with: apt-get install --no-install-recommends {package}"))
        }
        _ => None,
    };
    match failure {
        Some(help) => Failure::host(error).help(help).help("or `kiln doctor --install`"),
        None => Failure::host(error),
    }
}
