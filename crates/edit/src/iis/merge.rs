//! The layers of configuration that a path of a site meets, in the order in which they are merged.
//!
//! File by file: applicationHost.config's root and its locations from the widest to the narrowest,
//! then each web.config on the way down with its own locations.

use stopgap_model::host::{Fact, ServerPath, Site};

use super::place::{depth, is_within, joined, normal};
use super::snapshot::{File, Snapshot};
use super::summary::Layer;

/// One layer on the way to a path.
pub(crate) struct Step<'s> {
    pub(crate) file: &'s File,
    pub(crate) layer: &'s Layer,
    /// Where in the site the layer holds, in one spelling. Empty: the whole site.
    pub(crate) level: String,
    /// The same as an URL path with slashes around it, as it is spelled in the files.
    pub(crate) base: String,
    /// Whether what it says reaches the path: child applications may be left out.
    pub(crate) reaches: bool,
}

/// A folder of a site that has a physical path of its own.
pub(crate) struct Folder<'s> {
    /// Its URL path in one spelling. Empty: the site's root.
    pub(crate) level: String,
    /// Its URL path as spelled, without outer slashes.
    pub(crate) spelled: String,
    physical: &'s Fact<ServerPath>,
}

impl Folder<'_> {
    /// The path of its web.config.
    pub(crate) fn web_config(&self) -> Result<ServerPath, String> {
        match self.physical {
            Fact::Known(folder) => Ok(folder.join("web.config")),
            Fact::Absent => Err(format!("/{} has no physical path", self.spelled)),
            Fact::Unknown(why) => Err(format!("/{}: {why}", self.spelled)),
        }
    }
}

/// The site's applications and virtual directories, from the root down.
pub(crate) fn folders(site: &Site) -> Vec<Folder<'_>> {
    let mut found = Vec::new();
    for application in &site.applications {
        for directory in &application.directories {
            let parts = [&application.path, &directory.path].map(|path| path.trim_matches('/'));
            let spelled = joined(parts[0], parts[1]);
            let level = normal(&spelled);
            found.push(Folder { level, spelled, physical: &directory.physical });
        }
    }
    found.sort_by_key(|folder| depth(&folder.level));
    // An application hides a virtual directory of the same URL path; its own root comes first.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|folder| seen.insert(folder.level.clone()));
    found
}

/// The URL path of the application that a path of a site belongs to, in one spelling.
pub(crate) fn application_of(site: &Site, path: &str) -> String {
    let paths = site.applications.iter().map(|application| normal(&application.path));
    paths
        .filter(|above| is_within(path, above))
        .max_by_key(|above| depth(above))
        .unwrap_or_default()
}

/// The layers of applicationHost.config on the way to a path of a site.
pub(crate) fn host_steps<'s>(
    file: &'s File,
    site: &Site,
    path: &str,
) -> Result<Vec<Step<'s>>, String> {
    let name = normal(&site.name);
    let full = joined(&name, path);
    let mut layers: Vec<_> =
        file.summary()?.layers.iter().filter(|layer| is_within(&full, &layer.path)).collect();
    layers.sort_by_key(|layer| depth(&layer.path));
    let with_path = |level: &str| application_of(site, level) == application_of(site, path);
    let steps = layers.into_iter().map(|layer| {
        let level = layer.path.strip_prefix(&name).unwrap_or_default();
        let level = level.trim_start_matches('/').to_owned();
        let written = layer.written.as_deref().unwrap_or_default().trim_matches('/');
        let spelled = written.split_once('/').map_or("", |(_, below)| below);
        let reaches = layer.inherits || with_path(&level);
        Step { file, layer, base: base(spelled), level, reaches }
    });
    Ok(steps.collect())
}

/// The layers of the web.config files on the way to a path of a site.
pub(crate) fn web_steps<'s>(
    snapshot: &'s Snapshot,
    site: &Site,
    path: &str,
) -> Result<Vec<Step<'s>>, String> {
    let with_path = |level: &str| application_of(site, level) == application_of(site, path);
    let mut steps = Vec::new();
    for folder in folders(site).iter().filter(|folder| is_within(path, &folder.level)) {
        let config = folder.web_config()?;
        let file = snapshot.file(&config).ok_or_else(|| format!("{config} was not read"))?;
        let mut layers: Vec<_> = file
            .summary()?
            .layers
            .iter()
            .map(|layer| (joined(&folder.level, &layer.path), layer))
            .filter(|(level, _)| is_within(path, level))
            .collect();
        layers.sort_by_key(|(level, _)| depth(level));
        steps.extend(layers.into_iter().map(|(level, layer)| {
            let written = layer.written.as_deref().unwrap_or_default().trim_matches('/');
            let written = if layer.path.is_empty() { "" } else { written };
            let base = base(&joined(&folder.spelled, written));
            let reaches = layer.inherits || with_path(&level);
            Step { file, layer, level, base, reaches }
        }));
    }
    Ok(steps)
}

fn base(spelled: &str) -> String {
    if spelled.is_empty() { "/".to_owned() } else { format!("/{spelled}/") }
}
