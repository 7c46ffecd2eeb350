//! The modules of a crate as its sources have them: what each defines, imports and names.
//!
//! **Invariant:** nothing is guessed from the text: sources are parsed, and a file that does not parse fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FilePath;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// From the crate's root.
pub(crate) type ModulePath = Vec<String>;

/// A path as it is written, and where.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    pub segments: Vec<String>,
    pub line: usize,
}

/// One name, or all names of a module, that a `use` brings.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub from: Mention,
    /// `None`: all of its names.
    pub name: Option<String>,
    /// Whether others may take it from here.
    pub is_public: bool,
}

/// One module; a file has one, and one more for each `mod name { … }` in it.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub file: String,
    pub defined: BTreeSet<String>,
    pub imports: Vec<Import>,
    pub mentions: Vec<Mention>,
    /// Names for this crate, by `extern crate self as …`.
    pub own_names: BTreeSet<String>,
}

/// A function that is long, and how long it is without its longest match that names every case.
#[derive(Debug)]
pub(crate) struct Function {
    pub file: String,
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Crate {
    pub modules: BTreeMap<ModulePath, Module>,
    pub functions: Vec<Function>,
    /// Types by name, with the files that have one of that name.
    pub types: BTreeMap<String, BTreeSet<String>>,
    /// Lines of each file.
    pub lines: BTreeMap<String, usize>,
}

/// `rollout/state/mod.rs` → `rollout::state`.
fn module_of(file: &str) -> ModulePath {
    let stem = file.trim_end_matches(".rs");
    let mut path: ModulePath = stem.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

impl Crate {
    /// All sources below a folder, with or without their unit tests.
    pub(crate) fn read(root: &FilePath, with_tests: bool) -> Self {
        let mut sources = BTreeMap::new();
        let mut pending = vec![root.to_owned()];
        while let Some(next) = pending.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    pending.push(path);
                } else if name.ends_with(".rs") {
                    sources.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        let is_test = |name: &str| name.split('/').any(|part| part == "tests" || part == "tests.rs");
        // The binary is one line over the library, and has no module beside the library's root.
        sources.retain(|name, _| (with_tests || !is_test(name)) && name != "main.rs");
        assert!(!sources.is_empty(), "no source below {}", root.display());
        Self::parse(sources.iter().map(|(file, text)| (file.as_str(), text.as_str())), with_tests)
    }

    /// A crate of these files.
    pub(crate) fn parse<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>, with_tests: bool) -> Self {
        let mut all = Self::default();
        for (file, text) in sources {
            let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            all.lines.insert(file.to_owned(), text.lines().count());
            let mut reader = Reader { file, path: module_of(file), all: &mut all, with_tests };
            reader.begin();
            reader.visit_file(&parsed);
        }
        all
    }

    /// Where a module's children or re-exports stand: then its own public `use` is no import.
    pub(crate) fn is_facade(&self, path: &ModulePath) -> bool {
        self.modules[path].file.ends_with("mod.rs")
            || path.is_empty()
            || self.modules.keys().any(|other| other.len() == path.len() + 1 && other.starts_with(path))
    }
}

struct Reader<'a> {
    file: &'a str,
    path: ModulePath,
    all: &'a mut Crate,
    with_tests: bool,
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl Reader<'_> {
    fn begin(&mut self) {
        let module = self.all.modules.entry(self.path.clone()).or_default();
        module.file = self.file.to_owned();
    }

    fn module(&mut self) -> &mut Module {
        self.all.modules.get_mut(&self.path).unwrap()
    }

    fn define(&mut self, name: &syn::Ident) {
        let name = name.to_string();
        self.module().defined.insert(name);
    }

    fn define_type(&mut self, name: &syn::Ident) {
        self.define(name);
        let file = self.file.to_owned();
        self.all.types.entry(name.to_string()).or_default().insert(file);
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String], is_public: bool) {
        let line = tree.span().start().line;
        let mut add = |segments: Vec<String>, name: Option<String>| {
            self.module().imports.push(Import { from: Mention { segments, line }, name, is_public });
        };
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), is_public),
            syn::UseTree::Name(name) if name.ident == "self" => {
                add(before.to_vec(), before.last().cloned());
            }
            syn::UseTree::Name(name) => add(with(&name.ident), Some(name.ident.to_string())),
            syn::UseTree::Rename(rename) if rename.ident == "self" => {
                add(before.to_vec(), Some(rename.rename.to_string()));
            }
            syn::UseTree::Rename(rename) => add(with(&rename.ident), Some(rename.rename.to_string())),
            syn::UseTree::Glob(_) => add(before.to_vec(), None),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.import(item, before, is_public));
            }
        }
    }

    /// Paths in what a macro is given, which is not parsed.
    fn mention_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        let end = |reader: &mut Self, path: &mut Vec<String>, line: usize| {
            // `pub(crate)` and `pub(super)` say who may name a thing, and name none.
            if !path.is_empty() && *path != ["crate"] && *path != ["super"] {
                reader.module().mentions.push(Mention { segments: path.clone(), line });
            }
            path.clear();
        };
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        end(self, &mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    end(self, &mut path, line);
                    colons = 0;
                    self.mention_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    end(self, &mut path, line);
                    colons = 0;
                }
            }
        }
        end(self, &mut path, line);
    }

    fn function(&mut self, name: &syn::Ident, item: &impl Spanned, block: &syn::Block) {
        let lines = |span: proc_macro2::Span| span.end().line - span.start().line + 1;
        let mut longest = LongestMatch(0);
        longest.visit_block(block);
        let total = lines(item.span());
        let (file, line) = (self.file.to_owned(), item.span().start().line);
        self.all.functions.push(Function {
            file,
            name: name.to_string(),
            line,
            lines: total - longest.0.saturating_sub(1).min(total),
        });
    }
}

/// The lines of the longest `match` that names every case.
struct LongestMatch(usize);

/// Whether an arm takes all that is left: `_`, or a name for it.
fn is_catch_all(arm: &syn::Arm) -> bool {
    match &arm.pat {
        syn::Pat::Wild(_) => true,
        // A constant or a variant that was imported begins with a capital letter.
        syn::Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(|c: char| c.is_ascii_lowercase())
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for LongestMatch {
    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        let exhaustive = !node.arms.iter().any(is_catch_all);
        let lines = node.span().end().line - node.span().start().line + 1;
        if exhaustive {
            self.0 = self.0.max(lines);
        }
        visit::visit_expr_match(self, node);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !self.with_tests && is_of_tests(attributes) {
            return;
        }
        match item {
            syn::Item::Struct(item) => self.define_type(&item.ident),
            syn::Item::Enum(item) => self.define_type(&item.ident),
            syn::Item::Union(item) => self.define_type(&item.ident),
            syn::Item::Type(item) => self.define_type(&item.ident),
            syn::Item::Trait(item) => self.define_type(&item.ident),
            syn::Item::Fn(item) => self.define(&item.sig.ident),
            syn::Item::Const(item) => self.define(&item.ident),
            syn::Item::Static(item) => self.define(&item.ident),
            syn::Item::Macro(syn::ItemMacro { ident: Some(ident), .. }) => self.define(ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.path.push(item.ident.to_string());
            self.begin();
            visit::visit_item_mod(self, item);
            self.path.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if item.ident == "self" {
            let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name).to_string();
            self.module().own_names.insert(name);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, item, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, item, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.span().start().line;
        self.module().mentions.push(Mention { segments, line });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.mention_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
