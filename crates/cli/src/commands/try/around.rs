//! What is known beside a request: whether it comes over HTTPS, and which files the site has.

use stopgap_engine::Collected;
use stopgap_fs::{FsError, Kind, Root};
use stopgap_host::{NotAbsolute, parts};
use stopgap_iis::rewrite::{Circumstances, Evaluator, Question, SITE, Served};
use stopgap_model::host::{Site, VirtualDirectory};
use stopgap_model::problem::one_line;
use stopgap_model::{Request, ServerPath};

use crate::args::{Common, Try};
use crate::error::CliError;

/// How many rounds of looking at the disk there are for one request: what a rule asks for may depend on
/// what an earlier one found.
const MAX_ROUNDS: u32 = 64;

/// What is known beside the requests.
pub(super) struct Around {
    known: Circumstances,
    https: bool,
    disk: Option<Disk>,
}

/// The files of a site.
enum Disk {
    /// The folder of the site's root.
    Site(Root),
    /// The folder with all drives of the server.
    Server(Root),
}

impl Around {
    /// What is known where the rules are those of one file.
    pub(super) fn of_file(arguments: &Try) -> Result<Self, CliError> {
        let disk = arguments.docroot.as_deref().map(Root::open).transpose()?.map(Disk::Site);
        Ok(Self::new(arguments, Vec::new(), disk))
    }

    /// What is known of a site of a server.
    pub(super) fn of_site(
        common: &Common,
        arguments: &Try,
        collected: &Collected,
        site: &str,
    ) -> Result<Self, CliError> {
        let iis = collected.facts.iis.known();
        let site = iis.and_then(|iis| iis.sites.iter().find(|s| s.name.eq_ignore_ascii_case(site)));
        let disk = common.root.as_deref().map(Root::open).transpose()?.map(Disk::Server);
        Ok(Self::new(arguments, site.map(served).unwrap_or_default(), disk))
    }

    fn new(arguments: &Try, folders: Vec<Served>, disk: Option<Disk>) -> Self {
        let version = Some("HTTP/1.1".to_owned());
        let known = Circumstances { folders, version, ..Circumstances::default() };
        Self { known, https: arguments.https, disk }
    }

    /// What is known where `rules` are asked about `request`; and what could not be looked at, and why.
    pub(super) fn of(&self, rules: &Evaluator, request: &Request) -> (Circumstances, Vec<String>) {
        let (mut known, mut notes) = (self.known.clone(), Vec::new());
        if let Some(https) = request.is_https().or(self.https.then_some(true)) {
            known.answers.insert(Question::Https, https);
        }
        let Some(disk) = &self.disk else { return (known, notes) };
        let mut refused: Vec<String> = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let before = known.answers.len();
            for question in rules.outcomes(request, &known).open {
                let (Question::File(path) | Question::Folder(path)) = question else { continue };
                if refused.contains(&path) {
                    continue;
                }
                match disk.look(&path) {
                    Ok(found) => {
                        let file = Question::File(path.clone());
                        known.answers.insert(file, found == Some(Kind::File));
                        known.answers.insert(Question::Folder(path), found == Some(Kind::Folder));
                    }
                    Err(why) => {
                        notes.push(format!("`{}` was not looked at: {why}", one_line(&path)));
                        refused.push(path);
                    }
                }
            }
            if known.answers.len() == before {
                break;
            }
        }
        (known, notes)
    }
}

/// The folders that a site serves.
fn served(site: &Site) -> Vec<Served> {
    let mut served = Vec::new();
    for application in &site.applications {
        for VirtualDirectory { path, physical } in &application.directories {
            let outer = application.path.trim_matches('/');
            let inner = path.trim_matches('/');
            // A virtual directory stands below the path of its application.
            let url = [outer, inner].into_iter().filter(|part| !part.is_empty());
            served.push(Served {
                url: format!("/{}", url.collect::<Vec<_>>().join("/")),
                folder: physical.known().map(|folder| folder.as_str().to_owned()),
                application: inner.is_empty(),
            });
        }
    }
    served
}

/// Why it is not known what is at a path; each a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
enum NotLooked {
    /// The file is not in the folder that was given.
    #[error("it is not below --docroot")]
    Elsewhere,
    /// The path is none of a Windows server.
    #[error(transparent)]
    NotAbsolute(#[from] NotAbsolute),
    /// A copy of a disk does not say which file has the short name.
    #[error("Windows may have `{}` for the short name of a file", one_line(name))]
    ShortName { name: String },
    /// The disk does not say it.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl Disk {
    /// What is at a path as the server writes it, if anything is. No link is followed, and nothing outside the folder is
    /// looked at.
    ///
    /// # Errors
    /// It is not known.
    fn look(&self, path: &str) -> Result<Option<Kind>, NotLooked> {
        let server_path = ServerPath::new(path);
        let (root, parts) = match self {
            Self::Site(root) => {
                let below = path.strip_prefix(SITE).ok_or(NotLooked::Elsewhere)?;
                (root, below.split('\\').filter(|part| !part.is_empty()).collect())
            }
            Self::Server(root) => (root, parts(&server_path)?),
        };
        // A copy of a Windows disk does not know its short names, so "it is not there" would be a guess.
        if let Some(name) = parts.iter().find(|part| is_short(part)) {
            return Err(NotLooked::ShortName { name: (*name).to_owned() });
        }
        if parts.is_empty() {
            return Ok(Some(Kind::Folder));
        }
        match root.kind(&parts) {
            // `/index.php/more` is no file.
            Err(FsError::NotAFolder { .. }) => Ok(None),
            found => Ok(found?),
        }
    }
}

/// Whether a name may be the short one of a file with a longer name, such as `INDEX~1.PHP`.
fn is_short(name: &str) -> bool {
    name.split_once('~').is_some_and(|(_, behind)| behind.starts_with(|c: char| c.is_ascii_digit()))
}
