//! What was once told wrongly, or would have harmed: each with the test that keeps it away.

mod common;
#[allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]
mod tests {
    use crate::common::{FIXED, HOST_CONFIG, Run, VULNERABLE, command, on};
    use stopgap_model::ServerPath;
    use stopgap_testkit::Tree;

    const M1: &str = include_str!("../../../catalog/M1.toml");

    fn host_config() -> ServerPath {
        ServerPath::new(HOST_CONFIG)
    }

    fn text(tree: &Tree) -> String {
        String::from_utf8(tree.read(&host_config())).unwrap()
    }

    /// A catalog of one document, in a folder beside the tree's server.
    fn catalog(tree: &Tree, name: &str, document: &str) -> String {
        let folder = tree.root().with_file_name(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("M1.toml"), document).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_damaged_before_image_is_never_written_to_the_server() {
        for damage in ["truncate", "delete"] {
            let tree = Tree::exchange(VULNERABLE);
            let before = text(&tree);
            on(&tree, &["check"]);
            let image = tree.state().join("changes/000001/before/0");
            match damage {
                "truncate" => std::fs::write(&image, &before.as_bytes()[..3000]).unwrap(),
                _ => std::fs::remove_file(&image).unwrap(),
            }
            tree.set_exchange_build(FIXED);
            let check = on(&tree, &["check"]);
            assert_eq!(check.state("M1"), "withdrawn", "{damage}: {}", check.out);
            assert!(text(&tree) == before, "{damage}: the rule alone was taken out");
        }
    }

    #[test]
    fn remove_takes_back_although_the_version_cannot_be_read_any_more() {
        let tree = Tree::exchange(VULNERABLE);
        let before = text(&tree);
        on(&tree, &["check"]);
        tree.write(&ServerPath::new(stopgap_sandbox::SETUP_PROGRAM), b"");
        on(&tree, &["remove", "M1", "M2"]);
        assert!(text(&tree) == before);
    }

    #[test]
    fn a_rule_of_our_name_elsewhere_does_not_cover_the_site() {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["check"]);
        let protected = text(&tree);
        let start = protected.find("<rewrite>").unwrap();
        let end = protected.find("</rewrite>").unwrap() + "</rewrite>".len();
        let rules = &protected[start..end];
        let other = Tree::exchange(VULNERABLE);
        let elsewhere = format!(
            "<location path=\"Exchange Back End/EWS/bin\"><system.webServer>{rules}\
             </system.webServer></location></configuration>"
        );
        other
            .write(&host_config(), text(&other).replace("</configuration>", &elsewhere).as_bytes());
        let check = on(&other, &["check"]);
        assert_ne!(check.state("M1"), "covered", "{}", check.out);
    }

    #[test]
    fn an_equivalent_rule_behind_one_that_ends_the_set_does_not_cover() {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["check"]);
        let pass = "<rule name=\"pass\" stopProcessing=\"true\"><match url=\".*\" />\
                    <action type=\"None\" /></rule><rule name=\"By hand\"";
        let hidden = text(&tree).replacen("<rule name=\"Stopgap M1.1\"", pass, 1);
        let other = Tree::exchange(VULNERABLE);
        other.write(&host_config(), hidden.as_bytes());
        let check = on(&other, &["check"]);
        assert_eq!(check.state("M1"), "applied", "ours goes in front: {}", check.out);
        on(&other, &["remove", "M1"]);
        assert!(text(&other) == hidden);
    }

    #[test]
    fn a_server_that_answers_500_is_not_protected_by_that() {
        let tree = Tree::exchange(VULNERABLE);
        let broken = "<rewrite><globalRules><rule name=\"bad\"><match url=\"(\" />\
                      <action type=\"None\" /></rule></globalRules></rewrite></system.webServer>";
        let config = text(&tree);
        let server_level = &config[..config.find("<location path=\"\"").unwrap()];
        let at = server_level.rfind("</system.webServer>").unwrap();
        let end = at + "</system.webServer>".len();
        let edited = format!("{}{broken}{}", &config[..at], &config[end..]);
        tree.write(&host_config(), edited.as_bytes());
        let check = on(&tree, &["check"]);
        assert_eq!((check.code, check.state("M1")), (1, "conflict".into()), "{}", check.out);
        assert!(text(&tree) == edited);
    }

    #[test]
    fn a_rule_before_ours_that_cannot_be_evaluated_is_named_beside_the_action() {
        let tree = Tree::exchange(VULNERABLE);
        let unclear = "<rewrite><globalRules><rule name=\"By address\" stopProcessing=\"true\">\
                       <match url=\".*\" /><conditions><add input=\"{REMOTE_ADDR}\" \
                       pattern=\"^10\\.\" /></conditions><action type=\"None\" /></rule>\
                       </globalRules></rewrite></system.webServer>";
        let config = text(&tree);
        let server_level = &config[..config.find("<location path=\"\"").unwrap()];
        let at = server_level.rfind("</system.webServer>").unwrap();
        let end = at + "</system.webServer>".len();
        let edited = format!("{}{unclear}{}", &config[..at], &config[end..]);
        tree.write(&host_config(), edited.as_bytes());
        let check = on(&tree, &["check"]);
        assert_eq!(check.state("M1"), "applied", "{}", check.out);
        let notes = check.mitigation("M1")["actions"][0]["notes"].to_string();
        assert!(notes.contains("By address") && notes.contains("REMOTE_ADDR"), "{notes}");
    }

    #[test]
    fn a_removal_that_fails_is_told_as_failed() {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["check"]);
        let lock = std::fs::File::open(tree.locate(&host_config())).unwrap();
        lock.lock().unwrap();
        let removed = on(&tree, &["remove", "M1"]);
        assert_eq!((removed.code, removed.state("M1")), (1, "failed".into()), "{}", removed.out);
        drop(lock);
        assert_eq!(on(&tree, &["check"]).state("M1"), "withdrawn", "the next cycle tries again");
    }

    #[test]
    fn an_action_that_a_revision_dropped_is_taken_back() {
        let tree = Tree::exchange(VULNERABLE);
        let before = text(&tree);
        let renamed = M1.replace("M1.1", "M1.9");
        let old = catalog(&tree, "old", &renamed);
        on(&tree, &["check", "--catalog", &old]);
        assert!(text(&tree).contains("Stopgap M1.9"));
        let new = catalog(&tree, "new", &M1.replacen("revision = 5", "revision = 6", 1));
        on(&tree, &["check", "--catalog", &new]);
        assert!(text(&tree).contains("Stopgap M1.1") && !text(&tree).contains("Stopgap M1.9"));
        on(&tree, &["remove", "M1", "--catalog", &new]);
        assert!(text(&tree) == before);
    }

    #[test]
    fn an_unsigned_trial_does_not_stop_the_built_in_catalog() {
        let tree = Tree::exchange(VULNERABLE);
        let other = catalog(&tree, "other", &M1.replacen("None known", "Nothing known", 1));
        on(&tree, &["check", "--catalog", &other]);
        assert_eq!(on(&tree, &["check"]).code, 0);
        assert_eq!(on(&tree, &["remove", "M1"]).state("M1"), "withdrawn");
    }

    #[test]
    fn a_document_that_its_own_probes_belie_is_refused() {
        let tree = Tree::exchange(VULNERABLE);
        let wrong = M1.replacen("expect  = \"blocked\"", "expect  = \"allowed\"", 1);
        assert_ne!(wrong, M1);
        let folder = catalog(&tree, "wrong", &wrong);
        let run = on(&tree, &["check", "--catalog", &folder]);
        assert_eq!(run.code, 3, "{}", run.out);
        assert!(run.out.contains("must pass and is blocked"), "{}", run.out);
    }

    #[test]
    fn a_policy_file_that_was_named_must_be_there() {
        let tree = Tree::exchange(VULNERABLE);
        let run = on(&tree, &["check", "--policy", "/nonexistent/policy.toml"]);
        assert_ne!(run.code, 0, "{}", run.out);
        assert!(!text(&tree).contains("Stopgap"));
    }

    #[test]
    fn a_decision_taken_while_a_check_waits_for_the_lock_holds() {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["list"]);
        let lock = std::fs::File::create(tree.state().join("lock")).unwrap();
        lock.lock().unwrap();
        let piped = std::process::Stdio::piped;
        let mut check = command(&tree, &["check"]).stdout(piped()).stderr(piped()).spawn().unwrap();
        // It says that it waits as soon as it does.
        let mut said = [0];
        std::io::Read::read_exact(check.stderr.as_mut().unwrap(), &mut said).unwrap();
        let decisions = "[switched_off]\nby = \"root\"\nat = \"2026-01-01T00:00:00Z\"\n";
        std::fs::write(tree.state().join("decisions.toml"), decisions).unwrap();
        drop(lock);
        let run = Run::of(&check.wait_with_output().unwrap());
        assert_eq!(run.state("M1"), "pending", "{}", run.out);
        assert!(!text(&tree).contains("Stopgap"));
    }

    #[test]
    fn output_that_cannot_be_written_does_not_end_a_change_half_way() {
        let tree = Tree::exchange(VULNERABLE);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = command(&tree, &["check"]).stdout(full).status().unwrap();
        assert_eq!(status.code(), Some(1));
        assert_eq!(on(&tree, &["list"]).state("M1"), "applied");
    }
}
