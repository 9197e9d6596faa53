//! How many requests a second nginx serves with 200 rules of ours, beside the same server without,
//! and with ModSecurity and its core rule set; all in one run, in alternating rounds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use stopgap_model::Version;
use stopgap_model::mitigation::ActionKind;
use stopgap_model::web::WebKind;
use stopgap_testkit::servers::{Running, Setup};
use stopgap_webserver::rule::{Server, translate};
use stopgap_webserver::{RuleText, text};

use crate::field_rules;
use crate::report::{Report, Target, median};
use crate::requests::requests;

/// How many rules.
const RULES: usize = 200;
/// How many different requests are sent, in turn.
const REQUESTS: usize = 500;
/// How many rounds, and how long each server is asked in one of them: short, so that what else the
/// machine does falls on all of them alike.
const ROUNDS: usize = 21;
const SECONDS: u32 = 1;
/// Enough connections to keep one core busy.
const CONNECTIONS: &str = "32";

/// One worker on the first core; the load generator has the second one.
const CONFIG: &str = "\
{module}
worker_processes 1;
worker_cpu_affinity 01;
{basics}
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    keepalive_requests 100000000;
    default_type text/html;
    include http.rules;
    server {
        listen 127.0.0.1:{port0};
        include server.rules;
        {modsecurity}
        root {dir};
        location / { try_files /page.html =404; }
    }
}
";
const MODSECURITY_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so";
const CORE_RULES: &str = "/usr/share/modsecurity-crs/rules";
/// Debian's settings and the whole rule set, blocking; nothing is logged, which would cost more.
const MODSECURITY: &str = "\
Include /etc/nginx/modsecurity.conf
SecRuleEngine On
SecAuditEngine Off
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
";

/// Prints the ratios.
pub(crate) fn measure(report: &mut Report) -> Result<(), String> {
    if !Path::new("/usr/bin/wrk").is_file() {
        println!("skipped: wrk is not installed");
        return Ok(());
    }
    let Some(bare) = start("", "", "", "") else { return Ok(()) };
    let (http, server) = our_text()?;
    let absent = || "nginx is not there any more".to_owned();
    let ours = start(&http, &server, "", "").ok_or_else(absent)?;
    blocks(&ours)?;
    let mut servers = vec![bare, ours];
    if Path::new(MODSECURITY_MODULE).is_file() && Path::new(CORE_RULES).is_dir() {
        let module = format!("load_module {MODSECURITY_MODULE};");
        let on = "modsecurity on; modsecurity_rules_file {dir}/modsecurity.rules;";
        servers.push(start("", "", &module, on).ok_or_else(absent)?);
    }
    let script = servers[0].write("requests.lua", script()?.as_bytes());
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..ROUNDS {
        for (at, (server, rounds)) in servers.iter().zip(&mut rounds).enumerate() {
            rounds.push(round(server, &script, at < 2)?);
        }
    }
    tell(report, &rounds);
    Ok(())
}

/// What one server did in one round, in requests a second.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// By the clock on the wall, which whatever else runs on the machine slows down.
    by_the_clock: f64,
    /// By the time that the worker had on its core: what a core of its own would serve.
    of_its_core: f64,
}

fn tell(report: &mut Report, rounds: &[Vec<Rate>]) {
    let names = ["without rules", "with 200 rules of ours", "with ModSecurity and its core rules"];
    for (rounds, name) in rounds.iter().zip(names) {
        let by_the_clock = rounds.iter().map(|rate| rate.by_the_clock).collect();
        report.remark(&format!("nginx {name}"), median(by_the_clock), "/s");
        let of_its_core = rounds.iter().map(|rate| rate.of_its_core).collect();
        report.remark("  in a second of its core's time", median(of_its_core), "/s");
    }
    // Each round's ratio: what else the machine does falls on both.
    let share = |of: &[Rate], what: fn(&Rate) -> f64| {
        let rates = of.iter().zip(&rounds[0]);
        median(rates.map(|(rate, bare)| what(rate) / what(bare) * 100.0).collect())
    };
    let ours = &rounds[1];
    let name = "nginx with 200 rules, of its rate without";
    report.figure(name, share(ours, |rate| rate.by_the_clock), "%", Target::AtLeast(90.0));
    report.remark("  by its core's time", share(ours, |rate| rate.of_its_core), "%");
    if let Some(modsecurity) = rounds.get(2) {
        let name = "nginx with ModSecurity, of its rate without";
        report.remark(name, share(modsecurity, |rate| rate.by_the_clock), "%");
        report.remark("  by its core's time", share(modsecurity, |rate| rate.of_its_core), "%");
    }
}

fn start(http: &str, server: &str, module: &str, modsecurity: &str) -> Option<Running> {
    let config = CONFIG.replace("{module}", module).replace("{modsecurity}", modsecurity);
    let page = format!("<!doctype html><title>A page</title><p>{}</p>\n", "text ".repeat(200));
    let files = [
        ("http.rules", http),
        ("server.rules", server),
        ("modsecurity.rules", MODSECURITY),
        ("page.html", &page),
    ];
    Setup { files: &files, ..Setup::new(WebKind::Nginx, &config) }.start()
}

/// What the rules are in nginx's language.
fn our_text() -> Result<(String, String), String> {
    let version: Version = "1.22.1".parse().map_err(|_| "a version of nginx")?;
    let server = Server { kind: WebKind::Nginx, version: Some(version), modules: BTreeSet::new() };
    let mut rules = Vec::new();
    for (number, rule) in field_rules::rules(RULES).into_iter().enumerate() {
        let kind = ActionKind::BlockRequest { scope: None, rule };
        let web_rule = translate(&server, &kind)
            .map_err(|unsupported| format!("rule {number}: {}", unsupported))?;
        rules.push((format!("R{number}.1, revision 1"), web_rule));
    }
    match text(WebKind::Nginx, &rules) {
        RuleText::Nginx { http, server, .. } => Ok((http, server)),
        _ => Err("the text is not nginx's".into()),
    }
}

/// What does not block is fast for nothing.
fn blocks(server: &Running) -> Result<(), String> {
    for target in field_rules::attacks(RULES) {
        let failed = |error: std::io::Error| format!("nginx with rules: {error}");
        let mut stream = TcpStream::connect(("127.0.0.1", server.port(0))).map_err(failed)?;
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        if !answer.is_empty() {
            return Err(format!("nginx with rules answers {target}"));
        }
    }
    Ok(())
}

/// A script for wrk that sends the same requests in turn. None of them is blocked.
fn script() -> Result<String, String> {
    let mut script = "local requests = {\n".to_owned();
    for request in requests(REQUESTS, 1) {
        let mut wire = b"GET ".to_vec();
        wire.extend_from_slice(&request.target);
        wire.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &request.headers {
            wire.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        wire.extend_from_slice(b"\r\n");
        let escaped: String = wire.iter().map(|byte| format!("\\{byte:03}")).collect();
        writeln!(script, "  \"{escaped}\",").map_err(|error| error.to_string())?;
    }
    script.push_str(
        "}\nlocal at = 0\nfunction request()\n  at = at % #requests + 1\n  return requests[at]\nend\n",
    );
    Ok(script)
}

/// Asks one server for a while. `ours`: a request that is refused is an error.
fn round(server: &Running, script: &Path, ours: bool) -> Result<Rate, String> {
    let worker = worker(server)?;
    let before = time_on_core(&worker)?;
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t", "1", "-c", CONNECTIONS, "-d"])
        .arg(format!("{SECONDS}s"))
        .arg("-s")
        .arg(script)
        .arg(format!("http://127.0.0.1:{}/", server.port(0)))
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    let time = time_on_core(&worker)? - before;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = || said.lines().map(str::trim);
    let told = |name: &str| lines().find_map(|line| line.strip_prefix(name));
    if told("Socket errors").is_some() {
        return Err(format!("not every request was answered: {said}"));
    }
    // The core rules take some ordinary requests for attacks; ours may not.
    if ours && told("Non-2xx").is_some() {
        return Err(format!("not every request was answered with the page: {said}"));
    }
    let by_the_clock = told("Requests/sec:").and_then(|rate| rate.trim().parse().ok());
    let requests = lines().find_map(|line| line.split_once(" requests in ")?.0.parse::<f64>().ok());
    match (by_the_clock, requests) {
        (Some(by_the_clock), Some(requests)) => {
            Ok(Rate { by_the_clock, of_its_core: requests / time })
        }
        _ => Err(format!("wrk: {said}")),
    }
}

/// The process id of the one worker.
fn worker(server: &Running) -> Result<String, String> {
    let master = server.pid();
    let file = format!("/proc/{master}/task/{master}/children");
    let children = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let worker = children.split_whitespace().next();
    worker.map(str::to_owned).ok_or_else(|| "nginx has no worker".to_owned())
}

/// How many seconds a process has had on a core.
fn time_on_core(pid: &str) -> Result<f64, String> {
    let file = format!("/proc/{pid}/schedstat");
    let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    nanoseconds.map(|time| time / 1e9).ok_or_else(|| format!("{file}: {text}"))
}
