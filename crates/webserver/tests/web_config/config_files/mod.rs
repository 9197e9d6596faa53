//! Configuration files in memory, as a host would have them.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeMap;

use stopgap_model::host::{Fact, ServerPath};
use stopgap_model::reason::{ConfigTrouble, WebRefusal};
use stopgap_model::version::Version;
use stopgap_model::web::{Account, WebKind, WebServer, WebSite};
use stopgap_webserver::RuleText;
use stopgap_webserver::{Files, Need, OverBudget, Passage, Placement, Read};

/// The files of a machine: the bytes of each, and the links.
#[derive(Clone, PartialEq, Eq)]
pub struct Machine {
    /// The files that cannot be changed.
    pub fixed: Vec<String>,
    /// The files that cannot be read.
    pub unreadable: Vec<String>,
    pub server: WebServer,
    pub files: BTreeMap<String, Vec<u8>>,
    pub links: BTreeMap<String, String>,
}

pub fn server(kind: WebKind, config: &[&str], base: &str) -> WebServer {
    WebServer {
        kind,
        program: ServerPath::new("/usr/sbin/server"),
        config: config.iter().map(|path| ServerPath::new(*path)).collect(),
        base: ServerPath::new(base),
        variables: BTreeMap::new(),
        defines: Vec::new(),
        account: Account::root(),
        version: Fact::Known(Version::from_parts(&[2, 4, 66])),
        modules: Fact::Known(vec!["core.c".into(), "mod_so.c".into(), "http_core.c".into()]),
        running: Fact::Known(true),
        source: "a test".into(),
        doubt: None,
        dormant: None,
        identity: String::new(),
    }
}

/// Reasons as sentences.
pub fn sentences<T: ToString>(reasons: &[T]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut map = f.debug_map();
        for (path, bytes) in &self.files {
            map.entry(path, &String::from_utf8_lossy(bytes));
        }
        map.finish()
    }
}

impl Machine {
    pub fn new(server: WebServer, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).into(), text.as_bytes().into()));
        let (fixed, unreadable, links) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { fixed, unreadable, server, files: files.collect(), links }
    }

    pub fn nginx(files: &[(&str, &str)]) -> Self {
        Self::new(server(WebKind::Nginx, &["/etc/nginx/nginx.conf"], "/usr/share/nginx"), files)
    }

    pub fn haproxy(text: &str) -> Self {
        let server = server(WebKind::HaProxy, &["/etc/haproxy/haproxy.cfg"], "/");
        Self::new(server, &[("/etc/haproxy/haproxy.cfg", text)])
    }

    pub fn apache(files: &[(&str, &str)]) -> Self {
        let server = server(WebKind::Apache, &["/etc/apache2/apache2.conf"], "/etc/apache2");
        Self::new(server, files)
    }

    pub fn link(mut self, path: &str, to: &str) -> Self {
        self.links.insert(path.into(), to.into());
        self
    }

    fn found(&self, path: &ServerPath) -> Read {
        let real = self.links.get(path.as_str()).cloned().unwrap_or_else(|| path.to_string());
        match self.files.get(&real) {
            Some(_) if self.unreadable.contains(&real) => {
                Read::Unreadable(stopgap_model::Reasons::text("the test says so"))
            }
            Some(bytes) => Read::Found { real: ServerPath::new(real), bytes: bytes.clone() },
            None => Read::Absent,
        }
    }

    /// The files and links that a pattern matches: `*` alone, in one part of the path, or more.
    fn matching(&self, pattern: &str) -> Vec<ServerPath> {
        let all = self.files.keys().chain(self.links.keys());
        all.filter(|path| fits(pattern, path)).map(ServerPath::new).collect()
    }

    pub fn read(&self) -> Result<Files, OverBudget> {
        let mut files = Files::new(&self.server);
        for _ in 0..1000 {
            let needs = files.needs();
            if needs.is_empty() {
                for path in &self.fixed {
                    files.fix(
                        ServerPath::new(path.as_str()),
                        stopgap_model::Reasons::text("it is held fast"),
                    );
                }
                return Ok(files);
            }
            for need in needs {
                match need {
                    Need::File(path) => files.provide(path.clone(), self.found(&path))?,
                    Need::Glob(pattern) => {
                        let found = self.matching(&pattern);
                        files.provide_glob(pattern, Ok(found))?;
                    }
                }
            }
        }
        panic!("the needs have no end: {:?}", files.needs());
    }

    pub fn sites(&self) -> Vec<WebSite> {
        self.read().unwrap().layout().unwrap().sites()
    }

    pub fn told_sites(&self) -> Vec<String> {
        self.sites().iter().map(|site| format!("{site} {:?}", site.listen)).collect()
    }

    /// What blocks answer by themselves, each as `block: how of NAMES without TLS, by what`.
    pub fn own_answers(&self) -> Vec<String> {
        let files = self.read().unwrap();
        let own = files.layout().unwrap().own_answers();
        let told = own.iter().map(|own| {
            let names = own.only.names.as_ref().map(|names| format!(" of {names:?}"));
            let plain = if own.only.plain { " without TLS" } else { "" };
            let (block, answers, by) = (own.block, &own.answers, &own.by);
            format!("{block}: {answers:?}{}{plain}, {by}", names.unwrap_or_default())
        });
        told.collect()
    }

    pub fn trouble(&self) -> ConfigTrouble {
        self.read().unwrap().layout().map(|_| ()).unwrap_err()
    }

    pub fn passages(&self) -> Vec<Passage> {
        self.read().unwrap().layout().unwrap().passages()
    }

    pub fn gaps(&self, text: &RuleText) -> Vec<String> {
        sentences(&self.read().unwrap().layout().unwrap().gaps(text))
    }

    pub fn holes(&self, text: &RuleText) -> Vec<String> {
        sentences(&self.read().unwrap().layout().unwrap().holes(text))
    }

    pub fn unreached(&self, text: &RuleText) -> Vec<String> {
        let files = self.read().unwrap();
        files.layout().unwrap().unreached(text).iter().map(ToString::to_string).collect()
    }

    pub fn written_files(&self) -> Vec<String> {
        let files = self.read().unwrap();
        files.layout().unwrap().written_files().iter().map(ToString::to_string).collect()
    }

    pub fn try_place(&self, text: &RuleText) -> Result<Placement, WebRefusal> {
        self.read().unwrap().layout().unwrap().place(text)
    }

    /// Why a text has no place, as a sentence.
    pub fn refusal(&self, text: &RuleText) -> String {
        self.try_place(text).unwrap_err().to_string()
    }

    pub fn place(&self, text: &RuleText) -> Placement {
        self.try_place(text).unwrap()
    }

    /// The machine after these edits.
    pub fn after(&self, placement: &Placement) -> Self {
        let mut after = self.clone();
        for edit in &placement.edits {
            let path = edit.path.as_str();
            assert_eq!(edit.before.as_ref(), self.files.get(path), "{path}");
            assert_ne!(edit.before, edit.after, "{path}");
            match &edit.after {
                Some(bytes) => after.files.insert(path.into(), bytes.clone()),
                None => after.files.remove(path),
            };
        }
        after
    }

    pub fn with(&self, text: &RuleText) -> Self {
        self.after(&self.place(text))
    }

    pub fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.files[path]).unwrap()
    }

    /// Puts a text in, which is the same the second time, and takes it out to the byte.
    pub fn there_and_back(&self, text: &RuleText, empty: &RuleText) -> Self {
        let placed = self.with(text);
        let again = placed.place(text);
        let second = placed.after(&again);
        assert!(again.edits.is_empty(), "not idempotent: {placed:?}\nsecond: {second:?}");
        assert_eq!(again.differences, Vec::new());
        let out = placed.with(empty);
        assert!(out.files == self.files, "not exact: {self:?}\nplaced: {placed:?}\nout: {out:?}");
        assert_eq!(self.place(empty).edits, Vec::new());
        placed
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let part = |(pattern, name): (&&str, &&str)| match pattern.split_once('*') {
        Some((head, tail)) => {
            !name.starts_with('.')
                && name.len() >= head.len() + tail.len()
                && name.starts_with(head)
                && name.ends_with(tail)
        }
        None => pattern == name,
    };
    pattern.len() == path.len() && pattern.iter().zip(&path).all(part)
}

pub fn nginx_text(http: &str, server: &str, upstream: &str) -> RuleText {
    RuleText::Nginx { http: http.into(), server: server.into(), upstream: upstream.into() }
}

pub fn no_nginx() -> RuleText {
    nginx_text("", "", "")
}

pub fn haproxy_text(lines: &[&str]) -> RuleText {
    RuleText::HaProxy { frontend: lines.iter().map(|line| (*line).to_owned()).collect() }
}

pub fn apache_text(server: &str) -> RuleText {
    RuleText::Apache { server: server.into() }
}

/// A folder of the test's own in the real file system, removed at the end.
pub struct Scratch(pub std::path::PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stopgap-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes all files of a machine, which are in this folder.
    pub fn write(&self, machine: &Machine) {
        for (path, bytes) in &machine.files {
            let path = std::path::Path::new(path);
            assert!(path.starts_with(&self.0));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a program accepts its configuration; `None`, said visibly, if it is not installed.
pub fn accepts(program: &str, arguments: &[&str]) -> Option<Result<(), String>> {
    let output = match std::process::Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(_) => {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}
