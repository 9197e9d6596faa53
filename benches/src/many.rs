//! How the processor's time of a cycle grows with the number of mitigations, on Exchange and on nginx.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use stopgap_model::web::WebKind;
use stopgap_sandbox::Newline;
use stopgap_testkit::servers::Setup;
use stopgap_testkit::{Tree, real_data};

use crate::cycles;
use crate::program::{Program, processor_time};
use crate::report::{Report, Target};
use crate::verified;

/// How many mitigations, each with one rule.
const COUNTS: [usize; 4] = [500, 1000, 2000, 5000];
/// The exponent with which the time may grow with them at most: 1 is linear.
const EXPONENT: f64 = 1.1;
/// How often each is done. The least counts: what else the machine does can only add to it.
const RUNS: usize = 3;
/// The kinds of a cycle.
const KINDS: [&str; 4] = ["dry run", "apply", "unchanged check", "withdrawal"];

/// The seconds that each kind of a cycle takes of the processor.
type Seconds = [f64; 4];

/// Prints the times and the exponents.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    print("Exchange", on_exchange, program, report)?;
    if Setup::new(WebKind::Nginx, verified::CONFIG).start().is_none() {
        return Ok(());
    }
    print("nginx", on_nginx, program, report)
}

fn print(
    server: &str,
    measure: fn(&Program, usize) -> Result<Seconds, String>,
    program: &Program,
    report: &mut Report,
) -> Result<(), String> {
    let mut measured = Vec::new();
    for count in COUNTS {
        let mut least = [f64::INFINITY; 4];
        for _ in 0..RUNS {
            let seconds = measure(program, count)?;
            least = std::array::from_fn(|kind| least[kind].min(seconds[kind]));
        }
        for (kind, seconds) in KINDS.into_iter().zip(least) {
            let name = format!("{kind}, {server}, {count} mitigations, processor");
            report.remark(&name, seconds * 1e3, "ms");
        }
        measured.push((count as f64, least));
    }
    let [(few, short), .., (many, long)] = measured.as_slice() else { return Ok(()) };
    for (kind, (long, short)) in KINDS.into_iter().zip(long.iter().zip(short)) {
        let exponent = (long / short).ln() / (many / few).ln();
        let name = format!("{kind}, {server}, exponent from {few} to {many}");
        report.figure(&name, exponent, "", Target::AtMost(EXPONENT));
    }
    Ok(())
}

fn on_exchange(program: &Program, count: usize) -> Result<Seconds, String> {
    let tree = match real_data() {
        Some(data) => Tree::real(&data, cycles::BUILD, Newline::CrLf),
        None => Tree::exchange_with(cycles::BUILD, Newline::CrLf),
    };
    // Beside the server's files; removed with them.
    let folder = tree.root().with_file_name("catalog");
    cycles::write_catalog(&folder, count).map_err(|error| format!("the catalog: {error}"))?;
    let catalog = [OsStr::new("--catalog"), folder.as_os_str()];
    let check = || {
        let mut check = program.check(&tree);
        check.args(catalog);
        check
    };
    of_each_kind(check, &folder, count)
}

fn on_nginx(program: &Program, count: usize) -> Result<Seconds, String> {
    let server = Setup::new(WebKind::Nginx, verified::CONFIG).start();
    let server = server.ok_or_else(|| "nginx is not there any more".to_owned())?;
    verified::prepare(&server, count)?;
    let tree = Tree::empty();
    let folder = verified::catalog(&server);
    of_each_kind(|| verified::check(program, &server, &tree), &folder, count)
}

/// The times of the cycles that `check` runs with the catalog in `folder`, one of each kind after the other.
fn of_each_kind(
    check: impl Fn() -> Command,
    folder: &Path,
    count: usize,
) -> Result<Seconds, String> {
    let dry_run = processor_time(check().arg("--dry-run"))?;
    let apply = processor_time(&mut check())?;
    let unchanged = processor_time(&mut check())?;
    are_all(&mut check(), "applied", count)?;
    withdraw_all(folder).map_err(|error| format!("the catalog: {error}"))?;
    let withdrawal = processor_time(&mut check())?;
    are_all(&mut check(), "not-affected", count)?;
    Ok([dry_run, apply, unchanged, withdrawal])
}

/// Makes each document in `folder` the next revision, which withdraws its mitigation.
fn withdraw_all(folder: &Path) -> std::io::Result<()> {
    for document in fs::read_dir(folder)? {
        let path = document?.path();
        let text = fs::read_to_string(&path)?;
        let head = text.split("[[action]]").next().unwrap_or_default();
        let head =
            head.replacen("\nrevision = 1\n", "\nrevision = 2\nwithdrawn = \"It is over.\"\n", 1);
        fs::write(path, head)?;
    }
    Ok(())
}

/// What does nothing is fast for nothing: nothing is left to do, and each mitigation is in this state.
fn are_all(check: &mut Command, state: &str, count: usize) -> Result<(), String> {
    let check = check.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = check.output().map_err(|error| format!("the program: {error}"))?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the check: {}", String::from_utf8_lossy(&output.stderr)))?;
    let mitigations = told["mitigations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let these = mitigations.iter().filter(|m| m["state"] == state).count();
    match (these == count, &told["changed"]) {
        (true, Value::Bool(false)) => Ok(()),
        (_, changed) => Err(format!("{these} of {count} are {state}; changed: {changed}")),
    }
}
