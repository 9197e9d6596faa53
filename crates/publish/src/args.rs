//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use stopgap_model::MitigationId;
use stopgap_sign::Role;

/// The publisher's side of Stopgap: check mitigations, sign them, give them away.
#[derive(Debug, Parser)]
#[command(name = "stopgap-publish", version, max_term_width = 80, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The publisher's folder
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The passphrase of the offline keys is the first line of this file [default: the variable
    /// STOPGAP_PASSPHRASE, else it is asked for]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The same for the online keys [default: STOPGAP_ONLINE_PASSPHRASE, else it is asked for]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) online_passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find what review of a mitigation document misses
    Lint(Lint),
    /// Tell what a mitigation document does with a request
    Try(Try),
    /// Turn rewrite rules of IIS into a mitigation document, on standard output
    ImportIis(ImportIis),
    /// Make the publisher's folder, with its keys and the first root
    Init(Init),
    /// Check mitigation documents, or policy.toml, and stage them to be signed
    Add {
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Take a mitigation back on every server: stages its next revision, which says so
    Withdraw {
        #[arg(value_name = "ID")]
        id: MitigationId,
        /// Why, for the administrators
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Sign what is staged, with the keys at hand
    Sign(Sign),
    /// Give the feed away: write it into a folder that a web server serves
    Publish {
        #[arg(value_name = "DIR")]
        place: PathBuf,
        /// Publish nothing that is staged; only say anew that nothing is newer: for a timer
        #[arg(long)]
        refresh: bool,
    },
    /// Change the keys of a role: stages the next root
    Rotate(Rotate),
    /// What is staged, who must still sign, what expires when
    Status,
    /// Copy a feed into a folder, after verifying it; needs no keys
    Mirror {
        /// Where the feed is: a URL, a folder or a bundle
        #[arg(value_name = "URL")]
        from: String,
        #[arg(value_name = "DIR")]
        to: PathBuf,
        /// A root of the feed that you trust
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
    },
    /// Put a feed into one file, after verifying it, for servers without a network
    Bundle {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where the feed is: a URL or a folder [default: the publisher's folder]
        #[arg(long, value_name = "PLACE", requires = "root")]
        from: Option<String>,
        /// A root of the feed that you trust
        #[arg(long, value_name = "FILE", requires = "from")]
        root: Option<PathBuf>,
    },
    /// Check a feed as a server does, and every target
    Verify {
        /// A URL, a folder or a bundle
        #[arg(value_name = "PLACE")]
        place: String,
        /// A root of the feed that you trust
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
    },
    /// Serve a folder on HTTP, for trying
    Serve {
        #[arg(value_name = "DIR")]
        place: PathBuf,
        /// The address to listen at; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
        address: SocketAddr,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Mitigation documents
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// A folder with the documents that came before: no revision may name two contents
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Try {
    /// A mitigation document
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The request: a method, a blank and a target, as in 'GET /x?y'
    #[arg(long, value_name = "REQUEST", required_unless_present = "requests")]
    pub(crate) request: Option<String>,
    /// A header of the request, as in 'Cookie: a=b'
    #[arg(long = "header", value_name = "HEADER", requires = "request")]
    pub(crate) headers: Vec<String>,
    /// The body of the request
    #[arg(long, value_name = "TEXT", requires = "request")]
    pub(crate) body: Option<String>,
    /// A header of the response that the application gives, as in 'Content-Type: text/html': what
    /// becomes of the response is told as well
    #[arg(long = "response-header", value_name = "HEADER", requires = "request")]
    pub(crate) response_headers: Vec<String>,
    /// Requests, one JSON object a line: {"method","uri","headers","body","response"}; `-` is
    /// standard input
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "request")]
    pub(crate) requests: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportIis {
    /// A configuration file of a site
    #[arg(value_name = "WEB.CONFIG")]
    pub(crate) file: PathBuf,
    /// Only the rules of these names
    #[arg(long = "rule", value_name = "NAME")]
    pub(crate) rules: Vec<String>,
    /// The id of the mitigation
    #[arg(long, value_name = "ID", default_value = "IMPORTED-1")]
    pub(crate) id: MitigationId,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// What the feed is called, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) name: String,
    /// How many keys the role root gets
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(crate) root_keys: u32,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(crate) root_threshold: u32,
    /// How many keys the role targets gets
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(crate) targets_keys: u32,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(crate) targets_threshold: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// root or targets [default: what is staged and the keys are for]
    #[arg(value_name = "ROLE", value_parser = offline_role)]
    pub(crate) role: Option<Role>,
    /// A key file, encrypted with a passphrase
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// Stage the same content anew, with a later expiry
    #[arg(long, requires = "role")]
    pub(crate) renew: bool,
    /// Sign although it names documents that are not at hand or cannot be shown, or holds longer
    /// than usual; without it a person is asked
    #[arg(long)]
    pub(crate) despite_doubts: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// root, targets, snapshot or timestamp
    #[arg(value_name = "ROLE", value_parser = role)]
    pub(crate) role: Role,
    /// Make so many new keys
    #[arg(long, value_name = "N", default_value = "0", value_parser = more)]
    pub(crate) add: u32,
    /// Add the key whose public half is in this file, as `openssl pkey -pubout` or TUF writes it
    #[arg(long = "add-key", value_name = "FILE")]
    pub(crate) add_keys: Vec<PathBuf>,
    /// Take this key out: its name, or the beginning of its id
    #[arg(long = "remove", value_name = "KEY")]
    pub(crate) remove: Vec<String>,
    /// How many keys must sign
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threshold: Option<u32>,
}

/// The most keys of a role: more than any team has people to keep them.
const MAX_KEYS: u32 = 32;

/// What an argument has to be; each a phrase, as clap puts its own words before it.
#[derive(Debug, thiserror::Error)]
enum Expected {
    #[error("a number from 1 to {MAX_KEYS}")]
    Count,
    #[error("root, targets, snapshot or timestamp")]
    Role,
    #[error("root or targets; `publish` signs the rest")]
    OfflineRole,
}

fn count(text: &str) -> Result<u32, Expected> {
    let number = text.parse().ok().filter(|number| (1..=MAX_KEYS).contains(number));
    number.ok_or(Expected::Count)
}

fn more(text: &str) -> Result<u32, Expected> {
    if text == "0" { Ok(0) } else { count(text) }
}

fn role(text: &str) -> Result<Role, Expected> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or(Expected::Role)
}

fn offline_role(text: &str) -> Result<Role, Expected> {
    let found = [Role::Root, Role::Targets].into_iter().find(|role| role.as_str() == text);
    found.ok_or(Expected::OfflineRole)
}
