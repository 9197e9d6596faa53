//! A reader of DER: definite lengths in their shortest form, tags of one byte.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The context-specific constructed tag `[number]`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDer;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// A reader of what is inside.
    pub(crate) fn inside(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn next(&mut self) -> Result<Element<'a>, NotDer> {
        let (&tag, after_tag) = self.0.split_first().ok_or(NotDer)?;
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let (length, header) = length(after_tag)?;
        let start = 1 + header;
        let end = start.checked_add(length).ok_or(NotDer)?;
        let (whole, rest) = self.0.split_at_checked(end).ok_or(NotDer)?;
        let content = whole.get(start..).ok_or(NotDer)?;
        self.0 = rest;
        Ok(Element { tag, content, whole })
    }

    /// Whether the next element is a time.
    pub(crate) fn is_time(&self) -> bool {
        matches!(self.0.first(), Some(&(UTC_TIME | GENERALIZED_TIME)))
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, NotDer> {
        self.optional(tag)?.ok_or(NotDer)
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), NotDer> {
        if self.0.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// The one element that `bytes` are, with this tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Result<Element<'_>, NotDer> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.finish()?;
    Ok(element)
}

/// A length, and how many bytes say it.
pub(crate) fn length(bytes: &[u8]) -> Result<(usize, usize), NotDer> {
    let (&first, rest) = bytes.split_first().ok_or(NotDer)?;
    if first < 0x80 {
        return Ok((usize::from(first), 1));
    }
    let count = usize::from(first & 0x7f);
    // Four bytes say more than any limit here; none at all is the indefinite form.
    if count == 0 || count > 4 {
        return Err(NotDer);
    }
    let digits = rest.get(..count).ok_or(NotDer)?;
    let value = digits.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let shortest = value >= 0x80 && digits.first() != Some(&0);
    let value = usize::try_from(value).map_err(|_| NotDer)?;
    if shortest { Ok((value, 1 + count)) } else { Err(NotDer) }
}

/// An element of `tag` around `content`.
pub(crate) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let digits = content.len().to_be_bytes().into_iter().skip_while(|digit| *digit == 0);
    let digits: Vec<u8> = digits.collect();
    match digits.as_slice() {
        [] => out.push(0),
        // The short form: the length is its own byte.
        [length] if *length < 0x80 => out.push(*length),
        long => {
            // At most 8 bytes, so that the count fits beside the mark of the long form.
            out.extend(u8::try_from(long.len()).map(|count| 0x80 | count));
            out.extend(long);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_spelling() {
        assert_eq!(length(&[0x7f]), Ok((127, 1)));
        assert_eq!(length(&[0x81, 0x80]), Ok((128, 2)));
        assert_eq!(length(&[0x82, 1, 0]), Ok((256, 3)));
        assert_eq!(length(&[0x81, 0x7f]), Err(NotDer), "the short form says it");
        assert_eq!(length(&[0x82, 0, 0x80]), Err(NotDer), "a leading zero");
        assert_eq!(length(&[0x80]), Err(NotDer), "the indefinite form");
        assert_eq!(length(&[0x85, 1, 0, 0, 0, 0]), Err(NotDer));
        assert_eq!(length(&[0x82, 1]), Err(NotDer), "cut off");
    }

    #[test]
    fn what_is_wrapped_is_read_again() {
        for size in [0, 127, 128, 255, 256, 70_000] {
            let content = vec![7; size];
            let element = wrap(OCTET_STRING, &content);
            assert_eq!(only(&element, OCTET_STRING).unwrap().content, content);
            assert_eq!(only(&element[..element.len() - 1], OCTET_STRING), Err(NotDer));
        }
    }
}
