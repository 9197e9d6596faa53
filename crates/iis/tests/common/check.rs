//! What must hold of any bytes whatsoever that come as a configuration file: whatever is asked of
//! them there is an answer or a refusal in one line, and an edit changes what it is to change, can
//! be read back, and is given back to the byte. The fuzz targets include this file too.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::panic)]

use stopgap_iis::config::{
    APPLICATION_HOST, Collection, EditError, Effective, Entry, Inserted, Need, Place,
    PlacementRequest, Pool, Read, Snapshot, Undo, Wrapper, adopt, dropped_by, effective_rules,
    entries_named, find_placement, insert, insert_all, levels, nearest, pool, remove,
    standalone_rules,
};
use stopgap_iis::rewrite::{
    Action, Circumstances, Condition, Grouping, MatchType, OutboundAction, OutboundMatch,
    OutboundRule, PatternSyntax, PreCondition, Rule, SetVariable, UrlMatch,
};
use stopgap_model::Scope;
use stopgap_model::host::{Fact, ServerPath};
use stopgap_model::request::{Request, Response};

/// The site whose locations the entries go into.
pub const SITE: &str = "Default Web Site";

/// The web.config that a lone file stands for.
pub const ROOT_CONFIG: &str = r"C:\root\web.config";

/// A server that declares and allows everything, for web.config files to be judged on.
pub const PLAIN_HOST: &str = r#"<configuration>
    <configSections><sectionGroup name="system.webServer"><sectionGroup name="rewrite">
        <section name="globalRules" /><section name="rules" /><section name="outboundRules" />
        <section name="rewriteMaps" /><section name="allowedServerVariables" />
    </sectionGroup></sectionGroup></configSections>
    <system.applicationHost>
        <applicationPools><add name="Pool" /></applicationPools>
        <sites><site name="Default Web Site">
            <application path="/" applicationPool="Pool">
                <virtualDirectory path="/" physicalPath="C:\root" />
            </application>
            <application path="/owa"><virtualDirectory path="/" physicalPath="C:\owa" /></application>
        </site></sites>
    </system.applicationHost>
    <system.webServer><globalModules><add name="RewriteModule" /></globalModules><modules><add name="RewriteModule" /></modules></system.webServer>
</configuration>"#;

/// A refusal is a sentence in one line.
pub fn one_line(text: &str) {
    assert!(!text.trim().is_empty(), "a refusal says nothing");
    assert!(!text.chars().any(char::is_control), "not one line: {text:?}");
}

/// A server with this applicationHost.config and these files; every other one is absent.
pub fn server(host: &[u8], files: &[(&str, &[u8])]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let _ = snapshot.provide(ServerPath::new(APPLICATION_HOST), Read::Found(host.to_vec()));
    let files: Vec<_> = files.iter().map(|(path, bytes)| (ServerPath::new(*path), bytes)).collect();
    // What is found may ask for more, and that for more again; a few rounds are enough for all.
    for _ in 0..4 {
        for need in snapshot.needs() {
            match need {
                Need::File(path) => {
                    let found = files.iter().find(|(file, _)| file.key() == path.key());
                    let read = found.map_or(Read::Absent, |(_, bytes)| Read::Found(bytes.to_vec()));
                    let _ = snapshot.provide(path, read);
                }
                Need::Folder(folder) => {
                    let below = format!("{}\\", folder.key());
                    let paths = files.iter().map(|(path, _)| path.clone());
                    let found = paths.filter(|path| path.key().starts_with(&below));
                    let found = found.filter(|path| path.key().ends_with("\\web.config"));
                    snapshot.provide_folder(folder, found.collect(), None);
                }
            }
        }
    }
    snapshot
}

/// Asks a server everything that can be asked of it, for these paths of up to three of its sites.
pub fn ask_everything(snapshot: &Snapshot, paths: &[&str]) {
    let _ = (snapshot.closed(), snapshot.rewrite(), snapshot.programs().len());
    snapshot.files().filter_map(|file| file.problem()).for_each(|why| one_line(&why.to_string()));
    let mut sites = vec![SITE.to_owned()];
    let mut pools = vec!["Pool".to_owned()];
    match snapshot.iis() {
        Fact::Known(iis) => {
            let others = iis.sites.into_iter().map(|site| site.name).filter(|name| name != SITE);
            sites.extend(others.take(2));
            pools.extend(iis.pools.into_iter().take(3));
        }
        Fact::Unknown(why) => one_line(&why.to_string()),
        Fact::Absent => {}
    }
    for name in &pools {
        said(pool(snapshot, name));
    }
    ask_scope(snapshot, None);
    for site in &sites {
        for path in paths {
            ask_path(snapshot, site, path);
            let scope = Scope { site: site.clone(), path: (*path).to_owned() };
            ask_scope(snapshot, Some(&scope));
        }
    }
    for (collection, _, name) in named() {
        let found = entries_named(snapshot, collection, name);
        found
            .into_iter()
            .filter_map(|found| found.entry.err())
            .for_each(|why| one_line(&why.to_string()));
    }
}

fn named() -> impl Iterator<Item = (Collection, Place, &'static str)> {
    let all = [
        Collection::GlobalRules,
        Collection::Rules,
        Collection::OutboundRules,
        Collection::PreConditions,
        Collection::AllowedVariables,
        Collection::Pools,
    ];
    all.into_iter().map(|collection| (collection, Place::WebConfig, "Stopgap M1.1"))
}

fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Option<T> {
    result.map_err(|why| one_line(&why.to_string())).ok()
}

fn ask_scope(snapshot: &Snapshot, scope: Option<&Scope>) {
    let own = |_: &ServerPath, _: &Place, _: &str| false;
    for collection in [Collection::Rules, Collection::OutboundRules] {
        let placing = PlacementRequest { scope, collection, name: "Stopgap M1.1", own: &own };
        if let Some(placement) = said(find_placement(snapshot, &placing)) {
            one_line(&placement.why.to_string());
            placement.gaps.iter().for_each(|gap| one_line(&gap.why.to_string()));
            assert!(!placement.targets.is_empty());
        }
    }
    let Some(levels) = said(levels(snapshot, scope)) else { return };
    let _ = nearest(&levels, "/owa/auth/logon.aspx");
    for level in levels.iter().take(4) {
        let _ = dropped_by(snapshot, level, Collection::Rules, "Stopgap M1.1");
    }
}

fn ask_path(snapshot: &Snapshot, site: &str, path: &str) {
    if let Some(met) = said(effective_rules(snapshot, site, path)) {
        ask_rules(&met, path);
    }
}

/// Lets the rules judge a few requests and responses.
pub fn ask_rules(met: &Effective, path: &str) {
    for rule in &met.rules {
        said(rule.item.as_ref());
        let _ = met.forbidden(rule);
    }
    let evaluator = met.evaluator(|_| true);
    let lines = ["autodiscover/a.json?a=%50owershell", "%0a%41?x=%zz&%ADd", "a/b.php"];
    for line in lines {
        let Ok(mut request) = Request::from_line(&format!("GET {path}/{line}")) else { continue };
        let _ = request.add_header_line("Cookie: X-BEResource=a/b~c");
        let _ = evaluator.evaluate(&request);
        assert!(!evaluator.outcomes(&request, &Circumstances::default()).possible.is_empty());
        if let Some(responses) = said(met.response_evaluator(|_| true)) {
            let mut response = Response::default();
            response.headers.push(("Content-Type".to_owned(), b"text/html".to_vec()));
            let _ = responses.evaluate(&request, &response);
        }
    }
}

/// Reads bytes in every role that a file can have, and asks everything each time.
pub fn ask_in_every_role(bytes: &[u8]) {
    let paths = ["/", "/owa/auth/x"];
    if let Some(met) = said(standalone_rules(bytes)) {
        ask_rules(&met, "");
    }
    ask_everything(&server(bytes, &[]), &paths);
    let web =
        [(ROOT_CONFIG, bytes), (r"C:\root\owa\web.config", bytes), (r"C:\owa\web.config", b"")];
    ask_everything(&server(PLAIN_HOST.as_bytes(), &web), &paths);
    let source = |section: &str| {
        let section = format!("<{section} configSource=\"rules.config\" />");
        let group = format!("<system.webServer><rewrite>{section}</rewrite></system.webServer>");
        format!("<configuration>{group}</configuration>")
    };
    let sections = ["rules", "outboundRules", "allowedServerVariables", "rewriteMaps"];
    // A file that holds a section has it as its root.
    for section in sections.iter().filter(|section| contains(bytes, section.as_bytes())) {
        let web = source(section);
        let files = [(ROOT_CONFIG, web.as_bytes()), (r"C:\root\rules.config", bytes)];
        ask_everything(&server(PLAIN_HOST.as_bytes(), &files), &["/x"]);
    }
}

/// An inbound rule that uses all that a rule can say, with a pattern that is hard to write.
pub fn hard_rule(name: &str, pattern: &str) -> Rule {
    let condition = |match_type, pattern: &str, negate: bool| Condition {
        input: "{UrlDecode:{REQUEST_URI}}".to_owned(),
        match_type,
        pattern: pattern.to_owned(),
        ignore_case: !negate,
        negate,
    };
    Rule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: pattern.to_owned(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAny,
        track_all_captures: true,
        conditions: vec![
            condition(MatchType::Pattern, pattern, true),
            condition(MatchType::IsFile, "", false),
        ],
        server_variables: vec![SetVariable {
            name: "HTTP_X_A".to_owned(),
            value: pattern.to_owned(),
            replace: false,
        }],
        action: Action::CustomResponse {
            status: 403,
            substatus: 7,
            reason: pattern.to_owned(),
            description: pattern.to_owned(),
        },
    }
}

pub fn outbound_rule(name: &str, pattern: &str) -> OutboundRule {
    OutboundRule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        precondition: format!("{name} - precondition"),
        target: OutboundMatch {
            variable: "RESPONSE_Content_Security_Policy".to_owned(),
            pattern: pattern.to_owned(),
            ignore_case: true,
            negate: false,
        },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        action: OutboundAction::Rewrite { value: pattern.to_owned(), replace: true },
    }
}

pub fn precondition(name: &str, pattern: &str) -> PreCondition {
    PreCondition {
        name: name.to_owned(),
        syntax: PatternSyntax::EcmaScript,
        grouping: Grouping::MatchAll,
        conditions: vec![Condition {
            input: "{RESPONSE_CONTENT_TYPE}".to_owned(),
            match_type: MatchType::Pattern,
            pattern: pattern.to_owned(),
            ignore_case: true,
            negate: false,
        }],
    }
}

/// Every kind of entry at every kind of place, with `pattern` in each; pools come from the caller.
pub fn every_kind(pattern: &str) -> Vec<(Place, Entry)> {
    let location = |path: &str| Place::Location { path: path.to_owned() };
    let mut all = vec![(Place::Server, Entry::Rule(hard_rule("Stopgap G", pattern)))];
    let places = [location(SITE), location("Default Web Site/owa"), location(""), Place::WebConfig];
    for (at, place) in places.iter().enumerate() {
        let name = |kind: &str| format!("Stopgap {kind}{at}");
        let variable = Entry::AllowedVariable(format!("HTTP_X_STOPGAP_{at}"));
        all.extend(
            [
                Entry::Rule(hard_rule(&name("R"), pattern)),
                Entry::Outbound(outbound_rule(&name("O"), pattern)),
                Entry::PreCondition(precondition(&name("P"), pattern)),
                variable,
            ]
            .map(|entry| (place.clone(), entry)),
        );
    }
    all
}

/// The pools that a file of the server names, up to `most`.
pub fn pools_of(bytes: &[u8], most: usize) -> Vec<(Place, Entry)> {
    let Fact::Known(iis) = server(bytes, &[]).iis() else { return Vec::new() };
    let names = iis.pools.into_iter().take(most);
    names.map(|name| (Place::Server, Entry::DisabledPool(name))).collect()
}

/// Puts an entry in and takes it out again, and checks every promise on the way. `Err` is a
/// refusal, with nothing changed.
pub fn there_and_back(before: &[u8], place: &Place, entry: &Entry) -> Result<Vec<u8>, EditError> {
    let done = insert(before, place, entry).inspect_err(|why| one_line(&why.to_string()))?;
    nothing_else_changed(before, &done);
    reads_back(&done.bytes, place, entry);
    let back = remove(&done.bytes, &done.undo, &[]);
    given_back(before, &back.unwrap_or_else(|why| panic!("{entry:?} stays: {why}")), entry);
    if !matches!(entry, Entry::DisabledPool(_)) {
        known_by_its_text(before, &done, place, entry);
    }
    if !matches!(entry, Entry::DisabledPool(_)) {
        let again = insert(&done.bytes, place, entry);
        assert!(matches!(again, Err(EditError::NameTaken(_))), "it went in twice: {again:?}");
    }
    Ok(done.bytes)
}

/// Where nothing tells how it was put in, it comes out all the same. Only what was empty before it came is
/// not known to have been there.
fn known_by_its_text(before: &[u8], done: &Inserted, place: &Place, entry: &Entry) {
    let undo = adopt(&done.bytes, place, entry).unwrap_or_else(|| panic!("{entry:?} is not there"));
    let back = remove(&done.bytes, &undo, &[]);
    let back = back.unwrap_or_else(|why| panic!("{entry:?} stays: {why}"));
    assert_eq!(adopt(&back, place, entry), None, "{entry:?} is still there");
    let opened = |piece: &Wrapper| matches!(piece, Wrapper::Opened { .. });
    if !done.undo.wrappers().iter().any(opened) {
        given_back(before, &back, entry);
    }
}

fn given_back(before: &[u8], back: &[u8], entry: &Entry) {
    assert!(
        before == back,
        "{entry:?}: the bytes are not given back:\n{}\n---\n{}",
        String::from_utf8_lossy(before),
        String::from_utf8_lossy(back)
    );
}

/// What is gone of a file, and what came in its place, the unchanged beginning and end left out.
pub fn change<'b>(before: &'b [u8], after: &'b [u8]) -> (&'b [u8], &'b [u8]) {
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    (&before[..before.len() - end], &after[..after.len() - end])
}

/// Nothing changed but what was put in, how an empty element ended that had to be opened, and the
/// attributes of a pool's own tag.
pub fn nothing_else_changed(before: &[u8], done: &Inserted) {
    let (gone, came) = change(before, &done.bytes);
    match &done.undo {
        Undo::Element(element) => {
            let opened = |piece: &Wrapper| match piece {
                Wrapper::Opened { was, .. } => contains(was.as_bytes(), gone),
                Wrapper::Created { .. } => false,
            };
            let allowed = gone.is_empty() || element.wrappers.iter().any(opened);
            assert!(allowed, "this is gone: {}", String::from_utf8_lossy(gone));
        }
        Undo::Pool(_) => assert!(!gone.contains(&b'<') && !came.contains(&b'<')),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The entry is read back as exactly what was put in, once, and where it was put.
pub fn reads_back(after: &[u8], place: &Place, entry: &Entry) {
    let snapshot = match place {
        Place::WebConfig => server(PLAIN_HOST.as_bytes(), &[(ROOT_CONFIG, after)]),
        Place::Server | Place::Location { .. } => server(after, &[]),
    };
    if let Entry::DisabledPool(name) = entry {
        let found = pool(&snapshot, name);
        assert!(found.as_ref().is_ok_and(|pool| pool.as_ref().is_some_and(Pool::is_disabled)));
        return;
    }
    let key = |place: &Place| match place {
        Place::Location { path } => {
            let parts = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."));
            parts.map(str::to_ascii_lowercase).collect::<Vec<_>>()
        }
        Place::Server | Place::WebConfig => Vec::new(),
    };
    let found = entries_named(&snapshot, entry.collection(place), entry.name());
    let here: Vec<_> = found.iter().filter(|found| key(&found.place) == key(place)).collect();
    let [here] = here.as_slice() else { panic!("{entry:?} is there {} times", here.len()) };
    assert_eq!(here.entry.as_ref(), Ok(entry));
}

/// Puts in all that go in, one after the other, and takes them out in an order that `order` gives.
/// Says how many went in.
pub fn all_there_and_back(before: &[u8], entries: &[(Place, Entry)], order: u64) -> usize {
    let (mut bytes, mut undos) = (before.to_vec(), Vec::new());
    for (place, entry) in entries {
        if let Some(done) = said(insert(&bytes, place, entry)) {
            nothing_else_changed(&bytes, &done);
            bytes = done.bytes;
            undos.push((done.undo, entry));
        }
    }
    let went_in = undos.len();
    let wrappers: Vec<Wrapper> =
        undos.iter().flat_map(|(undo, _)| undo.wrappers().to_vec()).collect();
    let mut turn = order;
    let mut last = None;
    while !undos.is_empty() {
        let at = usize::try_from(turn % undos.len() as u64).unwrap();
        turn = turn.rotate_right(7).wrapping_add(order);
        let (undo, entry) = undos.swap_remove(at);
        let left = remove(&bytes, &undo, &wrappers);
        bytes = left.unwrap_or_else(|why| panic!("{entry:?} stays: {why}"));
        last = Some(entry);
    }
    if let Some(entry) = last {
        given_back(before, &bytes, entry);
    }
    went_in
}

/// Many of one collection at once are as one after the other.
pub fn many_at_once(before: &[u8], place: &Place, entries: &[&Entry]) {
    let mut one_by_one: Result<_, EditError> = Ok(before.to_vec());
    for entry in entries {
        one_by_one = one_by_one.and_then(|bytes| Ok(insert(&bytes, place, entry)?.bytes));
    }
    let at_once = insert_all(before, place, entries).map(|(bytes, _)| bytes);
    assert_eq!(at_once.is_ok(), one_by_one.is_ok());
    assert!(at_once.unwrap_or_default() == one_by_one.unwrap_or_default());
}
