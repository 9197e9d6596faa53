//! The configuration of a real Exchange server, where it is at hand.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::PathBuf;

use common::{SITE, all_scaffold, fill, find_placement, insert, rule, there_and_back};
use stopgap_iis::config::{
    APPLICATION_HOST, Place, Read, Snapshot, effective_rules, remove, standalone_rules,
};
use stopgap_model::host::{Fact, ServerPath};
use stopgap_model::mitigation::Scope;

fn folder() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("STOPGAP_REAL_DATA") else {
        eprintln!("skipped: STOPGAP_REAL_DATA is not set");
        return None;
    };
    Some(PathBuf::from(folder).join("exchange-2019"))
}

fn read(name: &str, crlf: bool) -> Option<Vec<u8>> {
    let bytes = std::fs::read(folder()?.join(name)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes())
}

/// Every physical folder and the file that stands for its web.config.
const WEB_CONFIGS: [(&str, &str); 6] = [
    (r"C:\inetpub\wwwroot", "DefaultWebSite"),
    (
        r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa",
        "DefaultWebSite-OWA",
    ),
    (
        r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\ecp",
        "DefaultWebSite-ECP",
    ),
    (
        r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\Autodiscover",
        "DefaultWebSite-AutoD",
    ),
    (r"C:\Program Files\Microsoft\Exchange Server\V15\ClientAccess\owa", "ExchangeBackEnd-OWA"),
    (
        r"C:\Program Files\Microsoft\Exchange Server\V15\ClientAccess\PowerShell-Proxy",
        "ExchangeBackEnd-PowerShell",
    ),
];

fn real(crlf: bool) -> Option<Snapshot> {
    let mut snapshot = Snapshot::new();
    let host = read("applicationHost.config", crlf)?;
    snapshot.provide(ServerPath::new(APPLICATION_HOST), Read::Found(host)).unwrap();
    let files: Vec<(String, Read)> = WEB_CONFIGS
        .iter()
        .filter_map(|(folder, name)| {
            let bytes = read(&format!("{name}_web.config"), crlf)?;
            Some((format!("{folder}\\web.config"), Read::Found(bytes)))
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, read)| (path.as_str(), read.clone())).collect();
    fill(&mut snapshot, &files);
    Some(snapshot)
}

#[test]
fn a_real_server_is_understood_and_every_scope_has_a_place() {
    for crlf in [false, true] {
        let Some(snapshot) = real(crlf) else { return };
        let Fact::Known(iis) = snapshot.iis() else { panic!("it must be read") };
        let names: Vec<_> = iis.sites.iter().map(|site| site.name.as_str()).collect();
        assert_eq!(names, [SITE, "Exchange Back End"]);
        assert_eq!(iis.sites[0].applications.len(), 14);
        for path in ["", "/owa", "/Autodiscover", "/owa/auth"] {
            let scope = Scope { site: SITE.to_owned(), path: path.to_owned() };
            let target =
                find_placement(&snapshot, Some(&scope), "Stopgap M1.1").unwrap().targets.remove(0);
            let bytes = snapshot.file(&target.file).unwrap().bytes().unwrap();
            let (after, _) = there_and_back(bytes, &target.place, &rule("Stopgap M1.1"));
            let changed = snapshot.with_file(&target.file, after).unwrap();
            let met = effective_rules(&changed, SITE, &format!("{path}/x")).unwrap();
            assert_eq!(met.rules.len(), 1, "{path}");
            assert!(met.module);
        }
    }
}

#[test]
fn every_real_file_takes_rules_and_gives_its_bytes_back() {
    let Some(folder) = folder() else { return };
    let site = Place::Location { path: SITE.to_owned() };
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for crlf in [false, true] {
            let before = read(&name, crlf).unwrap();
            if ["BadApplicationHost.config", "DefaultWebSite_web1.config"].contains(&name.as_str())
            {
                let refused = standalone_rules(&before).unwrap_err().to_string();
                assert!(refused.contains("not well-formed"), "{refused}");
                assert!(insert(&before, &site, &rule("S 1")).is_err());
                continue;
            }
            let places = [site.clone(), Place::Server, Place::WebConfig, site.clone()];
            let (mut bytes, mut undos) = (before.clone(), Vec::new());
            for (at, place) in places.iter().enumerate() {
                let done = insert(&bytes, place, &rule(&format!("S {at}"))).unwrap();
                bytes = done.bytes;
                undos.push(done.undo);
            }
            for undo in &undos {
                bytes = remove(&bytes, undo, &all_scaffold(&undos)).unwrap();
            }
            assert!(bytes == before, "{name} is not given back");
            files += 1;
        }
    }
    assert!(files > 40, "only {files} files");
}
