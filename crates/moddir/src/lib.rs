//! Directories of modules: walking them, and the replacement of depmod.

pub mod depmod;
mod modules_dir;

pub use modules_dir::{
    FileSource, FoundModule, ModulesDir, ModulesDirError, Oddity, read_modules_dir, read_with_updates, walk,
};
