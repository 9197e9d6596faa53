//! Words for messages: lists of names, and the name that was probably meant.

use crate::problem::turns_text;

/// The longest word for which a near name is looked for, in bytes: the search is quadratic.
const MAX_WORD: usize = 64;

/// The name nearest to `word`, if one is near enough to have been meant.
pub(super) fn near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let word = word.to_lowercase().replace('_', "-");
    let distance = |name: &str| strsim::osa_distance(&word, &name.replace('_', "-"));
    let (distance, name) = names.into_iter().map(|name| (distance(name), name)).min()?;
    (distance <= 1 + name.len() / 5).then_some(name)
}

/// The help that asks whether the near name was meant; empty if none is near.
pub(super) fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    near(word, names).map_or_else(String::new, |name| format!("did you mean `{name}`?"))
}

/// The names as text: `a`, `b` or `c`.
pub(super) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        Some(only) => only,
        None => "nothing".to_owned(),
    }
}

/// Whether `c` may not stand in a line for people: control characters, and those that break a
/// line or turn its direction so that it reads as something else.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control() || turns_text(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}
