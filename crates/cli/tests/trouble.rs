//! Bad input and trouble: a clear error, and nothing lost.
#![cfg(unix)] // strace, which only Linux has
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{HOST_CONFIG, Run, VULNERABLE, on, place, program, stopgap};
use stopgap_model::ServerPath;
use stopgap_testkit::Tree;

const M1: &str = include_str!("../../../catalog/M1.toml");

fn host_config() -> ServerPath {
    ServerPath::new(HOST_CONFIG)
}

/// A folder with these documents, beside the tree's server.
fn catalog(tree: &Tree, documents: &[(&str, &[u8])]) -> PathBuf {
    let folder = tree.root().with_file_name("catalog");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in documents {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    folder
}

/// Checks a tree with one document, which must be refused and change nothing.
#[track_caller]
fn refused(document: &[u8], expected: &[&str]) {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    let folder = catalog(&tree, &[("bad.toml", document)]);
    let run = on(&tree, &["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!(run.code, 3, "{}", run.out);
    let error = run.json()["error"].as_str().unwrap().to_owned();
    for text in expected {
        assert!(error.contains(text), "no `{text}` in:\n{error}");
    }
    assert!(tree.snapshot() == before);
}

#[test]
fn a_document_that_is_not_utf_8_is_refused() {
    refused(b"schema = 1\nid = \"\xff\"\n", &["bad.toml", "UTF-8"]);
}

#[test]
fn an_empty_document_is_refused() {
    refused(b"", &["bad.toml", "empty"]);
}

#[test]
fn a_document_of_ten_megabytes_is_refused() {
    refused(&vec![b'#'; 10 * 1024 * 1024], &["bad.toml"]);
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_a_near_name() {
    let document = M1.replacen("severity", "severty", 1);
    refused(document.as_bytes(), &["bad.toml:", "severty", "severity"]);
}

#[test]
fn an_inverted_range_is_refused() {
    let document = M1.replacen("15.2.986.36", "15.2.0", 1);
    refused(document.as_bytes(), &["bad.toml:", "15.2.0"]);
}

#[test]
fn a_pattern_that_is_not_linear_is_refused() {
    let line = "{ field = \"uri\", matches = '(a+)+$' },";
    let document = M1.replacen("when  = [", &format!("when  = [\n{line}"), 1);
    let document = if document == M1 {
        M1.replacen("when = [", &format!("when = [\n{line}"), 1)
    } else {
        document
    };
    assert_ne!(document, M1);
    refused(document.as_bytes(), &["bad.toml:", "(a+)+", "repeats a repetition"]);
}

#[test]
fn everything_wrong_in_every_document_is_told_at_once() {
    let tree = Tree::exchange(VULNERABLE);
    let documents: [(&str, &[u8]); 2] =
        [("a.toml", b"schema = 1\nfoo = 1\n"), ("b.toml", b"schema = 1\nbar = 1\n")];
    let folder = catalog(&tree, &documents);
    let run = on(&tree, &["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!(run.code, 3);
    for text in ["a.toml", "foo", "b.toml", "bar"] {
        assert!(run.out.contains(text), "no {text} in {}", run.out);
    }
}

#[test]
fn a_revision_seen_before_with_other_content_is_refused_and_what_is_in_force_stays() {
    let tree = Tree::exchange(VULNERABLE);
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied");
    let protected = tree.snapshot();
    let document = M1.replacen("None known", "Nothing known", 1);
    assert_ne!(document, M1);
    let folder = catalog(&tree, &[("M1.toml", document.as_bytes())]);
    let run = on(&tree, &["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!(run.code, 3, "{}", run.out);
    assert!(run.out.contains("never names two contents"), "{}", run.out);
    assert!(tree.snapshot() == protected);
}

#[test]
fn a_catalog_without_a_mitigation_withdraws_nothing() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    on(&tree, &["check"]);
    let protected = tree.snapshot();
    let ping = include_bytes!("../../../catalog/PING1.toml");
    let folder = catalog(&tree, &[("PING1.toml", ping)]);
    let folder = folder.to_str().unwrap();
    let check = on(&tree, &["check", "--catalog", folder]);
    assert_eq!(check.state("M1"), "applied", "{}", check.out);
    assert!(tree.snapshot() == protected);
    on(&tree, &["remove", "M1", "M2", "--catalog", folder]);
    assert!(tree.snapshot() == before);
}

#[test]
fn an_unsigned_catalog_is_not_for_this_machine_itself() {
    let run = stopgap(&["--catalog", ".", "check"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("nobody signed"), "{}", run.err);
}

/// Checks a tree with this applicationHost.config, which must be refused and not be touched.
#[track_caller]
fn unusable(bytes: &[u8], expected: &str) {
    let tree = Tree::exchange(VULNERABLE);
    tree.write(&host_config(), bytes);
    let before = tree.snapshot();
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "unknown".into()), "{}", run.out);
    assert!(run.reason("M1").contains(expected), "{}", run.reason("M1"));
    assert!(tree.snapshot() == before);
}

fn sandbox_config() -> String {
    let tree = Tree::exchange(VULNERABLE);
    String::from_utf8(tree.read(&host_config())).unwrap()
}

#[test]
fn an_application_host_config_that_is_missing_leaves_everything_unknown() {
    let tree = Tree::exchange(VULNERABLE);
    tree.remove(&host_config());
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "unknown".into()), "{}", run.out);
    assert!(run.reason("M1").contains("applicationHost.config"), "{}", run.out);
}

#[test]
fn an_application_host_config_that_is_not_well_formed_is_left_alone() {
    unusable(sandbox_config().replacen("</sites>", "", 1).as_bytes(), "applicationHost.config");
}

#[test]
fn an_application_host_config_in_utf_16_is_left_alone() {
    let text = sandbox_config();
    let wide: Vec<u8> =
        "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    unusable(&wide, "UTF-16");
}

#[test]
fn an_application_host_config_with_a_dtd_is_left_alone() {
    let dtd = "<!DOCTYPE configuration [<!ENTITY a \"b\">]><configuration>";
    unusable(sandbox_config().replacen("<configuration>", dtd, 1).as_bytes(), "DTD");
}

#[test]
fn an_application_host_config_that_is_read_only_is_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    let file = tree.locate(&host_config());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "failed".into()), "{}", run.out);
    assert!(run.reason("M1").contains("read-only"), "{}", run.out);
    assert!(tree.snapshot() == before);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied", "the next cycle tries again");
}

#[test]
fn an_application_host_config_that_another_process_has_locked_is_left_alone() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    let file = std::fs::File::open(tree.locate(&host_config())).unwrap();
    file.lock().unwrap();
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "failed".into()), "{}", run.out);
    assert!(tree.snapshot() == before);
    drop(file);
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied");
}

#[test]
fn a_site_that_is_not_there_is_told_with_those_that_are() {
    let tree = Tree::exchange(VULNERABLE);
    let document = M1.replacen("Default Web Site", "Intranet", 1);
    let folder = catalog(&tree, &[("M1.toml", document.as_bytes())]);
    let run = on(&tree, &["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!((run.code, run.state("M1")), (1, "unsupported".into()), "{}", run.out);
    let reason = run.reason("M1");
    assert!(reason.contains("Intranet") && reason.contains("Default Web Site"), "{reason}");
}

#[test]
fn a_virtual_directory_that_is_not_there_is_told() {
    let tree = Tree::exchange(VULNERABLE);
    let document = M1.replacen(
        "site = \"Default Web Site\"",
        "site = \"Default Web Site\", path = \"/nowhere\"",
        1,
    );
    assert_ne!(document, M1);
    // Its probes are for where it is.
    let document = document.replace(" /", " /nowhere/");
    let folder = catalog(&tree, &[("M1.toml", document.as_bytes())]);
    let run = on(&tree, &["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!(run.state("M1"), "unsupported", "{}", run.out);
    assert!(run.reason("M1").contains("/nowhere"), "{}", run.out);
}

#[test]
fn without_the_rewrite_module_nothing_is_written() {
    let tree = Tree::exchange(VULNERABLE);
    let text = String::from_utf8(tree.read(&host_config())).unwrap();
    tree.write(&host_config(), text.replace("RewriteModule", "OtherModule").as_bytes());
    let before = tree.snapshot();
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "unsupported".into()), "{}", run.out);
    assert!(run.reason("M1").contains("RewriteModule"), "{}", run.out);
    assert!(tree.snapshot() == before);
}

#[test]
fn a_rule_name_that_is_taken_is_a_conflict() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    let text = String::from_utf8(tree.read(&host_config())).unwrap();
    let other = Tree::exchange(VULNERABLE);
    other.write(
        &host_config(),
        text.replace(">AbortRequest<", "").replace("powershell", "else").as_bytes(),
    );
    let before = other.snapshot();
    let run = on(&other, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "conflict".into()), "{}", run.out);
    assert!(run.reason("M1").contains("Stopgap M1.1"), "{}", run.out);
    assert!(other.snapshot() == before);
}

#[test]
fn an_equivalent_rule_of_an_administrator_is_left_alone() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    let text = String::from_utf8(tree.read(&host_config())).unwrap();
    let other = Tree::exchange(VULNERABLE);
    other.write(&host_config(), text.replace("Stopgap M1.1", "By hand").as_bytes());
    let before = other.snapshot();
    let run = on(&other, &["check"]);
    assert_eq!((run.code, run.state("M1")), (0, "covered".into()), "{}", run.out);
    assert!(run.reason("M1").contains("By hand"), "{}", run.out);
    assert!(other.snapshot() == before);
}

#[test]
fn an_unreadable_setup_program_is_unknown_and_no_decision_is_built_on_it() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    tree.write(&ServerPath::new(stopgap_sandbox::SETUP_PROGRAM), b"MZ torn");
    let protected = tree.snapshot();
    let run = on(&tree, &["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "unknown".into()), "{}", run.out);
    assert!(run.reason("M1").contains("stays"), "{}", run.out);
    assert!(tree.snapshot() == protected, "what is installed stays");
}

#[test]
fn a_second_instance_waits_and_then_says_who_holds_the_lock() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["list"]);
    let lock = std::fs::File::create(tree.state().join("lock")).unwrap();
    lock.lock().unwrap();
    let run = on(&tree, &["check", "--wait", "1"]);
    assert_eq!(run.code, 4, "{}", run.out);
    assert!(run.err.contains("waiting for"), "{}", run.err);
    drop(lock);
    assert_eq!(on(&tree, &["check"]).code, 0);
}

#[test]
fn a_full_disk_while_capturing_changes_nothing() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is not installed");
        return;
    }
    for nth in 1..12 {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["list"]);
        let before = tree.snapshot();
        let output = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=write"])
            .args(["-e", &format!("inject=write:error=ENOSPC:when={nth}+")])
            .arg(program())
            .args(place(&tree))
            .arg("check")
            .output()
            .unwrap();
        let run = Run::of(&output);
        assert_ne!(run.code, 0, "write {nth}: {}", run.out);
        assert_eq!(common::leftovers(&tree.root()), [""; 0], "write {nth}");
        let after = tree.snapshot();
        let check = on(&tree, &["check"]);
        assert_eq!(check.state("M1"), "applied", "write {nth}: {}", check.out);
        on(&tree, &["remove", "M1", "M2"]);
        assert!(tree.snapshot() == before, "write {nth}");
        // Until the before-image and the intent are on disk, the server is not touched.
        assert!(nth > 3 || after == before, "write {nth}");
    }
}

/// Runs a check in which the `nth` call of `call`, and every one after it if `later` is `+`, fails with `error`;
/// answers its run and whether it came to that.
fn failing(tree: &Tree, call: &str, error: &str, nth: u32, later: &str) -> (Run, bool) {
    let log = tree.root().with_file_name("strace.log");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:error={error}:when={nth}{later}")])
        .arg(program())
        .args(place(tree))
        .arg("check")
        .output()
        .unwrap();
    let injected = std::fs::read_to_string(&log).unwrap().contains("(INJECTED)");
    (Run::of(&output), injected)
}

#[test]
fn a_disk_that_fails_at_any_write_of_the_state_leaves_nothing_half_done_and_says_what_is() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is not installed");
        return;
    }
    let calls = [("pwrite64", "EIO"), ("fallocate", "ENOSPC"), ("renameat", "EIO")];
    for (call, error) in calls {
        for later in ["", "+"] {
            let mut moments = 0;
            for nth in 1.. {
                let tree = Tree::exchange(VULNERABLE);
                let original = tree.snapshot();
                let (run, injected) = failing(&tree, call, error, nth, later);
                if !injected {
                    break;
                }
                moments += 1;
                let moment = format!("{error} at {call} {nth}{later}: {} {}", run.out, run.err);
                let applied = run.out.contains("\"mitigations\"") && run.state("M1") == "applied";
                let changed = tree.snapshot() != original;
                // Where the server's own disk fails as well, that is told with where its bytes are.
                let stuck = run.out.contains("could not be put back");
                assert!(applied == changed || (changed && stuck), "another is told: {moment}");
                assert!(stuck || common::leftovers(&tree.root()).is_empty(), "{moment}");
                let check = on(&tree, &["check"]);
                assert_eq!(check.state("M1"), "applied", "{moment}: {}", check.out);
                on(&tree, &["remove", "M1", "M2"]);
                assert!(tree.snapshot() == original, "{moment}");
            }
            assert!(moments > 0, "{call} was never called");
        }
    }
}

#[test]
fn a_policy_file_with_a_misspelt_key_stops_every_change() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    let policy = tree.root().with_file_name("policy.toml");
    std::fs::write(&policy, "[server]\nenabeld = false\n").unwrap();
    let run = on(&tree, &["check", "--policy", policy.to_str().unwrap()]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.out.contains("enabeld"), "{}", run.out);
    assert!(tree.snapshot() == before);
}

#[test]
fn a_state_folder_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = Tree::exchange(VULNERABLE);
    std::fs::create_dir(tree.state()).unwrap();
    std::fs::write(tree.state().join("notes.txt"), "mine").unwrap();
    std::fs::set_permissions(tree.state(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = on(&tree, &["check"]);
    assert_eq!(run.code, 5, "{}", run.out);
    let mode = std::fs::metadata(tree.state()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755, "a folder that is not ours is not changed");
}

#[test]
fn everything_in_the_state_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    fn look(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}", path.display());
            if path.is_dir() {
                look(&path);
            }
        }
    }
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    on(&tree, &["block", "M1"]);
    look(&tree.state());
}
