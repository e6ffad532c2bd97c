//! Writes kernel modules: ELF files with the sections that tools read, and no code.

use object::write::{Object, SectionId, Symbol, SymbolSection};
use object::{BinaryFormat, SectionKind, SymbolFlags, SymbolKind, SymbolScope};

pub use object::{Architecture, Endianness};

/// How a module records the versions of the symbols that it exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crcs {
    /// Not at all: a kernel without `CONFIG_MODVERSIONS`.
    None,
    /// As words in a section, to which `__crc_X` points (Linux 5.19 and later, and `CONFIG_MODULE_REL_CRCS`).
    Words,
    /// As the values of absolute symbols `__crc_X`.
    Absolute,
}

/// A module to be written.
#[derive(Debug, Clone)]
pub struct Ko {
    architecture: Architecture,
    endianness: Endianness,
    crcs: Crcs,
    modinfo: Vec<u8>,
    exports: Vec<Export>,
    wants: Vec<Want>,
    parameters: Vec<String>,
    init: bool,
    exit: bool,
    signed: bool,
    text_size: u64,
}

#[derive(Debug, Clone)]
struct Export {
    name: String,
    crc: u32,
    namespace: Option<String>,
    gpl_only: bool,
}

#[derive(Debug, Clone)]
struct Want {
    name: String,
    crc: Option<u32>,
    weak: bool,
    in_symtab: bool,
}

impl Default for Ko {
    fn default() -> Ko {
        Ko::new()
    }
}

impl Ko {
    /// Starts a module for x86_64 that has init and exit, and versions in words.
    pub fn new() -> Ko {
        Ko {
            architecture: Architecture::X86_64,
            endianness: Endianness::Little,
            crcs: Crcs::Words,
            modinfo: Vec::new(),
            exports: Vec::new(),
            wants: Vec::new(),
            parameters: Vec::new(),
            init: true,
            exit: true,
            signed: false,
            text_size: 16,
        }
    }

    /// Sets the machine.
    #[must_use]
    pub fn machine(mut self, architecture: Architecture, endianness: Endianness) -> Ko {
        (self.architecture, self.endianness) = (architecture, endianness);
        self
    }

    /// Sets how versions of exports are recorded.
    #[must_use]
    pub fn crcs(mut self, crcs: Crcs) -> Ko {
        self.crcs = crcs;
        self
    }

    /// Adds a `key=value` to `.modinfo`.
    #[must_use]
    pub fn info(mut self, key: &str, value: &str) -> Ko {
        self.modinfo.extend(format!("{key}={value}\0").as_bytes());
        self
    }

    /// Adds raw bytes to `.modinfo`.
    #[must_use]
    pub fn raw_info(mut self, bytes: &[u8]) -> Ko {
        self.modinfo.extend(bytes);
        self
    }

    /// Exports a symbol, with a version made from its name.
    #[must_use]
    pub fn export(self, name: &str) -> Ko {
        self.export_as(name, Ko::crc_of(name), None, false)
    }

    /// Exports a symbol with all its properties.
    #[must_use]
    pub fn export_as(mut self, name: &str, crc: u32, namespace: Option<&str>, gpl_only: bool) -> Ko {
        let namespace = namespace.map(str::to_owned);
        self.exports.push(Export { name: name.to_owned(), crc, namespace, gpl_only });
        self
    }

    /// Wants a symbol, with the version that [`Ko::export`] gives it.
    #[must_use]
    pub fn want(self, name: &str) -> Ko {
        self.want_as(name, Some(Ko::crc_of(name)), false)
    }

    /// Wants a symbol with all its properties.
    #[must_use]
    pub fn want_as(mut self, name: &str, crc: Option<u32>, weak: bool) -> Ko {
        self.wants.push(Want { name: name.to_owned(), crc, weak, in_symtab: true });
        self
    }

    /// Wants a symbol that only the table of versions names, as the kernel does with `module_layout`.
    #[must_use]
    pub fn want_version(mut self, name: &str) -> Ko {
        self.wants.push(Want { name: name.to_owned(), crc: Some(Ko::crc_of(name)), weak: false, in_symtab: false });
        self
    }

    /// Adds a parameter that only the symbol table names, as `module_param_cb` does.
    #[must_use]
    pub fn parameter(mut self, name: &str) -> Ko {
        self.parameters.push(name.to_owned());
        self
    }

    /// Sets whether there is code to run at load and at removal.
    #[must_use]
    pub fn code(mut self, init: bool, exit: bool) -> Ko {
        (self.init, self.exit) = (init, exit);
        self
    }

    /// Appends a signature that no kernel would accept.
    #[must_use]
    pub fn signed(mut self) -> Ko {
        self.signed = true;
        self
    }

    /// Sets how much code there is.
    #[must_use]
    pub fn text_size(mut self, bytes: u64) -> Ko {
        self.text_size = bytes;
        self
    }

    /// Returns the version that [`Ko::export`] and [`Ko::want`] give a symbol.
    pub fn crc_of(name: &str) -> u32 {
        name.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    /// Writes the file.
    ///
    /// # Panics
    /// When ELF files cannot be written for the machine, which is the test's mistake.
    pub fn build(&self) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, self.architecture, self.endianness);
        let text = section(&mut object, ".text", SectionKind::Text);
        object.append_section_data(text, &vec![0x90; self.text_size as usize], 16);
        if !self.modinfo.is_empty() {
            let modinfo = section(&mut object, ".modinfo", SectionKind::ReadOnlyData);
            object.append_section_data(modinfo, &self.modinfo, 1);
        }
        self.put_versions(&mut object);
        self.put_exports(&mut object);
        for (name, there) in [("init_module", self.init), ("cleanup_module", self.exit)] {
            if there {
                put_symbol(&mut object, name, 0, SymbolSection::Section(text), true);
            }
        }
        for name in &self.parameters {
            put_symbol(&mut object, &format!("__param_str_{name}"), 0, SymbolSection::Section(text), false);
        }
        for want in self.wants.iter().filter(|want| want.in_symtab) {
            let mut symbol = symbol(&want.name, 0, SymbolSection::Undefined, true);
            symbol.weak = want.weak;
            object.add_symbol(symbol);
        }
        let mut bytes = object.write().expect("the fixture is an ELF file");
        if self.signed {
            bytes.extend(b"not a real signature~Module signature appended~\n");
        }
        bytes
    }

    fn put_versions(&self, object: &mut Object<'_>) {
        let wide = object.architecture().address_size().is_some_and(|size| size.bytes() == 8);
        let mut records = Vec::new();
        for want in &self.wants {
            let Some(crc) = want.crc else { continue };
            let mut record = [0; 64];
            let word = if wide { 8 } else { 4 };
            match (wide, self.endianness) {
                (true, Endianness::Little) => record[..8].copy_from_slice(&u64::from(crc).to_le_bytes()),
                (true, Endianness::Big) => record[..8].copy_from_slice(&u64::from(crc).to_be_bytes()),
                (false, Endianness::Little) => record[..4].copy_from_slice(&crc.to_le_bytes()),
                (false, Endianness::Big) => record[..4].copy_from_slice(&crc.to_be_bytes()),
            }
            let name = &want.name.as_bytes()[..want.name.len().min(63 - word)];
            record[word..word + name.len()].copy_from_slice(name);
            records.extend(record);
        }
        if self.crcs != Crcs::None && !records.is_empty() {
            let versions = section(object, "__versions", SectionKind::ReadOnlyData);
            object.append_section_data(versions, &records, 8);
        }
    }

    fn put_exports(&self, object: &mut Object<'_>) {
        if self.exports.is_empty() {
            return;
        }
        let strings = section(object, "__ksymtab_strings", SectionKind::ReadOnlyData);
        let plain = section(object, "__ksymtab", SectionKind::ReadOnlyData);
        let gpl = section(object, "__ksymtab_gpl", SectionKind::ReadOnlyData);
        let words = (self.crcs == Crcs::Words).then(|| section(object, "__kcrctab", SectionKind::ReadOnlyData));
        for export in &self.exports {
            object.append_section_data(strings, format!("{}\0", export.name).as_bytes(), 1);
            let namespace = export.namespace.clone().unwrap_or_default();
            let at = object.append_section_data(strings, format!("{namespace}\0").as_bytes(), 1);
            put_symbol(object, &format!("__kstrtabns_{}", export.name), at, SymbolSection::Section(strings), false);
            let table = if export.gpl_only { gpl } else { plain };
            let at = object.append_section_data(table, &[0; 8], 4);
            put_symbol(object, &format!("__ksymtab_{}", export.name), at, SymbolSection::Section(table), false);
            let crc = format!("__crc_{}", export.name);
            match (self.crcs, words) {
                (Crcs::Words, Some(words)) => {
                    let word = match self.endianness {
                        Endianness::Little => export.crc.to_le_bytes(),
                        Endianness::Big => export.crc.to_be_bytes(),
                    };
                    let at = object.append_section_data(words, &word, 4);
                    put_symbol(object, &crc, at, SymbolSection::Section(words), false);
                }
                (Crcs::Absolute, _) => put_symbol(object, &crc, export.crc.into(), SymbolSection::Absolute, true),
                _ => {}
            }
        }
    }
}

fn section(object: &mut Object<'_>, name: &str, kind: SectionKind) -> SectionId {
    object.add_section(Vec::new(), name.as_bytes().to_vec(), kind)
}

fn put_symbol(object: &mut Object<'_>, name: &str, value: u64, section: SymbolSection, global: bool) {
    object.add_symbol(symbol(name, value, section, global));
}

fn symbol(name: &str, value: u64, section: SymbolSection, global: bool) -> Symbol {
    let scope = if global { SymbolScope::Linkage } else { SymbolScope::Compilation };
    let (name, flags) = (name.as_bytes().to_vec(), SymbolFlags::None);
    Symbol { name, value, size: 0, kind: SymbolKind::Label, scope, weak: false, section, flags }
}
