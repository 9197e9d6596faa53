//! What a time-stamp token states: the TSTInfo of RFC 3161, 2.4.2.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::der::{self, NotDer};
use crate::hash::{self, Hash};

/// The statement: this digest was there at this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StampInfo {
    /// The digest of what was stamped, and how it was made.
    pub(crate) imprint: Vec<u8>,
    pub(crate) hash: Hash,
    pub(crate) gen_time: Timestamp,
}

/// Reads a TSTInfo. Its policy, serial number, accuracy and nonce are not asked for.
pub(crate) fn read(bytes: &[u8]) -> Result<StampInfo, NotDer> {
    let mut fields = der::only(bytes, der::SEQUENCE)?.inside();
    if fields.expect(der::INTEGER)?.content != [1] {
        return Err(NotDer);
    }
    fields.expect(der::OID)?;
    let mut imprint = fields.expect(der::SEQUENCE)?.inside();
    let hash = hash::of(imprint.expect(der::SEQUENCE)?)?;
    let digest = imprint.expect(der::OCTET_STRING)?.content.to_vec();
    imprint.finish()?;
    fields.expect(der::INTEGER)?;
    let gen_time = generalized_time(fields.expect(der::GENERALIZED_TIME)?.content)?;
    Ok(StampInfo { imprint: digest, hash, gen_time })
}

/// A time as DER has it: `YYYYMMDDhhmmss`, a fraction without zeros at its end, and `Z`.
pub(crate) fn generalized_time(text: &[u8]) -> Result<Timestamp, NotDer> {
    let (whole, rest) = text.split_at_checked(14).ok_or(NotDer)?;
    let (year, whole) = whole.split_at_checked(4).ok_or(NotDer)?;
    let year = i16::try_from(number(year)?).map_err(|_| NotDer)?;
    let mut pairs = whole.chunks(2).map(number);
    let mut next = || {
        let pair = pairs.next().ok_or(NotDer)??;
        i8::try_from(pair).map_err(|_| NotDer)
    };
    let [month, day, hour, minute, second] = [next()?, next()?, next()?, next()?, next()?];
    let fraction = fraction(rest.strip_suffix(b"Z").ok_or(NotDer)?)?;
    let time = DateTime::new(year, month, day, hour, minute, second, fraction);
    let zoned = time.and_then(|time| time.to_zoned(TimeZone::UTC)).map_err(|_| NotDer)?;
    Ok(zoned.timestamp())
}

/// Nanoseconds.
fn fraction(text: &[u8]) -> Result<i32, NotDer> {
    if text.is_empty() {
        return Ok(0);
    }
    let digits = text.strip_prefix(b".").ok_or(NotDer)?;
    if !(1..=9).contains(&digits.len()) || digits.ends_with(b"0") {
        return Err(NotDer);
    }
    let missing = u32::try_from(9 - digits.len()).map_err(|_| NotDer)?;
    i32::try_from(number(digits)? * 10_i64.pow(missing)).map_err(|_| NotDer)
}

fn number(digits: &[u8]) -> Result<i64, NotDer> {
    let step = |value: i64, digit: &u8| match digit {
        b'0'..=b'9' => Ok(value * 10 + i64::from(digit - b'0')),
        _ => Err(NotDer),
    };
    digits.iter().try_fold(0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Result<String, NotDer> {
        generalized_time(text.as_bytes()).map(|time| time.to_string())
    }

    #[test]
    fn a_time_has_one_spelling() {
        assert_eq!(time("20210915164208.621Z"), Ok("2021-09-15T16:42:08.621Z".into()));
        assert_eq!(time("20240229000000Z"), Ok("2024-02-29T00:00:00Z".into()));
        for wrong in [
            "20210915164208.620Z",
            "20210915164208.Z",
            "20210915164208",
            "20210915164208+0000",
            "202109151642Z",
            "20230229000000Z",
            "20211315164208Z",
            "20210915164260Z",
            "2021091516420 Z",
            "20210915164208.1234567890Z",
            "",
        ] {
            assert_eq!(time(wrong), Err(NotDer), "{wrong}");
        }
    }
}
