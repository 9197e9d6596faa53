//! The words of redirects.

/// The status that a word of `Redirect` stands for.
pub(super) fn status_of(word: &str) -> Option<u16> {
    match word.to_ascii_lowercase().as_str() {
        "permanent" => Some(301),
        "temp" => Some(302),
        "seeother" => Some(303),
        "gone" => Some(410),
        other => other.parse().ok(),
    }
}

/// Whether a pattern matches the path of every request, as far as that is known.
pub(super) fn matches_all(pattern: &str) -> bool {
    let rest = pattern.strip_prefix('^').unwrap_or(pattern);
    let (rest, is_whole) = match rest.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let rest = rest.strip_prefix("/?").or(rest.strip_prefix('/')).unwrap_or(rest);
    match rest {
        ".*" | "(.*)" | "(/.*)" => true,
        "" => !is_whole,
        _ => false,
    }
}
