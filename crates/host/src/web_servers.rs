//! The web servers of a host: which there are, the files that their configuration names, and what can be
//! done with those that run.

use std::time::Duration;

use stopgap_fs::Writers;
pub use stopgap_model::evidence::Answer;
use stopgap_model::reason::{InstalledReason, ReloadReason};
use stopgap_model::web::{LeftOut, WebServer, WebSite};
use stopgap_model::{Reasons, Request, ServerPath};

use crate::files::{Files, Read};

/// A file that a web server's configuration names, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// The file itself, every link followed; or why that is not known.
    pub real: Result<ServerPath, Reasons>,
    /// What reading it came to.
    pub read: Read,
    /// Who may change it.
    pub writers: Writers,
    /// Whether it may be changed: root had it included, or its owner did.
    pub is_theirs: bool,
}

/// The web servers of a host.
pub trait WebServers: Files {
    /// The web servers other than IIS that are installed or run here.
    fn web_servers(&self) -> Vec<WebServer>;

    /// What the last [`WebServers::web_servers`] left out: processes that look like a web server, and that
    /// Stopgap does not act for.
    fn left_out(&self) -> LeftOut {
        LeftOut::default()
    }

    /// Reads a file of at most `max` bytes that the configuration of a web server names: with the
    /// rights that the server is started with and, where others than root may write what names it
    /// (`word`), with theirs. So nobody learns by an include what they may not read themselves.
    fn read_named(&self, _: &WebServer, _word: Writers, path: &ServerPath, max: u64) -> NamedFile {
        let real = self.real_path(path);
        let read = match &real {
            Ok(real) => self.read(real, max),
            Err(why) => Read::Unreadable(why.clone()),
        };
        NamedFile { real, read, writers: Writers::Root, is_theirs: true }
    }

    /// The files that a pattern in the configuration of a web server names, as for [`Files::glob`], and
    /// with the rights of [`WebServers::read_named`].
    ///
    /// # Errors
    /// As for [`Files::glob`].
    fn glob_named(
        &self,
        _: &WebServer,
        _word: Writers,
        pattern: &str,
    ) -> Result<Vec<ServerPath>, Reasons> {
        self.glob(pattern)
    }

    /// What can be done with servers that run; `None` where nothing runs, as under a folder.
    fn control(&self) -> Option<&dyn ServerControl>;
}

/// Asked again and again while a server is waited for: `true` says that the wait is to end now.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// Web servers that run on this machine. Every operation is bounded in time.
pub trait ServerControl {
    /// Runs the server's own test of its configuration. With `staged`, these bytes are written to
    /// files beside those of these paths (see `model::web::beside`), the test is made of the
    /// staged files instead of the configuration files beside which they stand, and they are removed
    /// again.
    ///
    /// # Errors
    /// It does not pass, with what the server says; or the test could not be made, also because
    /// `stop` said so: the program that makes it is ended then.
    fn test_until(
        &self,
        server: &WebServer,
        staged: &[(ServerPath, Vec<u8>)],
        stop: &Stop<'_>,
    ) -> Result<(), TestError>;

    /// Runs the server's own test of its configuration to its end; see `test_until`.
    ///
    /// # Errors
    /// See `test_until`.
    fn test(&self, server: &WebServer, staged: &[(ServerPath, Vec<u8>)]) -> Result<(), TestError> {
        self.test_until(server, staged, &|| false)
    }

    /// Reloads the server's configuration, by its service manager where there is one, without closing a
    /// connection. When this returns, new processes answer. Returns a note for the administrator where
    /// old processes do not end.
    ///
    /// # Errors
    /// The server refuses it; or did not take it in time or before `stop` said that it is not waited for
    /// any longer, or is gone.
    fn reload_until(
        &self,
        server: &WebServer,
        stop: &Stop<'_>,
    ) -> Result<Option<ReloadReason>, ReloadError>;

    /// Reloads the server's configuration, and waits until that is done; see `reload_until`.
    ///
    /// # Errors
    /// See `reload_until`.
    fn reload(&self, server: &WebServer) -> Result<Option<ReloadReason>, ReloadError> {
        self.reload_until(server, &|| false)
    }

    /// How long it may take after a reload until every site answers as it should: while new processes
    /// start to answer, old ones still do.
    fn settle_time(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Starts a server that was found running and is not there any more.
    ///
    /// # Errors
    /// It does not come up.
    fn start(&self, server: &WebServer) -> Result<(), Reasons>;

    /// Whether the server runs now.
    fn is_running(&self, server: &WebServer) -> bool;

    /// Begins to send requests to sites, over this machine's own addresses. An answer that takes longer
    /// than `quick` is reported as slow.
    fn prober(&self, quick: Duration) -> Box<dyn Prober + '_>;

    /// What rpm says of every installed package, a line for each: the name, a blank, and
    /// `epoch:version-release`.
    ///
    /// # Errors
    /// There is no rpm, or it does not answer in time.
    fn rpm_packages(&self) -> Result<Vec<u8>, Reasons> {
        Err(InstalledReason::NoRpm.into())
    }
}

/// Sends requests to sites side by side: a site that does not answer does not delay the others. When this
/// is dropped, requests without an answer are given up.
pub trait Prober {
    /// Queues a request and returns its number. Requests to one site are sent in this order.
    fn send(&mut self, request: ProbeRequest) -> usize;

    /// Returns the next event, if there is one within `patience`.
    fn next_event(&mut self, patience: Duration) -> Option<ProbeEvent>;

    /// From now on sends one request after the other, with pauses, to whichever site: the server limits
    /// the rate of requests.
    fn slow_down(&mut self) {}

    /// Whether requests are sent with pauses, also because several sites answered that they had too many.
    fn is_slowed_down(&self) -> bool {
        false
    }

    /// From now on sends no request. Those that were sent are still answered. Returns the numbers of the
    /// others.
    fn stop_sending(&mut self) -> Vec<usize>;
}

/// A request to a site.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// The site.
    pub site: WebSite,
    /// The request.
    pub request: Request,
    /// How long the answer may take from when the request is sent.
    pub patience: Duration,
}

/// What became of a request, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeEvent {
    /// It was sent, and takes longer than a quick one. Its answer is still to come.
    Slow(usize),
    /// It is answered, or its time is over.
    Answered(usize, Answer),
}

/// A server did not take its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// It refuses it, or takes none while it serves: so it does as long as it runs as it is.
    #[error("{0}")]
    Refused(Reasons),
    /// It did not, this time.
    #[error("{0}")]
    NotTaken(Reasons),
}

impl From<Reasons> for ReloadError {
    fn from(why: Reasons) -> Self {
        Self::NotTaken(why)
    }
}

impl ReloadError {
    /// Why the server did not take its configuration.
    #[must_use]
    pub fn into_reasons(self) -> Reasons {
        match self {
            Self::Refused(why) | Self::NotTaken(why) => why,
        }
    }
}

/// The server's own test of its configuration did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// The server refuses the configuration.
    #[error("{program} refuses the configuration: {said}")]
    Refused {
        /// The program that was asked.
        program: ServerPath,
        /// What it said, its last lines as one.
        said: String,
    },
    /// The test could not be made, or did not end in time.
    #[error("the configuration could not be tested: {0}")]
    NotMade(Reasons),
}

impl From<TestError> for Reasons {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Refused { program, said } => {
                ReloadReason::TestRefused { program: program.as_str().to_owned(), said }.into()
            }
            TestError::NotMade(why) => ReloadReason::TestNotMade { why }.into(),
        }
    }
}
