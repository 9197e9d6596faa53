//! When, on which sites and by what the attack was seen blocked: what an administrator reads at night, on
//! real servers that were down, came up, or are not what their files say.
#![cfg(unix)] // nginx of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

use std::fs;
use std::process::Command;

use scene::{ALL, NGINX, Scene, scene};
use serde_json::Value;
use stopgap_testkit::servers::Setup;

const READING: [&[&str]; 3] = [&["status"], &["list"], &["show", "WEB"]];

/// Every line fits, and has this text when it is read in one go.
#[track_caller]
fn reads(scene: &Scene, arguments: &[&str], told: &str) {
    let run = scene.read(arguments);
    for line in run.out.lines() {
        assert!(line.chars().count() <= 80 || !line.trim().contains(' '), "{line}");
    }
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&run.out).contains(&words(told)), "{arguments:?}: no {told:?} in\n{}", run.out);
}

#[test]
fn a_server_that_was_down_at_night_is_probed_when_it_runs_again_and_until_then_that_is_said() {
    for setup in ALL {
        let Some(mut scene) = scene(setup) else { continue };
        let kind = setup.kind;
        scene.stop();
        let run = scene.stopgap(&["check"]);
        assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{kind}: {}", run.out);
        assert!(run.reason("WEB").contains("not yet probed on"), "{kind}: {}", run.reason("WEB"));
        scene.start_again();
        assert!(scene.get_blocked("/stopgap-probe"), "{kind}");
        let files = scene.files();
        // Who only reads asks nobody.
        for arguments in READING {
            let run = scene.stopgap(arguments);
            assert!(run.out.contains("not yet probed on"), "{kind}: {}", run.out);
        }
        let run = scene.stopgap(&["check"]);
        assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{kind}: {}", run.out);
        assert!(!run.reason("WEB").contains("not yet"), "{kind}: {}", run.reason("WEB"));
        assert_eq!(run.json()["changed"], false, "{kind}");
        assert_eq!(
            run.json()["timings"].as_array().unwrap().len(),
            0,
            "{kind}: nothing is reloaded"
        );
        assert_eq!(scene.files(), files, "{kind}");
        for arguments in READING {
            assert!(!scene.stopgap(arguments).out.contains("not yet"), "{kind}: {arguments:?}");
        }
        reads(
            &scene,
            &["show", "WEB"],
            "1 of 1 attack probe blocked, 1 of 1 ordinary request passed on",
        );
        let seen = scene.stopgap(&["show", "WEB"]).json()["sightings"].clone();
        let attack = seen.as_array().unwrap().iter().find(|it| it["wanted"] == "blocked").unwrap();
        assert_eq!(attack["verdict"], "blocked", "{kind}: {seen}");
        assert_eq!(attack["request"], "GET /stopgap-%70robe", "{kind}");
    }
}

#[test]
fn an_nginx_that_came_up_without_the_rules_on_its_disk_is_not_called_protected() {
    let Some(mut scene) = scene(&NGINX) else { return };
    scene.stop();
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    // The disk with the rules was not mounted when it came up.
    let rules = fs::read_dir(scene.dir()).unwrap().flatten().map(|entry| entry.path());
    let rules: Vec<_> =
        rules.filter(|path| path.extension().is_some_and(|it| it == "rules")).collect();
    assert!(!rules.is_empty());
    let aside = |path: &std::path::Path| path.with_extension("aside");
    rules.iter().for_each(|path| fs::rename(path, aside(path)).unwrap());
    scene.start_again();
    rules.iter().for_each(|path| fs::rename(aside(path), path).unwrap());
    let files = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
    let told = "the probe \"marker\" is not blocked by";
    assert!(run.reason("WEB").contains(told), "{}", run.reason("WEB"));
    assert_eq!((run.json()["changed"].clone(), scene.files()), (false.into(), files));
    for arguments in READING {
        let run = scene.stopgap(arguments);
        assert_eq!(run.code, 1, "{arguments:?}");
        assert!(run.out.contains("not blocked by"), "{arguments:?}: {}", run.out);
    }
    reads(&scene, &["show", "WEB"], "NOT BLOCKED on");
    // The administrator reloads it; the next check sees that.
    let pid = scene.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
}

/// When and where the attack was last seen blocked is told, as what was.
#[track_caller]
fn tells_what_was_seen_before(scene: &Scene, at: &str) {
    let counts = "1 of 1 attack probe blocked, 1 of 1 ordinary request passed on";
    let port = scene.port(0);
    for site in ["b.test", "shop.test"] {
        let told = format!("before something changed there, and not seen since: {counts}");
        reads(scene, &["show", "WEB"], &told);
        reads(scene, &["show", "WEB"], &format!("{counts} {site}:{port}, "));
    }
    reads(
        scene,
        &["status"],
        "Seen before something changed there: 2 of 2 attack probes blocked, 2 of 2 ordinary requests passed on 2 sites, last ",
    );
    let listed = scene.stopgap(&["list"]).json();
    let of_it = listed["mitigations"].as_array().unwrap().iter().find(|it| it["id"] == "WEB");
    let evidence = &of_it.unwrap()["evidence"];
    assert_eq!((&evidence["blocked"], &evidence["last"]), (&0.into(), &Value::Null), "{evidence}");
    assert_eq!(evidence["missing"], Value::Array(Vec::new()), "nothing is asked there");
    let earlier = &evidence["earlier"];
    assert_eq!((&earlier["blocked"], &earlier["sites"]), (&2.into(), &2.into()), "{evidence}");
    assert_eq!(earlier["last"], at, "{evidence}");
    let named = [format!("b.test:{port}"), format!("shop.test:{port}")];
    assert_eq!(earlier["named"], Value::from(named.to_vec()), "{evidence}");
}

#[test]
fn when_the_attack_was_last_seen_blocked_is_told_on_the_night_on_which_something_goes_wrong() {
    let Some(scene) = scene(&NGINX) else { return };
    let check = scene.stopgap(&["check"]);
    assert_eq!(check.state("WEB"), "applied", "{}", check.out);
    let shown = scene.stopgap(&["show", "WEB"]).json();
    let at = shown["evidence"]["last"].as_str().unwrap().to_owned();
    assert_eq!(shown["evidence"]["earlier"], Value::Null, "{shown}");
    let good = fs::read_to_string(scene.config()).unwrap();
    let end = good.rfind('}').unwrap();
    let with = |more: &str| format!("{}{more}{}", &good[..end], &good[end..]);
    let states = |expected: &[&str]| {
        let run = scene.stopgap(&["list"]);
        assert!(expected.contains(&run.state("WEB").as_str()), "{expected:?}: {}", run.out);
    };
    // A brace is missing.
    fs::write(scene.config(), &good[..end]).unwrap();
    states(&["unknown", "conflict"]);
    tells_what_was_seen_before(&scene, &at);
    // A new block, with a word in it that nginx does not know.
    let port = scene.port(0);
    let more =
        format!("server {{ listen 127.0.0.1:{port}; server_name new.test; no_such_word; }}\n");
    fs::write(scene.config(), with(&more)).unwrap();
    states(&["drifted"]);
    tells_what_was_seen_before(&scene, &at);
    assert_eq!(scene.stopgap(&["check"]).code, 1);
    reads(&scene, &["show", "WEB"], "left alone: without anything of Stopgap,");
    tells_what_was_seen_before(&scene, &at);
    // A new block whose port another program has: nginx refuses that when it is reloaded.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let more = format!("server {{ listen 127.0.0.1:{port}; server_name new.test; return 200; }}\n");
    fs::write(scene.config(), with(&more)).unwrap();
    states(&["drifted"]);
    tells_what_was_seen_before(&scene, &at);
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(scene.get_blocked("/stopgap-probe"), "the processes of before still block");
    tells_what_was_seen_before(&scene, &at);
    // Once the server takes it, what is seen then is told, and what was seen before no more.
    drop(taken);
    let run = scene.stopgap(&["reapply", "WEB"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let shown = scene.stopgap(&["show", "WEB"]).json();
    assert_eq!(shown["evidence"]["earlier"], Value::Null, "{shown}");
    assert_eq!(shown["evidence"]["blocked"], 2, "{shown}");
    assert_ne!(shown["evidence"]["last"], at, "{shown}");
    assert!(!scene.read(&["show", "WEB"]).out.contains("before something changed"));
}

#[test]
fn what_show_prints_of_a_protected_server() {
    let Some(scene) = scene(&NGINX) else { return };
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let (dir, port) = (scene.dir_text(), scene.port(0).to_string());
    let shown = scene.read(&["show", "WEB"]);
    assert_eq!(shown.code, 0);
    let mut text = String::new();
    // What differs from run to run is left out, and so is how lines are broken for it.
    for word in shown.out.replace(&dir, "DIR").replace(&port, "PORT").split_whitespace() {
        let is_time = word.len() == 5 && word.as_bytes()[2] == b':';
        let is_hash = word.len() == 13 && word.ends_with(',');
        text.push_str(if is_time {
            "TIME"
        } else if is_hash {
            "HASH,"
        } else {
            word
        });
        text.push(' ');
    }
    let expected = "WEB A test of real servers Revision 1, HASH, DIR/catalog (unsigned) State applied \
        Why it is for every server Installed Stopgap WEB.1, Stopgap WEB.2, Stopgap WEB.3 \
        Against something without a CVE id (high) Impact None. \
        Seen on the sites (times in UTC) nginx:DIR/nginx.conf \
        1 of 1 attack probe blocked, 1 of 1 ordinary request passed on b.test:PORT, TIME \
        1 of 1 attack probe blocked, 1 of 1 ordinary request passed on shop.test:PORT, TIME \
        Actions on this server WEB.1 block-request: applied it is for every server in ";
    assert!(text.starts_with(expected), "\n{text}\n{expected}\n{}", shown.out);
    reads(
        &scene,
        &["status"],
        "Seen 2 of 2 attack probes blocked, 2 of 2 ordinary requests passed on 2 sites",
    );
}

#[test]
fn a_site_that_answers_every_request_with_502_is_told_to_whoever_runs_a_check() {
    let site = "server {\n  listen 127.0.0.1:{port0};\n  server_name b.test;\n  return 502;\n}\n";
    let Some(scene) = scene(&Setup { files: &[("sites/b.conf", site)], ..NGINX.clone() }) else {
        return;
    };
    let told =
        format!("not probed on b.test:{}, which answers every request with 502", scene.port(0));
    let note = format!("Note: WEB.1, WEB.2, WEB.3: {told}");
    for _ in 0..2 {
        let run = scene.read(&["check"]);
        assert_eq!(run.code, 0, "{}", run.out);
        let text = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.matches(&note).count(), 1, "{}", run.out);
        assert_eq!(text.matches(&told).count(), 1, "{}", run.out);
    }
    reads(&scene, &["check"], &note);
    reads(&scene, &["show", "WEB"], &told);
    reads(&scene, &["list"], &format!("not yet probed on b.test:{}", scene.port(0)));
}

#[test]
fn what_nginx_said_when_it_refused_is_readable_until_it_takes_the_rules() {
    let Some(scene) = scene(&NGINX) else { return };
    let good = fs::read_to_string(scene.config()).unwrap();
    fs::write(scene.config(), good.replace("http {", "http {\n  no_such_directive on;")).unwrap();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "conflict"), "{}", run.out);
    for arguments in READING {
        let run = scene.stopgap(arguments);
        assert_eq!(run.code, 1, "{arguments:?}: {}", run.out);
        let told = "unknown directive \\\"no_such_directive\\\"";
        assert!(run.out.contains(told), "{arguments:?}: {}", run.out);
    }
    let shown = scene.read(&["show", "WEB"]).out;
    assert!(!shown.contains(&format!("    in {}", scene.dir_text())), "{shown}");
    fs::write(scene.config(), good).unwrap();
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    for arguments in READING {
        assert!(!scene.stopgap(arguments).out.contains("no_such_directive"), "{arguments:?}");
    }
}

#[test]
fn a_failure_stays_readable_when_the_mitigation_is_switched_off_after_it() {
    let Some(scene) = scene(&NGINX) else { return };
    scene.run_by(
        "#!/bin/sh\ncase \" $* \" in *\" -t \"*)\n  grep -rq stopgap {dir}/.nginx.conf* \
         2>/dev/null && { echo 'nginx: [emerg] the night is dark' >&2; exit 1; }\n  ;;\nesac\n\
         exec {program} \"$@\"\n",
    );
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(run.reason("WEB").contains("the night is dark"), "{}", run.reason("WEB"));
    assert_eq!(scene.stopgap(&["disable"]).code, 0);
    let shown = scene.stopgap(&["show", "WEB"]).json();
    assert!(!shown["reason"].as_str().unwrap().contains("the night is dark"), "{shown}");
    for of_installed in ["\"in-place\"", "installed-and-", "; installed"] {
        assert!(!shown["actions"].to_string().contains(of_installed), "{shown}");
    }
    assert!(shown["last_failure"]["error"].as_str().unwrap().contains("the night is dark"));
    reads(&scene, &["show", "WEB"], "the night is dark");
}

#[test]
fn on_iis_show_says_that_no_request_was_sent_and_what_the_rules_block() {
    let tree = stopgap_testkit::Tree::exchange(common::VULNERABLE);
    assert_eq!(common::on(&tree, &["check"]).state("M1"), "applied");
    let mut command = common::command(&tree, &["show", "M1"]);
    let arguments: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
    command = Command::new(common::program());
    let run = common::Run::of(&command.args(arguments).output().unwrap());
    let text = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "Judged by the configuration of IIS, no request was sent: where the rules stand they \
                block";
    assert!(text.contains(told), "{}", run.out);
    assert!(!text.contains("Seen on the sites"), "{}", run.out);
    // What is not in place is not judged.
    assert_eq!(common::on(&tree, &["remove", "M1"]).state("M1"), "withdrawn");
    let again = Command::new(common::program()).args(command.get_args()).output().unwrap();
    assert!(!common::Run::of(&again).out.contains("Judged"));
}
