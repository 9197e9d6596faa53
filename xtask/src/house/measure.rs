//! What one file's code is like: its functions, its errors, its index expressions, its comments.

use std::collections::BTreeSet;

use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::source::SourceFile;

/// A body of more lines than this is expected to say why it does what it does.
const LONG_BODY: usize = 15;

/// Something at a line of a file.
pub(super) struct At {
    pub(super) line: usize,
    pub(super) what: String,
}

#[derive(Default)]
pub(super) struct Measures {
    /// Every function with its number of lines, from its signature to its last brace.
    pub(super) functions: Vec<(At, usize)>,
    pub(super) string_errors: Vec<At>,
    pub(super) indexes: Vec<At>,
    pub(super) undocumented: Vec<At>,
    /// The lines of code, and the lines that are only a comment, in long bodies.
    pub(super) code_lines: usize,
    pub(super) comment_lines: usize,
}

/// Measures what is not for tests only.
pub(super) fn measure(file: &SourceFile, is_program: bool) -> Measures {
    let mut walk = Walk {
        file,
        is_program,
        owner: None,
        owner_is_public: false,
        long_bodies: BTreeSet::new(),
        measures: Measures::default(),
    };
    walk.visit_file(&file.syntax);
    let Walk { long_bodies, mut measures, .. } = walk;
    for (number, line) in (1..).zip(file.text.lines()) {
        let line = line.trim();
        if !long_bodies.contains(&number) || line.is_empty() {
            continue;
        }
        if !line.starts_with("//") {
            measures.code_lines += 1;
        } else if !line.starts_with("///") && !line.starts_with("//!") {
            measures.comment_lines += 1;
        }
    }
    measures
}

struct Walk<'a> {
    file: &'a SourceFile,
    is_program: bool,
    /// The type or the trait that the function is of.
    owner: Option<String>,
    /// Whether the public functions in this block need a word: those of a trait's impl do not.
    owner_is_public: bool,
    /// The lines inside of long bodies.
    long_bodies: BTreeSet<usize>,
    measures: Measures,
}

impl Walk<'_> {
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let name = match &self.owner {
            Some(owner) => format!("{owner}::{}", signature.ident),
            None => signature.ident.to_string(),
        };
        let first = signature.span().start().line;
        let braces = body.brace_token.span;
        let (open, close) = (braces.open().start().line, braces.close().end().line);
        if close > open + LONG_BODY + 1 {
            self.long_bodies.extend(open + 1..close);
        }
        self.measures.functions.push((At { line: first, what: name }, close + 1 - first));
    }

    /// Notes a public item that says nothing of itself.
    fn public(&mut self, visibility: &syn::Visibility, of: &[syn::Attribute], name: &syn::Ident) {
        if matches!(visibility, syn::Visibility::Public(_)) {
            self.documented(of, name);
        }
    }

    fn documented(&mut self, attributes: &[syn::Attribute], name: &syn::Ident) {
        let is_documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        if !self.is_program && !is_documented {
            let what = match &self.owner {
                Some(owner) => format!("{owner}::{name}"),
                None => name.to_string(),
            };
            self.measures.undocumented.push(At { line: name.span().start().line, what });
        }
    }

    fn inside(&mut self, owner: String, is_public: bool, visit: impl FnOnce(&mut Self)) {
        let before = (self.owner.replace(owner), self.owner_is_public);
        self.owner_is_public = is_public;
        visit(self);
        (self.owner, self.owner_is_public) = before;
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if self.file.is_test_line(item.span().start().line) {
            return;
        }
        match item {
            syn::Item::Const(item) => self.public(&item.vis, &item.attrs, &item.ident),
            syn::Item::Enum(item) => {
                self.public(&item.vis, &item.attrs, &item.ident);
                if matches!(item.vis, syn::Visibility::Public(_)) {
                    self.inside(item.ident.to_string(), true, |walk| {
                        for variant in &item.variants {
                            walk.documented(&variant.attrs, &variant.ident);
                        }
                    });
                }
            }
            syn::Item::Fn(item) => self.public(&item.vis, &item.attrs, &item.sig.ident),
            syn::Item::Mod(item) if item.content.is_some() => {
                self.public(&item.vis, &item.attrs, &item.ident);
            }
            syn::Item::Static(item) => self.public(&item.vis, &item.attrs, &item.ident),
            syn::Item::Struct(item) => {
                self.public(&item.vis, &item.attrs, &item.ident);
                self.inside(item.ident.to_string(), true, |walk| {
                    for field in &item.fields {
                        // A tuple's fields have no names to explain.
                        if let Some(name) = &field.ident {
                            walk.public(&field.vis, &field.attrs, name);
                        }
                    }
                });
            }
            syn::Item::Trait(item) => self.public(&item.vis, &item.attrs, &item.ident),
            syn::Item::Type(item) => self.public(&item.vis, &item.attrs, &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let is_public = item.trait_.is_none();
        self.inside(name.unwrap_or_default(), is_public, |walk| {
            visit::visit_item_impl(walk, item);
        });
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let is_public = matches!(item.vis, syn::Visibility::Public(_));
        self.inside(item.ident.to_string(), is_public, |walk| {
            visit::visit_item_trait(walk, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        if self.owner_is_public {
            self.public(&item.vis, &item.attrs, &item.sig.ident);
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        if self.owner_is_public {
            self.documented(&item.attrs, &item.sig.ident);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        if is_string_error(&path.path) {
            let line = path.span().start().line;
            self.measures.string_errors.push(At { line, what: "Result<_, String>".to_owned() });
        }
        visit::visit_type_path(self, path);
    }

    fn visit_expr_index(&mut self, index: &'ast syn::ExprIndex) {
        let line = index.span().start().line;
        let text = self.file.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        self.measures.indexes.push(At { line, what: text.trim().to_owned() });
        visit::visit_expr_index(self, index);
    }

    /// Looks into the macros whose arguments are expressions, such as `format!`.
    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let arguments = called
            .parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)
            .unwrap_or_default();
        let mut inner = Walk {
            file: self.file,
            is_program: self.is_program,
            owner: None,
            owner_is_public: false,
            long_bodies: BTreeSet::new(),
            measures: Measures::default(),
        };
        for argument in &arguments {
            inner.visit_expr(argument);
        }
        self.measures.indexes.append(&mut inner.measures.indexes);
        self.measures.string_errors.append(&mut inner.measures.string_errors);
    }
}

fn is_string_error(path: &syn::Path) -> bool {
    let Some(last) = path.segments.last() else { return false };
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    last.ident == "Result"
        && matches!(
            arguments.args.iter().nth(1),
            Some(syn::GenericArgument::Type(syn::Type::Path(error)))
                if error.path.segments.last().is_some_and(|last| last.ident == "String")
        )
}
