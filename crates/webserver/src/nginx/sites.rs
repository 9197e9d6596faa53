//! The sites of nginx: the names of each server block, where it listens.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stopgap_model::host::ServerPath;
use stopgap_model::problem::one_line;
use stopgap_model::web::{Listen, WebSite};

use super::tree::{Server, Tree};
use crate::listen::{addresses, is_host_name};

/// The port of a server that says none, and of an address without one.
const DEFAULT_PORT: u16 = 80;

/// What the parameters of `listen` say. They hold for the address: said in one server block, they
/// hold in each that listens there.
#[derive(Clone, Copy, Default)]
struct Parameters {
    tls: bool,
    proxied: bool,
}

/// The sites, each name at each address.
///
/// Of a wildcard name, one name that fits stands for all. A name that is a regular expression is
/// listed and not asked: which names fit is not known. `_`, and what is no host name, is what
/// administrators write for no name.
pub(crate) fn sites(tree: &Tree<'_>) -> Vec<WebSite> {
    sites_of(tree, |_| true)
}

/// The sites of the server blocks of these numbers.
pub(super) fn sites_of(tree: &Tree<'_>, is_meant: impl Fn(usize) -> bool) -> Vec<WebSite> {
    let parsed: Vec<_> = tree.servers.iter().map(|server| (server, listens_of(server))).collect();
    let mut parameters: BTreeMap<Listen, Parameters> = BTreeMap::new();
    // What is said of an address anywhere holds for all that listen there.
    for (_, listens) in &parsed {
        for (listen, said) in listens {
            let all = parameters.entry(listen.clone()).or_default();
            all.tls |= said.tls;
            all.proxied |= said.proxied;
        }
    }
    let mut sites = Vec::new();
    let meant = parsed.iter().enumerate().filter(|(number, _)| is_meant(*number));
    for (block, (server, listens)) in meant {
        for name in names(server) {
            for (listen, _) in listens {
                let said = parameters.get(listen).copied().unwrap_or_default();
                sites.push(WebSite { block, ..site(&name, listen, said, server.ssl) });
            }
        }
    }
    sites
}

/// Where server blocks listen, whether it can be asked there or not.
pub(crate) fn listens(tree: &Tree<'_>) -> Vec<Listen> {
    let all = tree.servers.iter().flat_map(plain_listens);
    all.filter(|listen| !matches!(listen, Listen::Unasked(_))).collect()
}

fn plain_listens(server: &Server<'_>) -> Vec<Listen> {
    listens_of(server).into_iter().map(|(listen, _)| listen).collect()
}

/// The name to ask for, or the pattern that it is.
enum Name {
    Asked(String),
    Pattern(String),
}

fn site(name: &Name, listen: &Listen, said: Parameters, ssl: bool) -> WebSite {
    let listen = match (name, listen) {
        (Name::Pattern(_), _) => Listen::Unasked("its name is a regular expression".into()),
        (_, Listen::Port(..) | Listen::Unix(_)) if said.proxied => {
            Listen::Unasked("it expects the PROXY protocol".into())
        }
        (_, listen) => listen.clone(),
    };
    let (Name::Asked(name) | Name::Pattern(name)) = name;
    WebSite { name: name.clone(), listen, tls: said.tls || ssl, block: 0 }
}

fn names(server: &Server<'_>) -> Vec<Name> {
    let names: Vec<Name> = server.names.iter().map(|name| named(name)).collect();
    if names.is_empty() { vec![Name::Asked(String::new())] } else { names }
}

fn named(name: &[u8]) -> Name {
    let text = one_line(&String::from_utf8_lossy(name)).to_string();
    if text.starts_with('~') {
        return Name::Pattern(text);
    }
    let stand_in = if let Some(rest) = text.strip_prefix("*.") {
        format!("stopgap.{rest}")
    } else if let Some(rest) = text.strip_suffix(".*") {
        format!("{rest}.test")
    } else {
        text.trim_start_matches('.').to_owned()
    };
    Name::Asked(if is_host_name(&stand_in) { stand_in } else { String::new() })
}

fn listens_of(server: &Server<'_>) -> Vec<(Listen, Parameters)> {
    if server.listens.is_empty() {
        return vec![(Listen::Port(None, DEFAULT_PORT), Parameters::default())];
    }
    server.listens.iter().flat_map(|words| listen(words)).collect()
}

fn listen(words: &[Cow<'_, [u8]>]) -> Vec<(Listen, Parameters)> {
    let has = |wanted: &[u8]| words.iter().skip(1).any(|word| **word == *wanted);
    let said = Parameters { tls: has(b"ssl"), proxied: has(b"proxy_protocol") };
    let Some(address) = words.first() else { return Vec::new() };
    let text = String::from_utf8_lossy(address);
    let listens = if has(b"quic") {
        vec![Listen::Unasked(format!("{} speaks QUIC", one_line(&text)))]
    } else if let Some(path) = text.strip_prefix("unix:") {
        vec![Listen::Unix(ServerPath::new(path))]
    } else {
        addresses(&text, DEFAULT_PORT).unwrap_or_else(|| {
            vec![Listen::Unasked(format!("it listens on the name {}", one_line(&text)))]
        })
    };
    listens.into_iter().map(|listen| (listen, said)).collect()
}
