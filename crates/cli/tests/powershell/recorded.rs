//! What the program prints, recorded for the tests of the module, which run where the program need not be.
//! A recording is true as long as the program still prints its names with these types, ids, states and codes;
//! names may be added, and sentences, times and the facts of reasons may differ. `STOPGAP_RECORD=1` writes them
//! anew.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::WebServer;

use crate::common::{Run, VULNERABLE, on};
use crate::source::folder;

/// Names whose values the module decides by.
const DECISIVE: &[&str] = &[
    "blocked",
    "change",
    "changed",
    "code",
    "dry_run",
    "enabled",
    "exit",
    "hop",
    "id",
    "kind",
    "ok",
    "organisation_enabled",
    "origin",
    "schema",
    "server_enabled",
    "state",
    "unblocked",
];

/// What was recorded: of each name the arguments, the exit code, the object.
struct Recording {
    tree: Tree,
    found: BTreeMap<&'static str, (Vec<String>, i32, Value)>,
}

impl Recording {
    fn on(build: &str) -> Self {
        Self { tree: Tree::exchange(build), found: BTreeMap::new() }
    }

    /// Runs the program. The folders of the test do not reach the recording.
    fn take(&mut self, name: &'static str, arguments: &[&str]) -> Run {
        let run = on(&self.tree, arguments);
        let folder = self.tree.root().parent().unwrap().to_str().unwrap().to_owned();
        let object = serde_json::from_str(&run.out.replace(&folder, "/trial")).unwrap();
        let arguments = arguments.iter().map(|it| it.replace(&folder, "/trial")).collect();
        self.found.insert(name, (arguments, run.code, object));
        run
    }
}

/// A server with Exchange, from the first look to the last decision.
fn of_a_server() -> Recording {
    let mut recording = Recording::on(VULNERABLE);
    let on = &mut recording;
    on.take("check-dry-run", &["check", "--dry-run"]);
    on.take("check", &["check"]);
    on.take("list", &["list"]);
    on.take("show-M1", &["show", "--", "M1"]);
    on.take("show-unknown", &["show", "--", "NOSUCH"]);
    on.take("status", &["status"]);
    on.take("block", &["block", "--reason=breaks \"Print Calendar\"", "--", "M2"]);
    let policy = "[organisation]\nblocked = [\"CVE-2021-26855\"]\n";
    fs::create_dir_all(on.tree.state()).unwrap();
    fs::write(on.tree.state().join("policy.toml"), policy).unwrap();
    on.take("status-blocked", &["status"]);
    on.take("unblock-refused", &["unblock", "--", "CVE-2021-26855"]);
    on.take("unblock", &["unblock", "--", "M2"]);
    on.take("remove", &["remove", "--reason=-x", "--", "M2"]);
    on.take("reapply", &["reapply", "--", "M1"]);
    on.take("disable", &["disable"]);
    on.take("reapply-switched-off", &["reapply", "--", "M1"]);
    on.take("enable", &["enable"]);
    on.take("test-connectivity-none", &["test-connectivity"]);
    recording
}

/// A server where a part of a mitigation cannot be applied.
fn of_an_old_server() -> Recording {
    // Exchange 2016, whose Unified Messaging services have to be disabled.
    let mut recording = Recording::on("15.1.2106.2");
    let run = on(&recording.tree, &["check"]);
    assert_eq!(run.code, 1, "{}", run.out);
    recording.take("reapply-partial", &["reapply", "--", "CVE-2021-26855"]);
    recording
}

/// A server with a feed that answers, and then does not.
fn of_a_feed() -> Recording {
    let mut recording = Recording::on(VULNERABLE);
    let mut repository = Repository::new(jiff::Timestamp::now());
    repository.publish();
    let web = WebServer::of(&repository.published);
    let root = recording.tree.root().with_file_name("root.json");
    fs::write(&root, repository.first_root()).unwrap();
    let arguments = ["feed", "add", "acme", &web.url(), "--root", root.to_str().unwrap()];
    let run = on(&recording.tree, &arguments);
    assert_eq!(run.code, 0, "{}", run.out);
    recording.take("test-connectivity", &["test-connectivity"]);
    drop(web);
    recording.take("test-connectivity-failed", &["test-connectivity"]);
    recording
}

fn all() -> BTreeMap<&'static str, (Vec<String>, i32, Value)> {
    [of_a_server(), of_an_old_server(), of_a_feed()].into_iter().flat_map(|it| it.found).collect()
}

/// What kind of value it is; where it decides, the value itself.
fn kind_of(name: &str, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| kind_of(name, item)).collect(),
        // A reason: its facts are not read by the module.
        Value::Object(fields) if fields.contains_key("code") && fields.contains_key("text") => {
            json!({"code": fields["code"]})
        }
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| (name.clone(), kind_of(name, value));
            Value::Object(fields.iter().map(of).collect())
        }
        value if DECISIVE.contains(&name) => value.clone(),
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
    }
}

/// The first place where two values differ in kind.
fn difference(at: &str, recorded: &Value, now: &Value) -> Option<String> {
    match (recorded, now) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().find_map(|(name, old)| match new.get(name) {
                Some(new) => difference(&format!("{at}.{name}"), old, new),
                None => Some(format!("{at}.{name} is not there any more")),
            })
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let pairs = old.iter().zip(new).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (old, new))| difference(&format!("{at}[{i}]"), old, new))
        }
        (old, new) if old == new => None,
        (old, new) => Some(format!("{at} was {old} and is {new}")),
    }
}

#[test]
fn the_recordings_are_what_the_program_prints() {
    let folder = folder().join("tests/recorded");
    let all = all();
    let index: BTreeMap<_, _> = all
        .iter()
        .map(|(name, (arguments, exit, _))| (name, json!({"arguments": arguments, "exit": exit})))
        .collect();
    if std::env::var_os("STOPGAP_RECORD").is_some() {
        for (name, (_, _, object)) in &all {
            fs::write(folder.join(format!("{name}.json")), format!("{object:#}\n")).unwrap();
        }
        let text = serde_json::to_string_pretty(&index).unwrap();
        fs::write(folder.join("index.json"), text + "\n").unwrap();
    }
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}: STOPGAP_RECORD=1"))
    };
    assert_eq!(read("index"), json!(index), "STOPGAP_RECORD=1 cargo test writes them anew");
    let differ = |(name, (_, _, object)): (&&str, &(Vec<String>, i32, Value))| {
        difference(name, &kind_of("", &read(name)), &kind_of("", object))
    };
    let differences: Vec<String> = all.iter().filter_map(differ).collect();
    assert_eq!(differences, [""; 0], "STOPGAP_RECORD=1 cargo test writes them anew");
    // None is left of an earlier version.
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, all.len() + 1);
}

#[test]
fn a_recording_with_another_state_or_name_is_told() {
    let of = |value: Value| kind_of("", &value);
    let recorded = of(json!({"mitigations": [{"id": "M1", "state": "applied", "reason": "a"}]}));
    let same = of(json!({"mitigations": [{"id": "M1", "state": "applied", "reason": "b"}]}));
    assert_eq!(difference("list", &recorded, &same), None);
    let with_more = of(json!({"mitigations": [{"id": "M1", "state": "applied", "reason": "b",
                                               "reasons": []}], "more": 1}));
    assert_eq!(difference("list", &recorded, &with_more), None);
    for other in [
        json!({"mitigations": [{"id": "M1", "state": "failed", "reason": "a"}]}),
        json!({"mitigations": [{"id": "M1", "state": "applied", "reason": null}]}),
        json!({"mitigations": [{"id": "M1", "state": "applied"}]}),
        json!({"mitigations": []}),
    ] {
        assert!(difference("list", &recorded, &of(other)).is_some());
    }
}
