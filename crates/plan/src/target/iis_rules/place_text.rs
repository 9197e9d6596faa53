//! Places on IIS for a person.

use stopgap_iis::config::{Level, Place};
use stopgap_model::ServerPath;

/// Where something stands, such as `web.config, location "owa"`.
pub(crate) fn place_text(file: &ServerPath, place: &Place) -> String {
    format!("{}, {place}", file.file_name())
}

/// A place of a site, such as `Default Web Site/owa`.
pub(crate) fn text(level: &Level) -> String {
    format!("{}{}", level.site, level.path)
}

/// Several places, each once.
pub(crate) fn texts(places: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for place in places {
        if !all.contains(&place) {
            all.push(place);
        }
    }
    all.join("; ")
}
