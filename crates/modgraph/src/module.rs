//! The facts that one `.ko` file contains.

mod wants;

use std::borrow::Cow;

use crate::name;

pub use wants::{Want, Wants};

/// The facts of one module file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The module's name, `-` folded to `_`.
    pub name: String,
    /// Path relative to the directory of the release (`kernel/net/x.ko.xz`), or absolute when outside of it.
    pub path: String,
    /// Exported symbols, in the file's order.
    pub exports: Vec<Export>,
    /// Symbols taken from others, in the file's order.
    pub wants: Wants,
    /// The `key=value` strings of `.modinfo`.
    pub modinfo: Modinfo,
    /// Whether it has code to run when loaded (a symbol `init_module`).
    pub has_init: bool,
    /// Whether it has code to run when removed (a symbol `cleanup_module`).
    pub has_exit: bool,
    /// Whether a signature is appended to the file.
    pub signed: bool,
    /// Whether it records the CRCs of the symbols that it wants (`CONFIG_MODVERSIONS`).
    pub versioned: bool,
    /// The machine that it was compiled for; `None` when the file could not be read.
    pub machine: Option<Machine>,
    /// Size of the file on disk in bytes.
    pub file_size: u64,
    /// Bytes of memory that it takes once loaded: its allocated sections without those for initialisation only.
    pub loaded_size: u64,
}

/// One symbol that a module exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The symbol.
    pub name: Box<str>,
    /// Its version, when the kernel was built with `CONFIG_MODVERSIONS`.
    pub crc: Option<u32>,
    /// The namespace that users have to import.
    pub namespace: Option<Box<str>>,
    /// Whether only modules with a GPL-compatible licence may use it.
    pub gpl_only: bool,
}

/// The machine that an ELF file was compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// ELF's number of the processor (`e_machine`).
    pub code: u16,
    /// Whether it is 64 bits wide.
    pub wide: bool,
    /// Whether it is big-endian.
    pub big_endian: bool,
}

/// The `key=value` strings of a module, in the order of the section.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Modinfo {
    raw: Box<[u8]>,
}

impl ModuleInfo {
    /// Makes a module that is known by its path only, as `depmod` keeps one that it cannot read.
    pub fn unreadable(path: &str) -> ModuleInfo {
        ModuleInfo {
            name: name::module_name(path),
            path: path.to_owned(),
            exports: Vec::new(),
            wants: Wants::default(),
            modinfo: Modinfo::default(),
            has_init: false,
            has_exit: false,
            signed: false,
            versioned: false,
            machine: None,
            file_size: 0,
            loaded_size: 0,
        }
    }

    /// Whether it can be removed again once loaded.
    ///
    /// The kernel refuses (without force) a module that has something to run at load and nothing at removal, and
    /// any module when it was built without `CONFIG_MODULE_UNLOAD`, which the vermagic records.
    pub fn unloadable(&self) -> bool {
        let kernel_can = self.modinfo.text("vermagic").is_none_or(|magic| magic.split(' ').any(|w| w == "mod_unload"));
        kernel_can && (self.has_exit || !self.has_init)
    }

    /// Whether it has a licence that GPL-only symbols accept.
    ///
    /// # Source
    /// `include/linux/license.h`, `license_is_gpl_compatible`.
    pub fn gpl_compatible(&self) -> bool {
        const COMPATIBLE: [&str; 6] =
            ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];
        self.modinfo.text("license").is_some_and(|licence| COMPATIBLE.contains(&&*licence))
    }
}

impl Modinfo {
    /// Takes the bytes of a `.modinfo` section: strings ended by NUL, with any number of NULs between them.
    pub fn new(raw: impl Into<Box<[u8]>>) -> Modinfo {
        Modinfo { raw: raw.into() }
    }

    /// Returns all strings in order, cut at their first `=`; without one the value is empty.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines().map(|line| match memchr::memchr(b'=', line) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        })
    }

    /// Returns all values of `key`, in order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.lines().filter_map(move |line| match line.strip_prefix(key.as_bytes())? {
            [] => Some(&line[line.len()..]),
            [b'=', value @ ..] => Some(value),
            _ => None,
        })
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.raw[..];
        let line = move || {
            while let [0, after @ ..] = rest {
                rest = after;
            }
            let end = memchr::memchr(0, rest).unwrap_or(rest.len());
            let line;
            (line, rest) = rest.split_at(end);
            (!line.is_empty()).then_some(line)
        };
        std::iter::from_fn(line)
    }

    /// Returns all values of `key` as text, in order.
    pub fn texts<'a>(&'a self, key: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.values(key).map(String::from_utf8_lossy)
    }

    /// Returns the first value of `key` as text.
    pub fn text<'a>(&'a self, key: &'a str) -> Option<Cow<'a, str>> {
        self.texts(key).next()
    }

    /// Returns names of the modules that `modpost` found it to need (`depends=`), folded.
    pub fn depends(&self) -> Vec<String> {
        let list = self.text("depends").unwrap_or_default();
        list.split(',').filter(|name| !name.is_empty()).map(name::fold).collect()
    }
}

impl std::fmt::Debug for Modinfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let strings = self.iter().map(|(key, value)| (String::from_utf8_lossy(key), String::from_utf8_lossy(value)));
        f.debug_map().entries(strings).finish()
    }
}
