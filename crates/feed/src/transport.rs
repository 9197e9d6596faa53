//! How the files of a feed are got: from the web, a folder, a bundle.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use stopgap_model::problem::one_line;

/// The longest path that is asked for, in bytes: a role's name may have every byte encoded.
const MAX_PATH: usize = 1024;

/// Gets the files of a feed.
pub trait Transport: Send + Sync {
    /// Gets the file at `path`, such as `metadata/timestamp.json`, of at most `max` bytes.
    ///
    /// A path is relative, its parts are percent-encoded where need be, and none is `.` or `..`.
    /// `validator` is what the last answer for this path came with, if the caller still has that
    /// file; [`Answer::Unchanged`] is only given then.
    ///
    /// # Errors
    /// The file cannot be got, or has more bytes.
    fn get(&self, path: &str, max: u64, validator: Option<&str>) -> Result<Answer, TransportError>;
}

/// What a transport answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The file.
    Found {
        /// Its bytes.
        bytes: Vec<u8>,
        /// What to ask with the next time.
        validator: Option<String>,
    },
    /// The file is the one that the validator came with.
    Unchanged,
    /// There is no such file.
    Absent,
}

/// A file could not be got.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", step.as_str())]
pub struct TransportError {
    /// The step that failed.
    pub step: ConnectStep,
    /// What went wrong there, on one line.
    pub why: String,
}

/// The steps on the way to a file, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectStep {
    /// The address, and the look-up of the server's name.
    Name,
    /// The proxy.
    Proxy,
    /// The connection to the server.
    Connect,
    /// The encryption, and the server's certificate.
    Tls,
    /// What the server answers.
    Status,
    /// The number of bytes.
    Length,
    /// The time that it takes.
    Time,
    /// A file or folder of this machine.
    File,
}

/// How a feed is fetched from the web.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The proxy's URL, or `direct` for none. If nothing is said, the environment's (`ALL_PROXY`,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    pub proxy: Option<String>,
    /// How long is waited.
    pub limits: Limits,
    /// When all feeds that are fetched together must be done.
    pub until: Option<Instant>,
    /// Set when the process is asked to stop: no further file is asked for.
    pub stop: Option<&'static AtomicBool>,
}

/// How long is waited for the web, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, with name, proxy and TLS.
    pub connect: Duration,
    /// For the next bytes.
    pub read: Duration,
    /// For one file.
    pub file: Duration,
    /// For all files together.
    pub visit: Duration,
    /// How often a file is asked for, if what fails may pass.
    pub tries: u32,
    /// The pause before the second try; it is twice as long before the third, and varies by half.
    pub pause: Duration,
}

impl Limits {
    /// Enough for the largest metadata (5 MB) at 50 kB/s, and for 10,000 files over a connection
    /// that takes 50 ms for each.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(20),
        file: Duration::from_secs(100),
        visit: Duration::from_secs(900),
        tries: 3,
        pause: Duration::from_millis(500),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

impl ConnectStep {
    /// The step in a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Proxy => "proxy",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Status => "status",
            Self::Length => "length",
            Self::Time => "time",
            Self::File => "file",
        }
    }
}

impl TransportError {
    pub(crate) fn new(step: ConnectStep, why: impl AsRef<str>) -> Self {
        Self { step, why: one_line(why.as_ref()) }
    }

    pub(crate) fn too_large(max: u64) -> Self {
        Self::new(ConnectStep::Length, format!("there are more than {max} bytes"))
    }
}

/// The parts of a path that leads nowhere else.
pub(crate) fn parts(path: &str) -> Result<Vec<&str>, TransportError> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_part = |part: &&str| {
        let known =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~' | b'%');
        !matches!(*part, "" | "." | "..") && part.bytes().all(known)
    };
    if path.len() <= MAX_PATH && parts.iter().all(is_part) {
        return Ok(parts);
    }
    Err(TransportError::new(
        ConnectStep::Name,
        format!("`{path}` is not a path below the feed's address"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a\\b", "a b", "a?b", "é"]
        {
            assert_eq!(parts(path).map_err(|error| error.step), Err(ConnectStep::Name), "{path}");
        }
        assert_eq!(
            parts(&"a".repeat(MAX_PATH + 1)).map_err(|error| error.step),
            Err(ConnectStep::Name)
        );
        assert_eq!(parts("metadata/1.root.json"), Ok(vec!["metadata", "1.root.json"]));
    }
}
