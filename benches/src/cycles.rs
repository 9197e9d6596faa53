//! Cycles and dry runs: over a real server's files, and with many mitigations.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use stopgap_sandbox::Newline;
use stopgap_testkit::{Tree, real_data};

use crate::program::{Program, peak_memory, wall_time};
use crate::report::{Report, Target, median};

/// A build that is affected by what the catalog mitigates: 2019 CU4 with its first update.
pub(crate) const BUILD: &str = "15.2.529.5";

const RUNS: usize = 11;
/// A large catalog takes long enough for fewer runs.
const LONG_RUNS: usize = 5;

/// Prints the times of all kinds of cycles.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    of_a_real_server(program, report)?;
    of_a_whole_cycle(program, report)?;
    of_many_mitigations(program, report)
}

/// Time and memory of a dry run with the built-in catalog.
fn of_a_real_server(program: &Program, report: &mut Report) -> Result<(), String> {
    let Some(data) = real_data() else { return Ok(()) };
    let tree = Tree::real(&data, BUILD, Newline::CrLf);
    let command = || program.dry_run(&tree, []);
    if changed_files(program, &tree, None)?.0 == 0 {
        return Err("the dry run over the real server would change nothing".into());
    }
    let times = milliseconds(RUNS, command)?;
    report.figure("dry run, real server, time", median(times), "ms", Target::AtMost(50.0));
    let peaks = (0..RUNS).map(|_| peak_memory(&mut command())).collect::<Result<Vec<_>, _>>()?;
    let peak = peaks.into_iter().max().unwrap_or(0) as f64 / (1024.0 * 1024.0);
    report.figure("dry run, real server, peak memory", peak, "MiB", Target::AtMost(30.0));
    Ok(())
}

/// Time of a whole cycle that applies the built-in catalog: facts, observation, plan, before-images,
/// writing, reading back, judging, records.
fn of_a_whole_cycle(program: &Program, report: &mut Report) -> Result<(), String> {
    let Some(data) = real_data() else { return Ok(()) };
    let mut times = Vec::new();
    let mut writes = Vec::new();
    for _ in 0..RUNS {
        let tree = Tree::real(&data, BUILD, Newline::CrLf);
        let before = tree.snapshot();
        times.push(wall_time(&mut program.check(&tree))?.as_secs_f64() * 1e3);
        let after = tree.snapshot();
        writes.push(before.iter().filter(|(path, bytes)| after.get(*path) != Some(*bytes)).count());
    }
    if writes.iter().any(|changed| *changed != 1) {
        return Err(format!("a cycle changed {writes:?} files, not one each"));
    }
    let name = "whole cycle, real server, catalog applied, time";
    report.figure(name, median(times), "ms", Target::AtMost(150.0));
    Ok(())
}

/// How many mitigations, where there are many.
const MANY: usize = 1000;

/// Time of a dry run with many mitigations that are all for the server.
fn of_many_mitigations(program: &Program, report: &mut Report) -> Result<(), String> {
    let tree = match real_data() {
        Some(data) => Tree::real(&data, BUILD, Newline::CrLf),
        None => Tree::exchange_with(BUILD, Newline::CrLf),
    };
    // Beside the server's files; removed with them.
    let folder = tree.root().with_file_name("catalog");
    write_catalog(&folder, MANY).map_err(|error| format!("the catalog: {error}"))?;
    let (files, pending) = changed_files(program, &tree, Some(&folder))?;
    if files != 1 || pending != MANY {
        return Err(format!("{pending} of {MANY} would be applied, in {files} files"));
    }
    let catalog = [OsStr::new("--catalog"), folder.as_os_str()];
    let time = median(milliseconds(LONG_RUNS, || program.dry_run(&tree, catalog))?);
    let name = format!("dry run, {MANY} mitigations, time");
    report.figure(&name, time, "ms", Target::AtMost(1000.0));
    Ok(())
}

fn milliseconds(runs: usize, command: impl Fn() -> Command) -> Result<Vec<f64>, String> {
    // The first run warms the caches of the system.
    wall_time(&mut command())?;
    (0..runs).map(|_| Ok(wall_time(&mut command())?.as_secs_f64() * 1e3)).collect()
}

/// How many files a dry run would change, and how many mitigations wait to be put in place.
fn changed_files(
    program: &Program,
    tree: &Tree,
    catalog: Option<&Path>,
) -> Result<(usize, usize), String> {
    let catalog = catalog.into_iter().flat_map(|dir| [OsStr::new("--catalog"), dir.as_os_str()]);
    let output = program
        .dry_run(tree, catalog.chain([OsStr::new("--json")]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("the program: {error}"))?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the dry run: {}", String::from_utf8_lossy(&output.stderr)))?;
    let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
    let pending = list("mitigations").iter().filter(|m| m["state"] == "pending").count();
    Ok((list("files").len(), pending))
}

/// Writes documents that differ in what they block.
pub(crate) fn write_catalog(folder: &Path, count: usize) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    for number in 0..count {
        fs::write(folder.join(format!("B{number:04}.toml")), document(number))?;
    }
    Ok(())
}

/// A document that differs from those of other numbers in what it blocks.
pub(crate) fn document(number: usize) -> String {
    let id = format!("B{number:04}");
    // What is tested, and the attack that has it.
    let (test, attack, header) = match number % 4 {
        0 => (
            format!(r#"{{ field = "uri", decode = ["url"], contains = "/handler-{id}/" }}"#),
            format!("GET /owa/%68andler-{id}/run"),
            None,
        ),
        1 => (
            format!(r#"{{ field = "query", contains = "command-{id}=" }}"#),
            format!("POST /ecp/default.aspx?command-{id}=1"),
            None,
        ),
        2 => (
            format!(r#"{{ field = "header:cookie", contains = "backend-{id}" }}"#),
            "GET /owa/auth/x.js".to_owned(),
            Some(format!("Cookie: a=1; backend-{id}=server")),
        ),
        _ => (
            format!(r#"{{ field = "uri", matches = "^/rpc-{id}/[a-z]+\\.asmx" }}"#),
            format!("POST /rpc-{id}/service.asmx?x=1"),
            None,
        ),
    };
    let mut text = format!(
        r#"schema   = 1
id       = "{id}"
revision = 1
title    = "A benchmark's mitigation"
cves     = ["CVE-2026-1{number:04}"]
severity = "high"
impact   = "None."
references = ["https://example.com/{id}"]

[[affected]]
product = "microsoft/exchange-server"
roles   = ["mailbox"]
ranges  = [{{ introduced = "15.2.0", fixed = "15.2.1118.20" }}]

[[action]]
id    = "{id}.1"
kind  = "block-request"
scope = {{ site = "Default Web Site" }}
deny  = "abort"
when  = [{test}]

[[probe]]
name    = "attack"
request = "{attack}"
expect  = "blocked"
"#
    );
    if let Some(header) = header {
        // Writing to a text does not fail.
        let _ = writeln!(text, "headers = [\"{header}\"]");
    }
    text.push_str(
        "\n[[probe]]\nname    = \"Outlook on the web\"\nrequest = \"GET /owa/\"\nexpect  = \"allowed\"\n",
    );
    text
}
