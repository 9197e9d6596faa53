//! The sites of HAProxy: where its frontends listen.

use std::net::IpAddr;

use stopgap_model::host::ServerPath;
use stopgap_model::problem::one_line;
use stopgap_model::web::{Listen, WebSite};

use super::tree::{Frontend, Tree};
use crate::listen::addresses;

/// The sites, each address of each frontend in mode http. They have no name: that of a frontend is
/// nothing that requests ask for, and which hosts it knows is said by rules, not by a list.
pub(crate) fn sites(tree: &Tree<'_>) -> Vec<WebSite> {
    sites_of(tree, |_| true)
}

/// Where frontends in mode http listen, whether it can be asked there or not.
pub(crate) fn listens(tree: &Tree<'_>) -> Vec<Listen> {
    tree.frontends.iter().filter(|one| one.is_http() && !one.disabled).flat_map(binds).collect()
}

/// Where a frontend listens.
pub(super) fn binds(frontend: &Frontend) -> Vec<Listen> {
    let addresses = frontend.binds.iter().filter_map(|words| words.get(1));
    addresses.flat_map(|all| all.split(',')).filter_map(listens_at).flatten().collect()
}

/// The sites of those frontends.
pub(super) fn sites_of(tree: &Tree<'_>, is_meant: impl Fn(&Frontend) -> bool) -> Vec<WebSite> {
    let frontends = tree.frontends.iter().filter(|one| one.is_http() && !one.disabled);
    let meant = frontends.enumerate().filter(|(_, frontend)| is_meant(frontend));
    let blocks = meant.flat_map(|(block, frontend)| {
        let sites = frontend.binds.iter().flat_map(|bind| of_bind(frontend, bind));
        sites.map(move |site| WebSite { block, ..site })
    });
    blocks.collect()
}

fn of_bind(frontend: &Frontend, words: &[String]) -> Vec<WebSite> {
    let has = |wanted: &str| words.iter().skip(2).any(|word| word == wanted);
    let proxied = frontend.proxied || has("accept-proxy");
    let Some(all) = words.get(1) else { return Vec::new() };
    let unasked =
        |why: String| Listen::Unasked(format!("{} of frontend {}", why, one_line(&frontend.name)));
    let listens = all.split(',').flat_map(|text| {
        let named = one_line(text);
        if proxied {
            return vec![unasked(format!("the PROXY protocol is expected at {named}"))];
        }
        listens_at(text).unwrap_or_else(|| vec![unasked(format!("nobody else can ask {named}"))])
    });
    let site = |listen| WebSite { name: String::new(), listen, tls: has("ssl"), block: 0 };
    listens.map(site).collect()
}

/// An address; `None`: a descriptor, an abstract socket, QUIC, or a name.
fn listens_at(text: &str) -> Option<Vec<Listen>> {
    if let Some(path) = text.strip_prefix("unix@").or(text.starts_with('/').then_some(text)) {
        return Some(vec![Listen::Unix(ServerPath::new(path))]);
    }
    let text = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    // HAProxy takes what is before the last colon for the address, in brackets or not.
    let (host, ports) = text.rsplit_once(':')?;
    let bare: Option<IpAddr> = host.parse().ok().filter(IpAddr::is_ipv6);
    match bare {
        Some(host) => addresses(&format!("[{host}]:{ports}"), 0),
        None => addresses(text, 0),
    }
}
