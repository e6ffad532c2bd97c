//! Reading an index: all of it, or the values of one key without the rest.

use super::format::{CHILDREN, HEADER, MAGIC, OFFSET, PREFIX, VALUES, VERSION};
use super::trie::{Trie, Value};
use crate::fnmatch::fnmatch;

/// A file that is not an index, or a broken one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not start like an index.
    #[error("not a module index")]
    Magic,
    /// It is an index of another version.
    #[error("a module index of version {0:#x}")]
    Version(u32),
    /// An offset leads outside the file.
    #[error("the module index is cut off at byte {0}")]
    Truncated(usize),
    /// Nodes lead to each other in a circle, or a node has more than one parent.
    #[error("the module index is not a tree")]
    Tangled,
}

/// Looks keys up in the bytes of an index.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    root: u32,
}

/// One node as it lies in the file.
struct Node<'a> {
    prefix: &'a [u8],
    first: u8,
    /// Offset words, 4 bytes each.
    children: &'a [u8],
    values: Vec<(u32, &'a [u8])>,
}

/// Reads all of an index.
///
/// # Errors
/// [`ReadError`] when the file is not an index, is cut off, or has nodes in a circle.
pub fn read(bytes: &[u8]) -> Result<Trie, ReadError> {
    let reader = Reader::new(bytes)?;
    let mut trie = Trie::new();
    reader.walk(|key, values| trie.set(key.to_vec(), values.iter().map(owned).collect()))?;
    Ok(trie)
}

impl<'a> Reader<'a> {
    /// Takes the bytes of an index.
    ///
    /// # Errors
    /// [`ReadError`] when it does not start like an index of the known version.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, ReadError> {
        let word = |at| word(bytes, at);
        if word(0).map_err(|_| ReadError::Magic)? != MAGIC {
            return Err(ReadError::Magic);
        }
        match word(4)? {
            VERSION => Ok(Reader { bytes, root: word(8)? }),
            other => Err(ReadError::Version(other)),
        }
    }

    /// Returns the values of exactly this key, in order.
    ///
    /// # Errors
    /// [`ReadError`] when a node on the way is broken.
    pub fn get(&self, key: &[u8]) -> Result<Vec<Value>, ReadError> {
        let mut rest = key;
        let mut next = self.root;
        loop {
            if next & OFFSET == 0 {
                return Ok(Vec::new());
            }
            let node = self.node(next)?;
            let Some(after) = rest.strip_prefix(node.prefix) else { return Ok(Vec::new()) };
            let Some((&edge, after)) = after.split_first() else {
                return Ok(node.values.iter().map(owned).collect());
            };
            next = node.child(edge);
            rest = after;
        }
    }

    /// Returns the values of all keys that match `text` as patterns, sorted by priority.
    ///
    /// A key matches up to its first `*`, `?` or `[` byte by byte, and from there on as in [`fnmatch`].
    ///
    /// # Errors
    /// [`ReadError`] when any node is broken.
    pub fn matching(&self, text: &[u8]) -> Result<Vec<Value>, ReadError> {
        let mut found = Vec::new();
        self.walk(|key, values| {
            let literal = key.iter().position(|byte| b"*?[".contains(byte)).unwrap_or(key.len());
            let head = text.strip_prefix(&key[..literal]);
            if head.is_some_and(|rest| fnmatch(&key[literal..], rest)) {
                found.extend(values.iter().map(owned));
            }
        })?;
        found.sort_by_key(|value| value.priority);
        Ok(found)
    }

    /// Visits all keys with their values, sorted by key.
    fn walk(&self, mut visit: impl FnMut(&[u8], &[(u32, &[u8])])) -> Result<(), ReadError> {
        let mut met = std::collections::BTreeSet::new();
        let mut key = Vec::new();
        // Each: an offset word, how much of the key stays, and the edge that leads here.
        let mut open: Vec<(u32, usize, Option<u8>)> = vec![(self.root, 0, None)];
        while let Some((word, keep, edge)) = open.pop() {
            key.truncate(keep);
            key.extend(edge);
            if word & !OFFSET == 0 {
                continue;
            }
            if !met.insert(word & OFFSET) {
                return Err(ReadError::Tangled);
            }
            let node = self.node(word)?;
            key.extend(node.prefix);
            if !node.values.is_empty() {
                visit(&key, &node.values);
            }
            let edges = (node.first..=u8::MAX).zip(node.children.chunks_exact(4));
            let words = edges.map(|(edge, word)| (u32::from_be_bytes([word[0], word[1], word[2], word[3]]), edge));
            let children: Vec<(u32, u8)> = words.filter(|(word, _)| *word != 0).collect();
            open.extend(children.into_iter().rev().map(|(word, edge)| (word, key.len(), Some(edge))));
        }
        Ok(())
    }

    fn node(&self, word: u32) -> Result<Node<'a>, ReadError> {
        let mut at = (word & OFFSET) as usize;
        if at < HEADER {
            return Err(ReadError::Truncated(at));
        }
        let mut node = Node { prefix: &[], first: 0, children: &[], values: Vec::new() };
        if word & PREFIX != 0 {
            node.prefix = self.string(&mut at)?;
        }
        if word & CHILDREN != 0 {
            let edges =
                self.bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()).ok_or(ReadError::Truncated(at))?;
            let count = usize::from(edges[1].checked_sub(edges[0]).ok_or(ReadError::Truncated(at))?) + 1;
            node.first = edges[0];
            at += 2;
            node.children = self.bytes.get(at..at + 4 * count).ok_or(ReadError::Truncated(at))?;
            at += 4 * count;
        }
        if word & VALUES != 0 {
            let count = word_at(self.bytes, &mut at)?;
            for _ in 0..count {
                let priority = word_at(self.bytes, &mut at)?;
                node.values.push((priority, self.string(&mut at)?));
            }
        }
        Ok(node)
    }

    fn string(&self, at: &mut usize) -> Result<&'a [u8], ReadError> {
        let rest = self.bytes.get(*at..).ok_or(ReadError::Truncated(*at))?;
        let length = rest.iter().position(|&byte| byte == 0).ok_or(ReadError::Truncated(*at))?;
        *at += length + 1;
        Ok(&rest[..length])
    }
}

impl Node<'_> {
    /// Returns the offset word of an edge, 0 for none.
    fn child(&self, edge: u8) -> u32 {
        let at = edge.checked_sub(self.first).map(|index| 4 * usize::from(index));
        at.and_then(|at| word(self.children, at).ok()).unwrap_or(0)
    }
}

fn owned((priority, bytes): &(u32, &[u8])) -> Value {
    Value { priority: *priority, bytes: bytes.to_vec() }
}

fn word(bytes: &[u8], at: usize) -> Result<u32, ReadError> {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(ReadError::Truncated(at))?;
    Ok(u32::from_be_bytes(*word))
}

fn word_at(bytes: &[u8], at: &mut usize) -> Result<u32, ReadError> {
    let word = word(bytes, *at)?;
    *at += 4;
    Ok(word)
}
