//! A digest of the parts of an object, a module or a kernel that are loaded into memory; and the objects of an archive.
//!
//! The digest contains, for each loaded section: name, type, flags, size and bytes, and its relocations with the names
//! of their targets; and the symbols that others can link to. Left out are debug information, the build ID (a hash over
//! debug information too), the order and names of local symbols, and a signature.

use blake3::Hasher;
use object::read::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};
use object::{RelocationFlags, SectionFlags, SectionIndex, SymbolFlags, elf};

/// Returns the digest of the parts of an ELF file that are loaded; `None` when the bytes are not an ELF file.
///
/// Two files with one digest do the same, whatever debug information they contain.
pub fn memory_digest(bytes: &[u8]) -> Option<[u8; 16]> {
    let file = object::File::parse(bytes).ok()?;
    let mut hasher = Hasher::new();
    field(&mut hasher, format!("{:?} {:?} {:?}", file.architecture(), file.endianness(), file.flags()).as_bytes());
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        let name = section.name().ok()?;
        if !sh_flags.contains(elf::SHF_ALLOC) || matches!(name, ".notes" | ".note.gnu.build-id") {
            continue;
        }
        field(&mut hasher, name.as_bytes());
        number(&mut hasher, sh_flags.0);
        number(&mut hasher, section.size());
        field(&mut hasher, section.data().ok()?);
        for (offset, relocation) in section.relocations() {
            number(&mut hasher, offset);
            number(&mut hasher, relocation.addend() as u64);
            if let RelocationFlags::Elf { r_type } = relocation.flags() {
                number(&mut hasher, r_type.0.into());
            }
            field(&mut hasher, &target(&file, relocation.target())?);
        }
    }
    for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
        field(&mut hasher, symbol.name_bytes().ok()?);
        number(&mut hasher, symbol.address());
        number(&mut hasher, symbol.size());
        field(
            &mut hasher,
            symbol.section_index().map_or(Some(Vec::new()), |index| section_name(&file, index))?.as_slice(),
        );
        if let SymbolFlags::Elf { st_info, st_other, .. } = symbol.flags() {
            field(&mut hasher, &[st_info.0, st_other.0]);
        }
    }
    Some(hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes"))
}

/// Returns the names of an archive's members in order; of a thin one, paths; `None` when the bytes are not an archive.
///
/// # Source
/// `ar(1)`; Kbuild's `built-in.a` and `vmlinux.a` are thin.
pub fn archive_members(bytes: &[u8]) -> Option<Vec<String>> {
    let archive = object::read::archive::ArchiveFile::parse(bytes).ok()?;
    let name = |member: object::Result<object::read::archive::ArchiveMember<'_>>| {
        String::from_utf8(member.ok()?.name().to_vec()).ok()
    };
    archive.members().map(name).collect()
}

/// The target of a relocation: a symbol's name, or where a nameless one is.
fn target(file: &object::File<'_>, target: RelocationTarget) -> Option<Vec<u8>> {
    match target {
        RelocationTarget::Symbol(index) => {
            let symbol = file.symbol_by_index(index).ok()?;
            let name = symbol.name_bytes().ok()?;
            let mut text = if name.is_empty() { section_name(file, symbol.section_index()?)? } else { name.to_vec() };
            // A local name may occur several times in one file.
            text.extend(symbol.address().to_le_bytes());
            Some(text)
        }
        RelocationTarget::Section(index) => section_name(file, index),
        _ => Some(Vec::new()),
    }
}

fn section_name(file: &object::File<'_>, index: SectionIndex) -> Option<Vec<u8>> {
    file.section_by_index(index).ok()?.name_bytes().ok().map(<[u8]>::to_vec)
}

fn field(hasher: &mut Hasher, bytes: &[u8]) {
    number(hasher, bytes.len() as u64);
    hasher.update(bytes);
}

fn number(hasher: &mut Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use kiln_testkit::Ko;

    use super::*;

    #[test]
    fn members_of_archives() {
        let thin = b"!<thin>\n//                                              12        `\na/b.o/\nc.o/\n\
                     /0              0           0     0     644     100       `\n/7              0           0     0     644     100       `\n";
        assert_eq!(archive_members(thin), Some(vec!["a/b.o".to_owned(), "c.o".to_owned()]));
        assert_eq!(archive_members(b"!<arch>\n"), Some(Vec::new()));
        assert_eq!(archive_members(b"ELF"), None);
    }

    #[test]
    fn what_is_loaded_counts() {
        let of = |ko: Ko| memory_digest(&ko.build()).unwrap();
        let plain = || Ko::new().info("name", "a").export("x").want("y");
        assert_eq!(of(plain()), of(plain()));
        assert_eq!(of(plain()), of(plain().signed()), "a signature is not loaded");
        let others = [
            plain().want("z"),
            plain().export("z"),
            plain().info("author", "b"),
            plain().text_size(100),
            plain().machine(object::Architecture::Aarch64, object::Endianness::Little),
        ];
        for (n, other) in others.into_iter().enumerate() {
            assert_ne!(of(plain()), of(other), "{n}");
        }
        assert_eq!(memory_digest(b"no ELF"), None);
        assert_eq!(memory_digest(&plain().build()[..100]), None);
    }
}
