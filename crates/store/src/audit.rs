//! The audit trail: one JSON object a line, each with the digest of the line before it, so that a
//! line that was changed or taken out shows. What was cut off at the end, or all of it, shows by the
//! heads, which are kept outside it.

use std::collections::BTreeMap;

use stopgap_model::Digest;

use crate::line::{self, Line, Place, Unread};

/// The number and the digest of the last line of the trail, as it is kept outside the trail. The
/// trail may have lines after it: a crash can come between the line and the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The line's number; 0 before the first.
    pub seq: u64,
    /// The line's digest; of nothing before the first.
    pub digest: Digest,
}

impl Head {
    /// The head of a trail without a line.
    pub(crate) fn none() -> Self {
        Self { seq: 0, digest: Digest::of(b"") }
    }
}

/// The audit trail as it is, and what of it is not as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// The lines that can be read, in the order of the file.
    pub lines: Vec<Line>,
    /// What is wrong, at most [`MAX_FAULTS`].
    pub faults: Vec<AuditFault>,
}

/// The most faults of a trail that are told. One is enough to distrust it.
const MAX_FAULTS: usize = 20;

/// The audit trail is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// A line is no audit line.
    #[error("line {line} of audit.jsonl cannot be read: {why}")]
    Unreadable {
        /// Where it is in the file, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A newer program wrote a line, in a form that this one does not know.
    #[error(
        "line {line} of audit.jsonl was written by a newer Stopgap: it has schema {schema}, and this \
         one reads up to {known}"
    )]
    Newer {
        /// Where it is in the file, from 1.
        line: usize,
        /// The number of its form.
        schema: u32,
        /// The highest number that is known here.
        known: u32,
    },
    /// Lines were taken out.
    #[error("{} of audit.jsonl", missing(*.from, *.to))]
    Missing {
        /// The number of the first, from 1.
        from: u64,
        /// The number of the last.
        to: u64,
    },
    /// A line does not follow the one before it.
    #[error("line {line} of audit.jsonl does not follow line {}: one of them was changed", .line - 1)]
    Broken {
        /// Where it is in the file, from 1.
        line: usize,
    },
    /// The end was cut off, or all of it was deleted.
    #[error("{}", cut(*.last, *.written))]
    Cut {
        /// The number of the last line that is there; 0 if there is none.
        last: u64,
        /// The number of a line that was written.
        written: u64,
    },
    /// A line is another one than its digest outside the trail says.
    #[error("line {line} of audit.jsonl is another one than was written")]
    Replaced {
        /// The line's number, from 1.
        line: u64,
    },
    /// The digest outside the trail cannot be read.
    #[error("trust/audit.head, which has the digest of the last line, cannot be read: {why}")]
    NoHead {
        /// Why.
        why: String,
    },
}

fn missing(from: u64, to: u64) -> String {
    if from == to {
        format!("line {from} is missing in")
    } else {
        format!("lines {from} to {to} are missing in")
    }
}

fn cut(last: u64, written: u64) -> String {
    match last {
        0 => format!("audit.jsonl was deleted or emptied: it had {written} lines or more"),
        _ => format!(
            "the end of audit.jsonl was cut off: it ends with line {last}, and line {written} was written"
        ),
    }
}

/// The trail in `bytes`, compared with the heads. A torn last line, as a crash leaves it, is not part
/// of it.
pub(crate) fn read(bytes: &[u8], heads: &[Head]) -> Trail {
    let mut kept: BTreeMap<u64, Vec<Digest>> = BTreeMap::new();
    for head in heads {
        kept.entry(head.seq).or_default().push(head.digest);
    }
    let mut trail = Trail::default();
    let mut last = Head::none();
    for (at, text) in bytes.split_inclusive(|&b| b == b'\n').enumerate() {
        let Some(text) = text.strip_suffix(b"\n") else { break };
        let digest = Digest::of(text);
        let read = line::read(text);
        // What a newer program wrote still has its place in the chain.
        let place = match &read {
            Ok(line) => Some(Place { seq: line.seq, prev: line.prev }),
            Err(unread) => {
                let (fault, place) = unread.fault(at + 1);
                trail.fault(fault);
                place
            }
        };
        let Some(Place { seq, prev }) = place else {
            last = Head { seq: last.seq + 1, digest };
            continue;
        };
        if seq > last.seq + 1 {
            trail.fault(AuditFault::Missing { from: last.seq + 1, to: seq - 1 });
        } else if prev != last.digest || seq != last.seq + 1 {
            trail.fault(AuditFault::Broken { line: at + 1 });
        }
        if kept.get(&seq).is_some_and(|kept| kept.iter().any(|kept| *kept != digest)) {
            trail.fault(AuditFault::Replaced { line: seq });
        }
        last = Head { seq, digest };
        trail.lines.extend(read);
    }
    if let Some((&written, _)) = kept.last_key_value().filter(|(seq, _)| **seq > last.seq) {
        trail.fault(AuditFault::Cut { last: last.seq, written });
    }
    trail
}

impl Unread {
    /// What is told of a line at this place of the file, and its place in the chain if it has one.
    fn fault(&self, line: usize) -> (AuditFault, Option<Place>) {
        match self {
            Self::Nothing(why) => (AuditFault::Unreadable { line, why: why.clone() }, None),
            Self::Newer(schema, place) => {
                let (schema, known) = (*schema, line::SCHEMA);
                (AuditFault::Newer { line, schema, known }, Some(*place))
            }
        }
    }
}

impl Trail {
    fn fault(&mut self, fault: AuditFault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// What a line that is added to a trail follows.
pub(crate) struct Follows {
    /// The last line, or what it should be.
    pub(crate) head: Head,
    /// Why the trail does not end as it should, if so.
    pub(crate) fault: Option<String>,
}

/// What the next line after `end` follows, which are the last complete lines of the trail, when
/// `head` was the last that was written down. Where the trail does not go on from there, the next line
/// does: so it is never forgotten that something is missing.
pub(crate) fn follows(end: &[u8], head: Option<Head>) -> Follows {
    let lines: Vec<&[u8]> = end.split_inclusive(|&b| b == b'\n').collect();
    let texts: Vec<&[u8]> =
        lines.iter().map(|line| line.strip_suffix(b"\n").unwrap_or(line)).collect();
    let numbered = |text: &[u8]| line::place(text);
    let here = match texts.last() {
        None => Head::none(),
        Some(text) => Head {
            seq: numbered(text).map_or_else(|| head.map_or(0, |head| head.seq), |line| line.seq),
            digest: Digest::of(text),
        },
    };
    let Some(head) = head else { return Follows { head: here, fault: None } };
    if head == here {
        return Follows { head, fault: None };
    }
    // The lines after the head, if it is among them.
    let at = texts.iter().rposition(|text| Digest::of(text) == head.digest).map(|at| at + 1);
    let after = at.or((head.seq == 0).then_some(0));
    let mut last = head;
    let goes_on = after.is_some_and(|after| {
        texts[after..].iter().all(|text| {
            let is_next = numbered(text)
                .is_some_and(|line| line.prev == last.digest && line.seq == last.seq + 1);
            last = Head { seq: last.seq + 1, digest: Digest::of(text) };
            is_next
        })
    });
    if goes_on {
        return Follows { head: last, fault: None };
    }
    let fault = match texts.is_empty() {
        true => format!("there was no line, and line {} was the last that was written", head.seq),
        false => format!(
            "the trail ended with line {} or was changed, and line {} was the last that was written",
            here.seq, head.seq
        ),
    };
    Follows { head, fault: Some(fault) }
}
