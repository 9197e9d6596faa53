//! The sites of Apache: its virtual hosts where it listens, and the main server where none is.

use std::net::IpAddr;

use stopgap_model::problem::one_line;
use stopgap_model::web::{Listen, WebSite};

use super::tree::{Host, Tree};
use crate::listen::{address, is_host_name};

/// An address that Apache listens on.
struct Socket {
    address: Option<IpAddr>,
    port: u16,
    tls: bool,
}

/// The sites. Of an alias with a wildcard, one name that fits stands for all; one that is no host
/// name otherwise is left out, as the host has its name besides.
pub(crate) fn sites(tree: &Tree<'_>) -> Vec<WebSite> {
    let Some((main, hosts)) = tree.hosts.split_first() else { return Vec::new() };
    let sockets: Vec<Socket> = tree.listens.iter().filter_map(|words| socket(words)).collect();
    let mut sites = Vec::new();
    let mut taken = vec![false; sockets.len()];
    // The main server answers at the addresses that no virtual host meets.
    for (block, host) in (1..).zip(hosts) {
        for (socket, taken) in sockets.iter().zip(&mut taken) {
            for at in host.addresses.iter().filter_map(|text| meeting(text, socket)) {
                *taken = true;
                let of_it = of_host(host, main, socket, at).into_iter();
                sites.extend(of_it.map(|site| WebSite { block, ..site }));
            }
        }
    }
    for (socket, _) in sockets.iter().zip(taken).filter(|(_, taken)| !taken) {
        sites.extend(of_host(main, main, socket, socket.address));
    }
    sites
}

/// Where Apache listens.
pub(crate) fn listens(tree: &Tree<'_>) -> Vec<Listen> {
    let sockets = tree.listens.iter().filter_map(|words| socket(words));
    sockets.map(|socket| Listen::Port(socket.address, socket.port)).collect()
}

fn socket(words: &[String]) -> Option<Socket> {
    match address(words.first()?, 0)? {
        Listen::Port(address, port) if port != 0 => {
            let tls = words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("https"));
            Some(Socket { address, port, tls })
        }
        _ => None,
    }
}

/// The address at which a virtual host with this address meets a socket.
fn meeting(text: &str, socket: &Socket) -> Option<Option<IpAddr>> {
    let text = text.strip_suffix(":*").unwrap_or(text);
    let rest = text.strip_prefix("_default_").map(|rest| format!("*{rest}"));
    let Listen::Port(host, port) = address(rest.as_deref().unwrap_or(text), socket.port)? else {
        return None;
    };
    if port != socket.port {
        return None;
    }
    match (host, socket.address) {
        (None, listened) => Some(listened),
        (Some(host), None) => Some(Some(host)),
        (Some(host), Some(listened)) => {
            let every = listened.is_unspecified() && host.is_ipv6();
            (host == listened || every).then_some(Some(host))
        }
    }
}

fn of_host(host: &Host, main: &Host, socket: &Socket, at: Option<IpAddr>) -> Vec<WebSite> {
    let tls = host.tls.or(main.tls).unwrap_or(socket.tls);
    let listen = if host.proxied {
        Listen::Unasked("it expects the PROXY protocol".into())
    } else {
        Listen::Port(at, socket.port)
    };
    let site = |name| WebSite { name, listen: listen.clone(), tls, block: 0 };
    names(host).into_iter().map(site).collect()
}

fn names(host: &Host) -> Vec<String> {
    let own = host.name.as_deref().map(|name| {
        let name = name.split_once("://").map_or(name, |(_, rest)| rest);
        name.split_once(':').map_or(name, |(name, _)| name)
    });
    let own = own.filter(|name| is_host_name(name)).unwrap_or_default();
    let aliases = host.aliases.iter().map(|alias| match alias.strip_prefix("*.") {
        Some(rest) => format!("stopgap.{rest}"),
        None => alias.clone(),
    });
    let mut names = vec![one_line(own).to_string()];
    names.extend(aliases.filter(|alias| is_host_name(alias)));
    names
}
