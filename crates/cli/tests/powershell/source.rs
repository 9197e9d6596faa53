//! PowerShell files and their syntax.

use std::path::{Path, PathBuf};

use tree_sitter::{Node, Parser, Tree};

/// A PowerShell file.
pub(crate) struct Source {
    /// Its path below the folder `powershell`.
    pub(crate) name: String,
    pub(crate) text: String,
    tree: Tree,
}

/// The folder of everything in PowerShell.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../powershell")
}

impl Source {
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
        let tree = parser.parse(text, None).unwrap();
        Self { name: name.to_owned(), text: text.to_owned(), tree }
    }

    /// Every file of the module, its scripts and its tests.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths = Vec::new();
        files_below(&folder(), &mut paths);
        paths.sort();
        let known =
            |path: &&PathBuf| [".ps1", ".psm1", ".psd1"].iter().any(|end| ends_with(path, end));
        let read = |path: &PathBuf| {
            let name = path.strip_prefix(folder()).unwrap().to_string_lossy().into_owned();
            Self::of(&name, &std::fs::read_to_string(path).unwrap())
        };
        paths.iter().filter(known).map(read).collect()
    }

    /// Every file of the module itself.
    pub(crate) fn of_module() -> Vec<Self> {
        Self::all().into_iter().filter(|source| source.name.starts_with("Stopgap")).collect()
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    pub(crate) fn text_of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap()
    }

    /// Where a node is, as a compiler says it.
    pub(crate) fn place(&self, node: Node<'_>) -> String {
        let at = node.start_position();
        format!("{}:{}:{}", self.name, at.row + 1, at.column + 1)
    }

    /// Every node of a kind below `node`, and itself.
    pub(crate) fn each<'a>(&self, node: Node<'a>, kind: &str) -> Vec<Node<'a>> {
        let mut found = Vec::new();
        walk(node, &mut |node| {
            if node.kind() == kind {
                found.push(node);
            }
        });
        found
    }

    /// What the grammar does not understand.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        walk(self.root(), &mut |node| {
            if node.is_error() || node.is_missing() {
                let text = self.text_of(node).lines().next().unwrap_or_default();
                faults.push(format!("{}: not understood: `{text}`", self.place(node)));
            }
        });
        faults
    }
}

pub(crate) fn walk<'a>(node: Node<'a>, look: &mut dyn FnMut(Node<'a>)) {
    look(node);
    for at in 0..node.child_count() {
        walk(node.child(at as u32).unwrap(), look);
    }
}

fn ends_with(path: &Path, end: &str) -> bool {
    path.to_string_lossy().ends_with(end)
}

pub(crate) fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_file_is_powershell() {
    let sources = Source::all();
    assert!(sources.len() > 25, "only {} files were found", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(Source::faults).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn what_is_no_powershell_is_told_with_its_place() {
    let faults =
        Source::of("x.ps1", "function Get-X {\n    if ($a {\n        1\n    }\n}\n").faults();
    assert!(faults.iter().any(|fault| fault.starts_with("x.ps1:")), "{faults:?}");
}

/// Windows PowerShell reads a file without a byte order mark in the code page of the machine.
#[test]
fn every_file_is_ascii() {
    let mut paths = Vec::new();
    files_below(&folder().join("Stopgap"), &mut paths);
    files_below(&folder().join("tests"), &mut paths);
    for path in paths.iter().filter(|path| !ends_with(path, ".json")) {
        let text = std::fs::read_to_string(path).unwrap();
        let odd = text.lines().position(|line| !line.is_ascii());
        assert_eq!(odd.map(|line| line + 1), None, "{}", path.display());
    }
}
