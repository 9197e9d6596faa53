//! Which file of a crate stands on which: every name that a file uses, led back to the file that
//! defines it. A re-export is an alias and not a use.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::source::{Crate, SourceFile};

/// How many aliases are followed before a name counts as one of another crate.
const LONGEST_CHAIN: usize = 24;

/// A file uses a name of another one.
pub(super) struct Use {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
    pub(super) name: String,
}

/// Lists what the files of a crate use of each other; the numbers are those of `sources.files`.
pub(super) fn uses(sources: &Crate) -> Vec<Use> {
    let names = Names::of(sources);
    let mut uses = Vec::new();
    for (from, file) in sources.files.iter().enumerate() {
        let mut add = |path: &[String], line: usize| {
            if let Some(to) = names.resolve(&file.module, path, 0)
                && to != from
            {
                uses.push(Use { from, to, line, name: path.join("::") });
            }
        };
        let imports = imports_of(file);
        for import in imports.iter().filter(|import| !import.is_reexport) {
            add(&import.path, import.first);
        }
        let tokens: TokenStream = file.text.parse().unwrap_or_default();
        for Path { path, line, is_macro } in paths_in(tokens) {
            let is_import =
                imports.iter().any(|import| (import.first..=import.last).contains(&line));
            // A function may have the name of a macro.
            let is_other = !is_macro && path.len() == 1 && names.is_only_macro(&file.module, &path);
            if !is_import && !is_other && !file.is_test_line(line) {
                add(&path, line);
            }
        }
    }
    uses
}

/// One leaf of a `use` item.
struct Import {
    path: Vec<String>,
    /// The name it has here; none for `*`.
    alias: Option<String>,
    is_reexport: bool,
    first: usize,
    last: usize,
}

fn imports_of(file: &SourceFile) -> Vec<Import> {
    struct Imports<'a>(&'a SourceFile, Vec<Import>);
    impl<'ast> Visit<'ast> for Imports<'_> {
        fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
            let span = syn::spanned::Spanned::span(item);
            let (first, last) = (span.start().line, span.end().line);
            if self.0.is_test_line(first) {
                return;
            }
            let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
            let mut leaves = Vec::new();
            flatten(&item.tree, &mut Vec::new(), &mut leaves);
            self.1.extend(leaves.into_iter().map(|(path, alias)| Import {
                path,
                alias,
                is_reexport,
                first,
                last,
            }));
            visit::visit_item_use(self, item);
        }
    }
    let mut imports = Imports(file, Vec::new());
    imports.visit_file(&file.syntax);
    imports.1
}

fn flatten(
    tree: &syn::UseTree,
    above: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, Option<String>)>,
) {
    match tree {
        syn::UseTree::Path(path) => {
            above.push(path.ident.to_string());
            flatten(&path.tree, above, leaves);
            above.pop();
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            leaves.push((above.clone(), above.last().cloned()));
        }
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            leaves.push(([above.as_slice(), std::slice::from_ref(&name)].concat(), Some(name)));
        }
        syn::UseTree::Rename(rename) => {
            let path = [above.as_slice(), &[rename.ident.to_string()]].concat();
            leaves.push((path, Some(rename.rename.to_string())));
        }
        syn::UseTree::Glob(_) => leaves.push((above.clone(), None)),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, above, leaves);
            }
        }
    }
}

/// A path in the code.
struct Path {
    path: Vec<String>,
    line: usize,
    /// Whether it calls a macro.
    is_macro: bool,
}

/// Every path in the tokens, those in macros too. A single name in small letters counts only where
/// it is called, because else it is a variable.
fn paths_in(tokens: TokenStream) -> Vec<Path> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let TokenTree::Group(group) = token {
            paths.extend(paths_in(group.stream()));
        }
        let TokenTree::Ident(first) = token else {
            at += 1;
            continue;
        };
        let line = first.span().start().line;
        let mut path = vec![first.to_string()];
        let start = at;
        at += 1;
        while is_punct(tokens.get(at), ':')
            && is_punct(tokens.get(at + 1), ':')
            && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
        {
            path.push(next.to_string());
            at += 3;
        }
        let before = |back: usize| start.checked_sub(back).and_then(|at| tokens.get(at));
        // `a.b` is a field, but `..b` is the rest of a struct.
        let is_member = is_punct(before(1), '.') && !is_punct(before(2), '.');
        // The rest of `<T as Trait>::name`, whose first part is a type.
        let is_tail = is_punct(before(1), ':') && is_punct(before(2), ':');
        let is_definition =
            matches!(before(1), Some(TokenTree::Ident(word)) if word == "fn" || word == "mod");
        let is_called = matches!(tokens.get(at), Some(TokenTree::Group(_)))
            || is_punct(tokens.get(at), '!')
            || is_punct(tokens.get(at), ':');
        let is_small = path.len() == 1 && first.to_string().starts_with(char::is_lowercase);
        if !is_member && !is_tail && !is_definition && (is_called || !is_small) {
            let is_macro = is_punct(tokens.get(at), '!');
            paths.push(Path { path, line, is_macro });
        }
    }
    paths
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// What each module of a crate calls by name.
struct Names {
    modules: BTreeMap<Vec<String>, Module>,
    /// The macros, which need no import below their definition.
    macros: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Module {
    file: usize,
    defined: BTreeSet<String>,
    children: BTreeSet<String>,
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

impl Names {
    fn of(sources: &Crate) -> Self {
        let mut names = Self { modules: BTreeMap::new(), macros: BTreeMap::new() };
        for (number, file) in sources.files.iter().enumerate() {
            names.add_items(number, &file.module, &file.syntax.items, file);
            let module = names.module(number, &file.module);
            for import in imports_of(file) {
                match import.alias {
                    Some(alias) => {
                        module.aliases.entry(alias).or_insert(import.path);
                    }
                    None => module.globs.push(import.path),
                }
            }
        }
        for module in sources.files.iter().map(|file| &file.module) {
            if let Some((name, above)) = module.split_last()
                && let Some(parent) = names.modules.get_mut(above)
            {
                parent.children.insert(name.clone());
            }
        }
        names
    }

    fn module(&mut self, file: usize, path: &[String]) -> &mut Module {
        self.modules.entry(path.to_vec()).or_insert_with(|| Module { file, ..Module::default() })
    }

    fn add_items(&mut self, file: usize, path: &[String], items: &[syn::Item], of: &SourceFile) {
        self.module(file, path);
        for item in items {
            if of.is_test_line(syn::spanned::Spanned::span(item).start().line) {
                continue;
            }
            let name = match item {
                syn::Item::Const(item) => &item.ident,
                syn::Item::Enum(item) => &item.ident,
                syn::Item::Fn(item) => &item.sig.ident,
                syn::Item::Static(item) => &item.ident,
                syn::Item::Struct(item) => &item.ident,
                syn::Item::Trait(item) => &item.ident,
                syn::Item::Type(item) => &item.ident,
                syn::Item::Macro(syn::ItemMacro { ident: Some(name), .. }) => {
                    self.macros.insert(name.to_string(), file);
                    continue;
                }
                syn::Item::Mod(item) => {
                    if let Some((_, inner)) = &item.content {
                        let inside = [path, &[item.ident.to_string()]].concat();
                        self.add_items(file, &inside, inner, of);
                    }
                    continue;
                }
                _ => continue,
            };
            self.module(file, path).defined.insert(name.to_string());
        }
    }

    /// Whether a name is one of a macro and of nothing else in a module.
    fn is_only_macro(&self, module: &[String], path: &[String]) -> bool {
        let Some(name) = path.first() else { return false };
        let is_known = self
            .modules
            .get(module)
            .is_some_and(|here| here.defined.contains(name) || here.aliases.contains_key(name));
        self.macros.contains_key(name) && !is_known
    }

    /// The file that defines what a path names in a module. None for a module itself, and for
    /// what is of another crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<usize> {
        let (first, mut rest) = path.split_first()?;
        let mut here = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            _ => return self.look_up(module, first, rest, depth),
        };
        while let Some((next, after)) = rest.split_first()
            && next == "super"
        {
            here.pop();
            rest = after;
        }
        let (next, after) = rest.split_first()?;
        // What a macro of the module defines cannot be seen, and is the module's.
        self.look_up(&here, next, after, depth).or_else(|| self.unseen(&here, next, after))
    }

    fn unseen(&self, module: &[String], name: &str, rest: &[String]) -> Option<usize> {
        let here = self.modules.get(module)?;
        if here.children.contains(name) || here.aliases.contains_key(name) {
            return None;
        }
        if rest.is_empty() && self.macros.contains_key(name) {
            return self.macros.get(name).copied();
        }
        Some(here.file)
    }

    fn look_up(
        &self,
        module: &[String],
        name: &str,
        rest: &[String],
        depth: usize,
    ) -> Option<usize> {
        if depth > LONGEST_CHAIN {
            return None;
        }
        let here = self.modules.get(module)?;
        // A module and a function may have one name: before `::` it is the module.
        let is_child = here.children.contains(name)
            || self.modules.contains_key([module, &[name.to_owned()]].concat().as_slice());
        if is_child && let Some((next, after)) = rest.split_first() {
            let inside = [module, &[name.to_owned()]].concat();
            return self
                .look_up(&inside, next, after, depth + 1)
                .or_else(|| self.unseen(&inside, next, after));
        }
        if here.defined.contains(name) {
            return Some(here.file);
        }
        if let Some(path) = here.aliases.get(name)
            && path.as_slice() != [name]
        {
            return self.resolve(module, &[path.as_slice(), rest].concat(), depth + 1);
        }
        let from_globs = here.globs.iter().find_map(|glob| {
            let path = [glob.as_slice(), &[name.to_owned()], rest].concat();
            self.resolve_defined(module, &path, depth + 1)
        });
        if from_globs.is_some() || is_child {
            return from_globs;
        }
        if rest.is_empty() { self.macros.get(name).copied() } else { None }
    }

    /// Like `resolve`, but what cannot be seen is not the module's: a `*` may bring nothing.
    fn resolve_defined(&self, module: &[String], path: &[String], depth: usize) -> Option<usize> {
        let found = self.resolve(module, path, depth)?;
        let name = path.last()?;
        let defines = |known: &Module| known.file == found && known.defined.contains(name);
        self.modules.values().any(defines).then_some(found)
    }
}
