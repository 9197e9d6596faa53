//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stopgap_feed::{FeedName, Kind, Wildcard};
use stopgap_model::MitigationId;

/// Emergency mitigations for servers, applied and withdrawn automatically.
#[derive(Debug, Parser)]
#[command(name = "stopgap", version, max_term_width = 80, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Work on the server whose files are under this folder (a mounted disk, an image, a test
    /// tree) instead of on this machine; needs --state
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The state folder [default: /var/lib/stopgap]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The policy file [default: /etc/stopgap/policy.toml, or policy.toml in the state folder
    /// where --state is given]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Use the unsigned mitigation documents in this folder instead of the built-in catalog, to try
    /// them
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) catalog: Option<PathBuf>,
    /// Allow --catalog on this machine itself
    #[arg(long, global = true)]
    pub(crate) unsigned: bool,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long to wait for another process to finish, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) wait: Duration,
}

/// A text that is no number of seconds.
#[derive(Debug, thiserror::Error)]
#[error("a whole number of seconds")]
struct NotSeconds;

fn seconds(text: &str) -> Result<Duration, NotSeconds> {
    text.parse().map(Duration::from_secs).map_err(|_| NotSeconds)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one cycle now: identify, decide, apply, verify, withdraw
    Check {
        /// Show what would be done, with the diff of every file, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Only these mitigations
        #[arg(value_name = "ID")]
        ids: Vec<MitigationId>,
    },
    /// Run the service: a cycle at start, then every hour
    Run,
    /// Show this server: whether it is switched on, what is installed, the last check
    Status,
    /// List every mitigation: id, revision, state, reason
    List {
        /// Write the list to this file as CSV
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
    /// Show one mitigation: what it changes here, its impact, how to remove it
    Show {
        #[arg(value_name = "ID")]
        id: MitigationId,
    },
    /// Show what was identified on the server, and from where
    Facts,
    /// Keep mitigations from being applied; what is installed stays
    Block(Decision),
    /// Allow mitigations to be applied again, from the next check on
    Unblock(Decision),
    /// Remove mitigations now, and keep them from being applied again
    Remove {
        #[command(flatten)]
        decision: Decision,
        /// Do not block: the next check may apply them again
        #[arg(long)]
        once: bool,
    },
    /// Apply mitigations again now
    Reapply {
        #[arg(value_name = "ID", required = true)]
        ids: Vec<MitigationId>,
    },
    /// Switch automatic mitigation on for this server
    Enable {
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Switch automatic mitigation off for this server: nothing is changed any more
    Disable {
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Show the audit trail
    History,
    /// Show what this server would do with a request, and which rule decides it
    Try(Try),
    /// Manage signed feeds of mitigations
    Feed {
        #[command(subcommand)]
        command: Feed,
    },
    /// Check that each feed is reachable, verifies and is fresh; otherwise show the step that failed
    TestConnectivity {
        /// Only this feed
        #[arg(value_name = "NAME")]
        name: Option<FeedName>,
    },
    /// Show everything in a sandbox, in a few seconds
    Demo {
        /// Keep the sandbox in this folder, for looking around
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Feed {
    /// Trust a feed, and permit it to ask for certain things here
    Add(Box<AddFeed>),
    /// List the feeds: their condition, and what they may ask for
    List,
    /// Stop trusting a feed; what is installed of it stays
    Remove {
        #[arg(value_name = "NAME")]
        name: FeedName,
    },
    /// Fetch what is new; nothing on the server is changed
    Refresh {
        /// Only these feeds
        #[arg(value_name = "NAME")]
        names: Vec<FeedName>,
    },
    /// Import a feed from a bundle file, verified like a fetched one
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The feed that the bundle belongs to [default: the one whose keys signed it]
        #[arg(long, value_name = "NAME")]
        name: Option<FeedName>,
        /// Accept a feed that expired up to so many days ago; the audit trail says so
        #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=366))]
        accept_stale: u32,
    },
    /// Verify a feed in a file, and show every check with its outcome
    Verify {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The format of the feed
        #[arg(long, value_name = "FORMAT")]
        format: FeedFormat,
        /// The folder of the trust anchors: certificates (*.pem, *.crt, *.cer, *.der) and, if any,
        /// revocation lists (*.crl)
        #[arg(long, value_name = "DIR")]
        anchors: PathBuf,
        /// The time to verify at, as in 2021-09-16 or 2021-09-16T08:00:00Z [default: now]
        #[arg(long, value_name = "TIME", value_parser = time)]
        at: Option<Timestamp>,
    },
}

/// The formats of feeds that are one file.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum FeedFormat {
    /// Microsoft's: the signed XML of the Exchange Online Configuration Service
    Eocs,
}

#[derive(Debug, Args)]
pub(crate) struct AddFeed {
    /// The name that you give it: a-z, 0-9 and `-`
    #[arg(value_name = "NAME")]
    pub(crate) name: FeedName,
    /// Its address: https://, http:// or file:///; without one, it is only imported by hand
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The publisher's root metadata, obtained from the publisher in a way that you trust
    #[arg(long, value_name = "ROOT.JSON", required_unless_present = "format")]
    pub(crate) root: Option<PathBuf>,
    /// Another format than Stopgap's own
    #[arg(long, value_name = "FORMAT", requires = "anchors", conflicts_with = "root")]
    pub(crate) format: Option<FeedFormat>,
    /// The folder of the trust anchors of such a feed: certificates (*.pem, *.crt, *.cer, *.der), in
    /// `signer` those for its signer and in `stamp` those for its time stamp, and, if any,
    /// revocation lists (*.crl)
    #[arg(long, value_name = "DIR", requires = "format")]
    pub(crate) anchors: Option<PathBuf>,
    /// The ids of the mitigations it may offer, with `*` for any characters [default: all but
    /// those of the catalog that ships with the program]
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) ids: Vec<Wildcard>,
    /// The kinds of actions it may ask for [default: block-request, request-header,
    /// response-header, do-nothing]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) kinds: Vec<Kind>,
    /// The services it may disable, with `*` for any characters [default: none]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) services: Vec<Wildcard>,
    /// The application pools it may disable, with `*` for any characters [default: none]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) pools: Vec<Wildcard>,
    /// Let its policy.toml be the organisation's: it may switch everything off, and block
    /// mitigations
    // Under the name of the common option, which means a file and is not taken here.
    #[arg(long, num_args = 0, default_missing_value = GIVES_POLICY)]
    pub(crate) policy: Option<PathBuf>,
    /// Has no effect any more: the default since this permission has to be given
    #[arg(long, hide = true)]
    pub(crate) no_policy: bool,
}

/// What stands for `feed add --policy`: a path at which nothing can be.
const GIVES_POLICY: &str = "/dev/null/given";

impl AddFeed {
    /// Whether the feed is given the power of the organisation's policy.
    pub(crate) fn gives_policy(&self) -> bool {
        self.policy.as_deref() == Some(std::path::Path::new(GIVES_POLICY))
    }
}

/// A text that is no time.
#[derive(Debug, thiserror::Error)]
#[error("a date as in 2021-09-16, or a time as in 2021-09-16T08:00:00Z")]
struct NotATime;

/// Reads a time; a date is its first moment, in UTC.
fn time(text: &str) -> Result<Timestamp, NotATime> {
    let day = |date: Date| date.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
    text.parse().or_else(|_| text.parse().and_then(day)).map_err(|_| NotATime)
}

#[derive(Debug, Args)]
pub(crate) struct Decision {
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<MitigationId>,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Try {
    /// Try the rules of this web.config, as the root of a site
    #[arg(long, value_name = "WEB.CONFIG", group = "what")]
    pub(crate) iis: Option<PathBuf>,
    /// Try the rules of this mitigation of the catalog
    #[arg(long, value_name = "ID", group = "what")]
    pub(crate) id: Option<MitigationId>,
    /// Try the site of this name, or the web server of this kind or id, on the server (see --root)
    #[arg(long, value_name = "NAME", group = "what")]
    pub(crate) site: Option<String>,
    /// The request: a method, a space and a target, as in 'GET /x?y' or 'GET https://host/x?y'
    #[arg(long, value_name = "REQUEST", required_unless_present = "requests")]
    pub(crate) request: Option<String>,
    /// A header of the request, as in 'Cookie: a=b'
    #[arg(long = "header", value_name = "HEADER", requires = "request")]
    pub(crate) headers: Vec<String>,
    /// The request comes over HTTPS; one that names http:// or https:// says that itself
    #[arg(long)]
    pub(crate) https: bool,
    /// The folder of the site that the file given to --iis belongs to: rules that ask whether a file
    /// or folder exists are answered from it
    #[arg(long, value_name = "DIR", requires = "iis")]
    pub(crate) docroot: Option<PathBuf>,
    /// The body of the request
    #[arg(long, value_name = "TEXT", requires = "request")]
    pub(crate) body: Option<String>,
    /// A header of the response that the application gives, as in 'X-Frame-Options: DENY': shows
    /// what becomes of the response as well
    #[arg(long = "response-header", value_name = "HEADER", requires = "request")]
    pub(crate) response_headers: Vec<String>,
    /// The media type of that response, as in 'text/html'
    #[arg(long, value_name = "TYPE", requires = "request")]
    pub(crate) response_type: Option<String>,
    /// Requests, one JSON object a line: {"method","uri","headers","body","response"}; `-` is
    /// standard input
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "request")]
    pub(crate) requests: Option<PathBuf>,
}
