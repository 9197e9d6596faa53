//! What a verified feed says.

use std::fmt;

use jiff::Timestamp;
use roxmltree::{Document, Node};

use crate::refusal::ContentFault;
use crate::scan::is_plain;
use crate::shown::{said, shown};

/// A feed that was verified. Nothing but verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    version: FeedVersion,
    gen_time: Option<Timestamp>,
    configs: Vec<Config>,
}

/// One mitigation of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Its id, such as `PING1`.
    pub id: String,
    /// What it says of itself.
    pub description: String,
    /// What it does.
    pub actions: Vec<Action>,
}

/// One action of a mitigation, whether anybody here knows its type or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Action {
    /// Its type, such as `DoNothing`.
    pub kind: String,
    /// Its scope, such as `Server`.
    pub scope: String,
    /// What it says of itself.
    pub description: String,
    /// The text of its one `Value`; none if there is not one, or more in it than text.
    pub value: Option<String>,
    /// All that is in it, as canonical XML.
    pub xml: String,
}

/// A feed's version: numbers with dots between, compared number by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedVersion(Vec<u64>);

impl fmt::Display for FeedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl std::str::FromStr for FeedVersion {
    type Err = ContentFault;

    fn from_str(text: &str) -> Result<Self, ContentFault> {
        let wrong = || ContentFault::Version(shown(text));
        // Two spellings of one version would be two versions to whoever compares texts.
        let number = |part: &str| {
            let is_plain = part.bytes().all(|byte| byte.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'));
            part.parse().ok().filter(|_| is_plain)
        };
        text.split('.').map(number).collect::<Option<_>>().map(Self).ok_or_else(wrong)
    }
}

impl Verified {
    /// The feed's version, such as 1.0.4.
    #[must_use]
    pub const fn version(&self) -> &FeedVersion {
        &self.version
    }

    /// The time that the countersignature states, if there is one.
    #[must_use]
    pub const fn gen_time(&self) -> Option<Timestamp> {
        self.gen_time
    }

    /// The mitigations, in the order of the feed.
    #[must_use]
    pub fn configs(&self) -> &[Config] {
        &self.configs
    }

    /// Reads the canonical bytes whose digest was signed.
    pub(crate) fn read(
        canonical: &[u8],
        gen_time: Option<Timestamp>,
    ) -> Result<Self, ContentFault> {
        let broken = |why: String| ContentFault::NotWellFormed(why);
        let text = std::str::from_utf8(canonical).map_err(|error| broken(said(&error)))?;
        let document = Document::parse(text).map_err(|error| broken(said(&error)))?;
        let root = document.root_element();
        if !is_plain(root, "EOCS") {
            let found = shown(root.tag_name().name());
            return Err(ContentFault::Element { place: "the document".into(), found });
        }
        let version = attribute(root, "EOCS", "version")?.parse()?;
        let mut configs = Vec::new();
        let mut ids = std::collections::BTreeSet::new();
        for node in elements(root, "EOCS", "Config") {
            let config = Config::read(node?)?;
            // IDs of mitigations are compared without regard to case.
            if !ids.insert(config.id.to_ascii_lowercase()) {
                return Err(ContentFault::TwiceTheSameId(shown(&config.id)));
            }
            configs.push(config);
        }
        Ok(Self { version, gen_time, configs })
    }
}

impl Config {
    fn read(node: Node<'_, '_>) -> Result<Self, ContentFault> {
        let id = attribute(node, "Config", "id")?.to_owned();
        let description = node.attribute("desc").unwrap_or_default().to_owned();
        let mut actions = Vec::new();
        for list in elements(node, "Config", "ActionList") {
            for action in elements(list?, "ActionList", "Action") {
                actions.push(Action::read(action?)?);
            }
        }
        Ok(Self { id, description, actions })
    }
}

impl Action {
    fn read(node: Node<'_, '_>) -> Result<Self, ContentFault> {
        let kind = attribute(node, "Action", "type")?.to_owned();
        let optional = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
        let mut values = node.children().filter(|child| is_plain(*child, "Value"));
        let value = match (values.next(), values.next()) {
            (Some(value), None) => text_of(value),
            _ => None,
        };
        let (scope, description) = (optional("scope"), optional("desc"));
        Ok(Self { kind, scope, description, value, xml: inner_xml(node) })
    }
}

fn text_of(node: Node<'_, '_>) -> Option<String> {
    let is_text = node.children().all(|child| child.is_text());
    is_text.then(|| node.text().unwrap_or_default().to_owned())
}

/// The canonical text between the tags of an element.
fn inner_xml(node: Node<'_, '_>) -> String {
    let first = node.first_child().map(|child| child.range().start);
    let last = node.last_child().map(|child| child.range().end);
    let range = first.zip(last).map_or(0..0, |(start, end)| start..end);
    node.document().input_text().get(range).unwrap_or_default().to_owned()
}

fn attribute<'a>(
    node: Node<'a, '_>,
    element: &'static str,
    attribute: &'static str,
) -> Result<&'a str, ContentFault> {
    let value = node.attribute(attribute).filter(|value| !value.is_empty());
    value.ok_or(ContentFault::Missing { element, attribute })
}

/// The child elements, which all must have this name.
fn elements<'a, 'input>(
    node: Node<'a, 'input>,
    place: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Result<Node<'a, 'input>, ContentFault>> {
    node.children().filter(Node::is_element).map(move |child| {
        if is_plain(child, name) {
            return Ok(child);
        }
        let found = shown(child.tag_name().name());
        Err(ContentFault::Element { place: place.to_owned(), found })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Verified, ContentFault> {
        Verified::read(text.as_bytes(), None)
    }

    #[test]
    fn an_action_of_an_unknown_type_is_kept_whole() {
        let feed = read(
            "<EOCS version=\"1.0.10\"><Config desc=\"d\" id=\"M9\"><ActionList>\
             <Action scope=\"Site\" type=\"Sing\"><Value>a &amp; b</Value></Action>\
             <Action type=\"Dance\"><Value><Step n=\"1\"></Step></Value><Value>x</Value></Action>\
             </ActionList></Config></EOCS>",
        )
        .unwrap();
        assert_eq!(feed.version().to_string(), "1.0.10");
        let [config] = feed.configs() else { panic!("one config") };
        assert_eq!((config.id.as_str(), config.description.as_str()), ("M9", "d"));
        let [sing, dance] = config.actions.as_slice() else { panic!("two actions") };
        assert_eq!((sing.kind.as_str(), sing.scope.as_str()), ("Sing", "Site"));
        assert_eq!(sing.value.as_deref(), Some("a & b"));
        assert_eq!(sing.xml, "<Value>a &amp; b</Value>");
        assert_eq!((dance.kind.as_str(), dance.value.as_deref()), ("Dance", None));
        assert_eq!(dance.xml, "<Value><Step n=\"1\"></Step></Value><Value>x</Value>");
    }

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text: &str| text.parse::<FeedVersion>().unwrap();
        assert!(version("1.0.10") > version("1.0.9"));
        assert!(version("1.0") < version("1.0.1"));
        for wrong in ["", "1.", "1.0a", "01.0", "+1", "1..2", "99999999999999999999"] {
            assert!(wrong.parse::<FeedVersion>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_feed_is_refused_with_its_place() {
        let config = |id: &str| format!("<Config id=\"{id}\"></Config>");
        let feed = |inside: &str| read(&format!("<EOCS version=\"1\">{inside}</EOCS>"));
        assert_eq!(
            feed(&(config("M1") + &config("m1"))),
            Err(ContentFault::TwiceTheSameId("m1".into()))
        );
        assert_eq!(
            feed("<Confog></Confog>"),
            Err(ContentFault::Element { place: "EOCS".into(), found: "Confog".into() })
        );
        let missing = Err(ContentFault::Missing { element: "Config", attribute: "id" });
        assert_eq!(feed("<Config></Config>"), missing);
        assert_eq!(feed("").unwrap().configs(), []);
    }
}
