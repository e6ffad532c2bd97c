//! Device trees: the preprocessor, as for assembler, and then the tree's own `dtc`.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_plan::outputs::{Compression, Dtb, DtbSource};
use kiln_plan::step::OutputInputs;

use super::boot_image::staged;
use super::dtc::dtc;
use super::includes::taken_in;
use super::{Made, OutputError, Work, write};

/// Makes a device tree.
///
/// The output of the preprocessor is part of the key, with the files that `dtc` includes after it: nothing else in the
/// searched directories counts.
/// # Source
/// `cmd_dtc` in the kernel's `scripts/Makefile.lib`.
pub(super) fn dtb(work: &Work<'_>, dtb: &Dtb) -> Result<Made, OutputError> {
    let source = source(work, dtb)?;
    let own = source.parent().map(Path::to_owned).unwrap_or_default();
    let mut folders = vec![own];
    for include in &dtb.includes {
        let folder = fs::canonicalize(include).ok().filter(|folder| folder.is_dir());
        folders.push(folder.ok_or_else(|| {
            let message = format!("there is no directory `{}`", include.display());
            work.fault("includes", message, None, "paths are relative to the recipe that writes them")
        })?);
    }
    let trees = trees(work);
    folders.extend([trees, work.context.tree.join("scripts/dtc/include-prefixes")]);
    let text = preprocessed(work, &source, &folders)?;
    let dtc = dtc(work)?;
    let mut inputs = OutputInputs::default();
    // Lines that begin with a hash name the origin of the next one.
    let bare: String = text.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
    inputs.contents.push(("source".to_owned(), *blake3::hash(bare.as_bytes()).as_bytes()));
    let taken = taken_in(&bare, &folders);
    inputs.contents.extend(taken.into_values().map(|digest| ("taken in".to_owned(), digest)));
    inputs.settings.push(("symbols".to_owned(), dtb.symbols.to_string()));
    inputs.outputs.push(("dtc".to_owned(), dtc.key));
    work.step(Compression::None, inputs, |file| {
        staged(file, |stage| {
            write(&stage.join("in.dts"), text.as_bytes())?;
            let sandbox = work.context.host.sandbox();
            let exec = work.context.toolchain.exec(&dtc.program).dir(stage);
            let exec = exec.confined(sandbox, &[&dtc.program], &[stage]).reading(&folders);
            let exec = exec.args(["-I", "dts", "-O", "dtb", "-b", "0"]);
            let exec = folders.iter().fold(exec, |exec, folder| exec.arg("-i").arg(folder));
            let exec = exec.args(dtb.symbols.then_some("-@")).args(["-o", "out.dtb", "in.dts"]);
            compile(work, exec)?;
            Ok("out.dtb")
        })
    })
}

/// Returns the source's file.
fn source(work: &Work<'_>, dtb: &Dtb) -> Result<PathBuf, OutputError> {
    match &dtb.source {
        DtbSource::File(path) => fs::canonicalize(&path.value).map_err(|_| {
            let message = format!("there is no `{}`", path.value.display());
            work.fault("dts", message, path.origin, "for a source in the kernel's tree write `inTree`")
        }),
        DtbSource::Tree(path) => {
            let file = trees(work).join(format!("{}.dts", path.value));
            if file.is_file() {
                return Ok(file);
            }
            let message = format!("the kernel's tree has no `{}.dts` below {}", path.value, shown(work));
            let help = match elsewhere(&trees(work), &path.value) {
                Some(there) => format!("did you mean `{there}`?"),
                None => "`dts` names a file of your own".to_owned(),
            };
            Err(work.fault("inTree", message, path.origin, &help))
        }
    }
}

/// Returns the directory of the architecture's device trees.
fn trees(work: &Work<'_>) -> PathBuf {
    work.context.tree.join(shown(work))
}

fn shown(work: &Work<'_>) -> String {
    format!("arch/{}/boot/dts", work.context.target.srcarch)
}

/// Returns a source of the same name in another directory: arm's have moved to one for each vendor.
fn elsewhere(trees: &Path, path: &str) -> Option<String> {
    let name = format!("{}.dts", path.rsplit('/').next().unwrap_or(path));
    let listing = kiln_store::directory::list(trees).ok()?;
    let mut files = listing.files().iter().map(|file| file.path.as_path());
    let found = files.find(|file| file.file_name().is_some_and(|there| there == name.as_str()))?;
    Some(found.with_extension("").to_str()?.to_owned())
}

fn preprocessed(work: &Work<'_>, source: &Path, folders: &[PathBuf]) -> Result<String, OutputError> {
    let toolchain = work.context.toolchain;
    let exec = toolchain.exec(toolchain.cc()).args(["-E", "-nostdinc", "-undef", "-D__DTS__"]);
    let exec = folders.iter().fold(exec, |exec, folder| exec.arg("-I").arg(folder));
    let exec = exec.confined(work.context.host.sandbox(), &[source], &[]).reading(folders);
    compile(work, exec.args(["-x", "assembler-with-cpp"]).arg(source))
}

/// Runs a compiler; an error that it prints about the source is the source's fault.
fn compile(work: &Work<'_>, exec: kiln_exec::Exec) -> Result<String, OutputError> {
    let output = exec.capture().map_err(|source| OutputError::Program { name: work.name(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = said.lines().filter(|line| !line.contains("Warning (")).map(str::to_owned).collect();
    Err(OutputError::Source { name: work.name(), lines })
}
