//! From an ELF file to a module's facts.
//!
//! | section | gives |
//! | --- | --- |
//! | `.symtab`, `.strtab` | wanted symbols, exported ones (`__crc_X`), namespaces (`__kstrtabns_X`), init and exit |
//! | `__ksymtab_strings` | exported symbols when there are no `__crc_X`; the text of namespaces |
//! | `__ksymtab_gpl` | which exports are GPL-only, by the section that `__ksymtab_X` lies in |
//! | `__versions` | CRCs of wanted symbols: records of 64 bytes, one word and a name |
//! | `__version_ext_crcs`, `__version_ext_names` | the same without a limit on the name's length (Linux 6.14) |
//! | `.modinfo` | `key=value` strings |

use std::borrow::Cow;
use std::collections::BTreeMap;

use object::elf::{FileHeader32, FileHeader64, SHF_ALLOC, SHN_ABS, SHN_UNDEF, STB_WEAK, STT_SPARC_REGISTER};
use object::pod;
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{Endian, Endianness};

use super::elf::{Elf, is_wide, string_at};
use super::{Fault, ReadAt};
use crate::module::{Export, Modinfo, ModuleInfo, Want};

/// What ends a file that carries an appended signature (`include/linux/module_signature.h`).
const SIGNATURE_END: &[u8] = b"~Module signature appended~\n";

/// Size of one record of `__versions`, the word of the CRC included.
const VERSION_RECORD: usize = 64;

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
}

/// A symbol with its version, if that is known.
type Versioned = (Box<str>, Option<u32>);

/// The two sections in which exported names live, and the parts of `.symtab` that are about exports.
struct ExportTables<'a> {
    strings_index: Option<usize>,
    strings: Cow<'a, [u8]>,
    gpl_index: Option<usize>,
    /// Exported symbol to its CRC, in the order of `.symtab`.
    crcs: Vec<Versioned>,
    namespaces: BTreeMap<Box<str>, Box<str>>,
    gpl_only: Vec<Box<str>>,
}

impl<'a, S: ReadAt + ?Sized, H: FileHeader<Endian = Endianness>> Reader<'a, S, H> {
    fn open(head: &[u8], source: &'a S) -> Result<Self, Fault> {
        Ok(Reader { source, elf: Elf::open(head, source)? })
    }

    fn facts(&self, path: &str) -> Result<ModuleInfo, Fault> {
        let mut info = ModuleInfo::unreadable(path);
        info.machine = Some(self.elf.machine());
        info.file_size = self.source.size();
        info.loaded_size = self.loaded_size();
        info.signed = self.signed()?;
        info.modinfo = Modinfo::new(self.named(".modinfo", ".modinfo")?.into_owned());
        let mut versions = self.versions()?;
        info.versioned = !versions.is_empty();
        let extended = self.extended_versions()?;
        info.versioned |= !extended.is_empty();
        self.symbols(&mut info, &mut versions, &extended)?;
        Ok(info)
    }

    fn named(&self, name: &str, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        self.elf.section_index(name).map_or(Ok(Cow::Borrowed(&[][..])), |index| self.elf.contents(index, what))
    }

    fn loaded_size(&self) -> u64 {
        let endian = self.elf.endian();
        let mut sum = 0u64;
        for (index, section) in self.elf.sections().iter().enumerate() {
            let name = self.elf.section_name(index);
            let dropped = name.starts_with(b".init") || name == b".modinfo" || name.starts_with(b"__version");
            if section.sh_flags(endian).0 & SHF_ALLOC.0 != 0 && !dropped {
                sum = sum.saturating_add(section.sh_size(endian).into());
            }
        }
        sum
    }

    fn signed(&self) -> Result<bool, Fault> {
        let size = self.source.size();
        let start = size.saturating_sub(SIGNATURE_END.len() as u64);
        Ok(*self.source.read_at(start..size)? == *SIGNATURE_END)
    }

    /// Names and CRCs of `__versions`, in order.
    fn versions(&self) -> Result<Vec<Versioned>, Fault> {
        let bytes = self.named("__versions", "__versions")?;
        let word = if self.elf.machine().wide { 8 } else { 4 };
        let mut versions = Vec::with_capacity(bytes.len() / VERSION_RECORD);
        for record in bytes.chunks_exact(VERSION_RECORD) {
            let crc = match word {
                8 => self.elf.endian().read_u64(array(record)) as u32,
                _ => self.elf.endian().read_u32(array(record)),
            };
            versions.push((text(string_at(record, word))?, Some(crc)));
        }
        Ok(versions)
    }

    fn extended_versions(&self) -> Result<BTreeMap<Box<str>, u32>, Fault> {
        let crcs = self.named("__version_ext_crcs", "__version_ext_crcs")?;
        let names = self.named("__version_ext_names", "__version_ext_names")?;
        let names = names.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        let crcs = crcs.chunks_exact(4).map(|word| self.elf.endian().read_u32(array(word)));
        names.zip(crcs).map(|(name, crc)| Ok((text(name)?, crc))).collect()
    }

    /// Fills in exports, wants, and the presence of init and exit.
    fn symbols(
        &self,
        info: &mut ModuleInfo,
        versions: &mut Vec<Versioned>,
        extended: &BTreeMap<Box<str>, u32>,
    ) -> Result<(), Fault> {
        let endian = self.elf.endian();
        let table = self.named(".symtab", "the symbol table")?;
        let strings = self.named(".strtab", "the table of symbol names")?;
        let (symbols, _) = pod::slice_from_bytes::<H::Sym>(&table, table.len() / size_of::<H::Sym>())
            .map_err(|()| Fault::Truncated("the symbol table"))?;
        let mut tables = self.export_tables()?;
        let mut crc_sections = CrcSections::new();
        let mut undefined = Vec::new();
        let sparc = SPARC.contains(&self.elf.machine().code);
        for symbol in symbols.iter().skip(1) {
            let name = strings.get(symbol.st_name(endian) as usize..).unwrap_or_default();
            if name.first().is_none_or(|&byte| byte == 0) {
                continue;
            }
            let section = symbol.st_shndx(endian);
            if section == SHN_UNDEF && !(sparc && symbol.st_type() == STT_SPARC_REGISTER) {
                undefined.push((text(string_at(name, 0))?, symbol.st_bind() == STB_WEAK));
            }
            if let Some(exported) = name.strip_prefix(b"__crc_") {
                let crc = match section {
                    SHN_ABS | SHN_UNDEF => Some(symbol.st_value(endian).into() as u32),
                    section => crc_sections.word(&self.elf, usize::from(section.0), symbol.st_value(endian).into())?,
                };
                tables.crcs.push((text(string_at(exported, 0))?, crc));
            } else if section != SHN_UNDEF {
                tables.note(name, usize::from(section.0), symbol.st_value(endian).into())?;
                info.has_init |= name.starts_with(b"init_module\0");
                info.has_exit |= name.starts_with(b"cleanup_module\0");
            }
        }
        info.exports = tables.exports()?;
        info.wants = wants(undefined, versions, extended);
        Ok(())
    }

    fn export_tables(&self) -> Result<ExportTables<'a>, Fault> {
        let strings_index = self.elf.section_index("__ksymtab_strings");
        Ok(ExportTables {
            strings_index,
            strings: self.named("__ksymtab_strings", "__ksymtab_strings")?,
            gpl_index: self.elf.section_index("__ksymtab_gpl"),
            crcs: Vec::new(),
            namespaces: BTreeMap::new(),
            gpl_only: Vec::new(),
        })
    }
}

impl ExportTables<'_> {
    /// Takes note of a defined symbol, when it says something about an export.
    fn note(&mut self, name: &[u8], section: usize, value: u64) -> Result<(), Fault> {
        if let Some(exported) = name.strip_prefix(b"__kstrtabns_") {
            if Some(section) == self.strings_index {
                let namespace = string_at(&self.strings, usize::try_from(value).unwrap_or(usize::MAX));
                if !namespace.is_empty() {
                    self.namespaces.insert(text(string_at(exported, 0))?, text(namespace)?);
                }
            }
        } else if let Some(exported) = name.strip_prefix(b"__ksymtab_")
            && Some(section) == self.gpl_index
        {
            self.gpl_only.push(text(string_at(exported, 0))?);
        }
        Ok(())
    }

    fn exports(mut self) -> Result<Vec<Export>, Fault> {
        if self.crcs.is_empty() {
            // Quirk: as depmod has it, every string of the section counts, that of a namespace too.
            let names = self.strings.split(|&byte| byte == 0).filter(|name| !name.is_empty());
            self.crcs = names.map(|name| Ok((text(name)?, None))).collect::<Result<_, Fault>>()?;
        }
        self.gpl_only.sort_unstable();
        let export = |(name, crc): (Box<str>, Option<u32>)| Export {
            crc,
            namespace: self.namespaces.get(&name).cloned(),
            gpl_only: self.gpl_only.binary_search(&name).is_ok(),
            name,
        };
        Ok(self.crcs.into_iter().map(export).collect())
    }
}

/// The sections with the words of CRCs; real modules have two of them at most.
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

/// Joins undefined symbols with their CRCs; what only the versions name (`module_layout`) comes last.
fn wants(
    undefined: Vec<(Box<str>, bool)>,
    versions: &mut Vec<Versioned>,
    extended: &BTreeMap<Box<str>, u32>,
) -> Vec<Want> {
    let mut by_name: Vec<usize> = (0..versions.len()).collect();
    by_name.sort_by(|&a, &b| versions[a].0.cmp(&versions[b].0));
    let mut met = vec![false; versions.len()];
    let mut wants = Vec::with_capacity(undefined.len() + 1);
    for (name, weak) in undefined {
        let known = by_name.partition_point(|&at| versions[at].0 < name);
        let crc = match by_name.get(known) {
            Some(&at) if versions[at].0 == name => {
                met[at] = true;
                versions[at].1
            }
            _ => extended.get(&name).copied(),
        };
        wants.push(Want { name, crc, weak });
    }
    let unmet = std::mem::take(versions).into_iter().zip(met).filter(|(version, met)| !met && !version.0.is_empty());
    wants.extend(unmet.map(|((name, crc), _)| Want { name, crc, weak: false }));
    wants
}

fn text(bytes: &[u8]) -> Result<Box<str>, Fault> {
    std::str::from_utf8(bytes).map(Box::from).map_err(|_| Fault::SymbolName)
}

/// The first `N` bytes; the callers' chunks are long enough.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}
