//! The sources of the workspace's crates, parsed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// One crate: its sources, and how many lines test it.
pub(super) struct Crate {
    pub(super) name: String,
    /// Whether it has only a program: nothing of it is public, whatever its items say.
    pub(super) is_program: bool,
    pub(super) files: Vec<SourceFile>,
    /// The lines in `tests/`, in test modules and in test functions.
    pub(super) test_lines: usize,
}

pub(super) struct SourceFile {
    /// The path below `src/`, with slashes.
    pub(super) path: String,
    /// The module that the file is, from the crate's root: `a/b.rs` and `a/b/mod.rs` are both
    /// `a::b`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
    pub(super) syntax: syn::File,
    /// The first and last line of everything that is compiled for tests only.
    pub(super) test_ranges: Vec<(usize, usize)>,
}

impl SourceFile {
    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    pub(super) fn test_lines(&self) -> usize {
        self.test_ranges.iter().map(|(first, last)| last + 1 - first).sum()
    }

    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.test_ranges.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

/// Reads every crate of the workspace in the current folder.
pub(super) fn crates() -> Result<Vec<Crate>, String> {
    let mut folders = folders_in(Path::new("crates"))?;
    folders.extend(["benches", "parity", "xtask"].map(PathBuf::from));
    let mut crates = Vec::new();
    for folder in folders.iter().filter(|folder| folder.join("Cargo.toml").is_file()) {
        crates.push(read_crate(folder)?);
    }
    Ok(crates)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut folders = entries(folder)?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let wrong = |error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        paths.push(entry.map_err(wrong)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read_crate(folder: &Path) -> Result<Crate, String> {
    let sources = folder.join("src");
    let mut paths = Vec::new();
    rust_files(&sources, &mut paths)?;
    let mut files = Vec::new();
    let mut test_modules = BTreeSet::new();
    for path in paths {
        files.push(read_file(&sources, &path, &mut test_modules)?);
    }
    let mut test_lines = 0;
    // A file whose `mod` line is for tests only is a test, whatever it says itself.
    files.retain(|file| {
        let is_test = (1..=file.module.len())
            .any(|depth| file.module.get(..depth).is_some_and(|top| test_modules.contains(top)));
        test_lines += if is_test { file.lines() } else { file.test_lines() };
        !is_test
    });
    let mut tests = Vec::new();
    if folder.join("tests").is_dir() {
        rust_files(&folder.join("tests"), &mut tests)?;
    }
    for path in tests {
        test_lines += read(&path)?.lines().count();
    }
    Ok(Crate {
        name: folder.file_name().map(|name| name.to_string_lossy().into()).unwrap_or_default(),
        is_program: !sources.join("lib.rs").is_file(),
        files,
        test_lines,
    })
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    for path in entries(folder)? {
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_file(
    sources: &Path,
    path: &Path,
    test_modules: &mut BTreeSet<Vec<String>>,
) -> Result<SourceFile, String> {
    let text = read(path)?;
    let below = path.strip_prefix(sources).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let mut file = parse(&below, text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut tests = TestsOnly { module: file.module.clone(), ranges: Vec::new(), test_modules };
    tests.visit_file(&file.syntax);
    file.test_ranges = tests.ranges;
    Ok(file)
}

/// Parses one file; its tests are not looked for.
pub(super) fn parse(path: &str, text: String) -> syn::Result<SourceFile> {
    let syntax = syn::parse_file(&text)?;
    let module = module_of(path);
    Ok(SourceFile { path: path.to_owned(), module, text, syntax, test_ranges: Vec::new() })
}

fn module_of(path: &str) -> Vec<String> {
    let mut module: Vec<String> =
        path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || (module.len() == 1 && is_root(last))) {
        module.pop();
    }
    module
}

fn is_root(name: &str) -> bool {
    name == "lib" || name == "main"
}

/// Finds what is compiled for tests only.
struct TestsOnly<'a> {
    module: Vec<String>,
    ranges: Vec<(usize, usize)>,
    test_modules: &'a mut BTreeSet<Vec<String>>,
}

impl<'ast> Visit<'ast> for TestsOnly<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !attributes(item).iter().any(is_for_tests) {
            return visit::visit_item(self, item);
        }
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            let mut path = self.module.clone();
            path.push(module.ident.to_string());
            self.test_modules.insert(path);
        }
        let span = syn::spanned::Spanned::span(item);
        self.ranges.push((span.start().line, span.end().line));
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute is `#[test]`, `#[cfg(test)]` or `#[cfg(any(test, …))]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let tokens = list.tokens.to_string();
    list.path.is_ident("cfg") && (tokens == "test" || tokens.starts_with("any (test"))
}
