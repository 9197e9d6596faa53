//! A security team with its machines, in a temporary folder, that runs the program as people do.
#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

pub(crate) mod client;
pub(crate) mod scratch;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use stopgap_sign::SigningKey;

/// The passphrases of the team.
pub(crate) const OFFLINE: &str = "offline words";
pub(crate) const ONLINE: &str = "online words";

/// What a run of the program came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends_with(0)
    }

    /// It ended with this exit code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nout: {}\nerr: {}", self.out, self.err);
        self
    }

    /// It said this, in the output or as an error, wherever the lines were broken.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = format!("{} {}", self.out, self.err);
        let said: Vec<&str> = said.split_whitespace().collect();
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = text.join(" ");
        assert!(said.join(" ").contains(&text), "no `{text}` in\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\nout: {}\nerr: {}", self.out, self.err))
    }
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_stopgap-publish")
}

/// A temporary folder with a team's machines, removed when this is dropped.
pub(crate) struct Team(PathBuf);

impl Team {
    /// A team that has nothing yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-publish-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    /// A team with a publisher's folder `acme`.
    pub(crate) fn with_feed() -> Self {
        let team = Self::new();
        team.acme(&["init"]).ok();
        team
    }

    /// A team that published the first revision of `A-1` in `www`.
    pub(crate) fn published() -> Self {
        let team = Self::with_feed();
        team.add("A-1", 1);
        team.sign_targets();
        team.acme(&["publish", "www"]).ok();
        team
    }

    pub(crate) fn path(&self, rel: &str) -> PathBuf {
        self.0.join(rel)
    }

    pub(crate) fn read(&self, rel: &str) -> String {
        String::from_utf8_lossy(&self.bytes(rel)).into_owned()
    }

    pub(crate) fn bytes(&self, rel: &str) -> Vec<u8> {
        std::fs::read(self.path(rel)).unwrap_or_else(|error| panic!("{rel}: {error}"))
    }

    pub(crate) fn write(&self, rel: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(rel);
        let above = path.parent().expect("a folder");
        std::fs::create_dir_all(above).expect("the folder can be made");
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{rel}: {error}"));
    }

    /// The program, started in the team's folder by somebody without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(program()).args(arguments);
        self.as_here(command)
    }

    /// A command in the team's folder, with the team's passphrases.
    pub(crate) fn as_here(&self, mut command: Command) -> Command {
        command.current_dir(&self.0).env_clear().env("PATH", path_variable());
        command.env("STOPGAP_PASSPHRASE", OFFLINE).env("STOPGAP_ONLINE_PASSPHRASE", ONLINE);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of(&self.command(arguments).output().expect("the program starts"));
        for line in run.out.lines().chain(run.err.lines()) {
            // One long word cannot be broken, and a line of a document is shown as it is.
            let may_be_wide = line.contains(" | ") || line.starts_with('{');
            let is_wide = line.chars().count() > 80 && line.split_whitespace().count() > 2;
            assert!(may_be_wide || !is_wide, "too wide: {line}");
        }
        run
    }

    /// Runs the program on the publisher's folder `acme`.
    pub(crate) fn acme(&self, arguments: &[&str]) -> Run {
        self.on("acme", arguments)
    }

    /// Runs the program on a publisher's folder.
    pub(crate) fn on(&self, folder: &str, arguments: &[&str]) -> Run {
        self.run(&[&["--dir", folder], arguments].concat())
    }

    /// Writes a mitigation and adds it.
    pub(crate) fn add(&self, id: &str, revision: u32) -> Run {
        let file = format!("{id}.toml");
        self.write(&file, mitigation(id, revision, "One"));
        self.acme(&["add", &file]).ok()
    }

    pub(crate) fn sign_targets(&self) -> Run {
        self.acme(&["sign", "targets", "--key", "acme/keys/offline/targets-1.key"]).ok()
    }

    pub(crate) fn sign_root(&self) -> Run {
        self.acme(&["sign", "root", "--key", "acme/keys/offline/root-1.key"]).ok()
    }

    /// The names in a folder, sorted, without hidden ones.
    pub(crate) fn names(&self, rel: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(rel)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Another team with the same files.
    pub(crate) fn twin(&self) -> Self {
        let twin = Self::new();
        let copied = Command::new("cp").arg("-a").arg(self.path(".")).arg(twin.path(".")).status();
        assert!(copied.expect("cp starts").success());
        twin
    }

    /// Copies a folder, for another machine or for later.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        let copied = Command::new("cp").arg("-a").arg(&from).arg(&to).status();
        assert!(copied.expect("cp starts").success(), "{} to {}", from.display(), to.display());
    }

    /// Metadata of a repository.
    pub(crate) fn metadata(&self, rel: &str) -> Value {
        serde_json::from_slice(&self.bytes(rel)).unwrap_or_else(|error| panic!("{rel}: {error}"))
    }

    /// A key file opened by OpenSSL.
    pub(crate) fn key(&self, rel: &str, passphrase: &str) -> SigningKey {
        let output = Command::new("openssl")
            .args(["pkey", "-outform", "DER", "-passin", &format!("pass:{passphrase}"), "-in"])
            .arg(self.path(rel))
            .output()
            .expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        SigningKey::from_pkcs8(&output.stdout).expect("an Ed25519 key")
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The built programs in front of the machine's.
pub(crate) fn path_variable() -> String {
    let built = Path::new(program()).parent().expect("a folder").display();
    format!("{built}:{}", std::env::var("PATH").unwrap_or_default())
}

/// A mitigation document without fault.
pub(crate) fn mitigation(id: &str, revision: u32, title: &str) -> String {
    format!(
        r#"schema = 1
id = "{id}"
revision = {revision}
title = "{title}"
severity = "high"
impact = "The page answers nobody."

[[affected]]
product = "microsoft/exchange-server"
ranges = [{{ introduced = "15.1.0", fixed = "15.2.1544.41" }}]

[[action]]
id = "{id}.1"
kind = "block-request"
scope = {{ site = "Default Web Site" }}
deny = "abort"
when = [{{ field = "uri", decode = ["url"], contains = "/{id}/debug" }}]

[[probe]]
name = "marker"
live = true
request = "GET /{id}/debug?stopgap-probe"
expect = "blocked"

[[probe]]
name = "marker, encoded"
live = true
request = "GET /{id}/%64ebug?stopgap-probe"
expect = "blocked"

[[probe]]
name = "the front page"
live = true
request = "GET /{id}/"
expect = "allowed"
"#
    )
}

/// A folder that the program serves, until this is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
}

impl Service {
    pub(crate) fn start(team: &Team, folder: &str) -> Self {
        Self::at(team, folder, "127.0.0.1:0")
    }

    /// Serves at an address, and waits until it does.
    pub(crate) fn at(team: &Team, folder: &str, address: &str) -> Self {
        let mut command = team.as_here(Command::new(program()));
        command.args(["serve", folder, "--address", address]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("no address: {line}")).to_owned();
        Self { child, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
