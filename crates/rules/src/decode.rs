//! The decodings of a field's value.

use std::borrow::Cow;

use stopgap_model::rule::Decode;

/// `bytes` with each `%` and two hexadecimal digits replaced by the byte, once. Everything else
/// stays as it is: a `%` without two digits, `+`, `%uXXXX`.
#[must_use]
pub fn url_decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = bytes.iter().position(|&b| b == b'%') else { return Cow::Borrowed(bytes) };
    let mut decoded = Vec::with_capacity(bytes.len());
    let (plain, mut rest) = bytes.split_at(first);
    decoded.extend_from_slice(plain);
    while let Some((&byte, mut after)) = rest.split_first() {
        let mut decoded_byte = byte;
        if let (b'%', [high, low, behind @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded_byte = high << 4 | low;
            after = behind;
        }
        decoded.push(decoded_byte);
        rest = after;
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Standard or URL-safe base64, padded or not; what is not base64 is not changed.
fn base64_decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    let text = bytes.strip_suffix(b"==").or_else(|| bytes.strip_suffix(b"=")).unwrap_or(bytes);
    if text.is_empty() || text.len() % 4 == 1 {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        let mut group = 0_u32;
        for &digit in chunk {
            let Some(value) = base64_value(digit) else { return Cow::Borrowed(bytes) };
            group = group << 6 | value;
        }
        group <<= 6 * (4 - chunk.len());
        // Of four digits three bytes, of three two, of two one.
        decoded.extend(group.to_be_bytes().into_iter().skip(1).take(chunk.len() - 1));
    }
    Cow::Owned(decoded)
}

fn base64_value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// `value` with the decodings applied in order.
pub(crate) fn decoded<'a>(value: &'a [u8], decode: &[Decode]) -> Cow<'a, [u8]> {
    let mut value = Cow::Borrowed(value);
    for step in decode {
        let next = match step {
            Decode::Url => url_decode(&value),
            Decode::Base64 => base64_decode(&value),
        };
        if let Cow::Owned(bytes) = next {
            value = Cow::Owned(bytes);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_percent_and_two_digits_is_decoded_and_only_once() {
        let cases: [(&str, &[u8]); 8] = [
            ("%50owershell", b"Powershell"),
            ("%2550", b"%50"),
            ("%5", b"%5"),
            ("%zz%4", b"%zz%4"),
            ("a+b", b"a+b"),
            ("%u0041", b"%u0041"),
            ("%0a%FF", b"\n\xff"),
            ("%%41", b"%A"),
        ];
        for (text, expected) in cases {
            assert_eq!(url_decode(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn base64_is_decoded_in_either_alphabet_and_other_text_is_left() {
        let cases: [(&[u8], &[u8]); 7] = [
            (b"cG93ZXJzaGVsbA==", b"powershell"),
            (b"cG93ZXJzaGVsbA", b"powershell"),
            (b"-_8=", b"\xfb\xff"),
            (b"+/8=", b"\xfb\xff"),
            (b"not base64!", b"not base64!"),
            (b"A", b"A"),
            (b"", b""),
        ];
        for (text, expected) in cases {
            assert_eq!(base64_decode(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn decodings_are_applied_in_order() {
        let twice = decoded(b"Y0c5M1pYSnphR1ZzYkE%3D%3D", &[Decode::Url, Decode::Base64]);
        assert_eq!(&*twice, b"cG93ZXJzaGVsbA");
    }
}
