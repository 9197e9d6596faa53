//! Reads a server once: the configuration files that matter, and the facts.

use std::collections::BTreeMap;

use stopgap_host::{Host, Named, Writers, exchange_facts, packages, php_facts};
use stopgap_iis::config::{MAX_FILE_BYTES, Need, OverBudget, Read, Snapshot};
use stopgap_model::host::{Declared, Iis};
use stopgap_model::web::{WebFacts, WebServer};
use stopgap_model::{Fact, HostFacts, ServerPath};
use stopgap_plan::WebConfig;

/// What was read of a server.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The configuration files of IIS, with their digests.
    pub snapshot: Snapshot,
    /// The other web servers, with their configuration.
    pub web: Vec<WebConfig>,
    /// What was identified.
    pub facts: HostFacts,
}

/// Reads `host`, where `declared` is what its administrator says of it. What cannot be read is
/// unknown in the facts, with the reason.
#[must_use]
pub fn collect(host: &dyn Host, declared: &[Declared]) -> Collected {
    let (snapshot, iis) = read_iis(host);
    let exchange = exchange_facts(host, &iis);
    let php = php_facts(host, &iis, &snapshot.programs());
    let web: Vec<WebConfig> =
        host.web_servers().into_iter().map(|server| read_web(host, server)).collect();
    let facts = HostFacts {
        exchange,
        iis,
        php,
        web: web.iter().map(|config| config.facts.clone()).collect(),
        left_out: host.left_out(),
        packages: packages(host),
        declared: declared.to_vec(),
    };
    Collected { facts, snapshot, web }
}

/// Reads the configuration files of IIS, and what they say of it.
pub(crate) fn read_iis(host: &dyn Host) -> (Snapshot, Fact<Iis>) {
    let (snapshot, budget) = read_all(host);
    let iis = match budget {
        Ok(()) => snapshot.iis(),
        Err(error) => Fact::Unknown(error.to_string()),
    };
    (snapshot, iis)
}

/// Reads the configuration of one web server.
pub(crate) fn read_web(host: &dyn Host, server: WebServer) -> WebConfig {
    let mut files = stopgap_webserver::Files::new(&server);
    let incomplete = match &server.doubt {
        Some(doubt) => Some(doubt.clone()),
        None => fill(host, &server, &mut files).err().map(|error| error.to_string()),
    };
    if incomplete.is_none() {
        fix(host, &mut files);
    }
    let layout = match &incomplete {
        Some(why) => Err(why.clone()),
        None => files.layout().map_err(|trouble| trouble.to_string()),
    };
    let mut modules = server.modules.known().cloned().unwrap_or_default();
    let sites = match layout {
        Ok(layout) => {
            modules.extend(layout.modules());
            Fact::Known(layout.sites())
        }
        Err(why) => Fact::Unknown(why),
    };
    WebConfig { facts: WebFacts { server, sites, modules }, files, incomplete, refused: None }
}

/// Takes note of the files that lines of ours would stand in and that cannot be changed.
fn fix(host: &dyn Host, files: &mut stopgap_webserver::Files) {
    let written = files.layout().map(|layout| layout.written_files()).unwrap_or_default();
    for path in written {
        if let Err(why) = host.replacing(&path) {
            files.fix(path, why);
        }
    }
}

/// Why a file is not changed that is no business of whoever had it included: lines of ours in it
/// would name files of ours in his folder, and another server may read it.
const NOT_THEIRS: &str =
    "it is included by a file that others than root may write and is not theirs";

fn fill(
    host: &dyn Host,
    server: &WebServer,
    files: &mut stopgap_webserver::Files,
) -> Result<(), stopgap_webserver::OverBudget> {
    // Who may change what a file says, or that it is read at all.
    let mut words: BTreeMap<ServerPath, Writers> = BTreeMap::new();
    // Whether somebody had a file included for this server who may have it changed.
    let mut theirs: BTreeMap<ServerPath, bool> = BTreeMap::new();
    loop {
        let missing = files.missing();
        if missing.is_empty() {
            for (real, _) in theirs.into_iter().filter(|(_, is_theirs)| !is_theirs) {
                files.fix(real, NOT_THEIRS.to_owned());
            }
            return Ok(());
        }
        for (need, by) in missing {
            // What root names is read on root's word, whoever else names it.
            let word_of = |file| words.get(file).copied().unwrap_or(Writers::Several);
            let word = by.iter().map(word_of).min().unwrap_or(Writers::Root);
            match need {
                stopgap_webserver::Need::File(path) => {
                    let named = host.read_named(
                        server,
                        word,
                        &path,
                        stopgap_webserver::MAX_TOTAL_BYTES as u64,
                    );
                    // Whoever may write the main file of a server that root starts has root's rights
                    // by that server: it loads what the file says.
                    let is_roots = by.is_empty() && server.account.is_root();
                    let writers = if is_roots { Writers::Root } else { named.writers };
                    words.insert(path.clone(), word.and(writers));
                    if let Ok(real) = &named.real {
                        *theirs.entry(real.clone()).or_default() |= named.is_theirs;
                    }
                    files.provide(path, followed(named))?;
                }
                stopgap_webserver::Need::Glob(pattern) => {
                    let found = host.glob_named(server, word, &pattern);
                    files.provide_glob(pattern, found.map_err(stopgap_webserver::NotListed))?;
                }
            }
        }
    }
}

/// What became of reading the file that a path leads to.
fn followed(named: Named) -> stopgap_webserver::Read {
    let real = match named.real {
        Ok(real) => real,
        Err(why) => return stopgap_webserver::Read::Unreadable(why),
    };
    match named.read {
        stopgap_host::Read::Found(bytes) => stopgap_webserver::Read::Found { real, bytes },
        stopgap_host::Read::Absent => stopgap_webserver::Read::Absent,
        stopgap_host::Read::Unreadable(why) => stopgap_webserver::Read::Unreadable(why),
    }
}

/// Which files matter is known only after others were read; each round asks for the next.
fn read_all(host: &dyn Host) -> (Snapshot, Result<(), OverBudget>) {
    let mut snapshot = Snapshot::new();
    loop {
        let needs = snapshot.needs();
        if needs.is_empty() {
            return (snapshot, Ok(()));
        }
        for need in needs {
            match need {
                Need::File(path) => {
                    let read = read_one(host, &path);
                    if let Err(error) = snapshot.provide(path, read) {
                        return (snapshot, Err(error));
                    }
                }
                Need::Folder(folder) => {
                    let found = host.find(&folder, "web.config");
                    snapshot.provide_folder(folder, found.files, found.incomplete);
                }
            }
        }
    }
}

fn read_one(host: &dyn Host, path: &ServerPath) -> Read {
    match host.read(path, MAX_FILE_BYTES as u64) {
        stopgap_host::Read::Found(bytes) => Read::Found(bytes),
        stopgap_host::Read::Absent => Read::Absent,
        stopgap_host::Read::Unreadable(why) => Read::Unreadable(why),
    }
}
