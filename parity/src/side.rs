//! A real server that carries the rules, beside a twin of it that does not.

use std::path::Path;
use std::process::Command;

use regex::Regex;
use stopgap_model::Version;
use stopgap_model::web::WebKind;
use stopgap_testkit::servers::{Running, Setup, modules, program};
use stopgap_webserver::rule::{Server, WebRule, translate};
use stopgap_webserver::{RuleText, text};

use crate::rules::Rule;

/// A server with the rules that it can say.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) kind: WebKind,
    /// The rules that are in place: their positions among all.
    pub(crate) carried: Vec<usize>,
    /// The rules that this server cannot say, each with the reason.
    pub(crate) refused: Vec<(String, String)>,
    /// The port of the listener with rules.
    pub(crate) protected: u16,
    /// The port of the one without.
    pub(crate) bare: u16,
    // Kept for their end.
    _servers: Vec<Running>,
}

impl Side {
    /// Starts a server of this kind, which passes requests on to the port `echo`. `None` where it
    /// is not installed.
    pub(crate) fn start(kind: WebKind, rules: &[Rule], echo: u16) -> Result<Option<Self>, String> {
        let Some(program) = program(kind) else { return Ok(None) };
        let server = server(kind, &program)?;
        let (mut carried, mut refused, mut translated) = (Vec::new(), Vec::new(), Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            match translate(&server, &rule.kind) {
                Ok(web_rule) => {
                    carried.push(at);
                    translated.push((label(rule), web_rule));
                }
                Err(unsupported) => refused.push((rule.id.clone(), unsupported.to_string())),
            }
        }
        let with_rules = start(kind, &translated, echo)?;
        let protected = with_rules.port(0);
        let mut servers = vec![with_rules];
        let bare = match kind {
            // What is at server level holds for every listener, so the twin is a process of its own.
            WebKind::Apache => {
                let twin = run(kind, APACHE, &[("stopgap.conf", "")], echo)?;
                servers.push(twin);
                servers[1].port(0)
            }
            WebKind::Nginx | WebKind::HaProxy => servers[0].port(1),
        };
        Ok(Some(Self { kind, carried, refused, protected, bare, _servers: servers }))
    }

    /// A server of the same kind that carries this rule only, beside the same twin. `None` where it
    /// cannot say the rule.
    pub(crate) fn alone(&self, rule: &Rule, echo: u16) -> Result<Option<Self>, String> {
        let Some(program) = program(self.kind) else { return Ok(None) };
        let Ok(web_rule) = translate(&server(self.kind, &program)?, &rule.kind) else {
            return Ok(None);
        };
        let server = start(self.kind, &[(label(rule), web_rule)], echo)?;
        Ok(Some(Self {
            kind: self.kind,
            carried: vec![0],
            refused: Vec::new(),
            protected: server.port(0),
            bare: self.bare,
            _servers: vec![server],
        }))
    }
}

fn label(rule: &Rule) -> String {
    format!("{}, revision 1", rule.id)
}

/// What the translation is told of the server that is installed.
fn server(kind: WebKind, program: &Path) -> Result<Server, String> {
    let version = Some(version(kind, program)?);
    Ok(Server { kind, version, modules: modules(kind).into_iter().collect() })
}

fn version(kind: WebKind, program: &Path) -> Result<Version, String> {
    let failed = |why: String| format!("the version of {kind}: {why}");
    let output = Command::new(program).arg("-v").output().map_err(|e| failed(e.to_string()))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let number = Regex::new(r"(?:nginx/|Apache/|HAProxy version )([0-9]+(?:\.[0-9]+)*)")
        .map_err(|e| failed(e.to_string()))?;
    let found = number.captures(&said).ok_or_else(|| failed(said.clone()))?;
    found[1].parse().map_err(|_| failed(said.clone()))
}

/// The server with these rules on its first port.
fn start(kind: WebKind, rules: &[(String, WebRule)], echo: u16) -> Result<Running, String> {
    match text(kind, rules) {
        RuleText::Nginx { http, server, upstream } => {
            let files =
                [("http.rules", &*http), ("server.rules", &*server), ("up.rules", &*upstream)];
            run(kind, NGINX, &files, echo)
        }
        RuleText::Apache { server } => run(kind, APACHE, &[("stopgap.conf", &server)], echo),
        RuleText::HaProxy { frontend } => {
            let lines: Vec<String> = frontend.iter().map(|line| format!("  {line}")).collect();
            run(kind, &HAPROXY.replace("  {rules}", &lines.join("\n")), &[], echo)
        }
        RuleText::None => Err(format!("{kind} can say none of the rules")),
    }
}

fn run(kind: WebKind, config: &str, files: &[(&str, &str)], echo: u16) -> Result<Running, String> {
    let config = config.replace("{echo}", &echo.to_string());
    let running = Setup { files, ..Setup::new(kind, &config) }.start();
    running.ok_or_else(|| format!("{kind} is not there any more"))
}

/// Room for requests of 8 KB, which is more than some servers read by themselves.
const NGINX: &str = "\
worker_processes 1;
{basics}
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    large_client_header_buffers 4 32k;
    keepalive_requests 1000000;
    include http.rules;
    upstream echo { server 127.0.0.1:{echo}; keepalive 8; }
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:{port0};
        include server.rules;
        location / { proxy_pass http://echo; proxy_set_header Connection \"\"; include up.rules; }
    }
    server {
        listen 127.0.0.1:{port1};
        location / { proxy_pass http://echo; proxy_set_header Connection \"\"; }
    }
}
";
const APACHE: &str = "\
{basics}
Listen 127.0.0.1:{port0}
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
LimitRequestLine 32768
LimitRequestFieldSize 32768
Include {dir}/stopgap.conf
<VirtualHost *:{port0}>
    AllowEncodedSlashes NoDecode
    ProxyPass / http://127.0.0.1:{echo}/ nocanon
</VirtualHost>
";
const HAPROXY: &str = "\
global
  maxconn 256
  nbthread 1
  tune.bufsize 32768
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend protected
  bind 127.0.0.1:{port0}
  {rules}
  default_backend echo
frontend bare
  bind 127.0.0.1:{port1}
  default_backend echo
backend echo
  server echo 127.0.0.1:{echo}
";
