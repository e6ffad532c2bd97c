//! The facts that one `.ko` file contains.

mod wants;

use std::borrow::Cow;
use std::collections::BTreeSet;

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
    /// Names of parameters, in the file's order, as far as the symbol table has them.
    pub parameters: Vec<Box<str>>,
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
    /// Whether it is only the name of a namespace, which depmod takes for a symbol where there are no versions.
    pub is_namespace: bool,
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
            parameters: Vec::new(),
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

    /// Whether it has a parameter of this name, in which `-` and `_` are the same.
    ///
    /// # Source
    /// `parameqn` in the kernel's `kernel/params.c`.
    pub fn has_parameter(&self, name: &str) -> bool {
        let wanted = name::fold(name);
        self.parameter_names().iter().any(|known| name::fold(known) == wanted)
    }

    /// Returns the names of its parameters, sorted.
    ///
    /// # Source
    /// `include/linux/moduleparam.h`: `module_param_cb` writes no `parmtype`, and not every parameter has the
    /// description `parm`.
    pub fn parameter_names(&self) -> Vec<String> {
        let described = ["parm", "parmtype"].into_iter().flat_map(|key| self.modinfo.texts(key));
        let described = described.map(|text| text.split(':').next().unwrap_or_default().to_owned());
        let names: BTreeSet<String> = described.chain(self.parameters.iter().map(|name| name.to_string())).collect();
        names.into_iter().collect()
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
