//! Reads a server once: the configuration files that matter, and the facts.

use stopgap_host::{Host, exchange_facts, packages, php_facts};
use stopgap_iis::config::{MAX_FILE_BYTES, Need, OverBudget, Read, Snapshot};
use stopgap_model::host::{Declared, Iis};
use stopgap_model::{Fact, HostFacts, ServerPath};
use stopgap_plan::WebConfig;

use crate::read_web::read_web;

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
        // Which of them matter is known by the catalog and the records.
        services: Fact::Absent,
        declared: declared.to_vec(),
    };
    Collected { facts, snapshot, web }
}

/// Reads the configuration files of IIS, and what they say of it.
pub(crate) fn read_iis(host: &dyn Host) -> (Snapshot, Fact<Iis>) {
    let (snapshot, budget) = read_all(host);
    let iis = match budget {
        Ok(()) => snapshot.iis(),
        Err(error) => Fact::unknown(error),
    };
    (snapshot, iis)
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
