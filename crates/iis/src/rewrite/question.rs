//! What rules depend on and a request does not tell.

use std::collections::BTreeMap;
use std::fmt;

use stopgap_model::problem::one_line;

/// What stands for the drive in a path of a site whose folder is not known: `site:\index.php`.
pub const SITE: &str = "site:";

/// Something that is so or is not, on which a rule depends, and which the request does not tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whether the request came over HTTPS.
    Https,
    /// Whether this path leads to a file: as the server writes it, or behind [`SITE`] where the folder of
    /// the site is not known.
    File(String),
    /// Whether this path leads to a folder.
    Folder(String),
    /// Something else.
    Other {
        /// What is so if the answer is yes, as a clause.
        yes: String,
        /// What is so if the answer is no, as a clause.
        no: String,
        /// Why it cannot be told.
        why: String,
    },
    /// What IIS does where its documentation and what is known of it differ, or where there is none.
    Iis {
        /// What it is taken to do where only one answer is wanted, as a clause.
        usual: String,
        /// What else it may do, as a clause.
        other: String,
    },
}

impl Question {
    /// What is so with this answer, as a clause.
    #[must_use]
    pub fn clause(&self, answer: bool) -> String {
        let is = |path: &str, what: &str| {
            let not = if answer { "" } else { "not " };
            format!("`{}` is {not}{what}", one_line(&shown(path)))
        };
        match (self, answer) {
            (Self::Https, true) => "the request comes over HTTPS".into(),
            (Self::Https, false) => "the request does not come over HTTPS".into(),
            (Self::File(path), _) => is(path, "a file"),
            (Self::Folder(path), _) => is(path, "a folder"),
            (Self::Other { yes, .. }, true) => yes.clone(),
            (Self::Other { no, .. }, false) => no.clone(),
            (Self::Iis { usual, .. }, true) => usual.clone(),
            (Self::Iis { other, .. }, false) => other.clone(),
        }
    }

    /// Why a rule that depends on it cannot be judged: a sentence without a full stop.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Other { why, .. } => why.clone(),
            Self::Iis { .. } => "what IIS does there is not sure".into(),
            _ => format!("whether {} is not known", self.clause(true)),
        }
    }
}

/// A path from the site's root as the URL has it; another one as it is.
fn shown(path: &str) -> String {
    path.strip_prefix(SITE).map_or_else(|| path.to_owned(), |below| below.replace('\\', "/"))
}

/// Answers to questions.
pub type Answers = BTreeMap<Question, bool>;

/// A folder that is served under a URL path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The URL path, such as `/` or `/owa`.
    pub url: String,
    /// The folder, as the server writes it. `None`: it is not known.
    pub folder: Option<String>,
    /// Whether it is the root of an application, not a virtual directory in one.
    pub application: bool,
}

/// What is known beside a request.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// What is known of what rules ask.
    pub answers: Answers,
    /// The folders that the site serves. None: its root, wherever that is.
    pub folders: Vec<Served>,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub version: Option<String>,
}

impl Circumstances {
    /// The answer to a question that is a matter of fact. A file is no folder.
    pub(super) fn answer(&self, question: &Question) -> Option<bool> {
        answer_in(&self.answers, question)
    }

    /// The folder of the site's root.
    pub(super) fn root(&self) -> Option<&str> {
        let root = self.folders.iter().find(|served| served.url.trim_matches('/').is_empty());
        if self.folders.is_empty() { Some(SITE) } else { root?.folder.as_deref() }
    }

    /// The folder of the application that a URL path belongs to.
    pub(super) fn application(&self, path: &[u8]) -> Option<&str> {
        if self.folders.is_empty() {
            return Some(SITE);
        }
        self.nearest(path, |served| served.application)?.0.folder.as_deref()
    }

    /// The physical path that a URL path leads to; `None` if its folder is not known.
    pub(super) fn physical(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (folder, below) = match self.nearest(path, |_| true) {
            Some((served, below)) => (served.folder.as_deref()?, below),
            None if self.folders.is_empty() => (SITE, path),
            None => return None,
        };
        let mut physical = folder.trim_end_matches(['\\', '/']).as_bytes().to_vec();
        if !below.starts_with(b"/") {
            physical.push(b'\\');
        }
        physical.extend(below.iter().map(|&byte| if byte == b'/' { b'\\' } else { byte }));
        Some(physical)
    }

    /// What is served with the longest URL path that `path` is below, and what of `path` is below that.
    fn nearest<'p>(
        &self,
        path: &'p [u8],
        wanted: impl Fn(&Served) -> bool,
    ) -> Option<(&Served, &'p [u8])> {
        let below = |served: &Served| {
            let url = served.url.trim_end_matches('/').as_bytes();
            let (head, rest) = path.split_at_checked(url.len())?;
            let is_below =
                head.eq_ignore_ascii_case(url) && matches!(rest.first(), None | Some(b'/'));
            is_below.then_some((url.len(), rest))
        };
        let found = self.folders.iter().filter(|served| wanted(served));
        let found = found.filter_map(|served| Some((served, below(served)?)));
        found.max_by_key(|(_, (length, _))| *length).map(|(served, (_, rest))| (served, rest))
    }
}

/// The answer among `answers`, or what follows from them.
pub(super) fn answer_in(answers: &Answers, question: &Question) -> Option<bool> {
    let given = |question: &Question| answers.get(question).copied();
    let excluded = |other: Question| (given(&other) == Some(true)).then_some(false);
    given(question).or_else(|| match question {
        Question::File(path) => excluded(Question::Folder(path.clone())),
        Question::Folder(path) => excluded(Question::File(path.clone())),
        _ => None,
    })
}

/// Why a part of a rule has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It depends on this.
    Asks(Question),
    /// Its value is not known: why, a sentence without a full stop.
    Unknown(String),
    /// IIS answers 500: why, a sentence without a full stop.
    Refused(String),
    /// IIS is presumed to answer 500, which is no ground for judging a server by.
    Presumed(String),
}

impl Trouble {
    /// Whether IIS answers 500, or is presumed to where that is enough.
    pub(super) fn is_an_error_of_iis(&self, presumed: bool) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Presumed(_) => presumed,
            Self::Asks(_) | Self::Unknown(_) => false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asks(question) => f.write_str(&question.reason()),
            Self::Unknown(why) => f.write_str(why),
            Self::Refused(why) | Self::Presumed(why) => write!(f, "IIS answers 500: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(url: &str, folder: Option<&str>, application: bool) -> Served {
        Served { url: url.into(), folder: folder.map(str::to_owned), application }
    }

    #[test]
    fn a_path_leads_into_the_folder_that_is_served_nearest_to_it() {
        let folders = vec![
            served("/", Some(r"C:\inetpub\wwwroot"), true),
            served("/shop", Some(r"D:\shop\"), true),
            served("/shop/img", Some(r"E:\img"), false),
            served("/lost", None, true),
        ];
        let known = Circumstances { folders, ..Circumstances::default() };
        let physical = |path: &str| {
            known.physical(path.as_bytes()).map(|path| String::from_utf8_lossy(&path).into_owned())
        };
        for (path, leads_to) in [
            ("/", Some(r"C:\inetpub\wwwroot\")),
            ("/a/b.png", Some(r"C:\inetpub\wwwroot\a\b.png")),
            ("/Shop/x", Some(r"D:\shop\x")),
            ("/shop", Some(r"D:\shop\")),
            ("/shopping", Some(r"C:\inetpub\wwwroot\shopping")),
            ("/shop/img/x", Some(r"E:\img\x")),
            // Where the folder is not known, the one above it is not taken for it.
            ("/lost/x", None),
        ] {
            assert_eq!(physical(path).as_deref(), leads_to, "{path}");
        }
        assert_eq!(known.application(b"/shop/img/x"), Some(r"D:\shop\"));
        assert_eq!(known.root(), Some(r"C:\inetpub\wwwroot"));
        let nothing = Circumstances::default();
        assert_eq!(nothing.physical(b"/a/b"), Some(br"site:\a\b".to_vec()));
        assert_eq!((nothing.root(), nothing.application(b"/a")), (Some(SITE), Some(SITE)));
    }

    #[test]
    fn a_file_is_no_folder() {
        let path = || "site:\\a".to_owned();
        let known = Answers::from([(Question::File(path()), true)]);
        assert_eq!(answer_in(&known, &Question::Folder(path())), Some(false));
        let unknown = Answers::from([(Question::File(path()), false)]);
        assert_eq!(answer_in(&unknown, &Question::Folder(path())), None);
    }
}
