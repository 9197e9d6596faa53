//! A real web server with a state folder, a policy and a catalog of the test's own.
#![allow(dead_code, reason = "each test program uses what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stopgap_model::WebKind;
use stopgap_testkit::servers::{Running, Setup};

use crate::common::{self, Run};

pub(crate) const NGINX: Setup<'static> = Setup {
    kind: WebKind::Nginx,
    config: "{basics}http {\n  access_log off;\n  server {\n    listen 127.0.0.1:{port0};\n    \
             server_name shop.test;\n    location / { return 200 \"ok\"; }\n  }\n  \
             include {dir}/sites/*.conf;\n}\n",
    files: &[(
        "sites/b.conf",
        "server {\r\n\tlisten 127.0.0.1:{port0};\r\n\tserver_name b.test;\r\n\treturn 200;\r\n}\r\n",
    )],
    arguments: &[],
};

pub(crate) const APACHE: Setup<'static> = Setup {
    kind: WebKind::Apache,
    config: "{basics}Listen 127.0.0.1:{port0}\nIncludeOptional {dir}/conf-enabled/*.conf\n\
             DocumentRoot {dir}/www\nFallbackResource /index.html\n\
             <VirtualHost 127.0.0.1:{port0}>\n  ServerName shop.test\n  DocumentRoot {dir}/www\n  \
             <Location \"/\">\n    Require all granted\n  </Location>\n</VirtualHost>\n\
             <VirtualHost 127.0.0.1:{port0}>\n  ServerName b.test\n  DocumentRoot {dir}/www\n\
             </VirtualHost>\n",
    files: &[("www/index.html", "ok\n"), ("conf-enabled/own.conf", "# the administrator's\n")],
    arguments: &[],
};

pub(crate) const HAPROXY: Setup<'static> = Setup {
    kind: WebKind::HaProxy,
    config: "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  \
             timeout server 5s\n  timeout connect 5s\n\nfrontend shop\n  bind 127.0.0.1:{port0}\n  \
             http-request return status 200 content-type text/plain string ok\n",
    files: &[],
    arguments: &[],
};

pub(crate) const ALL: [&Setup<'static>; 3] = [&NGINX, &APACHE, &HAPROXY];

pub(crate) const DOCUMENT: &str = r#"
schema = 1
id = "WEB"
revision = 1
title = "A test of real servers"
severity = "high"
impact = "None."

[[action]]
id = "WEB.1"
kind = "block-request"
deny = "abort"
when = [{ field = "uri", decode = ["url"], contains = "stopgap-probe" }]

[[action]]
id = "WEB.2"
kind = "block-request"
deny = "abort"
when = [{ field = "header:cookie", contains = "stopgap_marker" }]

[[action]]
id = "WEB.3"
kind = "block-request"
deny = "abort"
when = [
  { field = "method", equals = "POST" },
  { field = "path", starts-with = "/setup/" },
]

[[probe]]
name = "marker"
live = true
request = "GET /stopgap-%70robe"
expect = "blocked"

[[probe]]
name = "ordinary"
live = true
request = "GET /shop"
expect = "allowed"
"#;

/// A mitigation that blocks a text in the decoded target.
pub(crate) fn contains(text: &str) -> String {
    format!(
        "schema = 1\nid = \"QUOTE\"\nrevision = 1\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"QUOTE.1\"\n\
         kind = \"block-request\"\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", decode = [\"url\"], contains = {} }}]\n",
        toml_text(text)
    )
}

fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A real web server with what a run of the program needs.
pub(crate) struct Scene {
    running: Running,
}

/// Starts a server; `None` where it is not installed.
pub(crate) fn scene(setup: &Setup<'_>) -> Option<Scene> {
    let scene = Scene { running: setup.start()? };
    scene.publish(DOCUMENT);
    scene.write_policy(&[&scene]);
    Some(scene)
}

impl Scene {
    /// The catalog is this document from now on.
    pub(crate) fn publish(&self, document: &str) {
        let folder = self.dir().join("catalog");
        let _ = fs::remove_dir_all(&folder);
        self.running.write("catalog/document.toml", document.as_bytes());
    }

    fn write_policy(&self, servers: &[&Self]) {
        let entry = |server: &&Self| server.policy_entry(server.running.program());
        let text: String = servers.iter().map(entry).collect();
        self.running.write("policy/policy.toml", format!("[web]\nfind = false\n{text}").as_bytes());
    }

    fn policy_entry(&self, program: &Path) -> String {
        format!(
            "[[web.server]]\nkind = \"{}\"\nconfig = \"{}\"\nprogram = \"{}\"\nbase = \"{}\"\n",
            self.running.kind(),
            self.config().display(),
            program.display(),
            self.dir().display()
        )
    }

    /// The program of the server is this shell script from now on; in it `{dir}` is the server's
    /// folder and `{program}` what it runs.
    pub(crate) fn run_by(&self, script: &str) {
        let real = self.running.program().display().to_string();
        let text = self.filled(script).replace("{program}", &real);
        let program = self.running.write("program/script", text.as_bytes());
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");
        let text = format!("[web]\nfind = false\n{}", self.policy_entry(&program));
        self.running.write("policy/policy.toml", text.as_bytes());
    }

    /// The policy names the other server too.
    pub(crate) fn also(&self, other: &Self) {
        self.write_policy(&[self, other]);
    }

    /// The policy names another server of this kind too, which does not run: by its configuration.
    pub(crate) fn declare(&self, config: &str) {
        let entry = self.policy_entry(self.running.program());
        let other = format!(
            "[[web.server]]\nkind = \"{}\"\nconfig = \"{}\"\n",
            self.running.kind(),
            self.dir().join(config).display()
        );
        let text = format!("[web]\nfind = false\n{entry}{other}");
        self.running.write("policy/policy.toml", text.as_bytes());
    }

    /// The policy names this server by several configuration files.
    pub(crate) fn declare_configs(&self, configs: &[&str]) {
        let all: Vec<String> =
            configs.iter().map(|name| self.dir().join(name).display().to_string()).collect();
        let one = format!("config = \"{}\"", self.config().display());
        let entry = self.policy_entry(self.running.program());
        let text =
            format!("[web]\nfind = false\n{}", entry.replace(&one, &format!("config = {all:?}")));
        self.running.write("policy/policy.toml", text.as_bytes());
    }

    pub(crate) fn stopgap(&self, arguments: &[&str]) -> Run {
        let all = self.arguments(arguments);
        common::stopgap(&all.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The arguments that name the scene, and these.
    pub(crate) fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let (state, policy) = (self.dir().join("state"), self.dir().join("policy/policy.toml"));
        let catalog = self.dir().join("catalog");
        let mut all = vec![
            "--json".to_owned(),
            "--state".into(),
            state.display().to_string(),
            "--policy".into(),
            policy.display().to_string(),
            "--catalog".into(),
            catalog.display().to_string(),
            "--unsigned".into(),
        ];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        all
    }

    /// The server is stopped; what is in its folder stays.
    pub(crate) fn stop(&mut self) {
        self.running.stop();
    }

    /// The server is started again with what is in its folder.
    pub(crate) fn start_again(&mut self) {
        self.running.start_again();
    }

    /// What a person reads, and the exit code.
    pub(crate) fn read(&self, arguments: &[&str]) -> Run {
        let all = self.arguments(arguments);
        let all: Vec<&str> = all.iter().map(String::as_str).filter(|it| *it != "--json").collect();
        common::stopgap(&all)
    }

    /// The process id of the master that was started.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    pub(crate) fn port(&self, number: usize) -> u16 {
        self.running.port(number)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.running.dir()
    }

    pub(crate) fn dir_text(&self) -> String {
        self.dir().display().to_string()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.running.config()
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        self.running.filled(text)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.running.port(0)))
    }

    /// The files of the server's configuration, by their path.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["", "sites", "conf-enabled"] {
            let Ok(entries) = fs::read_dir(self.dir().join(folder)) else { continue };
            for entry in entries {
                let path = entry.expect("an entry").path();
                let name = path.to_string_lossy().into_owned();
                // What the test's own script counts is no configuration either.
                let is_log = [".log", "pid", "/tests"].iter().any(|end| name.ends_with(end));
                if path.is_file() && !is_log {
                    files.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        files
    }

    /// The status of an answer; 0 for a connection that is closed without one.
    pub(crate) fn ask(&self, method: &str, target: &str, headers: &str) -> u16 {
        self.ask_at(0, method, target, headers)
    }

    /// The status of an answer at another of its ports.
    pub(crate) fn get_at(&self, port: usize, target: &str) -> u16 {
        self.ask_at(port, "GET", target, "")
    }

    fn ask_at(&self, port: usize, method: &str, target: &str, headers: &str) -> u16 {
        let address = SocketAddr::from(([127, 0, 0, 1], self.running.port(port)));
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: shop.test\r\n{headers}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = Vec::new();
        // A connection that is reset is a closed one.
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn get(&self, target: &str) -> u16 {
        self.ask("GET", target, "")
    }

    pub(crate) fn get_blocked(&self, target: &str) -> bool {
        blocked(self.running.kind(), self.get(target))
    }
}

/// Whether this is how a server of this kind answers what it blocks.
pub(crate) fn blocked(kind: WebKind, status: u16) -> bool {
    status == if kind == WebKind::Apache { 403 } else { 0 }
}
