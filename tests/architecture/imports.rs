//! Who imports whom, file by file: from the file that names a thing to the one that defines it.
//!
//! **Invariant:** a re-export, an alias or a glob hides nothing: what is imported is what is defined.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Crate, Mention, Module, ModulePath};

/// So many re-exports may stand behind one another; behind more nobody can tell, and the test fails.
const DEPTH: usize = 12;
/// The crate as its binary and its tests name it.
const NAME: &str = "ringward";

/// Why one file imports another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub line: usize,
    pub path: String,
}

/// By the importing file and the imported one.
pub(crate) type Imports = BTreeMap<(String, String), Place>;

/// All imports between files of a crate.
pub(crate) fn imports(all: &Crate) -> Imports {
    let mut found = Imports::new();
    for (path, module) in &all.modules {
        let facade = all.is_facade(path);
        let own = module.imports.iter().filter(|import| !(facade && import.is_public));
        let mentions = own.map(|import| &import.from).chain(&module.mentions);
        for mention in mentions {
            let Some(file) = all.definer(path, &mention.segments, 0) else { continue };
            if file != module.file {
                let place = Place { line: mention.line, path: mention.segments.join("::") };
                found.entry((module.file.clone(), file)).or_insert(place);
            }
        }
    }
    found
}

impl Crate {
    /// The file that defines what a module names; `None`: another crate, or a local name.
    fn definer(&self, from: &ModulePath, segments: &[String], depth: usize) -> Option<String> {
        let (first, rest) = segments.split_first()?;
        let module = self.modules.get(from)?;
        assert!(depth <= DEPTH, "{}: `{}` is re-exported in a round", module.file, segments.join("::"));
        match first.as_str() {
            "crate" => return self.below(&Vec::new(), rest, depth),
            "self" => return self.below(from, rest, depth),
            "super" => {
                let mut parent = from.clone();
                parent.pop()?;
                // `super::super::…`
                return match rest.first().map(String::as_str) {
                    Some("super") => self.definer(&parent, rest, depth),
                    _ => self.below(&parent, rest, depth),
                };
            }
            name if self.is_own_name(module, name) => return self.below(&Vec::new(), rest, depth),
            _ => {}
        }
        if module.defined.contains(first) {
            return Some(module.file.clone());
        }
        let child: ModulePath = from.iter().cloned().chain([first.clone()]).collect();
        if self.modules.contains_key(&child) && !rest.is_empty() {
            return self.below(&child, rest, depth);
        }
        self.imported(from, first, rest, depth)
    }

    fn is_own_name(&self, module: &Module, name: &str) -> bool {
        let root = self.modules.get(&Vec::new());
        let names = module.own_names.iter().chain(root.iter().flat_map(|root| &root.own_names));
        name == NAME || names.into_iter().any(|own| own == name)
    }

    /// By what a module imports under a name, or with all of another module's names.
    fn imported(&self, at: &ModulePath, name: &str, rest: &[String], depth: usize) -> Option<String> {
        let module = self.modules.get(at)?;
        let whole = |from: &Mention| -> Vec<String> { from.segments.iter().chain(rest).cloned().collect() };
        let mut named = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        // A `use` that names itself, as `use serde::Serialize`, is another crate's.
        if let Some(import) = named.next() {
            let own = import.from.segments.first().map(String::as_str) == Some(name)
                && import.from.segments.len() == 1;
            return if own { None } else { self.definer(at, &whole(&import.from), depth + 1) };
        }
        module.imports.iter().filter(|import| import.name.is_none()).find_map(|import| {
            let target = self.module_at(at, &import.from.segments, depth + 1)?;
            let known = self.modules.get(&target)?;
            let child: ModulePath = target.iter().cloned().chain([name.to_owned()]).collect();
            if known.defined.contains(name) {
                Some(known.file.clone())
            } else if self.modules.contains_key(&child) {
                self.below(&child, rest, depth + 1)
            } else {
                self.imported(&target, name, rest, depth + 1)
            }
        })
    }

    /// The module that a path names.
    fn module_at(&self, from: &ModulePath, segments: &[String], depth: usize) -> Option<ModulePath> {
        let module = self.modules.get(from)?;
        let mut at = from.clone();
        for (index, segment) in segments.iter().enumerate() {
            match segment.as_str() {
                "self" => {}
                "super" => {
                    at.pop()?;
                }
                "crate" => at.clear(),
                name if index == 0 && self.is_own_name(module, name) => at.clear(),
                name => {
                    let child: ModulePath = at.iter().cloned().chain([name.to_owned()]).collect();
                    if self.modules.contains_key(&child) {
                        at = child;
                        continue;
                    }
                    let import = self.modules.get(&at)?.imports.iter();
                    let mut import = import.filter(|import| import.name.as_deref() == Some(name));
                    assert!(depth <= DEPTH, "{}: `{name}` is re-exported in a round", module.file);
                    at = self.module_at(&at, &import.next()?.from.segments, depth + 1)?;
                }
            }
        }
        Some(at)
    }

    /// What stands below a module.
    fn below(&self, at: &ModulePath, segments: &[String], depth: usize) -> Option<String> {
        let module = self.modules.get(at)?;
        let Some((first, rest)) = segments.split_first() else { return Some(module.file.clone()) };
        let child: ModulePath = at.iter().cloned().chain([first.clone()]).collect();
        if self.modules.contains_key(&child) {
            return self.below(&child, rest, depth);
        }
        if module.defined.contains(first) {
            return Some(module.file.clone());
        }
        // What cannot be found is taken for the module's own: a macro may have made it.
        Some(self.imported(at, first, rest, depth).unwrap_or_else(|| module.file.clone()))
    }
}

/// Files that import each other, in a circle, each with the line that imports the next; `None`: there are none.
pub(crate) fn circle(imports: &Imports) -> Option<String> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in imports.keys() {
        next.entry(from).or_default().insert(to);
    }
    // What imports nothing that is left stands in no circle.
    loop {
        let done: BTreeSet<&str> = {
            let left: BTreeSet<&str> = next.keys().copied().collect();
            next.iter().filter(|(_, to)| to.is_disjoint(&left)).map(|(from, _)| *from).collect()
        };
        if done.is_empty() {
            break;
        }
        next.retain(|from, _| !done.contains(from));
    }
    let mut at = *next.keys().next()?;
    let mut seen = Vec::new();
    while !seen.contains(&at) {
        seen.push(at);
        at = next[at].iter().copied().find(|to| next.contains_key(to))?;
    }
    let start = seen.iter().position(|file| *file == at)?;
    let round: Vec<&str> = seen[start..].iter().copied().chain([at]).collect();
    let steps = round.windows(2).map(|pair| {
        let place = &imports[&(pair[0].to_owned(), pair[1].to_owned())];
        format!("{}:{} names `{}` of {}", pair[0], place.line, place.path, pair[1])
    });
    Some(steps.collect::<Vec<_>>().join("\n"))
}
