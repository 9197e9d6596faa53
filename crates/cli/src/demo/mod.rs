//! `stopgap demo`: the whole of it in a sandbox, in a few seconds.

mod sandbox;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use stopgap_engine::{CycleReport, Engine};
use stopgap_model::policy::{Drift, Policy, Switch};
use stopgap_model::report::State;
use stopgap_plan::Order;
use stopgap_sandbox::Build;

use crate::args::Common;
use crate::catalog::Catalog;
use crate::error::{ATTENTION, CliError};
use crate::output::{self, wrap};
use crate::session::STOP;

use self::sandbox::Sandbox;
use self::server::{Reply, Server};

/// The vulnerable build, and the one with the fix.
const VULNERABLE: Build = Build::new(15, 2, 1118, 7);
const FIXED: Build = Build::new(15, 2, 1544, 41);

const ATTACK: &str = "/autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=Powershell";
const ENCODED_ATTACK: &str = "/autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=%50owershell";
const BENIGN: [&str; 3] = [
    "/autodiscover/autodiscover.json?Email=user@example.com&Protocol=EWS",
    "/owa/auth/logon.aspx",
    "/powershell?serializationLevel=Full",
];

/// One step of the demo, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    expected: String,
    observed: String,
    ok: bool,
}

/// The demo as it goes on.
struct Demo {
    steps: Vec<Step>,
    quiet: bool,
}

impl Demo {
    fn say(&self, text: &str) {
        if !self.quiet {
            say!("{}", wrap(text, "       "));
        }
    }

    fn step(
        &mut self,
        name: &'static str,
        told: &str,
        expected: &str,
        observed: String,
        took: Duration,
    ) {
        let ok = observed == expected;
        let mark = if ok { "ok  " } else { "FAIL" };
        let took = format!("{:.1} ms", took.as_secs_f64() * 1e3);
        self.say(&format!("{mark} {told}\n       {observed} ({took})"));
        if !ok {
            self.say(&format!("       expected: {expected}"));
        }
        self.steps.push(Step { name, expected: expected.to_owned(), observed, ok });
    }
}

pub(crate) fn run(common: &Common, keep: Option<&Path>) -> Result<u8, CliError> {
    let mut demo = Demo { steps: Vec::new(), quiet: common.json };
    let sandbox = Sandbox::create(keep, VULNERABLE)?;
    let outcome = play(&mut demo, &sandbox);
    // The sandbox is cleared away however the demo ended.
    sandbox.leave(keep.is_some())?;
    outcome?;
    let ok = demo.steps.iter().all(|step| step.ok);
    if common.json {
        output::print_json(json!({"ok": ok, "steps": demo.steps}));
    } else {
        match (keep, ok) {
            (Some(folder), _) => demo.say(&format!(
                "\nThe sandbox is in {0}. To look around:\n  stopgap --root {0}/server --state {0}/state status",
                folder.display()
            )),
            (None, true) => demo.say("\nAll of it happened in a temporary folder that is gone now."),
            (None, false) => {}
        }
    }
    Ok(if ok { 0 } else { ATTENTION })
}

fn play(demo: &mut Demo, sandbox: &Sandbox) -> Result<(), CliError> {
    let catalog = Catalog::built_in()?;
    let host = sandbox.host()?;
    let store = sandbox.store()?;
    let policy = Policy {
        organisation: Switch::On,
        server: Switch::On,
        blocked: std::collections::BTreeMap::new(),
        drift: Drift::Reapply,
    };
    let engine = Engine {
        host: &host,
        store: &store,
        catalog: &catalog.mitigations,
        source: &catalog.source,
        remember: true,
        policy: &policy,
        by: "the demo",
        now: Timestamp::now,
        stop: &STOP,
    };
    let server = Server::start(sandbox.host()?)?;
    demo.say(&format!(
        "A synthetic Exchange Server 2019, build {}, with a hole that is being\n\
         exploited: ProxyNotShell, CVE-2022-41040. It answers on {}.\n",
        plain(VULNERABLE),
        server.address()
    ));
    let before = sandbox.configuration()?;
    protect(demo, &server, &engine)?;
    take_back(demo, &engine, sandbox, &before)
}

fn protect(demo: &mut Demo, server: &Server, engine: &Engine<'_>) -> Result<(), CliError> {
    let reached = Reply::Reached.to_string();
    let cut = Reply::Cut.to_string();
    let (reply, took) = timed(|| server.get(ATTACK));
    demo.step("attack-before", "The attack is sent.", &reached, reply.to_string(), took);

    let (report, took) = timed(|| engine.cycle(&Order::default()));
    let observed = state_of(&report?, "M1");
    let told = "stopgap check: the server is identified, M1 is applied and verified.";
    demo.step("check", told, State::Applied.as_str(), observed, took);

    let (reply, took) = timed(|| server.get(ATTACK));
    demo.step("attack-after", "The same attack again.", &cut, reply.to_string(), took);
    let (reply, took) = timed(|| server.get(ENCODED_ATTACK));
    let told = "Its twin, with %50owershell for Powershell.";
    demo.step("encoded-attack-after", told, &cut, reply.to_string(), took);
    benign(demo, server, "benign-after");
    Ok(())
}

fn benign(demo: &mut Demo, server: &Server, name: &'static str) {
    let (replies, took) = timed(|| BENIGN.map(|target| server.get(target)));
    let reached = replies.iter().filter(|reply| **reply == Reply::Reached).count();
    let observed = format!("{reached} of {} reach the application", BENIGN.len());
    let expected = format!("{0} of {0} reach the application", BENIGN.len());
    demo.step(name, "Ordinary requests.", &expected, observed, took);
}

fn take_back(
    demo: &mut Demo,
    engine: &Engine<'_>,
    sandbox: &Sandbox,
    before: &sandbox::Files,
) -> Result<(), CliError> {
    let (installed, took) = timed(|| sandbox.install(FIXED));
    installed?;
    let fixed = plain(FIXED);
    let version = match engine.look(&Order::default())?.facts.exchange {
        stopgap_model::Fact::Known(exchange) => {
            exchange.version.known().map(ToString::to_string).unwrap_or_default()
        }
        _ => String::new(),
    };
    demo.step("update-installed", "An update with the fix is installed.", &fixed, version, took);

    let (report, took) = timed(|| engine.cycle(&Order::default()));
    let observed = state_of(&report?, "M1");
    let told = "stopgap check: the fix is there, so M1 is taken back.";
    demo.step("withdrawn", told, State::Withdrawn.as_str(), observed, took);

    let (after, took) = timed(|| sandbox.configuration());
    let after = after?;
    let changed = before.iter().filter(|(path, bytes)| after.get(*path) != Some(*bytes)).count();
    let same = changed == 0 && before.len() == after.len();
    let count = before.len();
    let observed = if same {
        format!("{count} of {count} configuration files are the same bytes as at the start")
    } else {
        format!("{changed} of {count} configuration files differ")
    };
    let expected =
        format!("{count} of {count} configuration files are the same bytes as at the start");
    demo.step("restored", "Every configuration file is compared.", &expected, observed, took);
    Ok(())
}

/// A build as versions are written in output.
fn plain(build: Build) -> String {
    build.parts().map(|part| part.to_string()).join(".")
}

fn state_of(report: &CycleReport, id: &str) -> String {
    let found = report.mitigations.iter().find(|mitigation| mitigation.id.as_str() == id);
    found.map(|mitigation| mitigation.state.as_str().to_owned()).unwrap_or_default()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}
