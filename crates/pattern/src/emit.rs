//! Nodes as an expression of the `regex` crate, over bytes and without Unicode.

use std::fmt::Write as _;

use crate::ast::{ByteSet, Node};

/// The expression for `node`, which has no look-aheads and no back-references.
pub(crate) fn expression(node: &Node) -> String {
    let mut text = String::from("(?-u:");
    write(node, &mut text);
    text.push(')');
    text
}

/// Whether the last round of a repetition is kept in a group of its own, around what is repeated: there
/// is a group in it.
pub(crate) fn keeps_rounds(repeated: &Node, max: Option<u32>) -> bool {
    max != Some(1) && repeated.any(&|node| matches!(node, Node::Group { index: Some(_), .. }))
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Set(set) => write_set(set, out),
        Node::Concat(nodes) => nodes.iter().for_each(|node| write(node, out)),
        Node::Alternate(nodes) => {
            out.push_str("(?:");
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    out.push('|');
                }
                write(node, out);
            }
            out.push(')');
        }
        Node::Repeat { node, min, max, greedy } => {
            let keeps = keeps_rounds(node, *max);
            out.push_str(if keeps { "(?:(" } else { "(?:" });
            write(node, out);
            out.push_str(if keeps { ")" } else { "" });
            // Writing to a string cannot fail.
            let _ = match max {
                None => write!(out, "){{{min},}}"),
                Some(max) => write!(out, "){{{min},{max}}}"),
            };
            if !greedy {
                out.push('?');
            }
        }
        Node::Group { index, node } => {
            out.push_str(if index.is_some() { "(" } else { "(?:" });
            write(node, out);
            out.push(')');
        }
        Node::Start => out.push('^'),
        Node::End => out.push('$'),
        Node::WordBoundary { negate: false } => out.push_str(r"\b"),
        Node::WordBoundary { negate: true } => out.push_str(r"\B"),
        Node::LookAhead { .. } | Node::BackReference => {}
    }
}

fn write_set(set: &ByteSet, out: &mut String) {
    if *set == ByteSet::EMPTY {
        out.push_str(r"[^\x00-\xFF]");
        return;
    }
    out.push('[');
    let mut byte = 0_u16;
    while byte < 256 {
        let low = byte;
        while byte < 256 && set.contains(byte as u8) {
            byte += 1;
        }
        if byte > low {
            let _ = write!(out, "\\x{low:02X}-\\x{:02X}", byte - 1);
        }
        byte += 1;
    }
    out.push(']');
}
