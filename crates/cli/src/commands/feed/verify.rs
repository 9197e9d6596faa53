//! `stopgap feed verify`: every check of a feed in a file, with its outcome.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use stopgap_eocs::{Check, MAX_BYTES, Report, Trust, Verified};
use stopgap_feed::{AnchorsError, trust_in};
use stopgap_fs::{FsError, read_bounded};

use crate::args::Common;
use crate::error::{CliError, REFUSED};
use crate::json::{self, CheckObject, EocsObject, FeedVerifyObject};
use crate::output::{plain, wrap};
use stopgap_agent::log;

/// What stands before the detail of a check: its outcome and its name.
const INDENT: &str = "                        ";

pub(crate) fn run(
    common: &Common,
    file: &Path,
    anchors: &Path,
    at: Option<Timestamp>,
) -> Result<u8, CliError> {
    let (trust, for_both) = trust_in(anchors).map_err(|error| match error {
        AnchorsError::Fs(error) => error.into(),
        AnchorsError::None { .. } => CliError::usage(
            error.to_string(),
            "put the certificates that you trust there, as *.pem, *.crt, *.cer or *.der: in `signer` \
             those for the signer, in `stamp` those for time stamps",
        ),
        AnchorsError::Folder { .. } | AnchorsError::File { .. } | AnchorsError::Trust(_) => {
            CliError::Config { file: anchors.to_owned(), why: error.to_string() }
        }
    })?;
    let report = verify(file, &trust, at.unwrap_or_else(Timestamp::now))?;
    if for_both {
        log::note(
            "the anchors beside `signer` and `stamp` are trusted for the signer and for \
                    time stamps alike; put each into the folder of its purpose",
        );
    }
    if common.json {
        json::print(&as_object(&report));
    } else {
        print(&report);
    }
    Ok(if report.outcome.is_ok() { 0 } else { REFUSED })
}

fn verify(file: &Path, trust: &Trust, now: Timestamp) -> Result<Report, CliError> {
    let bytes = match read_bounded(file, MAX_BYTES as u64) {
        // One byte more than allowed, so that the feed's verifier says what is wrong.
        Err(FsError::TooLarge { .. }) => vec![b' '; MAX_BYTES + 1],
        read => read?,
    };
    Ok(stopgap_eocs::verify(&bytes, trust, now))
}

fn print(report: &Report) {
    for check in &report.checks {
        // Words of one width, so that the names stand below each other.
        let (word, colour) = match check.outcome {
            Ok(_) => ("ok  ", AnsiColor::Green),
            Err(_) => ("FAIL", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let name = check.name.as_str();
        let text = format!("{style}{word}{style:#} {name:<18} {}", plain(&detail(check)));
        print_line!("{}", wrap(&text, INDENT));
    }
    print_line!("");
    match &report.outcome {
        Ok(feed) => print_line!("{}", wrap(&verified(feed), "")),
        Err(refusal) => {
            print_line!("{}", wrap(&format!("Refused: {}.", plain(&refusal.to_string())), ""))
        }
    }
}

fn detail(check: &Check) -> String {
    match &check.outcome {
        Ok(detail) => detail.clone(),
        Err(refusal) => refusal.to_string(),
    }
}

fn verified(feed: &Verified) -> String {
    let ids: Vec<String> = feed.configs().iter().take(20).map(|config| plain(&config.id)).collect();
    let more = if feed.configs().len() > ids.len() { ", …" } else { "" };
    let stamp =
        feed.gen_time().map_or("without a time stamp".into(), |at| format!("stamped at {at}"));
    let ids = if ids.is_empty() { "no mitigation".into() } else { ids.join(", ") };
    format!("Verified: EOCS version {}, {stamp}, with {ids}{more}.", feed.version())
}

fn as_object(report: &Report) -> FeedVerifyObject {
    let check = |check: &Check| CheckObject {
        name: check.name.as_str().to_owned(),
        ok: check.outcome.is_ok(),
        detail: detail(check),
    };
    FeedVerifyObject {
        ok: report.outcome.is_ok(),
        checks: report.checks.iter().map(check).collect(),
        reason: report.outcome.as_ref().err().map(ToString::to_string),
        feed: report.outcome.as_ref().ok().map(EocsObject::from),
    }
}
