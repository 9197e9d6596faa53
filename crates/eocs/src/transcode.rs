//! BER, as time-stamp tokens come in, to DER: indefinite lengths become definite, octet strings in
//! pieces become one. Whatever else BER allows beyond DER is refused.

use crate::der::{self, OCTET_STRING};

/// How deep elements may stand in each other. A token needs some fifteen.
pub(crate) const MAX_DEPTH: usize = 32;

const CONSTRUCTED: u8 = 0x20;
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

/// The DER of the one element that `ber` is.
///
/// The result is at most a few bytes for each nested element longer than `ber`, whose size the
/// caller bounds.
pub(crate) fn to_der(ber: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (der, rest) = element(ber, MAX_DEPTH)?;
    if rest.is_empty() { Ok(der) } else { Err("there are bytes behind its end") }
}

/// The DER of the first element, and the bytes behind it.
fn element(ber: &[u8], depth: usize) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let depth = depth.checked_sub(1).ok_or("its elements stand too deep in each other")?;
    let (&tag, after_tag) = ber.split_first().ok_or("it is cut off")?;
    if tag & 0x1f == 0x1f {
        return Err("it has a tag of more than one byte");
    }
    if tag == 0 {
        return Err("it has an end without a start");
    }
    let is_constructed = tag & CONSTRUCTED != 0;
    if let Some((&INDEFINITE, body)) = after_tag.split_first() {
        if !is_constructed {
            return Err("it has a value of indefinite length");
        }
        let (content, rest) = until_end(tag, body, depth)?;
        return Ok((finished(tag, &content), rest));
    }
    let (length, header) = der::length(after_tag).map_err(|_| "it has a wrong length")?;
    let body = after_tag.get(header..).ok_or("it is cut off")?;
    let (content, rest) = body.split_at_checked(length).ok_or("it is cut off")?;
    if !is_constructed {
        return Ok((der::wrap(tag, content), rest));
    }
    let mut inside = Vec::new();
    let mut left = content;
    while !left.is_empty() {
        left = child(tag, left, depth, &mut inside)?;
    }
    Ok((finished(tag, &inside), rest))
}

/// The children up to the end mark, and the bytes behind it.
fn until_end(tag: u8, ber: &[u8], depth: usize) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut inside = Vec::new();
    let mut left = ber;
    loop {
        if let Some(rest) = left.strip_prefix(&END_OF_CONTENTS) {
            return Ok((inside, rest));
        }
        left = child(tag, left, depth, &mut inside)?;
    }
}

/// Appends the first child to `inside`; answers the bytes behind it.
fn child<'a>(
    parent: u8,
    ber: &'a [u8],
    depth: usize,
    inside: &mut Vec<u8>,
) -> Result<&'a [u8], &'static str> {
    let (child, rest) = element(ber, depth)?;
    if parent == OCTET_STRING | CONSTRUCTED {
        let piece = der::only(&child, OCTET_STRING);
        let piece = piece.map_err(|_| "an octet string has other pieces than octet strings")?;
        inside.extend_from_slice(piece.content);
    } else {
        inside.extend(child);
    }
    Ok(rest)
}

/// The element around its content; an octet string in pieces is one now.
fn finished(tag: u8, content: &[u8]) -> Vec<u8> {
    let tag = if tag == OCTET_STRING | CONSTRUCTED { OCTET_STRING } else { tag };
    der::wrap(tag, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_and_pieces_become_der() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 7, 4, 2, 8, 9, 0, 0, 2, 1, 5, 0, 0];
        assert_eq!(to_der(&ber), Ok(vec![0x30, 8, 4, 3, 7, 8, 9, 2, 1, 5]));
        let der = [0x30, 3, 2, 1, 5];
        assert_eq!(to_der(&der), Ok(der.to_vec()));
    }

    #[test]
    fn a_bomb_of_nested_elements_is_refused_at_once() {
        let bomb: Vec<u8> = [0x30, 0x80].repeat(30_000);
        assert_eq!(to_der(&bomb), Err("its elements stand too deep in each other"));
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_refused() {
        assert_eq!(to_der(&[0x30, 0x80, 2, 1, 5]), Err("it is cut off"));
        assert_eq!(to_der(&[0x30, 0x80, 2, 1, 5, 0]), Err("it has an end without a start"));
        assert_eq!(to_der(&[0x30, 3, 2, 1]), Err("it is cut off"));
        assert_eq!(to_der(&[0x30, 0, 0]), Err("there are bytes behind its end"));
        assert_eq!(to_der(&[4, 0x80, 0, 0]), Err("it has a value of indefinite length"));
        assert_eq!(to_der(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Err("it is cut off"));
        assert_eq!(to_der(&[0x30, 2, 0, 0]), Err("it has an end without a start"));
        assert_eq!(to_der(&[]), Err("it is cut off"));
    }

    #[test]
    fn every_short_input_ends_in_an_answer() {
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                let _ = to_der(&[a, b, 0x80, 4, a, b, 0, 0]);
            }
        }
    }
}
