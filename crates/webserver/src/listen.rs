//! Addresses that servers listen on, as their configurations write them.

use std::net::{IpAddr, Ipv4Addr};

use stopgap_model::web::Listen;

/// An address with a port as `8080`, `:8080`, `*:8080`, `192.0.2.1:8080`, `[::1]:8080`; where there
/// is none, `default` is the port. `None`: it is written in another way, perhaps as a name.
pub(super) fn address(text: &str, default: u16) -> Option<Listen> {
    if let Ok(port) = text.parse() {
        return Some(Listen::Port(None, port));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (text, default),
    };
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => Some(IpAddr::V6(inner.parse().ok()?)),
        None => match host {
            "" | "*" => None,
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            host => Some(IpAddr::V4(host.parse().ok()?)),
        },
    };
    // An address of IPv6 that stands for every one is kept: it may be for IPv6 only.
    let host = host.filter(|host| *host != IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Some(Listen::Port(host, port))
}

/// The addresses of a range of ports, `8000-8010`: of its first and its last port, which stand for
/// those between.
pub(super) fn addresses(text: &str, default: u16) -> Option<Vec<Listen>> {
    let range = text.rsplit_once('-').filter(|(_, last)| last.parse::<u16>().is_ok());
    let Some((first, last)) = range else { return address(text, default).map(|one| vec![one]) };
    let Listen::Port(host, first) = address(first, default)? else { return None };
    let last = last.parse().ok()?;
    Some(vec![Listen::Port(host, first), Listen::Port(host, last)])
}

/// Whether a name can be asked for as it stands: a plain host name.
pub(super) fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    name.bytes().all(plain) && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        let port = |host: Option<&str>, port| {
            Some(Listen::Port(host.map(|host| host.parse().unwrap()), port))
        };
        for (text, expected) in [
            ("8080", port(None, 8080)),
            (":8080", port(None, 8080)),
            ("*:8080", port(None, 8080)),
            ("*", port(None, 80)),
            ("0.0.0.0:1", port(None, 1)),
            ("192.0.2.1", port(Some("192.0.2.1"), 80)),
            ("192.0.2.1:443", port(Some("192.0.2.1"), 443)),
            ("localhost:81", port(Some("127.0.0.1"), 81)),
            ("[::]:443", port(Some("::"), 443)),
            ("[::1]", port(Some("::1"), 80)),
            ("example.com:80", None),
            ("*:99999", None),
            ("[::1:80", None),
        ] {
            assert_eq!(address(text, 80), expected, "{text}");
        }
        let range = vec![Listen::Port(None, 8000), Listen::Port(None, 8010)];
        assert_eq!(addresses("*:8000-8010", 80), Some(range));
    }
}
