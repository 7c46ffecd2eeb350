//! Each kind of neighbour in the directory, each link, and what is shown of them.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use secrecy::SecretString;

use super::*;
use crate::daemon::plans_reader::look;

const PLAN: &str = include_str!("../../../rollouts/examples/three-rings.yaml");
const TOKEN: &str = "cfat_pL4nsD1rXq8vB2nM6kR0tY7uW3jHsGzE";

type Read = Result<Arc<Draft>, String>;

struct Bench {
    _all: tempfile::TempDir,
    /// Beside the directory of plans.
    outside: PathBuf,
    plans: PathBuf,
}

impl Bench {
    /// A directory with one good plan.
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let (outside, plans) = (all.path().join("outside"), all.path().join("plans"));
        fs::create_dir(&outside).unwrap();
        fs::create_dir(&plans).unwrap();
        fs::write(plans.join("good.yaml"), PLAN).unwrap();
        Self { _all: all, outside, plans }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.plans.join(name), content).unwrap();
    }

    fn link(&self, name: &str, to: impl AsRef<Path>) {
        symlink(to, self.plans.join(name)).unwrap();
    }

    fn secret(&self) -> PathBuf {
        secrets::register(&SecretString::from(TOKEN)).unwrap();
        let path = self.outside.join("token");
        fs::write(&path, format!("{TOKEN}\n")).unwrap();
        path
    }

    fn look(&self) -> (BTreeMap<String, Read>, BTreeMap<String, String>) {
        match look(&self.plans, Yml::Read) {
            DirectoryLook::Files { files, notes } => (files, notes),
            DirectoryLook::Unreadable(why) => panic!("unreadable: {why}"),
        }
    }
}

fn is_good(read: &Read) -> bool {
    read.as_ref().is_ok_and(|draft| draft.bytes() == PLAN.as_bytes())
}

/// How a neighbour is named.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// As a plan that cannot be used; the text says so much.
    Unusable(&'static str),
    /// As a file that is passed over.
    Note(&'static str),
    /// As a plan whose errors are its own.
    Draft,
    Nowhere,
}

#[test]
fn a_neighbour_is_named_itself_and_leaves_the_good_plan() {
    let pinned =
        PLAN.replace("plan: cloudflare-one-client", "plan: other\naccount: 11111111111111111111111111111111");
    type Lay<'a> = Box<dyn Fn(&Bench) + 'a>;
    let rows: Vec<(&str, &str, Lay<'_>, Named)> = vec![
        (
            "a stray file",
            "values.yaml",
            Box::new(|bench| bench.write("values.yaml", "replicas: 3\n")),
            Named::Note("no `plan` key"),
        ),
        (
            "a draft",
            "draft.yaml",
            Box::new(|bench| bench.write("draft.yaml", "plan: draft\nrings: []\n")),
            Named::Draft,
        ),
        (
            "a folder",
            "folder.yaml",
            Box::new(|bench| fs::create_dir(bench.plans.join("folder.yaml")).unwrap()),
            Named::Unusable("a folder"),
        ),
        (
            "a dangling link",
            "gone.yaml",
            Box::new(|bench| bench.link("gone.yaml", "nowhere")),
            Named::Unusable("not there"),
        ),
        (
            "an empty file",
            "empty.yaml",
            Box::new(|bench| bench.write("empty.yaml", "")),
            Named::Unusable("it is empty"),
        ),
        (
            "blank lines",
            "blank.yaml",
            Box::new(|bench| bench.write("blank.yaml", " \n\n")),
            Named::Unusable("it is empty"),
        ),
        (
            "a name that is no UTF-8",
            "n\u{fffd}me.yaml",
            Box::new(|bench| bench.write_bytes_name(b"n\xffme.yaml")),
            Named::Unusable("not UTF-8"),
        ),
        (
            "pinned to another account",
            "pinned.yaml",
            Box::new(|bench| bench.write("pinned.yaml", &pinned)),
            Named::Draft,
        ),
        (
            "half-written",
            "half.yaml",
            Box::new(|bench| bench.write("half.yaml", "plan: half\nrings: [")),
            Named::Draft,
        ),
        (
            "half of its first word",
            "word.yaml",
            Box::new(|bench| bench.write("word.yaml", "pla")),
            Named::Note("no `plan` key"),
        ),
        (
            "no YAML",
            "page.yaml",
            Box::new(|bench| bench.write("page.yaml", "<a: [b\n")),
            Named::Note("no `plan` key"),
        ),
        (
            "a pipe",
            "pipe.yaml",
            Box::new(|bench| pipe(&bench.plans.join("pipe.yaml"))),
            Named::Unusable("no regular file"),
        ),
        (
            "too large",
            "large.yaml",
            Box::new(|bench| bench.write("large.yaml", format!("plan: x\n{}", "#".repeat(MAX_BYTES)))),
            Named::Draft,
        ),
        (
            "the shorter ending",
            "short.yml",
            Box::new(|bench| bench.write("short.yml", "plan: draft\n")),
            Named::Draft,
        ),
        (
            "an editor's copy",
            ".#good.yaml",
            Box::new(|bench| bench.link(".#good.yaml", "nowhere")),
            Named::Nowhere,
        ),
        (
            "another ending",
            "notes.txt",
            Box::new(|bench| bench.write("notes.txt", "plan: x\n")),
            Named::Nowhere,
        ),
        (
            "the configuration",
            "ringward.yaml",
            Box::new(|bench| bench.write("ringward.yaml", "reading: signed_in\n")),
            Named::Nowhere,
        ),
        (
            "a plan of its name",
            "ringward.yaml",
            Box::new(|bench| bench.write("ringward.yaml", PLAN)),
            Named::Unusable("name is that of the configuration"),
        ),
    ];
    for (row, name, lay, expected) in rows {
        let bench = Bench::new();
        lay(&bench);
        let (files, notes) = bench.look();
        assert!(is_good(&files["good.yaml"]), "{row}");
        let named = match (files.get(name), notes.get(name)) {
            (Some(Err(why)), None) => {
                let Named::Unusable(expected) = expected else { panic!("{row}: {why}") };
                assert!(why.contains(expected) && why.starts_with(name), "{row}: {why}");
                continue;
            }
            (None, Some(why)) => {
                let Named::Note(expected) = expected else { panic!("{row}: {why}") };
                assert!(why.contains(expected), "{row}: {why}");
                continue;
            }
            (Some(Ok(_)), None) => Named::Draft,
            (None, None) => Named::Nowhere,
            (Some(_), Some(_)) => panic!("{row}: named twice"),
        };
        assert_eq!(named, expected, "{row}");
        assert_eq!(
            files.len() + notes.len(),
            1 + usize::from(named == Named::Draft),
            "{row}: {files:?} {notes:?}"
        );
    }
}

impl Bench {
    fn write_bytes_name(&self, name: &[u8]) {
        fs::write(self.plans.join(std::ffi::OsStr::from_bytes(name)), PLAN).unwrap();
    }
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_file_counts_by_where_it_really_lies() {
    type Lay<'a> = Box<dyn Fn(&Bench) + 'a>;
    let elsewhere = |bench: &Bench| {
        let path = bench.outside.join("plan.yaml");
        fs::write(&path, PLAN).unwrap();
        path
    };
    let rows: Vec<(&str, Lay<'_>, Result<(), &str>)> = vec![
        ("a file", Box::new(|bench| bench.write("p.yaml", PLAN)), Ok(())),
        ("a link inside", Box::new(|bench| bench.link("p.yaml", "good.yaml")), Ok(())),
        (
            "a ConfigMap",
            Box::new(|bench| {
                fs::create_dir(bench.plans.join("..2026")).unwrap();
                bench.write("..2026/p.yaml", PLAN);
                bench.link("..data", "..2026");
                bench.link("p.yaml", "..data/p.yaml");
            }),
            Ok(()),
        ),
        ("a link out", Box::new(|bench| bench.link("p.yaml", elsewhere(bench))), Err("leads out")),
        (
            "a relative link out",
            Box::new(|bench| {
                elsewhere(bench);
                bench.link("p.yaml", "../outside/plan.yaml");
            }),
            Err("leads out"),
        ),
        (
            "out by a folder",
            Box::new(|bench| {
                elsewhere(bench);
                bench.link("sub", &bench.outside);
                bench.link("p.yaml", "sub/plan.yaml");
            }),
            Err("leads out"),
        ),
        ("out and in again", Box::new(|bench| bench.link("p.yaml", "../plans/good.yaml")), Ok(())),
        (
            "a directory whose name begins alike",
            Box::new(|bench| {
                let beside = bench.plans.with_file_name("plans-old");
                fs::create_dir(&beside).unwrap();
                fs::write(beside.join("p.yaml"), PLAN).unwrap();
                bench.link("p.yaml", beside.join("p.yaml"));
            }),
            Err("leads out"),
        ),
        ("a link to itself", Box::new(|bench| bench.link("p.yaml", "p.yaml")), Err("cannot be read")),
        (
            "the kernel's names",
            Box::new(|bench| bench.link("p.yaml", "/proc/self/environ")),
            Err("leads out"),
        ),
    ];
    for (row, lay, expected) in rows {
        let bench = Bench::new();
        lay(&bench);
        let (files, _) = bench.look();
        assert!(is_good(&files["good.yaml"]), "{row}");
        let by_itself = read_one(&bench.plans.join("p.yaml"));
        match (&files["p.yaml"], expected) {
            (read, Ok(())) => {
                assert!(is_good(read), "{row}: {read:?}");
                assert!(matches!(by_itself, FoundFile::Plan(_)), "{row}: {by_itself:?}");
            }
            (Ok(_), Err(_)) => panic!("{row}: it was read"),
            (Err(why), Err(expected)) => {
                assert!(why.contains(expected), "{row}: {why}");
                let FoundFile::Unusable(alone) = by_itself else { panic!("{row}: {by_itself:?}") };
                assert_eq!(*why, format!("p.yaml: {alone}"), "{row}: `run` and `check` say the same");
            }
        }
    }
    // The directory itself may be a link: git-sync's is.
    let bench = Bench::new();
    let link = bench.outside.join("current");
    symlink(&bench.plans, &link).unwrap();
    let DirectoryLook::Files { files, .. } = look(&link, Yml::Read) else { panic!("unreadable") };
    assert!(is_good(&files["good.yaml"]));
}

#[test]
fn nothing_of_a_secret_is_said() {
    type Lay<'a> = Box<dyn Fn(&Bench) + 'a>;
    let rows: Vec<(&str, Lay<'_>, &str)> = vec![
        ("a link to the token's file", Box::new(|bench| bench.link("p.yaml", bench.secret())), "leads out"),
        (
            "a copy of it",
            Box::new(|bench| bench.write("p.yaml", fs::read(bench.secret()).unwrap())),
            "no `plan` key",
        ),
        (
            "another file's lines",
            Box::new(|bench| bench.write("p.yaml", "root:x:0:0\nrest: [\n")),
            "no `plan` key",
        ),
        (
            "a plan that holds the token",
            Box::new(|bench| {
                bench.secret();
                bench.write("p.yaml", format!("description: {TOKEN}\n{PLAN}"));
            }),
            "holds a secret",
        ),
        (
            "a broken plan that holds it",
            Box::new(|bench| {
                bench.secret();
                bench.write("p.yaml", format!("plan: a\n{TOKEN}: [\n"));
            }),
            "holds a secret",
        ),
    ];
    for (row, lay, expected) in rows {
        let bench = Bench::new();
        lay(&bench);
        let (files, notes) = bench.look();
        let why = notes.get("p.yaml").unwrap_or_else(|| files["p.yaml"].as_ref().unwrap_err());
        assert!(why.contains(expected), "{row}: {why}");
        for text in [format!("{files:?}{notes:?}"), format!("{:?}", read_one(&bench.plans.join("p.yaml")))] {
            assert!(!text.contains("cfat_") && !text.contains("root:"), "{row}: {text}");
        }
    }
}

#[test]
fn a_plan_named_yml_waits_where_it_was_never_read() {
    let bench = Bench::new();
    bench.write("other.yml", "plan: other\n");
    bench.write("values.yml", "replicas: 3\n");
    bench.write("good.yml", "plan: third\n");
    let (files, _) = bench.look();
    assert!(files["other.yml"].is_ok() && files["good.yml"].is_ok() && files["good.yaml"].is_ok());
    let DirectoryLook::Files { files, notes } = look(&bench.plans, Yml::Report) else { panic!("unreadable") };
    let why = files["other.yml"].as_ref().unwrap_err();
    assert!(why.contains("rename it to *.yaml"), "{why}");
    assert!(is_good(&files["good.yaml"]) && files["good.yml"].is_err());
    assert!(notes["values.yml"].contains("no `plan` key"));
}

#[test]
fn a_directory_that_cannot_be_listed_is_unreadable() {
    let bench = Bench::new();
    for path in [bench.plans.join("none"), bench.plans.join("good.yaml")] {
        let DirectoryLook::Unreadable(why) = look(&path, Yml::Read) else { panic!("{}", path.display()) };
        assert!(why.contains("cannot be read"), "{why}");
    }
    for number in 0..MAX_FILES {
        bench.write(&format!("{number}.yaml"), "");
    }
    let DirectoryLook::Unreadable(why) = look(&bench.plans, Yml::Read) else { panic!("too many") };
    assert!(why.contains("more than 1000"), "{why}");
}
