//! Writing an index.

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
    /// The file would be longer than an offset can say.
    #[error("the index would be larger than 256 MiB")]
    Size,
}

/// Lays an index out, byte for byte as kmod of that layout's version.
///
/// # Errors
/// [`WriteError`] for contents that the format cannot hold.
pub fn write(trie: &Trie, layout: Layout) -> Result<Vec<u8>, WriteError> {
    let entries: Vec<(&[u8], &[Value])> = trie.iter().collect();
    check(&entries)?;
    let nodes = nodes(&entries);
    let order = match layout {
        Layout::V30 => post_order(&nodes),
        Layout::V34 => pre_order(&nodes),
    };
    let mut words = vec![0u32; nodes.len()];
    let mut end = HEADER;
    for &node in &order {
        words[node] =
            u32::try_from(end).ok().filter(|at| at & !OFFSET == 0).ok_or(WriteError::Size)? | nodes[node].flags();
        end += nodes[node].size();
    }
    if end > OFFSET as usize {
        return Err(WriteError::Size);
    }
    let mut out = Vec::with_capacity(end);
    for word in [MAGIC, VERSION, words[0]] {
        out.extend(word.to_be_bytes());
    }
    for &node in &order {
        nodes[node].put(&words, &mut out);
    }
    Ok(out)
}

struct Node<'a> {
    prefix: &'a [u8],
    /// First byte of each edge with the node it leads to, ascending.
    children: Vec<(u8, usize)>,
    values: &'a [Value],
}

impl Node<'_> {
    fn flags(&self) -> u32 {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        flag(!self.prefix.is_empty(), PREFIX)
            | flag(!self.children.is_empty(), CHILDREN)
            | flag(!self.values.is_empty(), VALUES)
    }

    fn edges(&self) -> Option<(u8, u8)> {
        Some((self.children.first()?.0, self.children.last()?.0))
    }

    fn size(&self) -> usize {
        let prefix = if self.prefix.is_empty() { 0 } else { self.prefix.len() + 1 };
        let children = self.edges().map_or(0, |(first, last)| 2 + 4 * (usize::from(last - first) + 1));
        let values = self.values.iter().map(|value| 4 + value.bytes.len() + 1).sum::<usize>();
        prefix + children + if self.values.is_empty() { 0 } else { 4 + values }
    }

    fn put(&self, words: &[u32], out: &mut Vec<u8>) {
        if !self.prefix.is_empty() {
            out.extend(self.prefix);
            out.push(0);
        }
        if let Some((first, last)) = self.edges() {
            out.extend([first, last]);
            let mut children = self.children.iter().peekable();
            for byte in first..=last {
                let child = children.next_if(|(edge, _)| *edge == byte);
                out.extend(child.map_or(0, |(_, node)| words[*node]).to_be_bytes());
            }
        }
        if !self.values.is_empty() {
            out.extend((self.values.len() as u32).to_be_bytes());
            for value in self.values {
                out.extend(value.priority.to_be_bytes());
                out.extend(&value.bytes);
                out.push(0);
            }
        }
    }
}

fn check(entries: &[(&[u8], &[Value])]) -> Result<(), WriteError> {
    for (key, values) in entries {
        if key.iter().any(|&byte| byte == 0 || !byte.is_ascii()) {
            return Err(WriteError::Key { key: key.to_vec() });
        }
        if values.iter().any(|value| value.bytes.contains(&0)) {
            return Err(WriteError::Value { key: key.to_vec() });
        }
    }
    Ok(())
}

/// Makes the radix trie of sorted keys; the root is the first node.
fn nodes<'a>(entries: &[(&'a [u8], &'a [Value])]) -> Vec<Node<'a>> {
    let mut nodes = vec![Node { prefix: &[], children: Vec::new(), values: &[] }];
    // Each: a node, the entries below it, and how much of their keys is spent on the way to its prefix.
    let mut open: Vec<(usize, Range<usize>, usize)> = vec![(0, 0..entries.len(), 0)];
    while let Some((node, range, spent)) = open.pop() {
        let (Some((first, _)), Some((last, _))) = (entries[range.clone()].first(), entries[range.clone()].last())
        else {
            continue;
        };
        // The root has no prefix; below it, what first and last share, all share.
        let shared = if node == 0 { 0 } else { common(&first[spent..], &last[spent..]) };
        let depth = spent + shared;
        nodes[node].prefix = &first[spent..depth];
        let mut start = range.start;
        if first.len() == depth {
            nodes[node].values = entries[start].1;
            start += 1;
        }
        while start < range.end {
            let edge = entries[start].0[depth];
            let end = start + entries[start..range.end].partition_point(|(key, _)| key[depth] == edge);
            let child = nodes.len();
            nodes.push(Node { prefix: &[], children: Vec::new(), values: &[] });
            nodes[node].children.push((edge, child));
            open.push((child, start..end, depth + 1));
            start = end;
        }
    }
    nodes
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Nodes before their children.
fn pre_order(nodes: &[Node<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        order.push(node);
        open.extend(nodes[node].children.iter().rev().map(|(_, child)| *child));
    }
    order
}

/// Nodes after their children.
fn post_order(nodes: &[Node<'_>]) -> Vec<usize> {
    // Backwards it is: a node, then its children from the last to the first.
    let mut order = Vec::with_capacity(nodes.len());
    let mut open = vec![0];
    while let Some(node) = open.pop() {
        order.push(node);
        open.extend(nodes[node].children.iter().map(|(_, child)| *child));
    }
    order.reverse();
    order
}
