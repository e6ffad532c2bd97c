//! Reads the record of a finished build from Kbuild's directory.
//!
//! Everything that Kbuild has a `.cmd` file of is a product; to these are added what explicit rules of makefiles make
//! without one (generated headers), and for modules the lists of the objects that they are linked from.
//!
//! The directory also has products of earlier configs: Kbuild does not remove them. So an object belongs to vmlinux
//! when it is a member of the archives that vmlinux is linked from, and to a module when `modules.order` names the
//! module; every other one counts as an aid, through which a change may still reach the products that are made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_impact::{BuildRecord, FileRef, Product, ProductKind};
use kiln_kconfig::Config;
use kiln_makefile::Note;
use kiln_makefile::{BuildContext, Variables, normal};
use kiln_modgraph::read::{archive_members, memory_digest};
use kiln_store::write_whole;
use rayon::prelude::*;

use crate::toolchain::Target;

/// The record's file in a kernel's directory. It also has file names of earlier configs in Kbuild's directory, so it is
/// not compared between two builds.
pub const FILE: &str = "record.zst";
/// The level of compression: the record is written once for each kernel.
const LEVEL: i32 = 9;

/// The directories and inputs of a build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) tree: &'a Path,
    pub(super) out: &'a Path,
    pub(super) target: &'a Target,
    pub(super) config: &'a Config,
    pub(super) release: &'a str,
    /// The modules of this build, without `.ko`.
    pub(super) modules: &'a BTreeSet<String>,
}

/// Reads Kbuild's products from its directory.
///
/// # Errors
/// A `.cmd` file or a product cannot be read.
pub(super) fn take(ground: &Ground<'_>) -> Result<BuildRecord, (PathBuf, io::Error)> {
    let mut names = Vec::new();
    notes(ground.out, Path::new(""), &mut names)?;
    let products: Vec<Option<Product>> =
        names.par_iter().map(|name| product(ground, name)).collect::<Result<_, (PathBuf, io::Error)>>()?;
    let mut products: BTreeMap<String, Product> =
        products.into_iter().flatten().map(|product| (product.path.clone(), product)).collect();
    module_parts(ground, &mut products)?;
    rules(ground, &mut products);
    let linked = linked(ground)?;
    for product in products.values_mut() {
        // A module that had several parts in another config is linked in its directory; vmlinux is linked at the top.
        let is_inner_link = product.kind == ProductKind::Link && product.path.contains('/');
        let is_stale = (product.kind == ProductKind::BuiltIn || is_inner_link) && !linked.contains(&product.path);
        let is_stale = !linked.is_empty() && is_stale;
        if is_stale {
            (product.kind, product.digest) = (ProductKind::Aid, None);
        }
    }
    keep_used(&mut products);
    Ok(BuildRecord::new(ground.release, products.into_values().collect()))
}

/// Removes aids that nothing of this build is made from: those of other configs.
fn keep_used(products: &mut BTreeMap<String, Product>) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    let is_part = |product: &&Product| product.kind != ProductKind::Aid;
    let mut open: Vec<String> = products.values().filter(is_part).map(|product| product.path.clone()).collect();
    while let Some(path) = open.pop() {
        if let Some(product) = products.get(&path).filter(|_| used.insert(path.clone())) {
            open.extend(product.reads.iter().filter(|file| file.made).map(|file| file.path.clone()));
        }
    }
    products.retain(|path, _| used.contains(path));
}

/// Writes the record into a kernel's directory.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(record: &BuildRecord, dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let path = dir.join(FILE);
    let bytes = zstd::encode_all(record.encode().as_slice(), LEVEL);
    bytes.and_then(|bytes| write_whole(&path, &bytes)).map_err(|source| (path, source))
}

/// Reads the record in a kernel's directory.
///
/// # Errors
/// It is missing or damaged.
pub fn read_record(dir: &Path) -> Result<BuildRecord, (PathBuf, io::Error)> {
    let path = dir.join(FILE);
    let read = kiln_file::read(&path).and_then(|bytes| zstd::decode_all(bytes.as_slice()));
    read.and_then(|bytes| BuildRecord::decode(&bytes).map_err(io::Error::other)).map_err(|source| (path, source))
}

/// Collects the paths of everything that has a `.cmd` file.
fn notes(out: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let dir = out.join(below);
    let refused = |source| (dir.clone(), source);
    for entry in fs::read_dir(&dir).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let kind = entry.file_type().map_err(refused)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if kind.is_dir() {
            // kiln's own files are in `.kiln`; Kbuild has no hidden directories.
            if !name.starts_with('.') {
                notes(out, &below.join(name), found)?;
            }
        } else if let Some(of) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".cmd")) {
            found.push(below.join(of));
        }
    }
    Ok(())
}

/// Reads one `.cmd` file and its product; `None` for a product that no longer exists.
fn product(ground: &Ground<'_>, path: &Path) -> Result<Option<Product>, (PathBuf, io::Error)> {
    let name = path.to_string_lossy().into_owned();
    let note_path = ground
        .out
        .join(path.with_file_name(format!(".{}.cmd", path.file_name().unwrap_or_default().to_string_lossy())));
    let text = kiln_file::read(&note_path).map_err(|source| (note_path.clone(), source))?;
    let text = String::from_utf8_lossy(&text);
    let Some(note) = Note::parse(&text) else { return Ok(None) };
    if !ground.out.join(path).is_file() {
        return Ok(None);
    }
    let kind = kind(&name, &note, ground);
    let is_object = name.ends_with(".o") || name.ends_with(".ko") || name == "vmlinux";
    let digest = if is_object && kind != ProductKind::Aid {
        let file = ground.out.join(path);
        memory_digest(&kiln_file::read(&file).map_err(|source| (file, source))?)
    } else {
        None
    };
    let mut reads: Vec<FileRef> =
        note.files.iter().copied().chain(note.source).filter_map(|file| ground.file(file)).collect();
    if note.source.is_none() {
        // A link has its parts in the command line.
        let words = note.command.split_ascii_whitespace().map(|word| word.trim_start_matches('@'));
        let parts =
            words.filter(|word| [".o", ".a", ".lds", ".mod", ".so", ".dbg"].iter().any(|end| word.ends_with(end)));
        reads.extend(parts.filter_map(|part| ground.file(part)).filter(|part| part.path != name));
    }
    Ok(Some(Product { path: name, kind, digest, symbols: note.symbols.into_iter().collect(), reads }))
}

/// Returns the kind of a product, from the command that made it.
fn kind(path: &str, note: &Note<'_>, ground: &Ground<'_>) -> ProductKind {
    let has = |word: &str| note.command.split_ascii_whitespace().any(|found| found == word);
    let boot = format!("arch/{}/boot/", ground.target.srcarch);
    let is_kernels = has("-D__KERNEL__")
        || (note.source.is_some_and(|source| source.ends_with(".rs")) && !path.starts_with("scripts/"));
    match path {
        _ if path.ends_with(".ko") => ProductKind::Module,
        "vmlinux" => ProductKind::Link,
        _ if !path.ends_with(".o") => ProductKind::Aid,
        // Rust's compiler has another flag for it.
        _ if has("-DMODULE") || has("MODULE") => ProductKind::Module,
        _ if note.source.is_none() || path.starts_with('.') => ProductKind::Link,
        _ if path.starts_with(&boot) => ProductKind::Image,
        _ if is_kernels => ProductKind::BuiltIn,
        _ => ProductKind::Aid,
    }
}

impl Ground<'_> {
    /// Returns a path in a `.cmd` file as a reference; `None` for one that is neither in the tree nor in the output.
    fn file(&self, path: &str) -> Option<FileRef> {
        let path = Path::new(path);
        if let Ok(inside) = path.strip_prefix(self.tree) {
            return Some(FileRef { path: normal("", &inside.to_string_lossy()), made: false });
        }
        let inside = if path.is_absolute() { path.strip_prefix(self.out).ok()? } else { path };
        let path = normal("", &inside.to_string_lossy());
        let made = self.out.join(&path).exists();
        Some(FileRef { path, made })
    }
}

/// Returns the objects that vmlinux is linked from; empty where they cannot be determined.
fn linked(ground: &Ground<'_>) -> Result<BTreeSet<String>, (PathBuf, io::Error)> {
    let mut archives: BTreeSet<String> = BTreeSet::from(["vmlinux.a".to_owned(), "built-in.a".to_owned()]);
    let mut libraries = Vec::new();
    notes(ground.out, Path::new(""), &mut libraries)?;
    let is_library = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "lib.a");
    archives.extend(libraries.iter().filter(is_library).map(|path| path.to_string_lossy().into_owned()));
    let mut linked = BTreeSet::new();
    for archive in archives {
        let path = ground.out.join(&archive);
        match kiln_file::read(&path) {
            Ok(bytes) => {
                let members = archive_members(&bytes).unwrap_or_default();
                linked.extend(members.iter().map(|member| normal("", member)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err((path, source)),
        }
    }
    Ok(linked)
}

/// Adds the objects that modules are linked from: lines of `NAME.mod`, which before Linux 6.1 is one line. Objects of
/// modules that no longer exist become aids.
fn module_parts(ground: &Ground<'_>, products: &mut BTreeMap<String, Product>) -> Result<(), (PathBuf, io::Error)> {
    let mut live: BTreeSet<String> = BTreeSet::new();
    for module in ground.modules {
        let list = ground.out.join(format!("{module}.mod"));
        let text = match kiln_file::read_to_string(&list) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err((list, source)),
        };
        let whole = format!("{module}.o");
        let parts = text.split_ascii_whitespace().filter(|word| word.ends_with(".o") && *word != whole);
        let parts: BTreeSet<String> = parts.map(|part| normal("", part)).collect();
        if let Some(product) = products.get_mut(&whole) {
            product.kind = ProductKind::Module;
            product.reads.extend(parts.iter().map(|part| FileRef { path: part.clone(), made: true }));
        }
        live.extend(parts);
        live.extend([whole, format!("{module}.mod.o"), format!("{module}.ko")]);
    }
    for (path, product) in products {
        // Objects that are linked into every module are not named after one.
        if product.kind == ProductKind::Module && !live.contains(path) && !path.starts_with('.') {
            (product.kind, product.digest) = (ProductKind::Aid, None);
        }
    }
    Ok(())
}

/// Adds what explicit rules declare: prerequisites that are not in a product's `.cmd` file, and products without one.
fn rules(ground: &Ground<'_>, products: &mut BTreeMap<String, Product>) {
    let mut folders: BTreeSet<String> =
        products.keys().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder.to_owned()).collect();
    folders.insert(String::new());
    folders.insert(format!("arch/{}", ground.target.srcarch));
    let value = |symbol: &str| ground.config.get(symbol);
    let context = BuildContext { arch: &ground.target.arch, srcarch: &ground.target.srcarch, config: &value };
    for folder in folders {
        let files = match folder.as_str() {
            "" => vec!["Kbuild".to_owned(), "Makefile".to_owned()],
            folder => vec![format!("{folder}/Kbuild"), format!("{folder}/Makefile")],
        };
        for file in files {
            let Ok(text) = kiln_file::read(ground.tree.join(&file)) else { continue };
            let mut variables = Variables::of_folder(&folder, context);
            variables.set("KCONFIG_CONFIG", ".config".to_owned());
            variables.evaluate(&String::from_utf8_lossy(&text));
            for rule in variables.rules() {
                let targets = rule.targets.iter().filter(|target| !target.contains('%'));
                for target in targets.map(|target| normal("", target)) {
                    add_rule(ground, products, &target, &rule.prerequisites, &file);
                }
            }
        }
    }
}

fn add_rule(
    ground: &Ground<'_>,
    products: &mut BTreeMap<String, Product>,
    target: &str,
    prerequisites: &[String],
    makefile: &str,
) {
    if !ground.out.join(target).is_file() {
        return;
    }
    let product = products.entry(target.to_owned()).or_insert_with(|| Product {
        path: target.to_owned(),
        kind: ProductKind::Aid,
        digest: None,
        symbols: Vec::new(),
        reads: Vec::new(),
    });
    product.reads.push(FileRef { path: makefile.to_owned(), made: false });
    let real = prerequisites.iter().filter(|word| word.as_str() != "FORCE" && !word.contains('%'));
    product.reads.extend(real.filter_map(|word| ground.file(word)).filter(|file| file.path != target));
}
