//! How long it takes to read and judge documents that are made to use up all that feeds may cause.

use std::fs;

use stopgap_feed::{Assembly, Known, Permissions, Source};
use stopgap_model::{Mitigation, MitigationId};

use crate::report::{Report, Target};

/// As many as a server may have.
const FEEDS: usize = 32;
/// The largest document, in bytes.
const DOCUMENT: usize = 256 * 1024;

struct Nothing;

impl Known for Nothing {
    fn reused(&self, _: &Mitigation) -> Option<stopgap_model::reason::OfferReason> {
        None
    }
    fn in_force(&self, _: &Mitigation) -> bool {
        false
    }
    fn in_place(&self, _: &MitigationId) -> Option<u32> {
        None
    }
}

/// A kind of document that costs more than it should.
struct Hostile {
    name: &'static str,
    test: String,
    tests: usize,
    probe: String,
}

pub(crate) fn measure(report: &mut Report) -> Result<(), String> {
    let long = "a".repeat(3900);
    let matches = |pattern: &str| format!("{{ field = \"uri\", matches = \"{pattern}\" }}");
    let contains = |text: &str| format!("{{ field = \"uri\", contains = \"{text}\" }}");
    let decoded =
        "{ field = \"uri\", decode = [\"url\", \"url\", \"html\", \"url\"], contains = \"b\" }";
    let long_ago = format!("{long}b");
    let all = [
        ("many short tests and probes", contains("b"), 64, "x".into()),
        ("long texts looked for in long requests", contains(&long_ago), 30, long.clone()),
        ("short texts looked for in long requests", contains("b"), 64, long.clone()),
        ("texts decoded again and again", decoded.to_owned(), 64, "%25".repeat(1300)),
        ("patterns that write themselves out", matches("([a-q]x?){500}y"), 64, "x".into()),
        ("choices that write themselves out", matches("(ab|cd|ef|gh){500}y"), 64, "x".into()),
        ("such patterns asked of long requests", matches("([a-q]b?){500}y"), 16, long.clone()),
        ("patterns without repetitions", matches("abcdefgh[0-9a-f]ij"), 64, "abcdefgh".into()),
        ("no tests, nothing but text", String::new(), 0, "x".into()),
    ];
    let mut worst = 0.0_f64;
    for (name, test, tests, probe) in all {
        let seconds = Hostile { name, test, tests, probe }.spend()?;
        report.remark(&format!("32 feeds of {name}"), seconds, "s");
        worst = worst.max(seconds);
    }
    report.figure(
        "all that 32 feeds may cause, the worst of them",
        worst,
        "s",
        Target::AtMost(2.0),
    );
    Ok(())
}

/// The seconds that this thread was on a processor: what else the machine does is not the feeds' doing.
fn processor_time() -> Result<f64, String> {
    let text =
        fs::read_to_string("/proc/thread-self/schedstat").map_err(|error| error.to_string())?;
    let nanos: Option<f64> = text.split(' ').next().and_then(|text| text.parse().ok());
    nanos.map(|nanos| nanos / 1e9).ok_or_else(|| format!("no time in `{text}`"))
}

impl Hostile {
    /// The processor's seconds until all feeds were read.
    fn spend(&self) -> Result<f64, String> {
        let mut documents = Vec::new();
        let mut bytes = 0;
        for number in 0..2_000 {
            let document = self.document(number);
            bytes += document.len();
            documents.push(document);
            if bytes > 64 << 20 {
                break;
            }
        }
        let begun = processor_time()?;
        let mut assembly = Assembly::new(&Nothing, Vec::new(), false);
        for feed in 0..FEEDS {
            let (permissions, given_to_others) =
                (Some(Permissions::given(&[], &[], &[], &[])), Vec::new());
            let source =
                Source { name: format!("feed {feed}"), permissions, given_to_others, hold: None };
            assembly.next_feed(FEEDS - feed);
            for (number, document) in documents.iter().enumerate() {
                let name = format!("N{number}.toml");
                match assembly.pay(document.len() as u64) {
                    Ok(()) => assembly.document(&source, &name, document),
                    Err(why) => assembly.unreadable(&source, &name, why),
                };
            }
        }
        drop(assembly.finish());
        Ok(processor_time()? - begun)
    }

    /// A document as large as one may be.
    fn document(&self, number: usize) -> Vec<u8> {
        let id = format!("N{number}");
        let mut text = format!(
            "schema = 1\nid = \"{id}\"\nrevision = 1\ntitle = \"{}\"\nseverity = \"low\"\n\
             impact = \"None.\"\nno_live_probe = \"a bench\"\n",
            self.name
        );
        let when = vec![self.test.as_str(); self.tests].join(", ");
        let test = match self.tests {
            0 => String::new(),
            _ => format!("deny = \"abort\"\nwhen = [{when}]\n"),
        };
        let kind = if self.tests == 0 { "do-nothing" } else { "block-request" };
        for action in 1..=32 {
            let action = format!("[[action]]\nid = \"{id}.{action}\"\nkind = \"{kind}\"\n{test}");
            if text.len() + action.len() > DOCUMENT / 2 && text.contains("[[action]]") {
                break;
            }
            text.push_str(&action);
        }
        for probe in 0..256 {
            let request = &self.probe;
            let probe = format!(
                "[[probe]]\nname = \"p{probe}\"\nrequest = \"GET /{request}\"\nexpect = \"allowed\"\n"
            );
            if text.len() + probe.len() > DOCUMENT {
                break;
            }
            text.push_str(&probe);
        }
        text.into_bytes()
    }
}
