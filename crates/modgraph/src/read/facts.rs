//! From an ELF file to a module's facts.
//!
//! | section | gives |
//! | --- | --- |
//! | `.symtab`, `.strtab` | wanted symbols, exported ones (`__crc_X`), namespaces (`__kstrtabns_X`), init and exit, parameters (`__param_str_X`) |
//! | `__ksymtab_strings` | exported symbols when there are no `__crc_X`; the text of namespaces |
//! | `__ksymtab_gpl` | which exports are GPL-only, by the section that `__ksymtab_X` lies in |
//! | `__versions` | CRCs of wanted symbols: records of 64 bytes, one word and a name |
//! | `__version_ext_crcs`, `__version_ext_names` | the same without a limit on the name's length (Linux 6.14) |
//! | `.modinfo` | `key=value` strings |

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use object::elf::{FileHeader32, FileHeader64, SHF_ALLOC, SHN_ABS, SHN_UNDEF, STB_WEAK, STT_SPARC_REGISTER};
use object::pod;
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{Endian, Endianness};

use super::elf::{Elf, is_wide, string_at};
use super::versions::{Versions, array};
use super::{Fault, ReadAt};
use crate::module::{Export, Modinfo, ModuleInfo, Want, Wants};

/// The end of a file with an appended signature (`include/linux/module_signature.h`).
const SIGNATURE_END: &[u8] = b"~Module signature appended~\n";

/// Processor numbers of sparc, whose register symbols look like undefined ones.
const SPARC: [u16; 3] = [2, 18, 43];

/// Reads the module whose first bytes are `head`: 64 of them, or all.
pub(super) fn collect<S: ReadAt + ?Sized>(path: &str, head: &[u8], source: &S) -> Result<ModuleInfo, Fault> {
    if head.is_empty() {
        return Err(Fault::Empty);
    }
    match is_wide(head).ok_or(Fault::NotElf)? {
        true => Reader::<S, FileHeader64<Endianness>>::open(head, source)?.facts(path),
        false => Reader::<S, FileHeader32<Endianness>>::open(head, source)?.facts(path),
    }
}

struct Reader<'a, S: ?Sized, H: FileHeader> {
    source: &'a S,
    elf: Elf<'a, S, H>,
    places: Places,
}

/// Where the sections that hold facts are: their indexes.
#[derive(Default)]
struct Places {
    symtab: Option<usize>,
    strtab: Option<usize>,
    modinfo: Option<usize>,
    versions: Option<usize>,
    extended_crcs: Option<usize>,
    extended_names: Option<usize>,
    export_strings: Option<usize>,
    gpl_exports: Option<usize>,
    /// The size of the part that stays in memory once loaded.
    loaded_size: u64,
}

/// The two sections in which exported names live, and the parts of `.symtab` that are about exports.
struct ExportTables<'a> {
    strings_index: Option<usize>,
    strings: Cow<'a, [u8]>,
    gpl_index: Option<usize>,
    /// Exported symbol to its CRC, in the order of `.symtab`.
    crcs: Vec<(Box<str>, Option<u32>)>,
    namespaces: BTreeMap<Box<str>, Box<str>>,
    gpl_only: Vec<Box<str>>,
}

/// The number of bytes of names that may still be read: names that overlap would have more of them than the file.
struct Names {
    left: u64,
}

impl<'a, S: ReadAt + ?Sized, H: FileHeader<Endian = Endianness>> Reader<'a, S, H> {
    fn open(head: &[u8], source: &'a S) -> Result<Self, Fault> {
        let elf = Elf::open(head, source)?;
        let places = Places::find(&elf);
        source.expect(&places.parts(&elf));
        Ok(Reader { source, elf, places })
    }

    fn facts(&self, path: &str) -> Result<ModuleInfo, Fault> {
        let mut info = ModuleInfo::unreadable(path);
        info.machine = Some(self.elf.machine());
        info.file_size = self.source.size();
        info.loaded_size = self.places.loaded_size;
        info.signed = self.signed()?;
        info.modinfo = Modinfo::new(self.contents(self.places.modinfo, ".modinfo")?.into_owned());
        self.symbols(&mut info)?;
        Ok(info)
    }

    /// Returns the contents of a section; empty when there is none.
    fn contents(&self, index: Option<usize>, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        index.map_or(Ok(Cow::Borrowed(&[][..])), |index| self.elf.contents(index, what))
    }

    fn signed(&self) -> Result<bool, Fault> {
        let size = self.source.size();
        let start = size.saturating_sub(SIGNATURE_END.len() as u64);
        Ok(*self.source.read_at(start..size)? == *SIGNATURE_END)
    }

    /// Fills in exports, wants, and the presence of init and exit.
    fn symbols(&self, info: &mut ModuleInfo) -> Result<(), Fault> {
        let endian = self.elf.endian();
        let table = self.contents(self.places.symtab, "the symbol table")?;
        let strings = self.contents(self.places.strtab, "the table of symbol names")?;
        let versions = self.contents(self.places.versions, "__versions")?;
        let extended_crcs = self.contents(self.places.extended_crcs, "__version_ext_crcs")?;
        let extended_names = self.contents(self.places.extended_names, "__version_ext_names")?;
        let mut versions = Versions::read(&versions, &extended_crcs, &extended_names, self.elf.machine().wide, endian);
        let (symbols, _) = pod::slice_from_bytes::<H::Sym>(&table, table.len() / size_of::<H::Sym>())
            .map_err(|()| Fault::Truncated("the symbol table"))?;
        let mut tables = self.export_tables()?;
        let mut crc_sections = CrcSections::new();
        let mut names = Names { left: self.source.size().saturating_mul(4).min(u32::MAX.into()) };
        let mut wants: Vec<Want<'_>> = Vec::with_capacity(versions.len() + 1);
        let sparc = SPARC.contains(&self.elf.machine().code);
        for symbol in symbols.iter().skip(1) {
            let name = strings.get(symbol.st_name(endian) as usize..).unwrap_or_default();
            if name.first().is_none_or(|&byte| byte == 0) {
                continue;
            }
            let section = symbol.st_shndx(endian);
            if section == SHN_UNDEF && !(sparc && symbol.st_type() == STT_SPARC_REGISTER) {
                let name = string_at(name, 0);
                wants.push(Want {
                    crc: versions.take(name),
                    name: names.text(name)?,
                    weak: symbol.st_bind() == STB_WEAK,
                });
            }
            if let Some(exported) = name.strip_prefix(b"__crc_") {
                let crc = match section {
                    SHN_ABS | SHN_UNDEF => Some(symbol.st_value(endian).into() as u32),
                    section => crc_sections.word(&self.elf, usize::from(section.0), symbol.st_value(endian).into())?,
                };
                tables.crcs.push((names.text(string_at(exported, 0))?.into(), crc));
            } else if section != SHN_UNDEF {
                tables.note(name, usize::from(section.0), symbol.st_value(endian).into(), &mut names)?;
                if let Some(parameter) = name.strip_prefix(b"__param_str_") {
                    info.parameters.push(names.text(string_at(parameter, 0))?.into());
                }
                info.has_init |= name.starts_with(b"init_module\0");
                info.has_exit |= name.starts_with(b"cleanup_module\0");
            }
        }
        info.versioned = versions.any();
        for (name, crc) in versions.left() {
            wants.push(Want { name: names.text(name)?, crc: Some(crc), weak: false });
        }
        info.exports = tables.exports(&mut names)?;
        info.wants = Wants::from(&*wants);
        Ok(())
    }

    fn export_tables(&self) -> Result<ExportTables<'a>, Fault> {
        Ok(ExportTables {
            strings_index: self.places.export_strings,
            strings: self.contents(self.places.export_strings, "__ksymtab_strings")?,
            gpl_index: self.places.gpl_exports,
            crcs: Vec::new(),
            namespaces: BTreeMap::new(),
            gpl_only: Vec::new(),
        })
    }
}

impl Places {
    /// Visits each section once; of several with one name the first counts.
    fn find<S: ReadAt + ?Sized, H: FileHeader<Endian = Endianness>>(elf: &Elf<'_, S, H>) -> Places {
        let endian = elf.endian();
        let mut places = Places::default();
        for (index, section) in elf.sections().iter().enumerate() {
            let name = elf.section_name(index);
            let place = match name {
                b".symtab" => Some(&mut places.symtab),
                b".strtab" => Some(&mut places.strtab),
                b".modinfo" => Some(&mut places.modinfo),
                b"__versions" => Some(&mut places.versions),
                b"__version_ext_crcs" => Some(&mut places.extended_crcs),
                b"__version_ext_names" => Some(&mut places.extended_names),
                b"__ksymtab_strings" => Some(&mut places.export_strings),
                b"__ksymtab_gpl" => Some(&mut places.gpl_exports),
                _ => None,
            };
            if let Some(place) = place.filter(|_| index > 0) {
                place.get_or_insert(index);
            }
            let dropped = name.starts_with(b".init") || name == b".modinfo" || name.starts_with(b"__version");
            if section.sh_flags(endian).0 & SHF_ALLOC.0 != 0 && !dropped {
                places.loaded_size = places.loaded_size.saturating_add(section.sh_size(endian).into());
            }
        }
        places
    }
}

impl Places {
    /// Returns the parts of the file that will be read.
    fn parts<S: ReadAt + ?Sized, H: FileHeader<Endian = Endianness>>(&self, elf: &Elf<'_, S, H>) -> Vec<Range<u64>> {
        let read = [
            self.symtab,
            self.strtab,
            self.modinfo,
            self.versions,
            self.extended_crcs,
            self.extended_names,
            self.export_strings,
        ];
        read.into_iter().flatten().filter_map(|index| elf.place(index)).collect()
    }
}

impl Names {
    fn text<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a str, Fault> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Fault::Overlap)?;
        std::str::from_utf8(bytes).map_err(|_| Fault::SymbolName)
    }
}

impl ExportTables<'_> {
    /// Records a defined symbol when it describes an export.
    fn note(&mut self, name: &[u8], section: usize, value: u64, names: &mut Names) -> Result<(), Fault> {
        if !name.starts_with(b"__k") {
            return Ok(());
        }
        if let Some(exported) = name.strip_prefix(b"__kstrtabns_") {
            if Some(section) == self.strings_index {
                let namespace = string_at(&self.strings, usize::try_from(value).unwrap_or(usize::MAX));
                if !namespace.is_empty() {
                    let exported = names.text(string_at(exported, 0))?;
                    self.namespaces.insert(exported.into(), names.text(namespace)?.into());
                }
            }
        } else if let Some(exported) = name.strip_prefix(b"__ksymtab_")
            && Some(section) == self.gpl_index
        {
            self.gpl_only.push(names.text(string_at(exported, 0))?.into());
        }
        Ok(())
    }

    fn exports(mut self, names: &mut Names) -> Result<Vec<Export>, Fault> {
        if self.crcs.is_empty() {
            // Quirk: as in depmod, every string of the section counts, that of a namespace too.
            let strings = self.strings.split(|&byte| byte == 0).filter(|name| !name.is_empty());
            self.crcs = strings.map(|name| Ok((names.text(name)?.into(), None))).collect::<Result<_, Fault>>()?;
        }
        self.gpl_only.sort_unstable();
        let spaces: BTreeSet<&str> = self.namespaces.values().map(|space| &**space).collect();
        let export = |(name, crc): (Box<str>, Option<u32>)| Export {
            crc,
            namespace: self.namespaces.get(&name).cloned(),
            gpl_only: self.gpl_only.binary_search(&name).is_ok(),
            // A symbol of the same name has a namespace of its own, or a version.
            is_namespace: crc.is_none() && spaces.contains(&*name) && !self.namespaces.contains_key(&name),
            name,
        };
        Ok(self.crcs.into_iter().map(export).collect())
    }
}

/// The sections with the words of CRCs; real modules have at most two of them.
struct CrcSections<'a> {
    read: BTreeMap<usize, Cow<'a, [u8]>>,
}

impl<'a> CrcSections<'a> {
    fn new() -> Self {
        CrcSections { read: BTreeMap::new() }
    }

    fn word<S, H>(&mut self, elf: &Elf<'a, S, H>, section: usize, at: u64) -> Result<Option<u32>, Fault>
    where
        S: ReadAt + ?Sized,
        H: FileHeader<Endian = Endianness>,
    {
        if section >= elf.sections().len() {
            return Ok(None);
        }
        let bytes = match self.read.entry(section) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(elf.contents(section, "a section of symbol versions")?)
            }
        };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let word = at.checked_add(4).and_then(|end| bytes.get(at..end));
        Ok(word.map(|word| elf.endian().read_u32(array(word))))
    }
}
