//! The folders of a server's sites that have a configuration of their own: applications, virtual
//! directories, and plain folders in them in which a web.config was found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stopgap_model::host::{Fact, Iis, ServerPath, Site};
use stopgap_model::reason::IisReason;

use super::place::{depth, is_within, joined, normal, way_to};

/// What a folder of a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FolderKind {
    Application,
    VirtualDirectory,
    Plain,
}

/// A folder of a site that may have a web.config.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// Its URL path in one spelling. Empty: the site's root.
    pub(crate) level: String,
    /// Its URL path as spelled, without outer slashes.
    pub(crate) spelled: String,
    pub(crate) kind: FolderKind,
    physical: Fact<ServerPath>,
}

impl Folder {
    /// The path of its web.config.
    pub(crate) fn web_config(&self) -> Result<ServerPath, IisReason> {
        let path = || self.spelled.clone();
        match &self.physical {
            Fact::Known(folder) => Ok(folder.join("web.config")),
            Fact::Absent => Err(IisReason::NoPhysicalPath { path: path() }),
            Fact::Unknown(why) => {
                Err(IisReason::PhysicalPathUnknown { path: path(), why: why.clone() })
            }
        }
    }
}

/// The most folders of a server. Applications that share a folder each have all that is in it, so
/// that there may be many more than files.
const MAX_FOLDERS: usize = 64 * 1024;

/// The folders of all sites, by the site's name in one spelling.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    sites: BTreeMap<String, SiteFolders>,
    /// Whether there are more than [`MAX_FOLDERS`]; then not all of them are here.
    too_many: bool,
}

/// The folders of a site.
#[derive(Debug, Default)]
struct SiteFolders {
    /// Those above before those below.
    folders: Vec<Folder>,
    /// Where the one of a level is among them.
    by_level: HashMap<String, usize>,
}

impl Folders {
    /// The folders of the sites of `iis`, where `found` are all web.config files on the disk.
    pub(crate) fn of<'f>(iis: &Iis, found: impl Iterator<Item = &'f ServerPath>) -> Self {
        let mut found: Vec<(String, &ServerPath)> = found.map(|path| (path.key(), path)).collect();
        found.sort_unstable();
        let mut left = MAX_FOLDERS;
        let mut sites = BTreeMap::new();
        for site in &iis.sites {
            let Some(folders) = of_site(site, &found, &mut left) else {
                return Self { sites, too_many: true };
            };
            let levels = folders.iter().map(|folder| folder.level.clone());
            let by_level = levels.zip(0..).collect();
            sites.insert(normal(&site.name), SiteFolders { folders, by_level });
        }
        Self { sites, too_many: false }
    }

    /// Fails with the reason if there are too many to know them all.
    pub(crate) fn all_are_known(&self) -> Result<(), IisReason> {
        let why = || IisReason::TooManyFolders { most: MAX_FOLDERS };
        if self.too_many { Err(why()) } else { Ok(()) }
    }

    /// The folders on the way to a path of a site, from its root down.
    pub(crate) fn on_the_way(
        &self,
        site: &str,
        path: &str,
    ) -> Result<impl Iterator<Item = &Folder>, IisReason> {
        self.all_are_known()?;
        let found = self.sites.get(&normal(site));
        let at = move |level: &str| found?.folders.get(*found?.by_level.get(level)?);
        Ok(way_to(path).filter_map(at).collect::<Vec<_>>().into_iter())
    }

    /// The folders of a site.
    pub(crate) fn of_site(&self, site: &str) -> &[Folder] {
        self.sites.get(&normal(site)).map(|site| site.folders.as_slice()).unwrap_or_default()
    }

    /// All folders, each with its site's name in one spelling.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Folder)> {
        self.sites
            .iter()
            .flat_map(|(name, site)| site.folders.iter().map(move |folder| (name.as_str(), folder)))
    }
}

/// The folders of a site; `None` if they are more than are `left`.
fn of_site(site: &Site, found: &[(String, &ServerPath)], left: &mut usize) -> Option<Vec<Folder>> {
    let mut folders = Vec::new();
    for application in &site.applications {
        for directory in &application.directories {
            let below = directory.path.trim_matches('/');
            let spelled = joined(application.path.trim_matches('/'), below);
            let kind = match below {
                "" => FolderKind::Application,
                _ => FolderKind::VirtualDirectory,
            };
            let (level, physical) = (normal(&spelled), directory.physical.clone());
            folders.push(Folder { level, spelled, kind, physical });
        }
    }
    // An application hides a virtual directory of the same URL path; its own root comes first.
    folders.sort_by_key(|folder| (depth(&folder.level), folder.kind));
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.level.clone()));
    *left = left.checked_sub(folders.len())?;
    let mut plain = Vec::new();
    // Each of them has the plain folders below its own folder on the disk.
    for root in &folders {
        let below = plain_folders(root, found);
        *left = left.checked_sub(below.len())?;
        plain.extend(below);
    }
    folders.extend(plain.into_iter().filter(|folder| seen.insert(folder.level.clone())));
    folders.sort_by_key(|folder| depth(&folder.level));
    // What is reached by another way lies behind the nearest application or virtual directory.
    let roots: HashMap<String, Fact<ServerPath>> = folders
        .iter()
        .filter(|folder| folder.kind != FolderKind::Plain)
        .map(|folder| (folder.level.clone(), folder.physical.clone()))
        .collect();
    folders.retain(|folder| folder.kind != FolderKind::Plain || is_served(folder, &roots));
    Some(folders)
}

/// The folders below an application or a virtual directory in which a web.config was found.
fn plain_folders(root: &Folder, found: &[(String, &ServerPath)]) -> Vec<Folder> {
    let Fact::Known(physical) = &root.physical else { return Vec::new() };
    let above = physical.key();
    let folder_key = format!("{above}\\");
    let first = found.partition_point(|(key, _)| *key < folder_key);
    let below = found.iter().skip(first).take_while(|(key, _)| key.starts_with(&folder_key));
    let folder = |(key, path): &(String, &ServerPath)| {
        let folder = path.as_str().strip_suffix(path.file_name())?;
        let folder = folder.trim_end_matches(['\\', '/']);
        // The two spellings of a path have one length but for separators at their ends.
        let relative = folder.get(above.len()..)?.replace('\\', "/");
        let relative = relative.trim_matches('/');
        if relative.is_empty() || key.len() <= above.len() {
            return None;
        }
        let spelled = joined(&root.spelled, relative);
        Some(Folder {
            level: normal(&spelled),
            spelled,
            kind: FolderKind::Plain,
            physical: Fact::Known(ServerPath::new(folder)),
        })
    };
    below.filter_map(folder).collect()
}

/// Whether the nearest application or virtual directory above a plain folder is the one whose
/// folder it is in.
fn is_served(folder: &Folder, roots: &HashMap<String, Fact<ServerPath>>) -> bool {
    let nearest = way_to(&folder.level).rev().find_map(|above| roots.get_key_value(above));
    let Some((level, Fact::Known(root))) = nearest else {
        return false;
    };
    let Fact::Known(physical) = &folder.physical else { return false };
    let below = folder.level.strip_prefix(level.as_str()).unwrap_or_default();
    let below = normal(below).replace('/', "\\");
    physical.key() == format!("{}\\{below}", root.key())
}

/// The URL path of the application that a path of a site belongs to, in one spelling.
pub(crate) fn application_of(site: &Site, path: &str) -> String {
    let paths = site.applications.iter().map(|application| normal(&application.path));
    paths
        .filter(|above| is_within(path, above))
        .max_by_key(|above| depth(above))
        .unwrap_or_default()
}
