//! The folders of a server's sites that have a configuration of their own: applications, virtual
//! directories, and plain folders in them in which a web.config was found.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::{Fact, Iis, ServerPath, Site};

use super::place::{depth, is_within, joined, normal};

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
    pub(crate) fn web_config(&self) -> Result<ServerPath, String> {
        match &self.physical {
            Fact::Known(folder) => Ok(folder.join("web.config")),
            Fact::Absent => Err(format!("/{} has no physical path", self.spelled)),
            Fact::Unknown(why) => Err(format!("/{}: {why}", self.spelled)),
        }
    }
}

/// The folders of all sites, by the site's name in one spelling; of each, those above before those
/// below.
#[derive(Debug, Default)]
pub(crate) struct Folders(BTreeMap<String, Vec<Folder>>);

impl Folders {
    /// The folders of the sites of `iis`, where `found` are all web.config files on the disk.
    pub(crate) fn of<'f>(iis: &Iis, found: impl Iterator<Item = &'f ServerPath>) -> Self {
        let found: Vec<(String, &ServerPath)> = found.map(|path| (path.key(), path)).collect();
        let of_site = |site: &Site| (normal(&site.name), of_site(site, &found));
        Self(iis.sites.iter().map(of_site).collect())
    }

    /// The folders of a site.
    pub(crate) fn of_site(&self, site: &str) -> &[Folder] {
        self.0.get(&normal(site)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All folders, each with its site's name in one spelling.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Folder)> {
        self.0.iter().flat_map(|(site, folders)| folders.iter().map(move |f| (site.as_str(), f)))
    }
}

fn of_site(site: &Site, found: &[(String, &ServerPath)]) -> Vec<Folder> {
    let mut folders = Vec::new();
    for application in &site.applications {
        for directory in &application.directories {
            let parts = [&application.path, &directory.path].map(|path| path.trim_matches('/'));
            let spelled = joined(parts[0], parts[1]);
            let kind = match parts[1] {
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
    let plain: Vec<Folder> = folders.iter().flat_map(|root| plain_folders(root, found)).collect();
    folders.extend(plain.into_iter().filter(|folder| seen.insert(folder.level.clone())));
    folders.sort_by_key(|folder| depth(&folder.level));
    // What is reached by another way lies behind the nearest application or virtual directory.
    let roots: Vec<(String, Fact<ServerPath>)> = folders
        .iter()
        .filter(|folder| folder.kind != FolderKind::Plain)
        .map(|folder| (folder.level.clone(), folder.physical.clone()))
        .collect();
    folders.retain(|folder| folder.kind != FolderKind::Plain || is_served(folder, &roots));
    folders
}

/// The folders below an application or a virtual directory in which a web.config was found.
fn plain_folders(root: &Folder, found: &[(String, &ServerPath)]) -> Vec<Folder> {
    let Fact::Known(physical) = &root.physical else { return Vec::new() };
    let above = physical.key();
    let below = found.iter().filter(|(key, _)| is_within_folder(key, &above));
    let folder = |(key, path): &(String, &ServerPath)| {
        let name = path.file_name().len();
        let folder = &path.as_str()[..path.as_str().len() - name];
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
fn is_served(folder: &Folder, roots: &[(String, Fact<ServerPath>)]) -> bool {
    let above = roots.iter().filter(|(level, _)| is_within(&folder.level, level));
    let Some((level, Fact::Known(root))) = above.max_by_key(|(level, _)| depth(level)) else {
        return false;
    };
    let Fact::Known(physical) = &folder.physical else { return false };
    let below = normal(&folder.level[level.len()..]).replace('/', "\\");
    physical.key() == format!("{}\\{below}", root.key())
}

/// Whether a path's key lies in the folder of another key, or is it.
pub(crate) fn is_within_folder(key: &str, folder: &str) -> bool {
    key.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
}

/// The URL path of the application that a path of a site belongs to, in one spelling.
pub(crate) fn application_of(site: &Site, path: &str) -> String {
    let paths = site.applications.iter().map(|application| normal(&application.path));
    paths
        .filter(|above| is_within(path, above))
        .max_by_key(|above| depth(above))
        .unwrap_or_default()
}
