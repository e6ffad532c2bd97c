//! Writing an index.

use std::borrow::Cow;
use std::ops::Range;

use super::format::{CHILDREN, HEADER, MAGIC, OFFSET, PREFIX, VALUES, VERSION};
use super::trie::{Trie, Value};
use crate::depmod::Layout;

/// Contents that the format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A key has a byte that is not 7-bit ASCII, or NUL.
    #[error("the index takes only 7-bit ASCII, not {}", .key.escape_ascii())]
    Key {
        /// The key.
        key: Vec<u8>,
    },
    /// A value has a NUL.
    #[error("the value of {} has a NUL", .key.escape_ascii())]
    Value {
        /// The key.
        key: Vec<u8>,
    },
    /// The file would be longer than an offset can express.
    #[error("the index would be larger than 256 MiB")]
    Size,
}

/// One value with its key, to be written.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    pub(crate) key: Cow<'a, [u8]>,
    pub(crate) priority: u32,
    pub(crate) value: &'a [u8],
}

/// Lays an index out, byte for byte as kmod of that layout's version.
///
/// # Errors
/// [`WriteError`] for contents that the format cannot hold.
pub fn write<'a>(trie: &'a Trie, layout: Layout) -> Result<Vec<u8>, WriteError> {
    let mut records = Vec::new();
    for (key, values) in trie.iter() {
        let record =
            |value: &'a Value| Record { key: Cow::Borrowed(key), priority: value.priority, value: &value.bytes };
        records.extend(values.iter().map(record));
    }
    lay_out(&records, layout)
}

/// Lays out what was entered in this order; of equal keys and priorities the later one is the first in the file.
pub(crate) fn write_records(mut records: Vec<Record<'_>>, layout: Layout) -> Result<Vec<u8>, WriteError> {
    records.reverse();
    records.sort_by(|a, b| a.key.cmp(&b.key).then(a.priority.cmp(&b.priority)));
    lay_out(&records, layout)
}

/// Takes records sorted by key, those of one key in the order in which the file has them.
fn lay_out(records: &[Record<'_>], layout: Layout) -> Result<Vec<u8>, WriteError> {
    check(records)?;
    let nodes = nodes(records);
    let order = match layout {
        Layout::V30 => post_order(&nodes),
        Layout::V34 => pre_order(&nodes),
    };
    let mut words = vec![0u32; nodes.len()];
    let mut end = HEADER;
    for &node in &order {
        let node = node as usize;
        words[node] =
            u32::try_from(end).ok().filter(|at| at & !OFFSET == 0).ok_or(WriteError::Size)? | nodes[node].flags();
        end += nodes[node].size(&nodes, records);
    }
    if end > OFFSET as usize {
        return Err(WriteError::Size);
    }
    let mut out = Vec::with_capacity(end);
    for word in [MAGIC, VERSION, words[0]] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for &node in &order {
        nodes[node as usize].put(&nodes, &words, records, &mut out);
    }
    Ok(out)
}

/// A node of the trie; its children are next to each other in the list of nodes, by ascending edge.
struct Node<'a> {
    prefix: &'a [u8],
    /// The byte that leads here.
    edge: u8,
    children: Range<u32>,
    /// Its records.
    values: Range<u32>,
}

impl Node<'_> {
    fn flags(&self) -> u32 {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        flag(!self.prefix.is_empty(), PREFIX)
            | flag(!self.children.is_empty(), CHILDREN)
            | flag(!self.values.is_empty(), VALUES)
    }

    fn children<'n, 'a>(&self, nodes: &'n [Node<'a>]) -> &'n [Node<'a>] {
        &nodes[self.children.start as usize..self.children.end as usize]
    }

    fn values<'r, 'a>(&self, records: &'r [Record<'a>]) -> &'r [Record<'a>] {
        &records[self.values.start as usize..self.values.end as usize]
    }

    fn size(&self, nodes: &[Node<'_>], records: &[Record<'_>]) -> usize {
        let prefix = if self.prefix.is_empty() { 0 } else { self.prefix.len() + 1 };
        let children = match self.children(nodes) {
            [] => 0,
            all => 2 + 4 * (usize::from(all[all.len() - 1].edge - all[0].edge) + 1),
        };
        let values = self.values(records).iter().map(|record| 4 + record.value.len() + 1).sum::<usize>();
        prefix + children + if self.values.is_empty() { 0 } else { 4 + values }
    }

    fn put(&self, nodes: &[Node<'_>], words: &[u32], records: &[Record<'_>], out: &mut Vec<u8>) {
        if !self.prefix.is_empty() {
            out.extend_from_slice(self.prefix);
            out.push(0);
        }
        let children = self.children(nodes);
        if let (Some(first), Some(last)) = (children.first(), children.last()) {
            out.extend_from_slice(&[first.edge, last.edge]);
            let slots = out.len();
            out.resize(slots + 4 * (usize::from(last.edge - first.edge) + 1), 0);
            for (child, word) in children.iter().zip(&words[self.children.start as usize..]) {
                let slot = slots + 4 * usize::from(child.edge - first.edge);
                out[slot..slot + 4].copy_from_slice(&word.to_be_bytes());
            }
        }
        if !self.values.is_empty() {
            out.extend_from_slice(&(self.values.end - self.values.start).to_be_bytes());
            for record in self.values(records) {
                out.extend_from_slice(&record.priority.to_be_bytes());
                out.extend_from_slice(record.value);
                out.push(0);
            }
        }
    }
}

fn check(records: &[Record<'_>]) -> Result<(), WriteError> {
    for record in records {
        if !record.key.is_ascii() || record.key.contains(&0) {
            return Err(WriteError::Key { key: record.key.to_vec() });
        }
        if record.value.contains(&0) {
            return Err(WriteError::Value { key: record.key.to_vec() });
        }
    }
    // Each record takes more than a byte of the file.
    if u32::try_from(records.len()).is_err() { Err(WriteError::Size) } else { Ok(()) }
}

/// Builds the radix trie of sorted records; the root is the first node.
fn nodes<'a>(records: &'a [Record<'_>]) -> Vec<Node<'a>> {
    let unfinished = |edge| Node { prefix: &[], edge, children: 0..0, values: 0..0 };
    let mut nodes = vec![unfinished(0)];
    // Each: a node, the records below it, and how much of their keys is spent on the way to its prefix.
    let mut open: Vec<(usize, Range<usize>, usize)> = vec![(0, 0..records.len(), 0)];
    while let Some((node, range, spent)) = open.pop() {
        let below = &records[range.clone()];
        let (Some(first), Some(last)) = (below.first(), below.last()) else { continue };
        // The root has no prefix; below it, what the first and the last share, all share.
        let shared = if node == 0 { 0 } else { common(&first.key[spent..], &last.key[spent..]) };
        let depth = spent + shared;
        let own = below.iter().take_while(|record| record.key.len() == depth).count();
        let mut start = range.start + own;
        let first_child = nodes.len();
        while start < range.end {
            let edge = records[start].key[depth];
            let end = start + records[start..range.end].partition_point(|record| record.key[depth] == edge);
            open.push((nodes.len(), start..end, depth + 1));
            nodes.push(unfinished(edge));
            start = end;
        }
        let children = first_child as u32..nodes.len() as u32;
        let values = range.start as u32..(range.start + own) as u32;
        nodes[node] = Node { prefix: &first.key[spent..depth], edge: nodes[node].edge, children, values };
    }
    nodes
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Returns nodes before their children.
fn pre_order(nodes: &[Node<'_>]) -> Vec<u32> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        order.push(node);
        open.extend(nodes[node as usize].children.clone().rev());
    }
    order
}

/// Returns nodes after their children.
fn post_order(nodes: &[Node<'_>]) -> Vec<u32> {
    // The reverse is: a node, then its children from the last to the first.
    let mut order = Vec::with_capacity(nodes.len());
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        order.push(node);
        open.extend(nodes[node as usize].children.clone());
    }
    order.reverse();
    order
}
