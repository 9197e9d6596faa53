//! A real server that carries the rules, beside a twin of it that does not.

use std::process::Command;

use regex::Regex;
use stopgap_model::Version;
use stopgap_model::web::WebKind;
use stopgap_rules::web::{RuleText, Server, WebRule, text, translate};
use stopgap_testkit::servers::{Running, Setup, modules, program};

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
        let server = Server {
            kind,
            version: Some(version(kind, &program)?),
            modules: modules(kind).into_iter().collect(),
        };
        let (mut carried, mut refused, mut translated) = (Vec::new(), Vec::new(), Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            match translate(&server, &rule.kind) {
                Ok(web_rule) => {
                    carried.push(at);
                    translated.push((format!("{}, revision 1", rule.id), web_rule));
                }
                Err(unsupported) => refused.push((rule.id.clone(), unsupported.reason)),
            }
        }
        let (protected, bare, servers) = start(kind, &translated, echo)?;
        Ok(Some(Self { kind, carried, refused, protected, bare, _servers: servers }))
    }
}

fn version(kind: WebKind, program: &std::path::Path) -> Result<Version, String> {
    let failed = |why: String| format!("the version of {kind}: {why}");
    let output = Command::new(program).arg("-v").output().map_err(|e| failed(e.to_string()))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let number = Regex::new(r"(?:nginx/|Apache/|HAProxy version )([0-9]+(?:\.[0-9]+)*)")
        .map_err(|e| failed(e.to_string()))?;
    let found = number.captures(&said).ok_or_else(|| failed(said.clone()))?;
    found[1].parse().map_err(|_| failed(said.clone()))
}

/// The ports with rules and without, and the processes.
fn start(
    kind: WebKind,
    rules: &[(String, WebRule)],
    echo: u16,
) -> Result<(u16, u16, Vec<Running>), String> {
    let absent = || format!("{kind} is not there any more");
    let run = |config: &str, files: &[(&str, &str)]| {
        let config = config.replace("{echo}", &echo.to_string());
        Setup { files, ..Setup::new(kind, &config) }.start().ok_or_else(absent)
    };
    match text(kind, rules) {
        RuleText::Nginx { http, server, upstream } => {
            let files =
                [("http.rules", &*http), ("server.rules", &*server), ("up.rules", &*upstream)];
            let server = run(NGINX, &files)?;
            Ok((server.port(0), server.port(1), vec![server]))
        }
        // What is at server level holds for every listener, so the twin is a process of its own.
        RuleText::Apache { server } => {
            let protected = run(APACHE, &[("stopgap.conf", &server)])?;
            let bare = run(APACHE, &[("stopgap.conf", "")])?;
            Ok((protected.port(0), bare.port(0), vec![protected, bare]))
        }
        RuleText::HaProxy { frontend } => {
            let lines: Vec<String> = frontend.iter().map(|line| format!("  {line}")).collect();
            let server = run(&HAPROXY.replace("  {rules}", &lines.join("\n")), &[])?;
            Ok((server.port(0), server.port(1), vec![server]))
        }
        RuleText::None => Err(format!("{kind} can say none of the rules")),
    }
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
