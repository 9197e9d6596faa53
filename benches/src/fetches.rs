//! What it takes to follow a feed over HTTP on loopback: time, memory, requests and bytes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::{Log, WebServer};

use crate::cycles::document;
use crate::program::{Program, peak_memory, wall_time};
use crate::report::{Report, Target, median};

const RUNS: usize = 21;
const MANY: usize = 10_000;
/// Decimal megabytes: the smaller of the two.
const MB: f64 = 1e6;

/// A feed on loopback, and a server that trusts it.
struct Followed<'a> {
    program: &'a Program,
    repository: Repository,
    web: WebServer,
    tree: Tree,
}

/// A feed that does not change, the first fetch of a large one, and one more mitigation in it.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    report.figure("size of the program", program.size()? / MB, "MB", Target::AtMost(12.0));
    of_an_unchanged_feed(program, report)?;
    of_many_mitigations(program, report)
}

fn of_an_unchanged_feed(program: &Program, report: &mut Report) -> Result<(), String> {
    let feed = Followed::new(program, 10)?;
    feed.refresh()?;
    let log = feed.refresh()?;
    let name = "unchanged feed, requests";
    report.figure(name, log.requests.len() as f64, "", Target::AtMost(2.0));
    report.figure("unchanged feed, traffic", log.bytes as f64, "B", Target::AtMost(4000.0));
    report.figure("unchanged feed, time", feed.time(RUNS)?, "ms", Target::AtMost(20.0));
    Ok(())
}

fn of_many_mitigations(program: &Program, report: &mut Report) -> Result<(), String> {
    let mut feed = Followed::new(program, MANY)?;
    let time = feed.time(1)? / 1e3;
    report.figure("first fetch of 10,000 mitigations, time", time, "s", Target::AtMost(10.0));
    report.remark("  unchanged afterwards, time", feed.time(5)?, "ms");
    let log = feed.refresh()?;
    report.remark("  unchanged afterwards, traffic", log.bytes as f64, "B");

    let newcomer = Tree::empty();
    feed.add(&newcomer)?;
    let peak = peak_memory(&mut feed.command(&newcomer))? as f64 / MB;
    let name = "first fetch of 10,000 mitigations, peak memory";
    report.figure(name, peak, "MB", Target::AtMost(60.0));
    let peak = peak_memory(&mut feed.command(&newcomer))? as f64 / MB;
    report.remark("  unchanged afterwards, peak memory", peak, "MB");

    feed.offer(MANY..MANY + 1);
    let log = feed.refresh()?;
    let news = feed.news();
    let asked: BTreeSet<String> = log.requests.iter().cloned().collect();
    if asked != news {
        return Err(format!("one more mitigation took {asked:?} and not {news:?}"));
    }
    let name = "one more mitigation of 10,001, requests";
    report.figure(name, log.requests.len() as f64, "", Target::AtMost(news.len() as f64));
    report.remark("  traffic", log.bytes as f64 / MB, "MB");
    Ok(())
}

impl<'a> Followed<'a> {
    fn new(program: &'a Program, count: usize) -> Result<Self, String> {
        let repository = Repository::new(Timestamp::now());
        let web = WebServer::of(&repository.published);
        let mut feed = Self { program, repository, web, tree: Tree::empty() };
        feed.offer(0..count);
        feed.add(&feed.tree)?;
        Ok(feed)
    }

    /// Publishes the documents of these numbers too.
    fn offer(&mut self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            self.repository.set(&format!("B{number:04}.toml"), document(number).as_bytes());
        }
        self.repository.publish();
        self.web.serve(&self.repository.published);
    }

    /// Lets the server of `tree` trust the feed.
    fn add(&self, tree: &Tree) -> Result<(), String> {
        let root = tree.root().join("root.json");
        fs::write(&root, self.repository.first_root()).map_err(|error| error.to_string())?;
        let mut command = self.program.on(tree, &["feed", "add", "bench", &self.web.url()]);
        succeed(command.arg("--root").arg(root))
    }

    fn command(&self, tree: &Tree) -> Command {
        self.program.on(tree, &["feed", "refresh"])
    }

    /// Fetches what is new; answers what the web server saw of it.
    fn refresh(&self) -> Result<Log, String> {
        let _ = self.web.take_log();
        succeed(&mut self.command(&self.tree))?;
        Ok(self.web.take_log())
    }

    /// Milliseconds for one fetch, from the start of the program to its end.
    fn time(&self, runs: usize) -> Result<f64, String> {
        let time = || Ok(wall_time(&mut self.command(&self.tree))?.as_secs_f64() * 1e3);
        Ok(median((0..runs).map(|_| time()).collect::<Result<_, String>>()?))
    }

    /// What must be asked for after one document more: whether there is a next root, the metadata
    /// that changed, and the document.
    fn news(&self) -> BTreeSet<String> {
        let snapshot = self.repository.snapshot.version;
        let targets = self.repository.targets.get("targets").map_or(0, |role| role.role.version);
        let name = format!("B{MANY:04}.toml");
        let is_document = |path: &&String| path.ends_with(&name);
        let documents = self.repository.published.keys().filter(is_document).cloned();
        let metadata = [
            "metadata/2.root.json".to_owned(),
            "metadata/timestamp.json".to_owned(),
            format!("metadata/{snapshot}.snapshot.json"),
            format!("metadata/{targets}.targets.json"),
        ];
        metadata.into_iter().chain(documents).map(|path| format!("GET {path}")).collect()
    }
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("the program: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}
