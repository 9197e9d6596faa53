//! `stopgap demo`: the whole of it in a sandbox, in a few seconds.

mod publisher;
mod sandbox;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stopgap_engine::{CycleReport, Engine, collect};
use stopgap_feed::{Failure, Feed, FeedName, Feeds, Format, Network, Permissions};
use stopgap_host::TreeHost;
use stopgap_model::Catalog;
use stopgap_model::policy::{Drift, Policy, Switch};
use stopgap_model::problem::sentence;
use stopgap_model::report::State;
use stopgap_plan::Order;
use stopgap_sandbox::Build;
use stopgap_store::Store;

use crate::args::Common;
use crate::error::{ATTENTION, CliError};
use crate::json::{self, DemoObject, DemoStep};
use crate::output::wrap;
use stopgap_agent::sources::Sources;
use stopgap_agent::stop;

use self::publisher::Publisher;
use self::sandbox::Sandbox;
use self::server::{Reply, Server};

/// The vulnerable build, and the one with the fix.
const VULNERABLE: Build = Build::new(15, 2, 1118, 7);
const FIXED: Build = Build::new(15, 2, 1544, 41);

/// What the demo's feed offers.
const M1: &[u8] = include_bytes!("../../../../catalog/M1.toml");

const ATTACK: &str = "/autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=Powershell";
const ENCODED_ATTACK: &str = "/autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=%50owershell";
const BENIGN: [&str; 3] = [
    "/autodiscover/autodiscover.json?Email=user@example.com&Protocol=EWS",
    "/owa/auth/logon.aspx",
    "/powershell?serializationLevel=Full",
];

/// The demo as it goes on.
struct Demo {
    steps: Vec<DemoStep>,
    quiet: bool,
}

impl Demo {
    fn print(&self, text: &str) {
        if !self.quiet {
            print_line!("{}", wrap(text, "       "));
        }
    }

    fn step(
        &mut self,
        name: &'static str,
        text: &str,
        expected: &str,
        observed: String,
        took: Duration,
    ) {
        let ok = observed == expected;
        let mark = if ok { "ok  " } else { "FAIL" };
        let took = format!("{:.1} ms", took.as_secs_f64() * 1e3);
        self.print(&format!("{mark} {text}\n       {observed} ({took})"));
        if !ok {
            self.print(&format!("       expected: {expected}"));
        }
        self.steps.push(DemoStep { name, expected: expected.to_owned(), observed, ok });
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
        json::print(&DemoObject { ok, steps: demo.steps });
    } else {
        match (keep, ok) {
            (Some(folder), _) => demo.print(&format!(
                "\nThe sandbox is in {0}. To look around:\n  stopgap --root {0}/server --state {0}/state status",
                folder.display()
            )),
            (None, true) => demo.print("\nAll of it happened in a temporary folder that is gone now."),
            (None, false) => {}
        }
    }
    Ok(if ok { 0 } else { ATTENTION })
}

/// The server with its state folder, on which the demo's commands work.
struct Protected {
    host: TreeHost,
    store: Store,
    feeds: Feeds,
    policy: Policy,
}

impl Protected {
    fn open(sandbox: &Sandbox) -> Result<Self, CliError> {
        let policy = Policy {
            organisation: Switch::On,
            server: Switch::On,
            blocked: std::collections::BTreeMap::new(),
            drift: Drift::Reapply,
        };
        let state = sandbox.state();
        let (store, feeds) = (Store::open(&state)?, Feeds::open(&state)?);
        Ok(Self { host: sandbox.host()?, store, feeds, policy })
    }

    /// `stopgap check`: what is new is fetched from the feed, then decided on. The catalog that ships
    /// with the program is left out, so that what is applied is what the feed brought.
    fn check(&self, feed: &Feed) -> Result<(Result<(), Failure>, CycleReport), CliError> {
        let fetched = self.feeds.refresh(feed, &Network::default(), Timestamp::now());
        let fetched = fetched.map(drop);
        let sources = Sources::read(&self.feeds, &self.store, false, Timestamp::now())?;
        Ok((fetched, self.engine(&sources.catalog).cycle(&Order::default())?))
    }

    fn engine<'a>(&'a self, catalog: &'a Catalog) -> Engine<'a> {
        Engine {
            host: &self.host,
            store: &self.store,
            catalog,
            remember: true,
            policy: &self.policy,
            declared: &[],
            probe_time: stopgap_engine::PROBE_TIME,
            by: "the demo",
            now: Timestamp::now,
            stop: stop::flag(),
        }
    }
}

fn play(demo: &mut Demo, sandbox: &Sandbox) -> Result<(), CliError> {
    let protected = Protected::open(sandbox)?;
    let server = Server::start(sandbox.host()?)?;
    demo.print(&format!(
        "A synthetic Exchange Server 2019, build {}, with a hole that is being\n\
         exploited: ProxyNotShell, CVE-2022-41040. It answers on {}.\n",
        plain(VULNERABLE),
        server.address()
    ));
    let before = sandbox.configuration()?;
    let (reply, took) = timed(|| server.get(ATTACK));
    let reached = Reply::Reached.to_string();
    // Without a mitigation the attack has to get through, or the rest would show nothing.
    demo.step("attack-before", "The attack is sent.", &reached, reply.to_string(), took);
    let feed = forged(demo, &protected, sandbox, &before)?;
    protect(demo, &server, &protected, &feed)?;
    withdraw(demo, &protected, &feed, sandbox, &before)
}

/// Trusts a publisher's feed; first it is offered with the document changed and signed by somebody
/// else.
fn forged(
    demo: &mut Demo,
    protected: &Protected,
    sandbox: &Sandbox,
    before: &sandbox::Files,
) -> Result<Feed, CliError> {
    // Both publish at the same place: whoever can write there can offer anything, but not sign it.
    let (genuine, forged) = (Publisher::new()?, Publisher::new()?);
    let (kept, place) = (sandbox.feed("kept"), sandbox.feed("published"));
    let root = genuine.publish(&kept, "M1.toml", M1)?;
    let evil = String::from_utf8_lossy(M1).replacen("powershell", "nothing-at-all", 1);
    forged.publish(&place, "M1.toml", evil.as_bytes())?;
    let ids: Vec<_> = ["M1"].iter().filter_map(|id| id.parse().ok()).collect();
    let name = "demo".parse::<FeedName>();
    let feed = Feed {
        name: name.map_err(|error| CliError::Machine(error.to_string()))?,
        url: Some(format!("file://{}", place.display())),
        format: Format::Tuf,
        added_by: "the demo".into(),
        added_at: Timestamp::now(),
        permissions: Permissions::given(&ids, &[], &[], &[]),
    };
    protected.feeds.add_tuf(&feed, &root)?;

    let (checked, took) = timed(|| protected.check(&feed));
    let (fetched, _) = checked?;
    let untouched = sandbox.configuration()? == *before;
    let observed = match &fetched {
        Err(_) if untouched => "refused, and nothing was changed".to_owned(),
        Err(_) => "refused, but something was changed".to_owned(),
        Ok(()) => "taken".to_owned(),
    };
    let text = "stopgap check: the feed's M1 was altered and signed with another key.";
    demo.step("forged-feed", text, "refused, and nothing was changed", observed, took);
    if let Err(why) = fetched {
        demo.print(&format!("       ({})", sentence(&why)));
    }

    // The publisher's own files are back.
    let failed = |why| CliError::Write { file: place.clone(), why };
    std::fs::remove_dir_all(&place).map_err(failed)?;
    std::fs::rename(&kept, &place).map_err(failed)?;
    Ok(feed)
}

fn protect(
    demo: &mut Demo,
    server: &Server,
    protected: &Protected,
    feed: &Feed,
) -> Result<(), CliError> {
    let cut = Reply::Cut.to_string();
    let (checked, took) = timed(|| protected.check(feed));
    let (fetched, report) = checked?;
    let observed = match fetched {
        Ok(()) => state_of(&report, "M1"),
        Err(why) => format!("refused: {}", sentence(&why)),
    };
    let text = "stopgap check: the genuine feed verifies, M1 is applied and verified.";
    demo.step("check", text, State::Applied.as_str(), observed, took);

    let (reply, took) = timed(|| server.get(ATTACK));
    demo.step("attack-after", "The same attack again.", &cut, reply.to_string(), took);
    // The first rule that was published for this hole in 2022 did not see this one.
    let (reply, took) = timed(|| server.get(ENCODED_ATTACK));
    let text = "Its twin, with %50owershell for Powershell.";
    demo.step("encoded-attack-after", text, &cut, reply.to_string(), took);
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

fn withdraw(
    demo: &mut Demo,
    protected: &Protected,
    feed: &Feed,
    sandbox: &Sandbox,
    before: &sandbox::Files,
) -> Result<(), CliError> {
    let (installed, took) = timed(|| sandbox.install(FIXED));
    installed?;
    let fixed = plain(FIXED);
    let version = match collect(&protected.host, &[]).facts.exchange {
        stopgap_model::Fact::Known(exchange) => {
            exchange.version.known().map(ToString::to_string).unwrap_or_default()
        }
        _ => String::new(),
    };
    demo.step("update-installed", "An update with the fix is installed.", &fixed, version, took);

    let (checked, took) = timed(|| protected.check(feed));
    let observed = state_of(&checked?.1, "M1");
    let text = "stopgap check: the fix is there, so M1 is withdrawn.";
    demo.step("withdrawn", text, State::Withdrawn.as_str(), observed, took);

    let (after, took) = timed(|| sandbox.configuration());
    let after = after?;
    // To the byte, and no file more or less.
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
