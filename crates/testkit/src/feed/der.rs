//! Writing DER.

/// An element.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(short) => out.extend([0x81, short]),
        Err(_) => {
            let length = u16::try_from(length).expect("less than 64 KB");
            out.push(0x82);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(content);
    out
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts)
}

pub(super) fn set(parts: &[&[u8]]) -> Vec<u8> {
    element(0x31, parts)
}

/// The element `[number]` around others.
pub(super) fn context(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(0xa0 | number, parts)
}

/// An element of indefinite length, which BER has and DER has not.
pub(super) fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
}

pub(super) fn integer(value: u8) -> Vec<u8> {
    element(2, &[&[value]])
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(4, &[bytes])
}

pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(3, &[&[0], bytes])
}

/// An object identifier from its dotted form.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().expect("a number")).collect();
    let mut content = vec![u8::try_from(arcs[0] * 40 + arcs[1]).expect("a first byte")];
    for arc in &arcs[2..] {
        let mut digits = vec![u8::try_from(arc & 0x7f).expect("seven bits")];
        let mut rest = arc >> 7;
        while rest > 0 {
            digits.push(0x80 | u8::try_from(rest & 0x7f).expect("seven bits"));
            rest >>= 7;
        }
        content.extend(digits.iter().rev());
    }
    element(6, &[&content])
}

/// An algorithm with the parameters NULL.
pub(super) fn algorithm(dotted: &str) -> Vec<u8> {
    sequence(&[&oid(dotted), &[5, 0]])
}

/// A name of one common name.
pub(super) fn name(common: &str) -> Vec<u8> {
    let value = element(0x0c, &[common.as_bytes()]);
    sequence(&[&set(&[&sequence(&[&oid("2.5.4.3"), &value])])])
}
