//! Reads a server once: the configuration files that matter, and the facts.

use stopgap_edit::iis::{MAX_FILE_BYTES, Need, OverBudget, Read, Snapshot};
use stopgap_host::{Host, exchange_facts, php_facts};
use stopgap_model::{Fact, HostFacts, ServerPath};

/// What was read of a server.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The configuration files, with their digests.
    pub snapshot: Snapshot,
    /// What was identified.
    pub facts: HostFacts,
}

/// Reads `host`. What cannot be read is unknown in the facts, with the reason.
#[must_use]
pub fn collect(host: &dyn Host) -> Collected {
    let (snapshot, budget) = read_all(host);
    let iis = match budget {
        Ok(()) => snapshot.iis(),
        Err(error) => Fact::Unknown(error.to_string()),
    };
    let exchange = exchange_facts(host, &iis);
    let php = php_facts(host, &iis, &snapshot.programs());
    Collected { facts: HostFacts { exchange, iis, php, ..HostFacts::nothing() }, snapshot }
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
