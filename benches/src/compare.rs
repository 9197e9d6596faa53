//! This program beside another one, such as that of an earlier commit: the two do the same work in turn,
//! so that what else the machine does is in both.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use stopgap_model::web::WebKind;
use stopgap_sandbox::Newline;
use stopgap_testkit::servers::Setup;
use stopgap_testkit::{Tree, real_data};

use crate::cycles;
use crate::program::{Program, wall_time};
use crate::report::{Report, Target, median};
use crate::verified;

/// How much slower this program may be than the other one.
const SLOWER: Target = Target::AtMost(1.05);
/// How much larger its file may be.
const LARGER: Target = Target::AtMost(1.03);
/// How many mitigations, where there are many.
const MANY: usize = 1000;
/// How often each does its work; the middle counts.
const RUNS: usize = 11;

/// Prints the ratios to the program that `STOPGAP_COMPARE` names.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    let Some(other) = std::env::var_os("STOPGAP_COMPARE") else {
        println!("skipped: STOPGAP_COMPARE names no program to compare with");
        return Ok(());
    };
    let programs = [program, &Program::at(Path::new(&other))?];
    on_exchange(programs, report)?;
    on_nginx(programs, report)?;
    let [size, other] = [programs[0].size()?, programs[1].size()?];
    report.figure("size of the program, over the other one", size / other, "x", LARGER);
    Ok(())
}

/// Dry runs over an Exchange server: with the built-in catalog, and with many mitigations.
fn on_exchange(programs: [&Program; 2], report: &mut Report) -> Result<(), String> {
    let tree = match real_data() {
        Some(data) => Tree::real(&data, cycles::BUILD, Newline::CrLf),
        None => Tree::exchange_with(cycles::BUILD, Newline::CrLf),
    };
    let in_turn = programs.map(|program| program.dry_run(&tree, []));
    ratio("dry run, Exchange, built-in catalog", in_turn, report)?;
    let folder = tree.root().with_file_name("catalog");
    cycles::write_catalog(&folder, MANY).map_err(|error| format!("the catalog: {error}"))?;
    let catalog = [OsStr::new("--catalog"), folder.as_os_str()];
    let in_turn = programs.map(|program| program.dry_run(&tree, catalog));
    ratio(&format!("dry run, Exchange, {MANY} mitigations"), in_turn, report)
}

/// Checks of an nginx that has many rules already: nothing changes. Each program has a server of its own.
fn on_nginx(programs: [&Program; 2], report: &mut Report) -> Result<(), String> {
    let mut servers = Vec::new();
    for program in programs {
        let Some(server) = Setup::new(WebKind::Nginx, verified::CONFIG).start() else {
            return Ok(());
        };
        servers.push((program, server, Tree::empty()));
    }
    for (program, server, tree) in &servers {
        verified::apply(program, server, tree, MANY)?;
    }
    let in_turn = servers.iter().map(|(program, server, tree)| {
        let mut check = verified::check(program, server, tree);
        check.stdout(Stdio::null()).stderr(Stdio::null());
        check
    });
    let in_turn = in_turn.collect::<Vec<_>>().try_into();
    let in_turn = in_turn.map_err(|_| "two programs are compared".to_owned())?;
    ratio(&format!("unchanged check, nginx, {MANY} mitigations"), in_turn, report)
}

/// Runs both commands in turn and prints how much longer the first takes.
fn ratio(name: &str, mut in_turn: [Command; 2], report: &mut Report) -> Result<(), String> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        for (command, times) in in_turn.iter_mut().zip(&mut times) {
            times.push(wall_time(command)?.as_secs_f64() * 1e3);
        }
    }
    let [this, other] = times.map(median);
    report.remark(name, this, "ms");
    report.remark("  the other program", other, "ms");
    report.figure("  this one over the other one", this / other, "x", SLOWER);
    Ok(())
}
