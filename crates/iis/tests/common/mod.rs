//! A small server for the tests: its applicationHost.config and what stands around it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use stopgap_iis::config::{
    APPLICATION_HOST, Collection, EditError, Entry, Inserted, Need, Place, Placement,
    PlacementRequest, Read, Refusal, Snapshot, Undo, Wrapper, remove,
};
use stopgap_iis::rewrite::{Action, Condition, Grouping, MatchType, PatternSyntax, Rule, UrlMatch};
use stopgap_model::Scope;
use stopgap_model::host::ServerPath;

pub const SITE: &str = "Default Web Site";

/// applicationHost.config with the given `overrideModeDefault` and text behind `system.webServer`.
pub fn host(mode: &str, rest: &str) -> String {
    host_with(mode, "", rest)
}

pub fn host_with(mode: &str, rewrite: &str, rest: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
    <configSections>
        <sectionGroup name="system.webServer">
            <sectionGroup name="rewrite">
                <section name="globalRules" overrideModeDefault="Deny" allowDefinition="AppHostOnly" />
                <section name="rules" overrideModeDefault="{mode}" />
            </sectionGroup>
        </sectionGroup>
    </configSections>
    <system.applicationHost>
        <applicationPools><add name="Pool" /></applicationPools>
        <sites>
            <site name="Default Web Site" id="1">
                <application path="/" applicationPool="Pool">
                    <virtualDirectory path="/" physicalPath="%SystemDrive%\root" />
                </application>
                <application path="/owa">
                    <virtualDirectory path="/" physicalPath="C:\owa" />
                </application>
                <application path="/owa/Calendar">
                    <virtualDirectory path="/" physicalPath="c:\OWA" />
                </application>
                <application path="/lost">
                    <virtualDirectory path="/" physicalPath="%NOWHERE%\x" />
                </application>
            </site>
        </sites>
    </system.applicationHost>
    <system.webServer>
        <modules><add name="RewriteModule" /></modules>
        <globalModules>
            <add name="RewriteModule" image="rewrite.dll" />
        </globalModules>{rewrite}
    </system.webServer>{rest}
</configuration>
"#
    )
}

/// A snapshot of a server with these files besides; every other one is absent.
pub fn server(host: &str, files: &[(&str, Read)]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.provide(ServerPath::new(APPLICATION_HOST), found(host)).unwrap();
    fill(&mut snapshot, files);
    snapshot
}

/// Gives a snapshot all that it asks for: these files, and no others.
pub fn fill(snapshot: &mut Snapshot, files: &[(&str, Read)]) {
    while !snapshot.closed() {
        for need in snapshot.needs() {
            match need {
                Need::File(path) => {
                    let mut files = files.iter();
                    let read = files.find(|(file, _)| ServerPath::new(*file).key() == path.key());
                    let read = read.map_or(Read::Absent, |(_, read)| read.clone());
                    snapshot.provide(path, read).unwrap();
                }
                Need::Folder(folder) => {
                    let below = format!("{}\\", folder.key());
                    let files = files.iter().map(|(path, _)| ServerPath::new(*path));
                    let found = files.filter(|path| path.key().starts_with(&below));
                    let found = found.filter(|path| path.key().ends_with("\\web.config"));
                    snapshot.provide_folder(folder, found.collect(), None);
                }
            }
        }
    }
}

/// Puts an inbound rule into a place.
pub fn insert(bytes: &[u8], place: &Place, rule: &Rule) -> Result<Inserted, EditError> {
    stopgap_iis::config::insert(bytes, place, &Entry::Rule(rule.clone()))
}

/// Puts inbound rules into a place.
pub fn insert_all(
    bytes: &[u8],
    place: &Place,
    rules: &[&Rule],
) -> Result<(Vec<u8>, Vec<Undo>), EditError> {
    let entries: Vec<Entry> = rules.iter().map(|rule| Entry::Rule((*rule).clone())).collect();
    stopgap_iis::config::insert_all(bytes, place, &entries.iter().collect::<Vec<_>>())
}

/// Where an inbound rule of this name goes that is not there yet.
pub fn find_placement(
    snapshot: &Snapshot,
    scope: Option<&Scope>,
    name: &str,
) -> Result<Placement, Refusal> {
    let own = |_: &ServerPath, _: &Place, _: &str| false;
    let placing = PlacementRequest { scope, collection: Collection::Rules, name, own: &own };
    stopgap_iis::config::find_placement(snapshot, &placing)
}

pub fn found(text: &str) -> Read {
    Read::Found(text.as_bytes().to_vec())
}

/// A web.config or location content with these rules.
pub fn rules(inner: &str) -> String {
    format!("<system.webServer><rewrite><rules>{inner}</rules></rewrite></system.webServer>")
}

pub fn web(inner: &str) -> String {
    format!("<configuration>{}</configuration>", rules(inner))
}

/// A rule element that aborts everything.
pub fn element(name: &str) -> String {
    format!(r#"<rule name="{name}"><match url=".*" /><action type="AbortRequest" /></rule>"#)
}

/// A rule such as a mitigation puts in.
pub fn rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: ".*".to_owned(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: vec![Condition {
            input: "{UrlDecode:{REQUEST_URI}}".to_owned(),
            match_type: MatchType::Pattern,
            pattern: "(?=.*autodiscover)(?=.*powershell)".to_owned(),
            ignore_case: true,
            negate: false,
        }],
        server_variables: Vec::new(),
        action: Action::AbortRequest,
    }
}

/// Puts a rule in, checks that only an insertion happened and that removal gives the bytes back.
pub fn there_and_back(
    before: &[u8],
    place: &stopgap_iis::config::Place,
    rule: &Rule,
) -> (Vec<u8>, Undo) {
    let done = insert(before, place, rule).unwrap();
    let back = remove(&done.bytes, &done.undo, &[]).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&back),
        String::from_utf8_lossy(before),
        "removal does not give the original back"
    );
    (done.bytes, done.undo)
}

/// All that several edits of one file created or opened.
pub fn all_scaffold(undos: &[Undo]) -> Vec<Wrapper> {
    undos.iter().flat_map(|undo| undo.wrappers().to_vec()).collect()
}
