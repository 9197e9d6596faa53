//! The places of a site at which its configuration can differ.

use std::collections::BTreeSet;

use stopgap_model::host::ServerPath;
use stopgap_model::mitigation::Scope;
use stopgap_model::reason::IisReason;

use super::effective::find_site;
use super::entry::Collection;
use super::merge::{Step, host_steps, web_steps};
use super::parsed_config::Dropped;
use super::place::{depth, is_within, joined, normal};
use super::snapshot::Snapshot;

/// A place of a site that may have a configuration of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The site's name, as the server spells it.
    pub site: String,
    /// The path in the site with its leading slash, in lower case: `/` or such as `/owa/auth`.
    pub path: String,
}

/// Every place in a scope at which the configuration can differ, its own first: applications,
/// virtual directories, folders with a web.config, and the paths of `<location>` tags. `None` is
/// the whole server.
///
/// # Errors
/// What IIS serves is not known.
pub fn levels(snapshot: &Snapshot, scope: Option<&Scope>) -> Result<Vec<Level>, IisReason> {
    let (_, iis, _) = snapshot.host()?;
    snapshot.folders().all_are_known()?;
    let Some(scope) = scope else {
        let of_site = |site: &stopgap_model::host::Site| of_site(snapshot, &site.name, "");
        return Ok(iis.sites.iter().flat_map(of_site).collect());
    };
    let Some(site) = find_site(&iis.sites, &scope.site) else { return Ok(Vec::new()) };
    Ok(of_site(snapshot, &site.name, &normal(&scope.path)))
}

/// The place that an URL path of a site belongs to, of that site's places.
#[must_use]
pub fn nearest<'l>(levels: &'l [Level], url_path: &str) -> Option<&'l Level> {
    let path = normal(url_path);
    let above = levels.iter().filter(|level| is_within(&path, level.path.trim_matches('/')));
    above.max_by_key(|level| depth(&level.path))
}

/// The file that keeps what is inherited from a place, and whether it does so by the name alone.
#[must_use]
pub fn dropped_by(
    snapshot: &Snapshot,
    level: &Level,
    collection: Collection,
    name: &str,
) -> Option<(ServerPath, bool)> {
    let (host, iis, _) = snapshot.host().ok()?;
    let site = find_site(&iis.sites, &level.site)?;
    let path = normal(&level.path);
    let mut steps = host_steps(host, site, &path).ok()?;
    steps.extend(web_steps(snapshot, site, &path).ok()?);
    let dropped = |step: &Step<'_>| step.drops(snapshot, collection, name).filter(|_| step.reaches);
    // The last one on the way has the last word.
    let (step, how) = steps.iter().rev().find_map(|step| Some((step, dropped(step)?)))?;
    Some((step.file.path().clone(), how == Dropped::Removed))
}

fn of_site(snapshot: &Snapshot, site: &str, above: &str) -> Vec<Level> {
    let level = |path: String| Level { site: site.to_owned(), path: format!("/{path}") };
    paths(snapshot, site, above).into_iter().map(level).collect()
}

/// The same_name, as paths in one spelling below `above`.
pub(crate) fn paths(snapshot: &Snapshot, site: &str, above: &str) -> Vec<String> {
    let mut paths = BTreeSet::from([above.to_owned()]);
    let name = normal(site);
    if let Ok((host, _, _)) = snapshot.host() {
        let layers = host.parsed().map(|parsed| parsed.layers.as_slice()).unwrap_or_default();
        let here = layers.iter().filter(|layer| is_within(&layer.path, &name));
        let below = here.filter_map(|layer| layer.path.strip_prefix(&name));
        paths.extend(below.map(|path| path.trim_matches('/').to_owned()));
    }
    for folder in snapshot.folders().of_site(site) {
        paths.insert(folder.level.clone());
        let file = folder.web_config().ok().and_then(|path| snapshot.file(&path));
        let Some(parsed) = file.and_then(|file| file.parsed().ok()) else { continue };
        // A location of a web.config is relative to its folder.
        let located = parsed.layers.iter().filter(|layer| !layer.path.is_empty());
        paths.extend(located.map(|layer| joined(&folder.level, &layer.path)));
    }
    paths.retain(|path| is_within(path, above));
    paths.into_iter().collect()
}
