//! Object identifiers, as the content octets of their DER.

pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
pub(crate) const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
pub(crate) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
pub(crate) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
pub(crate) const SIGNING_CERTIFICATE: &[u8] =
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
pub(crate) const SIGNING_CERTIFICATE_V2: &[u8] =
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
pub(crate) const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
pub(crate) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
pub(crate) const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];

/// 1.3.6.1.5.5.7.3.3
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
/// 1.3.6.1.5.5.7.3.8
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
/// 1.3.6.1.4.1.311.76.57.1.11: Microsoft's, for signing mitigation feeds.
pub(crate) const FEED_SIGNING: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x4c, 0x39, 1, 0x0b];

/// The content of an AlgorithmIdentifier without parameters: SHA-2.
pub(crate) const SHA256: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
pub(crate) const SHA384: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
pub(crate) const SHA512: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
/// The parameters NULL.
pub(crate) const NULL: &[u8] = &[5, 0];
/// rsaEncryption with the parameters NULL.
pub(crate) const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// sha256WithRSAEncryption with the parameters NULL.
pub(crate) const SHA256_WITH_RSA: &[u8] =
    &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];
pub(crate) const SHA384_WITH_RSA: &[u8] =
    &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5, 0];
pub(crate) const SHA512_WITH_RSA: &[u8] =
    &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0];

/// An identifier in its dotted form, for people.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - first * 40]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_those_that_their_names_say() {
        assert_eq!(dotted(FEED_SIGNING), "1.3.6.1.4.1.311.76.57.1.11");
        assert_eq!(dotted(CODE_SIGNING), "1.3.6.1.5.5.7.3.3");
        assert_eq!(dotted(TIME_STAMPING), "1.3.6.1.5.5.7.3.8");
        assert_eq!(dotted(SIGNED_DATA), "1.2.840.113549.1.7.2");
        assert_eq!(dotted(TST_INFO), "1.2.840.113549.1.9.16.1.4");
        assert_eq!(dotted(SIGNING_CERTIFICATE_V2), "1.2.840.113549.1.9.16.2.47");
        assert_eq!(dotted(SIGNING_CERTIFICATE), "1.2.840.113549.1.9.16.2.12");
        assert_eq!(dotted(&SHA256[2..11]), "2.16.840.1.101.3.4.2.1");
        assert_eq!(dotted(&SHA384[2..11]), "2.16.840.1.101.3.4.2.2");
        assert_eq!(dotted(&SHA512[2..11]), "2.16.840.1.101.3.4.2.3");
        assert_eq!(dotted(&SHA256_WITH_RSA[2..11]), "1.2.840.113549.1.1.11");
        assert_eq!(dotted(&SHA384_WITH_RSA[2..11]), "1.2.840.113549.1.1.12");
        assert_eq!(dotted(&SHA512_WITH_RSA[2..11]), "1.2.840.113549.1.1.13");
        assert_eq!(dotted(REASON_CODE), "2.5.29.21");
        assert_eq!(dotted(ISSUING_DISTRIBUTION_POINT), "2.5.29.28");
        assert_eq!(dotted(CERTIFICATE_ISSUER), "2.5.29.29");
        assert_eq!(dotted(&RSA[2..11]), "1.2.840.113549.1.1.1");
    }
}
