//! The record of a finished build for later queries: each product, its inputs, and a digest of its content.
//!
//! ```text
//! "kiln build record 1\n"
//! release                      text: 32-bit length, bytes
//! n_files, then each           text of its path; one byte: 1 when the build made it, 0 when it is the tree's
//! n_symbols, then each         text of its name
//! n_products, then each
//!   file                       32-bit index
//!   kind                       one byte, see `ProductKind`
//!   digest                     one byte: 0, or 1 and 16 bytes
//!   n_symbols, symbols         32-bit indexes, rising, each less the one before
//!   n_reads, files             likewise
//! ```
//!
//! All numbers are little endian. The caller compresses it: neighbours read nearly the same headers.

use std::collections::BTreeMap;

/// The first bytes, with the format's version.
const MAGIC: &[u8] = b"kiln build record 1\n";

/// A finished build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildRecord {
    /// The output of `uname -r` on it.
    pub release: String,
    files: Vec<FileRef>,
    symbols: Vec<String>,
    products: Vec<RawProduct>,
    by_path: BTreeMap<String, u32>,
}

/// A file that products are made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRef {
    /// Its path inside the tree, or inside the output directory.
    pub path: String,
    /// Whether the build made it.
    pub made: bool,
}

/// A file that the build made, as it is put into a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its path inside the output directory.
    pub path: String,
    /// The part of the build that it belongs to.
    pub kind: ProductKind,
    /// A digest of everything in it that reaches memory; of objects, modules and vmlinux only.
    pub digest: Option<[u8; 16]>,
    /// Symbols that the files it was compiled from name.
    pub symbols: Vec<String>,
    /// The files that it was made from.
    pub reads: Vec<FileRef>,
}

/// The part of the build that a product belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductKind {
    /// An object of vmlinux.
    BuiltIn,
    /// An object of a module, or a module.
    Module,
    /// An object of an image's own code, which unpacks and starts vmlinux.
    Image,
    /// Linked from others.
    Link,
    /// A header, a table, a program for the host.
    Aid,
}

/// The reason why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are from another kiln's format, or something else.
    #[error("it is not a build record of this version of kiln")]
    Magic,
    /// The bytes end too early, or are inconsistent.
    #[error("it is damaged")]
    Damaged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RawProduct {
    file: u32,
    kind: ProductKind,
    digest: Option<[u8; 16]>,
    symbols: Vec<u32>,
    reads: Vec<u32>,
}

const KINDS: [ProductKind; 5] =
    [ProductKind::BuiltIn, ProductKind::Module, ProductKind::Image, ProductKind::Link, ProductKind::Aid];

impl BuildRecord {
    /// Creates a record; of two products with one path the first counts.
    pub fn new(release: &str, mut products: Vec<Product>) -> BuildRecord {
        products.sort_by(|one, two| one.path.cmp(&two.path));
        products.dedup_by(|later, first| later.path == first.path);
        let mut files: BTreeMap<FileRef, u32> = BTreeMap::new();
        let mut symbols: BTreeMap<&str, u32> = BTreeMap::new();
        for product in &products {
            files.insert(FileRef { path: product.path.clone(), made: true }, 0);
            files.extend(product.reads.iter().map(|file| (file.clone(), 0)));
            symbols.extend(product.symbols.iter().map(|symbol| (symbol.as_str(), 0)));
        }
        files.values_mut().zip(0..).for_each(|(slot, index)| *slot = index);
        symbols.values_mut().zip(0..).for_each(|(slot, index)| *slot = index);
        let sorted = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let raw = products.iter().map(|product| RawProduct {
            file: files[&FileRef { path: product.path.clone(), made: true }],
            kind: product.kind,
            digest: product.digest,
            symbols: sorted(product.symbols.iter().map(|symbol| symbols[symbol.as_str()]).collect()),
            reads: sorted(product.reads.iter().map(|file| files[file]).collect()),
        });
        let raw = raw.collect();
        let symbols = symbols.into_keys().map(str::to_owned).collect();
        BuildRecord::with_index(release.to_owned(), files.into_keys().collect(), symbols, raw)
    }

    fn with_index(
        release: String,
        files: Vec<FileRef>,
        symbols: Vec<String>,
        products: Vec<RawProduct>,
    ) -> BuildRecord {
        let path = |product: &RawProduct| files[product.file as usize].path.clone();
        let by_path = products.iter().zip(0..).map(|(product, index)| (path(product), index)).collect();
        BuildRecord { release, files, symbols, products, by_path }
    }

    /// Returns the number of products; they are numbered from 0, in the order of their paths.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether there are no products.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Returns the number of the product at `path` in the output directory.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).map(|&index| index as usize)
    }

    /// Returns the numbers of the products whose path begins with `prefix`.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = usize> + 'a {
        let from = self.by_path.range(prefix.to_owned()..);
        from.take_while(move |(path, _)| path.starts_with(prefix)).map(|(_, &index)| index as usize)
    }

    /// Returns a product's path.
    pub fn path(&self, product: usize) -> &str {
        &self.files[self.products[product].file as usize].path
    }

    /// Returns the part of the build that a product belongs to.
    pub fn kind(&self, product: usize) -> ProductKind {
        self.products[product].kind
    }

    /// Returns a product's digest.
    pub fn digest(&self, product: usize) -> Option<[u8; 16]> {
        self.products[product].digest
    }

    /// Returns the symbols that a product's texts name.
    pub fn symbols(&self, product: usize) -> impl Iterator<Item = &str> {
        self.products[product].symbols.iter().map(|&symbol| self.symbols[symbol as usize].as_str())
    }

    /// Returns the files that a product was made from.
    pub fn reads(&self, product: usize) -> impl Iterator<Item = &FileRef> {
        self.products[product].reads.iter().map(|&file| &self.files[file as usize])
    }

    /// Returns for each product that others are made from, those others.
    pub(crate) fn readers(&self) -> BTreeMap<usize, Vec<usize>> {
        let made: BTreeMap<u32, usize> =
            self.products.iter().enumerate().map(|(index, product)| (product.file, index)).collect();
        let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, product) in self.products.iter().enumerate() {
            for of in product.reads.iter().filter_map(|file| made.get(file)) {
                readers.entry(*of).or_default().push(index);
            }
        }
        readers
    }

    /// Returns the numbers of the products that name the symbol.
    pub(crate) fn naming(&self, symbol: &str) -> Vec<usize> {
        let Ok(symbol) = self.symbols.binary_search_by(|name| name.as_str().cmp(symbol)) else { return Vec::new() };
        let names = |product: &RawProduct| product.symbols.binary_search(&(symbol as u32)).is_ok();
        self.products.iter().enumerate().filter(|(_, product)| names(product)).map(|(index, _)| index).collect()
    }

    /// Returns the record's bytes, in the format above.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_text(&mut out, &self.release);
        put(&mut out, self.files.len() as u32);
        for file in &self.files {
            put_text(&mut out, &file.path);
            out.push(u8::from(file.made));
        }
        put(&mut out, self.symbols.len() as u32);
        self.symbols.iter().for_each(|symbol| put_text(&mut out, symbol));
        put(&mut out, self.products.len() as u32);
        for product in &self.products {
            put(&mut out, product.file);
            out.push(KINDS.iter().position(|kind| *kind == product.kind).unwrap_or_default() as u8);
            out.push(u8::from(product.digest.is_some()));
            out.extend(product.digest.iter().flatten());
            put_rising(&mut out, &product.symbols);
            put_rising(&mut out, &product.reads);
        }
        out
    }

    /// Reads a record's bytes.
    ///
    /// # Errors
    /// [`RecordError`]; damaged bytes never produce a record that points outside of itself.
    pub fn decode(bytes: &[u8]) -> Result<BuildRecord, RecordError> {
        let mut rest = Bytes(bytes.strip_prefix(MAGIC).ok_or(RecordError::Magic)?);
        let record = rest.record().filter(|_| rest.0.is_empty());
        record.ok_or(RecordError::Damaged)
    }
}

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u32);
    out.extend(text.as_bytes());
}

fn put_rising(out: &mut Vec<u8>, numbers: &[u32]) {
    put(out, numbers.len() as u32);
    let before = std::iter::once(0).chain(numbers.iter().copied());
    numbers.iter().zip(before).for_each(|(number, before)| put(out, number - before));
}

/// The bytes that are still to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn record(&mut self) -> Option<BuildRecord> {
        let release = self.text()?;
        let files = self.many(|bytes| Some(FileRef { path: bytes.text()?, made: bytes.byte()? != 0 }))?;
        let symbols = self.many(Bytes::text)?;
        let (n_files, n_symbols) = (files.len() as u32, symbols.len() as u32);
        let products = self.many(|bytes| {
            let file = bytes.number().filter(|&file| file < n_files)?;
            let kind = *KINDS.get(usize::from(bytes.byte()?))?;
            let digest = match bytes.byte()? {
                0 => None,
                _ => Some(bytes.take(16)?.try_into().ok()?),
            };
            Some(RawProduct { file, kind, digest, symbols: bytes.rising(n_symbols)?, reads: bytes.rising(n_files)? })
        })?;
        Some(BuildRecord::with_index(release, files, symbols, products))
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    /// Reads a count of items that take at least one byte each.
    fn many<T>(&mut self, mut one: impl FnMut(&mut Bytes<'a>) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()? as usize;
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| one(self)).collect()
    }

    fn rising(&mut self, below: u32) -> Option<Vec<u32>> {
        let mut last = 0_u32;
        self.many(|bytes| {
            last = last.checked_add(bytes.number()?).filter(|&number| number < below)?;
            Some(last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, made: bool) -> FileRef {
        FileRef { path: path.to_owned(), made }
    }

    fn sample() -> BuildRecord {
        let product = |path: &str, kind, digest, symbols: &[&str], reads: Vec<FileRef>| Product {
            path: path.to_owned(),
            kind,
            digest,
            symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
            reads,
        };
        BuildRecord::new(
            "6.12.1",
            vec![
                product(
                    "b.o",
                    ProductKind::Module,
                    Some([7; 16]),
                    &["NET", "A"],
                    vec![file("b.c", false), file("gen.h", true)],
                ),
                product("gen.h", ProductKind::Aid, None, &[], vec![file("gen.h", false)]),
                product("a/a.o", ProductKind::BuiltIn, None, &[], vec![]),
            ],
        )
    }

    #[test]
    fn what_was_written_is_read() {
        let record = sample();
        assert_eq!(BuildRecord::decode(&record.encode()), Ok(record.clone()));
        let b = record.find("b.o").unwrap();
        assert_eq!(record.symbols(b).collect::<Vec<_>>(), ["A", "NET"]);
        assert_eq!(record.reads(b).collect::<Vec<_>>(), [&file("b.c", false), &file("gen.h", true)]);
        assert_eq!(record.readers()[&record.find("gen.h").unwrap()], [b]);
        assert_eq!(record.naming("NET"), [b]);
        assert_eq!(record.below("a/").map(|product| record.path(product)).collect::<Vec<_>>(), ["a/a.o"]);
    }

    #[test]
    fn damaged_bytes_are_no_record() {
        let bytes = sample().encode();
        assert_eq!(BuildRecord::decode(b"x"), Err(RecordError::Magic));
        for end in MAGIC.len()..bytes.len() {
            assert_eq!(BuildRecord::decode(&bytes[..end]), Err(RecordError::Damaged), "{end}");
        }
        for at in MAGIC.len()..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            // Any record that parses can be traversed.
            if let Ok(record) = BuildRecord::decode(&bytes) {
                assert!(
                    (0..record.len())
                        .all(|product| record.reads(product).count() + record.symbols(product).count() < bytes.len())
                );
            }
        }
    }
}
