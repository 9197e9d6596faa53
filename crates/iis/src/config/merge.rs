//! The layers of configuration that a path of a site meets, in the order in which they are merged.
//!
//! File by file: applicationHost.config's root and its locations from the widest to the narrowest,
//! then each web.config on the way down with its own locations.

use stopgap_model::host::Site;
use stopgap_model::reason::IisReason;

use super::entry::Collection;
use super::facts::Definition;
use super::folders::{FolderKind, application_of};
use super::parsed_config::{Dropped, LocationLayer};
use super::place::{joined, normal};
use super::snapshot::{File, Snapshot};

/// One layer on the way to a path.
pub(crate) struct Step<'s> {
    pub(crate) file: &'s File,
    pub(crate) layer: &'s LocationLayer,
    /// Where in the site the layer holds, in one spelling. Empty: the whole site.
    pub(crate) level: String,
    /// The same as an URL path with slashes around it, as it is spelled in the files.
    pub(crate) base: String,
    /// Whether what it says reaches the path: child applications may be left out.
    pub(crate) reaches: bool,
    /// What `allowDefinition` must say at least for a section to be allowed here.
    pub(crate) depth: Definition,
}

impl<'s> Step<'s> {
    /// The layer of a file that stands for itself, at a site's root.
    pub(crate) fn lone(file: &'s File, layer: &'s LocationLayer) -> Self {
        let (level, base) = (String::new(), "/".to_owned());
        Self { file, layer, level, base, reaches: true, depth: Definition::Application }
    }

    /// Whether it drops an inherited member of this name, by itself or in the file that its section
    /// names as the place of its content.
    pub(crate) fn drops(
        &self,
        snapshot: &Snapshot,
        collection: Collection,
        name: &str,
    ) -> Option<Dropped> {
        let there = |source: &str| {
            let held = snapshot.source(self.file, source).ok()?;
            held.layers.iter().find_map(|layer| layer.drops(collection, name))
        };
        let source = self.layer.has(collection).filter(|source| !source.is_empty());
        self.layer.drops(collection, name).or_else(|| there(source?))
    }
}

/// The layers of applicationHost.config on the way to a path of a site.
pub(crate) fn host_steps<'s>(
    file: &'s File,
    site: &Site,
    path: &str,
) -> Result<Vec<Step<'s>>, IisReason> {
    let name = normal(&site.name);
    let full = joined(&name, path);
    let layers = file.parsed()?.layers_for(&full);
    let with_path = |level: &str| application_of(site, level) == application_of(site, path);
    let steps = layers.map(|layer| {
        let level = layer.path.strip_prefix(&name).unwrap_or_default();
        let level = level.trim_start_matches('/').to_owned();
        let written = layer.location_path.as_deref().unwrap_or_default().trim_matches('/');
        let spelled = written.split_once('/').map_or("", |(_, below)| below);
        let reaches = !layer.not_inherited || with_path(&level);
        Step { file, layer, base: base(spelled), level, reaches, depth: Definition::Server }
    });
    Ok(steps.collect())
}

/// The layers of the web.config files on the way to a path of a site.
pub(crate) fn web_steps<'s>(
    snapshot: &'s Snapshot,
    site: &Site,
    path: &str,
) -> Result<Vec<Step<'s>>, IisReason> {
    // A location that child applications do not inherit reaches its own one only.
    let with_path = |level: &str| application_of(site, level) == application_of(site, path);
    let mut steps = Vec::new();
    for folder in snapshot.folders().on_the_way(&site.name, path)? {
        let config = folder.web_config()?;
        let file = snapshot
            .file(&config)
            .ok_or_else(|| IisReason::FileNotRead { file: config.to_string() })?;
        let below = path.strip_prefix(&folder.level).unwrap_or_default().trim_start_matches('/');
        steps.extend(file.parsed()?.layers_for(below).map(|layer| {
            let level = joined(&folder.level, &layer.path);
            let written = layer.location_path.as_deref().unwrap_or_default().trim_matches('/');
            let written = if layer.path.is_empty() { "" } else { written };
            let base = base(&joined(&folder.spelled, written));
            let reaches = !layer.not_inherited || with_path(&level);
            // `MachineToApplication` allows a section here, and in no file further down.
            let at_root = folder.kind == FolderKind::Application && layer.path.is_empty();
            let depth = if at_root { Definition::Application } else { Definition::Everywhere };
            Step { file, layer, level, base, reaches, depth }
        }));
    }
    Ok(steps)
}

fn base(spelled: &str) -> String {
    if spelled.is_empty() { "/".to_owned() } else { format!("/{spelled}/") }
}
