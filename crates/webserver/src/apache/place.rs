//! Puts Stopgap's file where Apache includes it for the whole server.

use stopgap_model::glob;
use stopgap_model::host::ServerPath;
use stopgap_model::problem::escaped;
use stopgap_model::reason::{WebDifference, WebRefusal};
use stopgap_model::web::{WebKind, beside};

use super::mark::OWN_FILE;
use super::tree::{Include, Tree};
use crate::files::{Files, Read};
use crate::placement::Placement;
use crate::source::{Difference, Differences, Source, difference_of, file_edits, without_returns};
use crate::text_edits::{TextEdit, TextEdits, apply, managed_file};

/// The folders that are for settings of the whole server, the best first: Debian's, Red Hat's.
const FOLDERS: [&str; 2] = ["conf-enabled", "conf.d"];

/// The beginnings of the names of folders that are for something else: modules, sites.
const NOT_FOR_SETTINGS: [&str; 6] = ["mods", "modules", "conf.modules", "sites", "vhost", "module"];

/// The modules that our text needs: Apache knows the directives of a module once it is loaded.
const NEEDED: [&str; 4] =
    ["authz_core_module", "headers_module", "access_compat_module", "alias_module"];

/// The includes that take in a file of our name from a folder that is known to be there, because
/// something in it was found.
fn candidates<'t>(tree: &'t Tree<'_>) -> Vec<(&'t Include, ServerPath)> {
    let fitting = tree.includes.iter().filter_map(|include| {
        let folder = include.pattern.folder()?;
        let fits = !glob::is_pattern(folder.as_str())
            && glob::matches_name(include.pattern.file_name(), OWN_FILE) == Some(true)
            && !include.found.is_empty()
            && !NOT_FOR_SETTINGS.iter().any(|name| folder.file_name().starts_with(name));
        fits.then(|| (include, folder.join(OWN_FILE)))
    });
    fitting.collect()
}

/// The include that our file is taken in by, with the path of our file; `None`: by a line of ours at
/// the end of the main file. Where ours is already stays the place.
fn chosen<'t>(files: &Files, tree: &'t Tree<'_>) -> Option<(&'t Include, ServerPath)> {
    let all = candidates(tree);
    let there = all.iter().find(|(_, path)| files.found(path).is_some());
    if there.is_some() || !tree.own.is_empty() {
        return there.cloned();
    }
    let is_early = |include: &Include| {
        let later = tree.modules.get(include.loaded..).unwrap_or_default();
        later.iter().any(|module| NEEDED.contains(&module.as_str()))
    };
    let all: Vec<_> = all.into_iter().filter(|(include, _)| !is_early(include)).collect();
    let named = |name: &str| {
        all.iter().find(|(_, path)| path.folder().is_some_and(|folder| folder.file_name() == name))
    };
    FOLDERS.iter().find_map(|name| named(name)).or(all.first()).cloned()
}

/// The paths at which a file of ours may be.
pub(crate) fn own_paths(files: &Files, tree: &Tree<'_>) -> Vec<ServerPath> {
    let mut paths: Vec<ServerPath> = candidates(tree).into_iter().map(|(_, path)| path).collect();
    paths.push(files.beside_main(OWN_FILE));
    paths.sort();
    paths.dedup();
    paths
}

/// Our file, and the main one if a line of ours would stand in it.
pub(crate) fn written_files(files: &Files, tree: &Tree<'_>) -> Vec<ServerPath> {
    let (path, line) = match chosen(files, tree) {
        Some((_, path)) => (path, None),
        None => (files.beside_main(OWN_FILE), tree.sources.first()),
    };
    let real = files.found(&path).map_or(&path, |(real, _)| real).clone();
    line.map(|main| main.real.clone()).into_iter().chain([real]).collect()
}

/// Returns the edits after which exactly this text is in place.
pub(crate) fn place(files: &Files, tree: &Tree<'_>, text: &str) -> Result<Placement, WebRefusal> {
    let paths = own_paths(files, tree);
    for file in &paths {
        if let Some(Read::Unreadable(why)) = files.get(file) {
            let (file, why) = (file.clone(), why.clone());
            return Err(WebRefusal::OwnFileUnreadable { file, why });
        }
    }
    let include = chosen(files, tree);
    let beside = files.beside_main(OWN_FILE);
    let path = include.as_ref().map_or(&beside, |(_, path)| path);
    let mut edits = Vec::new();
    for own in &paths {
        edits.extend(managed_file(files, own, if own == path { text.as_bytes() } else { b"" }));
    }
    let mut report: Vec<WebDifference> = edits.iter().map(difference_of).collect();
    let mut differences = Differences::default();
    let line = (!text.is_empty() && include.is_none()).then_some(path);
    let text_edits = text_edits(files, tree, line, &mut differences)?;
    report.extend(differences.report(&tree.sources));
    edits.extend(file_edits(&tree.sources, &text_edits));
    let by = match &include {
        Some((include, _)) => escaped(include.pattern.as_str()),
        None => format!("a line of Stopgap in {}", escaped(files.main().as_str())),
    };
    let place = format!("{}, included by {by}", escaped(path.as_str()));
    let places = if text.is_empty() { Vec::new() } else { vec![place] };
    let staged = staged(tree, text, path, include.as_ref().map(|(include, _)| *include));
    Ok(Placement { edits, places, differences: report, staged })
}

/// The main file is the first that is read.
fn main<'t, 'a>(tree: &'t Tree<'a>) -> Result<&'t Source<'a>, WebRefusal> {
    tree.source(0).ok_or(WebRefusal::NoMainFile)
}

/// Returns the edits of the files of others: a line of ours at the end of the main file includes the file of
/// this path, and every other line of ours is removed.
fn text_edits(
    files: &Files,
    tree: &Tree<'_>,
    line: Option<&ServerPath>,
    differences: &mut Differences,
) -> Result<TextEdits, WebRefusal> {
    let mut edits = TextEdits::default();
    let main = main(tree)?;
    let mut expected = None;
    if let Some(path) = line {
        let text =
            [main.newline(), format!("IncludeOptional {}", quoted(path)?).as_bytes()].concat();
        // With our lines at its end taken out, which is where ours belongs.
        let mut end = end_of(main.bytes);
        let mut last = None;
        while let Some((_, from, _)) = tree.own.iter().find(|(of, _, to)| *of == 0 && *to == end) {
            end = main.cut_from(*from);
            last = Some(*from);
        }
        let (before, behind) = main.bytes.split_at_checked(end).unwrap_or((main.bytes, b""));
        if before.ends_with(b"\\") {
            return Err(WebRefusal::ContinuedLine { file: files.main() });
        }
        let there = behind.split_at(end_of(behind)).0;
        if there == text {
            expected = last;
        } else {
            differences.add(0, end, Difference::NotAtEnd);
        }
        edits.add(main.real, TextEdit::insert(end, text));
    }
    for (of, start, to) in &tree.own {
        let Some(source) = tree.source(*of) else { continue };
        edits.add(source.real, TextEdit::remove(source.cut_from(*start), *to));
        if *of != 0 || expected != Some(*start) {
            differences.add(*of, *start, Difference::Stray);
        }
    }
    Ok(edits)
}

/// Where the last line ends.
fn end_of(bytes: &[u8]) -> usize {
    without_returns(bytes.strip_suffix(b"\n").unwrap_or(bytes)).len()
}

/// A path as Apache reads it.
fn quoted(path: &ServerPath) -> Result<String, WebRefusal> {
    let text = path.as_str();
    if glob::is_pattern(text) || text.contains("${") || text.contains(char::is_control) {
        return Err(WebRefusal::PathNotPlain { server: WebKind::Apache, file: path.clone() });
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The main file as it is for Apache's own test, and ours beside its place. Where the main file
/// itself takes ours in, each of the other files is named instead of the pattern, so that the text
/// that is there now, which may be damaged, is not read.
fn staged(
    tree: &Tree<'_>,
    text: &str,
    path: &ServerPath,
    include: Option<&Include>,
) -> Vec<(ServerPath, Vec<u8>)> {
    let Ok(main) = main(tree) else { return Vec::new() };
    let name = |path: &ServerPath| quoted(path).unwrap_or_else(|_| path.as_str().to_owned());
    let mut ours = String::new();
    if !text.is_empty() {
        ours = format!("Include {}", name(&beside(path)));
    }
    let own = tree.own.iter().filter(|(of, _, _)| *of == 0);
    let mut edits: Vec<TextEdit> = own.map(|(_, from, to)| TextEdit::remove(*from, *to)).collect();
    match include.filter(|include| include.source == 0) {
        Some(include) => {
            let others = include.found.iter().filter(|found| *found != path);
            let mut lines: Vec<String> =
                others.map(|other| format!("Include {}", name(other))).collect();
            lines.push(ours);
            let text = lines.join("\n").into_bytes();
            edits.push(TextEdit { from: include.from, to: include.to, text });
        }
        None => {
            let end = main.bytes.len();
            edits.push(TextEdit::insert(end, format!("\n{ours}\n").into_bytes()));
        }
    }
    edits.sort();
    edits.dedup();
    let mut staged = vec![(main.path.clone(), apply(main.bytes, &edits))];
    if !text.is_empty() {
        staged.push((path.clone(), text.as_bytes().to_vec()));
    }
    staged
}
