//! `docs/feed.md`: every command in it is run, in order, as it stands there.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use std::path::Path;
use std::process::Command;

use stopgap_model::ServerPath;
use stopgap_testkit::Tree;

use common::{Run, Service, Team};

const DOCUMENT: &str = include_str!("../../../docs/feed.md");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    let blocks = DOCUMENT.split(start.as_str()).skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a part")).collect()
}

/// A free port of the loopback address.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("an address").port()
}

/// A server that follows the feed.
struct Server(Tree);

impl Server {
    /// `stopgap` with these words, in the folder where the team is.
    fn run(&self, team: &Team, words: &str) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_stopgap-publish")).with_file_name("stopgap");
        assert!(program.is_file(), "build it first: cargo build --package stopgap-cli");
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).arg("--state").arg(self.0.state());
        // On a real server it is the machine itself.
        if words == "check" {
            command.arg("--root").arg(self.0.root());
        }
        Run::of(&team.as_here(command).output().expect("the program starts"))
    }

    fn configuration(&self) -> String {
        let file = ServerPath::new(stopgap_sandbox::APPLICATION_HOST);
        String::from_utf8_lossy(&self.0.read(&file)).into_owned()
    }
}

#[test]
fn a_team_runs_its_own_feed_from_nothing_by_the_commands_of_the_document() {
    let team = Team::new();
    let files = blocks("toml");
    team.write("ACME-1.toml", files[0]);
    team.write("policy.toml", files[1]);
    let address = format!("127.0.0.1:{}", free_port());
    let server = Server(Tree::exchange("15.2.1118.7"));
    let mut background = Vec::new();
    let mut run = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let line = line.replace("127.0.0.1:8080", &address);
        run += 1;
        if let Some(words) = line.strip_prefix("stopgap ") {
            let ended = server.run(&team, words);
            assert_eq!(ended.code, 0, "{line}\n{}\n{}", ended.out, ended.err);
            continue;
        }
        if let Some(line) = line.strip_suffix(" &") {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["stopgap-publish", "serve", folder, "--address", address] = words[..] else {
                panic!("{line}");
            };
            background.push(Service::at(&team, folder, address));
            continue;
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]);
        let output = team.as_here(shell).output().expect("a shell starts");
        let result = Run::of(&output);
        assert_eq!(result.code, 0, "{line}\n{}\n{}", result.out, result.err);
    }
    assert!(run > 15, "only {run} commands");
    let policy =
        team.metadata("www/metadata/4.targets.json")["signed"]["targets"]["policy.toml"].clone();
    assert!(policy.is_object());
    // The first publication was applied, and the withdrawal takes it back.
    assert!(server.configuration().contains("Stopgap ACME-1.1"));
    let ended = server.run(&team, "check");
    assert!(ended.out.contains("withdrawn"), "{}\n{}", ended.out, ended.err);
    assert!(!server.configuration().contains("Stopgap ACME-1.1"));
}

#[test]
fn the_first_feed_takes_ten_commands() {
    let commands: usize = blocks("sh")[..2].iter().map(|block| block.lines().count()).sum();
    assert_eq!(commands, 10);
}
