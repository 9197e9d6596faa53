//! What can be done with a web server that runs here.

use std::time::Duration;

use stopgap_model::Request;
use stopgap_model::ServerPath;
pub use stopgap_model::evidence::Answer;
use stopgap_model::web::{WebServer, WebSite};

/// Asked again and again while a server is waited for: `true` says that the wait is to end now.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// Web servers that run on this machine. Every operation is bounded in time.
pub trait Live {
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

    /// Has the server take its configuration, as its service manager does it where there is one,
    /// without closing a connection. When this returns, new processes answer. Answers what a person
    /// should know, a sentence without a full stop: processes of before that do not end.
    ///
    /// # Errors
    /// The server refuses it; or did not take it in time or before `stop` said that it is not waited for
    /// any longer, or is gone.
    fn reload_until(
        &self,
        server: &WebServer,
        stop: &Stop<'_>,
    ) -> Result<Option<String>, ReloadError>;

    /// Has the server take its configuration, and waits until it did; see `reload_until`.
    ///
    /// # Errors
    /// See `reload_until`.
    fn reload(&self, server: &WebServer) -> Result<Option<String>, ReloadError> {
        self.reload_until(server, &|| false)
    }

    /// How long it may take after a reload until every site answers as it should: while new processes
    /// start to answer, old ones still do.
    fn settling(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Starts a server that was found running and is not there any more.
    ///
    /// # Errors
    /// It does not come up; a sentence without a full stop.
    fn start(&self, server: &WebServer) -> Result<(), String>;

    /// Whether the server runs now.
    fn is_running(&self, server: &WebServer) -> bool;

    /// Begins to ask sites, over this machine's own addresses. `quick`: how long an answer may take
    /// until it is told that it is slow.
    fn asking(&self, quick: Duration) -> Box<dyn Asking + '_>;

    /// What rpm says of every installed package, a line for each: the name, a blank, and
    /// `epoch:version-release`.
    ///
    /// # Errors
    /// There is no rpm, or it does not answer in time; a sentence without a full stop.
    fn rpm_packages(&self) -> Result<Vec<u8>, String> {
        crate::rpm::installed()
    }
}

/// Sites that are being asked, side by side: a site that does not answer keeps no other from being
/// asked. When this is dropped, what is still asked is given up.
pub trait Asking {
    /// Puts a question. Questions to one site are begun in this order. Answers the question's number.
    fn ask(&mut self, question: Question) -> usize;

    /// What is heard next, if anything is within `patience`.
    fn next(&mut self, patience: Duration) -> Option<Heard>;

    /// From now on questions are begun one after the other, with pauses, whichever site they are to: the
    /// server limits how often it is asked.
    fn spare(&mut self) {}

    /// Whether they are, also because several sites said that they were asked too often.
    fn is_sparing(&self) -> bool {
        false
    }

    /// From now on no question is begun. Those that were are still answered. Answers the numbers of the
    /// others.
    fn begin_no_more(&mut self) -> Vec<usize>;
}

/// A request to a site.
#[derive(Debug, Clone)]
pub struct Question {
    /// The site.
    pub site: WebSite,
    /// The request.
    pub request: Request,
    /// How long the answer may take from when the question is begun.
    pub patience: Duration,
}

/// What is heard of a question, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It was begun, and takes longer than a quick one. Its answer is still to come.
    Slow(usize),
    /// It is answered, or its time is over.
    Answer(usize, Answer),
}

/// A server did not take its configuration; each a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// It refuses it, or takes none while it serves: so it does as long as it runs as it is.
    #[error("{0}")]
    Refused(String),
    /// It did not, this time.
    #[error("{0}")]
    NotTaken(String),
}

impl From<String> for ReloadError {
    fn from(why: String) -> Self {
        Self::NotTaken(why)
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
    NotMade(String),
}
