//! Reads the configuration of one web server.

use std::collections::BTreeMap;

use stopgap_host::{Host, NamedFile, Writers};
use stopgap_model::reason::FileReason;
use stopgap_model::web::{WebFacts, WebServer};
use stopgap_model::{Fact, Reasons, ServerPath};
use stopgap_plan::WebConfig;
use stopgap_webserver::{Files, MAX_TOTAL_BYTES, Need, OverBudget, Read};

/// Reads the configuration of one web server.
pub(crate) fn read_web(host: &dyn Host, server: WebServer) -> WebConfig {
    let mut files = Files::new(&server);
    let incomplete = match &server.doubt {
        Some(doubt) => Some(doubt.clone()),
        None => Reading::new(host, &server).fill(&mut files).err().map(Reasons::from),
    };
    let mut modules = server.modules.known().cloned().unwrap_or_default();
    let mut written = Vec::new();
    let layout = match &incomplete {
        Some(why) => Err(why.clone()),
        None => files.layout().map_err(Reasons::from),
    };
    let sites = match layout {
        Ok(layout) => {
            modules.extend(layout.modules());
            written.extend(layout.written_files());
            Fact::Known(layout.sites())
        }
        Err(why) => Fact::Unknown(why),
    };
    // Of the files that lines of ours would stand in, those that cannot be changed are left as they are.
    for path in written {
        if let Err(why) = host.replace_method(&path) {
            files.fix(path, why);
        }
    }
    WebConfig { facts: WebFacts { server, sites, modules }, files, incomplete, refused: None }
}

/// Reads the files that a server's configuration consists of, each on the word of whoever had it included.
struct Reading<'r> {
    host: &'r dyn Host,
    server: &'r WebServer,
    /// Who may change what a file says, or that it is read at all.
    words: BTreeMap<ServerPath, Writers>,
    /// Whether somebody had a file included for this server who may have it changed.
    theirs: BTreeMap<ServerPath, bool>,
}

impl<'r> Reading<'r> {
    fn new(host: &'r dyn Host, server: &'r WebServer) -> Self {
        Self { host, server, words: BTreeMap::new(), theirs: BTreeMap::new() }
    }

    /// Reads until no file is missing: which files matter is known only after others were read.
    fn fill(mut self, files: &mut Files) -> Result<(), OverBudget> {
        loop {
            let missing = files.missing();
            if missing.is_empty() {
                for (real, _) in self.theirs.into_iter().filter(|(_, is_theirs)| !is_theirs) {
                    // It is no business of whoever had it included: lines of ours in it would name
                    // files of ours in his folder, and another server may read it.
                    let why = FileReason::NotTheirs { path: real.to_string() };
                    files.fix(real, why);
                }
                return Ok(());
            }
            for (need, by) in missing {
                // What root names is read on root's word, whoever else names it.
                let word_of = |file| self.words.get(file).copied().unwrap_or(Writers::Several);
                let word = by.iter().map(word_of).min().unwrap_or(Writers::Root);
                match need {
                    Need::File(path) => self.read(path, word, by.is_empty(), files)?,
                    Need::Glob(pattern) => {
                        let found = self.host.glob_named(self.server, word, &pattern);
                        files.provide_glob(pattern, found)?;
                    }
                }
            }
        }
    }

    fn read(
        &mut self,
        path: ServerPath,
        word: Writers,
        is_main: bool,
        files: &mut Files,
    ) -> Result<(), OverBudget> {
        let named = self.host.read_named(self.server, word, &path, MAX_TOTAL_BYTES as u64);
        // Whoever may write the main file of a server that root starts has root's rights by that server: it
        // loads what the file says.
        let is_roots = is_main && self.server.account.is_root();
        let writers = if is_roots { Writers::Root } else { named.writers };
        self.words.insert(path.clone(), word.and(writers));
        if let Ok(real) = &named.real {
            *self.theirs.entry(real.clone()).or_default() |= named.is_theirs;
        }
        files.provide(path, followed(named))
    }
}

/// What became of reading the file that a path leads to.
fn followed(named: NamedFile) -> Read {
    let real = match named.real {
        Ok(real) => real,
        Err(why) => return Read::Unreadable(why),
    };
    match named.read {
        stopgap_host::Read::Found(bytes) => Read::Found { real, bytes },
        stopgap_host::Read::Absent => Read::Absent,
        stopgap_host::Read::Unreadable(why) => Read::Unreadable(why),
    }
}
