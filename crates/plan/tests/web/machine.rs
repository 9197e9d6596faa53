//! A web server with its files, in memory.

use std::collections::BTreeMap;

use stopgap_model::web::{Account, WebFacts, WebServer};
use stopgap_model::{Fact, Reasons, ServerId, ServerPath, Version, WebKind};
use stopgap_plan::WebConfig;
use stopgap_webserver::{Files, Need, Read};

pub(crate) const KINDS: [WebKind; 3] = [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy];

pub(crate) const NGINX: &str = "/etc/nginx/nginx.conf";
pub(crate) const APACHE: &str = "/etc/apache2/apache2.conf";
pub(crate) const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";

pub(crate) const SITE_A: &str = "/etc/nginx/sites/a";
pub(crate) const SITE_B: &str = "/etc/nginx/sites/b";

/// The file of ours that has what is decided, of nginx and of Apache.
pub(crate) const NGINX_OWN: &str = "/etc/nginx/stopgap-http.rules";
pub(crate) const APACHE_OWN: &str = "/etc/apache2/conf-enabled/stopgap.conf";

const NGINX_FILES: &[(&str, &str)] = &[
    (NGINX, "events {}\nhttp {\n  include sites/*;\n}\n"),
    (SITE_A, "server {\n  listen 80;\n  server_name a.test;\n}\n"),
    (SITE_B, "server {\n  listen 80;\n  server_name b.test;\n}\n"),
];

const APACHE_FILES: &[(&str, &str)] = &[
    (
        APACHE,
        "Listen 80\nIncludeOptional conf-enabled/*.conf\n<VirtualHost *:80>\n  ServerName a.test\n\
         </VirtualHost>\n",
    ),
    ("/etc/apache2/conf-enabled/charset.conf", "# nothing\n"),
];

const HAPROXY_FILES: &[(&str, &str)] = &[(
    HAPROXY,
    "defaults\n  mode http\nfrontend web\n  bind :80\n  default_backend app\nfrontend inner\n  \
     bind 127.0.0.1:8080\n  default_backend app\nbackend app\n  server a 127.0.0.1:3000\n",
)];

/// A web server with its files.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) server: WebServer,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The files that cannot be changed.
    pub(crate) fixed: Vec<String>,
    /// The files that cannot be read.
    pub(crate) unreadable: Vec<String>,
    /// The modules that it has.
    pub(crate) modules: Vec<String>,
    pub(crate) incomplete: Option<String>,
    pub(crate) refused: Option<String>,
}

impl Machine {
    /// A server of this kind as its package installs it.
    pub(crate) fn usual(kind: WebKind) -> Self {
        match kind {
            WebKind::Nginx => Self::new(kind, NGINX_FILES),
            WebKind::Apache => Self::new(kind, APACHE_FILES),
            WebKind::HaProxy => Self::new(kind, HAPROXY_FILES),
        }
    }

    /// A server with these files, of which the first is the main one.
    pub(crate) fn new(kind: WebKind, files: &[(&str, &str)]) -> Self {
        let main = ServerPath::new(files[0].0);
        let version: &[u32] = match kind {
            WebKind::Nginx => &[1, 26, 3],
            WebKind::Apache => &[2, 4, 62],
            WebKind::HaProxy => &[3, 0, 8],
        };
        let modules: &[&str] = if kind == WebKind::Apache { &["headers_module"] } else { &[] };
        Self {
            server: WebServer {
                kind,
                program: ServerPath::new(format!("/usr/sbin/{kind}")),
                base: main.folder().unwrap(),
                config: vec![main],
                variables: BTreeMap::new(),
                defines: Vec::new(),
                account: Account::root(),
                version: Fact::Known(Version::from_parts(version)),
                modules: Fact::Absent,
                running: Fact::Known(true),
                source: "its package's defaults".into(),
                doubt: None,
                dormant: None,
                identity: "process 812".into(),
            },
            files: files
                .iter()
                .map(|(path, text)| ((*path).into(), text.as_bytes().into()))
                .collect(),
            fixed: Vec::new(),
            unreadable: Vec::new(),
            modules: modules.iter().map(|module| (*module).to_owned()).collect(),
            incomplete: None,
            refused: None,
        }
    }

    pub(crate) fn id(&self) -> ServerId {
        self.server.id()
    }

    pub(crate) fn has_version(&mut self, parts: &[u32]) {
        self.server.version = Fact::Known(Version::from_parts(parts));
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.files[path].clone()).unwrap()
    }

    pub(crate) fn main_has(&self, text: &str) -> bool {
        self.text(self.server.config[0].as_str()).contains(text)
    }

    pub(crate) fn write(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
    }

    pub(crate) fn append(&mut self, path: &str, text: &str) {
        self.write(path, &format!("{}{text}", self.text(path)));
    }

    /// Somebody edits a file: the one place where `from` stands.
    pub(crate) fn edit(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
        self.write(path, &text.replace(from, to));
    }

    /// Somebody takes all lines out of a file that contain a text.
    pub(crate) fn cut_lines(&mut self, path: &str, containing: &str) {
        let text = self.text(path);
        let (gone, kept): (Vec<&str>, Vec<&str>) =
            text.split_inclusive('\n').partition(|line| line.contains(containing));
        assert!(!gone.is_empty(), "`{containing}` in {text}");
        self.write(path, &kept.concat());
    }

    /// The server as it is read.
    pub(crate) fn config(&self) -> WebConfig {
        let (server, modules) = (self.server.clone(), self.modules.clone());
        let facts = WebFacts { server, sites: Fact::Absent, modules };
        let why = |why: &Option<String>| why.clone().map(Reasons::text);
        let (incomplete, refused) = (why(&self.incomplete), why(&self.refused));
        WebConfig { facts, files: self.read(), incomplete, refused }
    }

    fn read(&self) -> Files {
        let mut files = Files::new(&self.server);
        for path in &self.fixed {
            files.fix(ServerPath::new(path), Reasons::text("it is held fast"));
        }
        while let Some(need) = files.needs().into_iter().next() {
            match need {
                Need::File(path) => files.provide(path.clone(), self.found(&path)).unwrap(),
                Need::Glob(pattern) => {
                    let found = self.files.keys().filter(|path| fits(&pattern, path));
                    let found = found.map(ServerPath::new).collect();
                    files.provide_glob(pattern, Ok(found)).unwrap();
                }
            }
        }
        files
    }

    fn found(&self, path: &ServerPath) -> Read {
        match self.files.get(path.as_str()) {
            Some(_) if self.unreadable.contains(&path.to_string()) => {
                Read::Unreadable(stopgap_model::Reasons::text("no right to read it"))
            }
            Some(bytes) => Read::Found { real: path.clone(), bytes: bytes.clone() },
            None => Read::Absent,
        }
    }
}

/// Whether a path is matched by a pattern that has one `*`, in its last part.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let name = path.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    name.is_some_and(|name| !name.contains('/') && !name.starts_with('.'))
}
