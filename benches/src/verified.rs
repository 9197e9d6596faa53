//! How long it takes from the decision on 200 rules to their being verified on a running nginx.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stopgap_model::web::WebKind;
use stopgap_testkit::Tree;
use stopgap_testkit::servers::{Running, Setup};

use crate::field_rules;
use crate::program::Program;
use crate::report::{Report, Target, median};

/// How many mitigations, each with one rule.
const RULES: usize = 200;
/// How often the whole is done; the middle counts.
const RUNS: usize = 5;
/// Files beside the server's own.
const CATALOG: &str = "catalog";
const POLICY: &str = "policy.toml";

/// Three sites, as a small server has them.
pub(crate) const CONFIG: &str = "\
worker_processes 2;
{basics}
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    server {
        listen 127.0.0.1:{port0};
        server_name one.example;
        return 200 one;
    }
    server {
        listen 127.0.0.1:{port0};
        server_name two.example;
        return 200 two;
    }
    server {
        listen 127.0.0.1:{port1};
        return 200 three;
    }
}
";

/// Prints the time from the start of a cycle to its end, and our own part of it: what is not spent
/// in waiting for the server's programs and answers.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    let (mut whole, mut own) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let Some(server) = Setup::new(WebKind::Nginx, CONFIG).start() else { return Ok(()) };
        let timings = apply(program, &server, &Tree::empty(), RULES)?;
        let millis = |name: &str| {
            let told = timings[0][name].as_f64();
            told.ok_or_else(|| format!("the cycle tells no `{name}`: {timings}"))
        };
        whole.push(millis("total_ms")? / 1e3);
        own.push(millis("own_ms")?);
    }
    let name = "200 rules decided, applied and verified on nginx";
    report.figure(name, median(whole), "s", Target::AtMost(1.5));
    report.figure("our own part of it", median(own), "ms", Target::AtMost(100.0));
    Ok(())
}

/// One cycle that installs so many rules; what it tells of its times.
pub(crate) fn apply(
    program: &Program,
    server: &Running,
    tree: &Tree,
    rules: usize,
) -> Result<Value, String> {
    prepare(server, rules)?;
    let output = check(program, server, tree)
        .arg("--json")
        .output()
        .map_err(|error| format!("the program: {error}"))?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the cycle: {}", String::from_utf8_lossy(&output.stderr)))?;
    let mitigations = told["mitigations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let applied = mitigations.iter().filter(|m| m["state"] == "applied").count();
    if applied != rules {
        return Err(format!("{applied} of {rules} mitigations are applied"));
    }
    Ok(told["timings"].clone())
}

/// Writes a catalog of so many rules for a server, and a policy.
pub(crate) fn prepare(server: &Running, rules: usize) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("the catalog: {error}");
    write_catalog(&catalog(server), rules).map_err(failed)?;
    fs::write(server.dir().join(POLICY), policy_of(server)).map_err(failed)
}

/// The folder with the catalog of a server.
pub(crate) fn catalog(server: &Running) -> PathBuf {
    server.dir().join(CATALOG)
}

/// A check of this server with what [`prepare`] wrote.
pub(crate) fn check(program: &Program, server: &Running, tree: &Tree) -> Command {
    let mut command = program.on_this_machine(&tree.state(), &["check", "--unsigned"]);
    command.arg("--policy").arg(server.dir().join(POLICY));
    command.arg("--catalog").arg(catalog(server));
    command
}

/// Only the server of this bench is looked at.
pub(crate) fn policy_of(server: &Running) -> String {
    let (config, dir) = (server.config(), server.dir());
    format!(
        "[web]\nfind = false\n\n[[web.server]]\nkind = \"nginx\"\nconfig = \"{}\"\nbase = \"{}\"\n",
        config.display(),
        dir.display()
    )
}

/// So many mitigations, each with one rule and two live probes.
pub(crate) fn write_catalog(folder: &Path, count: usize) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    for (number, rule) in field_rules::documents(count).into_iter().enumerate() {
        fs::write(folder.join(format!("R{number}.toml")), rule)?;
    }
    Ok(())
}
