//! Files that take their time, directories that change under a look, and which look is whose.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const PLAN: &str = include_str!("../../../rollouts/examples/three-rings.yaml");

/// The good files of a look, and what is wrong with the others.
fn told(look: &DirectoryLook) -> (Vec<&str>, BTreeMap<&str, &str>) {
    let DirectoryLook::Files { files, .. } = look else { panic!("{look:?}") };
    let good = files.iter().filter(|(_, read)| read.is_ok()).map(|(name, _)| name.as_str()).collect();
    let bad = files.iter().filter_map(|(name, read)| Some((name.as_str(), read.as_ref().err()?.as_str())));
    (good, bad.collect())
}

#[test]
fn a_file_that_takes_too_long_is_refused_alone_and_tried_by_one_thread() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("good.yaml"), PLAN).unwrap();
    fs::write(directory.path().join("slow.yaml"), "plan: slow\n").unwrap();
    // It goes on for as long as this is locked.
    let gate = Arc::new(Mutex::new(()));
    let tried = Arc::new(AtomicUsize::new(0));
    let closed = gate.lock().unwrap();
    let judge = {
        let (gate, tried) = (Arc::clone(&gate), Arc::clone(&tried));
        move |bytes: &[u8]| {
            if bytes.starts_with(b"plan: slow") {
                tried.fetch_add(1, Ordering::SeqCst);
                drop(gate.lock().unwrap());
            }
            Draft::read(bytes)
        }
    };
    let mut reader = DirectoryReader::new(Arc::new(judge));
    for look in 1..=3 {
        let seen = reader.look(directory.path(), Yml::Read);
        let (good, bad) = told(&seen);
        assert_eq!(good, ["good.yaml"], "look {look}");
        assert!(bad["slow.yaml"].contains("longer than 1 s"), "look {look}: {bad:?}");
        assert_eq!(tried.load(Ordering::SeqCst), 1, "look {look}: one thread tries it");
    }
    // It waited and did not work, so it is no slow file once it is read.
    drop(closed);
    loop {
        let seen = reader.look(directory.path(), Yml::Read);
        if told(&seen).0 == ["good.yaml", "slow.yaml"] {
            break;
        }
    }
    assert_eq!(tried.load(Ordering::SeqCst), 1, "what came late is known");
}

#[test]
fn a_file_that_works_too_long_is_refused_until_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("slow.yaml");
    fs::write(&path, "plan: slow\n").unwrap();
    let tried = Arc::new(AtomicUsize::new(0));
    let judge = {
        let tried = Arc::clone(&tried);
        move |bytes: &[u8]| {
            tried.fetch_add(1, Ordering::SeqCst);
            let watch = Stopwatch::start();
            let busy = || fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            let spent = |text: &str| text.split(' ').next().and_then(|first| first.parse::<u64>().ok());
            let begin = spent(&busy());
            // Works for a second and a tenth of its own time.
            while bytes.starts_with(b"plan: slow") {
                let worked = match (begin, spent(&busy())) {
                    (Some(begin), Some(now)) => now - begin > 1_100_000_000,
                    _ => watch.seconds() > 1.1,
                };
                if worked {
                    break;
                }
            }
            Draft::read(bytes)
        }
    };
    let mut reader = DirectoryReader::new(Arc::new(judge));
    assert!(told(&reader.look(directory.path(), Yml::Read)).1["slow.yaml"].contains("longer than 1 s"));
    while !reader.kept.contains_key("slow.yaml") {
        reader.look(directory.path(), Yml::Read);
    }
    assert!(told(&reader.look(directory.path(), Yml::Read)).1["slow.yaml"].contains("longer than 1 s"));
    assert_eq!(tried.load(Ordering::SeqCst), 1, "the same content is not tried again");
    fs::write(&path, "plan: quick\n").unwrap();
    assert_eq!(told(&reader.look(directory.path(), Yml::Read)).0, ["slow.yaml"]);
}

#[test]
fn an_unchanged_file_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("good.yaml"), PLAN).unwrap();
    fs::write(directory.path().join("values.yaml"), "replicas: 3\n").unwrap();
    let judged = Arc::new(AtomicUsize::new(0));
    let judge = {
        let judged = Arc::clone(&judged);
        move |bytes: &[u8]| {
            judged.fetch_add(1, Ordering::SeqCst);
            Draft::read(bytes)
        }
    };
    let mut reader = DirectoryReader::new(Arc::new(judge));
    let first = reader.look(directory.path(), Yml::Read);
    assert_eq!(reader.look(directory.path(), Yml::Read), first);
    assert_eq!(judged.load(Ordering::SeqCst), 2);
    fs::write(directory.path().join("good.yaml"), format!("{PLAN}# more\n")).unwrap();
    assert_ne!(reader.look(directory.path(), Yml::Read), first);
    assert_eq!(judged.load(Ordering::SeqCst), 3);
}

/// What is done to the directory in the middle of a look: while a file is judged for the first time.
type Meddle = Box<dyn FnOnce() + Send>;

fn meddled(directory: &Path, meddle: Meddle) -> DirectoryLook {
    let meddle = Mutex::new(Some(meddle));
    let judge = move |bytes: &[u8]| {
        if let Some(meddle) = meddle.lock().unwrap().take() {
            meddle();
        }
        Draft::read(bytes)
    };
    DirectoryReader::new(Arc::new(judge)).look(directory, Yml::Read)
}

#[test]
fn a_directory_that_is_swapped_in_the_middle_of_a_look_is_looked_at_again() {
    // As git-sync does: a link to a folder, swapped by a rename; the old folder goes.
    let all = tempfile::tempdir().unwrap();
    let (old, new, link) = (all.path().join("old"), all.path().join("new"), all.path().join("plans"));
    for (folder, name) in [(&old, "first"), (&new, "second")] {
        fs::create_dir(folder).unwrap();
        for file in ["a.yaml", "b.yaml", "c.yaml"] {
            fs::write(folder.join(file), format!("plan: {name}\n")).unwrap();
        }
    }
    symlink(&old, &link).unwrap();
    let swap = {
        let (old, new, link, next) = (old.clone(), new.clone(), link.clone(), all.path().join("next"));
        move || {
            symlink(&new, &next).unwrap();
            fs::rename(&next, &link).unwrap();
            fs::remove_dir_all(&old).unwrap();
        }
    };
    let look = meddled(&link, Box::new(swap));
    let DirectoryLook::Files { files, .. } = &look else { panic!("{look:?}") };
    assert_eq!(files.len(), 3);
    for (name, read) in files {
        assert_eq!(read.as_ref().unwrap().bytes(), b"plan: second\n", "{name}");
    }
}

#[test]
fn a_file_that_vanishes_or_is_replaced_is_looked_at_again() {
    type Do = fn(&Path);
    let rows: [(&str, Do, &[&str]); 4] = [
        ("one goes", |path| fs::remove_file(path.join("b.yaml")).unwrap(), &["a.yaml"]),
        (
            "one goes and comes back",
            |path| {
                fs::rename(path.join("b.yaml"), path.join("b")).unwrap();
                fs::rename(path.join("b"), path.join("b.yaml")).unwrap();
            },
            &["a.yaml", "b.yaml"],
        ),
        (
            "the one that is being read is replaced",
            |path| {
                fs::write(path.join("new"), "plan: new\n").unwrap();
                fs::rename(path.join("new"), path.join("a.yaml")).unwrap();
            },
            &["a.yaml", "b.yaml"],
        ),
        (
            "all go",
            |path| {
                fs::read_dir(path).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap())
            },
            &[],
        ),
    ];
    for (row, meddle, expected) in rows {
        let directory = tempfile::tempdir().unwrap();
        for file in ["a.yaml", "b.yaml"] {
            fs::write(directory.path().join(file), "plan: old\n").unwrap();
        }
        let path = directory.path().to_owned();
        let look = meddled(directory.path(), Box::new(move || meddle(&path)));
        assert_eq!(told(&look), (expected.to_vec(), BTreeMap::new()), "{row}");
        if row.contains("replaced") {
            let DirectoryLook::Files { files, .. } = &look else { panic!("{look:?}") };
            assert_eq!(files["a.yaml"].as_ref().unwrap().bytes(), b"plan: new\n");
        }
    }
}

#[test]
fn a_step_ends_in_time_or_is_left_to_itself() {
    let (go, wait) = mpsc::channel::<()>();
    let mut late = None;
    let step = within(Duration::from_millis(1), &mut late, move || wait.recv().is_ok());
    assert!(matches!(step, Err(NoAnswer::Late)) && late.is_some(), "it was to wait");
    let minute = Duration::from_secs(60);
    let another = within(minute, &mut late, || -> bool { panic!("none begins while it waits") });
    assert!(matches!(another, Err(NoAnswer::Late)), "it waits");
    go.send(()).unwrap();
    assert!(late.as_ref().unwrap().recv().unwrap());
    // Its thread ends a moment after its answer.
    while matches!(within(minute, &mut late, || true), Err(NoAnswer::Late)) {
        thread::yield_now();
    }
    assert!(late.is_none(), "it is over");
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let died = matches!(within::<()>(minute, &mut None, || panic!("a fault")), Err(NoAnswer::Died));
    std::panic::set_hook(quiet);
    assert!(died);
}

#[tokio::test]
async fn a_look_that_is_asked_for_begins_later_than_the_asking() {
    let directory = tempfile::tempdir().unwrap();
    let (looks_in, mut looks) = tokio::sync::mpsc::channel(1);
    let mut reader =
        PlansReader::start(directory.path().to_owned(), Yml::Read, Clock::Real, looks_in).unwrap();
    assert_eq!(reader.ask(), 1, "nothing is under way");
    assert_eq!((reader.ask(), reader.ask()), (2, 2), "one is under way, and one follows");
    let asked = Stopwatch::start();
    let first = looks.recv().await.unwrap();
    assert_eq!(first.number, 1);
    assert_eq!(reader.ask(), 2, "its result is not taken in yet");
    reader.arrived();
    let second = looks.recv().await.unwrap();
    assert_eq!(second.number, 2);
    assert!(second.began.seconds() <= asked.seconds(), "it began after the first was asked for");
    reader.arrived();
    assert_eq!(reader.ask(), 3);
    assert_eq!(looks.recv().await.unwrap().number, 3);
}
