//! A volume that fills up, and the real daemon on it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use ringward::daemon::log;
use ringward::rollout::record::Recorded;
use ringward::sandbox::JournalRow;
use ringward::store::Reader;
use ringward::time::Stopwatch;
use tempfile::{NamedTempFile, TempDir};

use crate::kills::{ringward, with_word};
use crate::support::{Walk, as_read};

/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 120.0;

/// How a volume runs out of space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// A small tmpfs: `ENOSPC`, as on a real disk. Needs the right to mount.
    Full,
    /// A limit on the size of the daemon's files (`RLIMIT_FSIZE`), set while it runs: `EFBIG`. Needs
    /// no right at all.
    Limit,
}

/// Whether this process may mount; a container often may not.
pub(crate) fn may_mount() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=64k", "ringward-test"], directory.path());
    if mounted {
        unmount(directory.path());
    }
    mounted
}

/// The shortage that can be had here: where mounting is denied, the limit stands in.
pub(crate) fn full_disk() -> Shortage {
    if may_mount() { Shortage::Full } else { Shortage::Limit }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let run = Command::new("mount").args(arguments).arg(at).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

fn unmount(at: &Path) {
    let status = Command::new("umount").arg("--lazy").arg(at).status().unwrap();
    assert!(status.success());
}

/// A directory for a database.
pub(crate) struct Volume {
    shortage: Shortage,
    directory: TempDir,
}

impl Volume {
    pub(crate) fn new(shortage: Shortage) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if shortage == Shortage::Full {
            assert!(mount(&["-t", "tmpfs", "-o", "size=6m,mode=700", "ringward-test"], directory.path()));
        }
        Self { shortage, directory }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("ringward.db")
    }

    fn filler(&self) -> PathBuf {
        self.directory.path().join("filler")
    }

    /// Leaves no room for the daemon of this process ID.
    pub(crate) fn fill(&self, pid: u32) {
        match self.shortage {
            Shortage::Full => fill_up(&self.filler()),
            Shortage::Limit => limit(pid, "1:"),
        }
    }

    /// Gives the room back.
    pub(crate) fn free(&self, pid: u32) {
        match self.shortage {
            Shortage::Full => std::fs::remove_file(self.filler()).unwrap(),
            Shortage::Limit => limit(pid, "unlimited:"),
        }
    }

    /// Lays a read-only view of the volume over it, which whoever opens a file by its name now meets.
    pub(crate) fn turn_read_only(&self) {
        let path = self.directory.path();
        assert!(mount(&["--bind", path.to_str().unwrap()], path));
        assert!(mount(&["-o", "remount,bind,ro"], path));
    }

    /// Takes it away again.
    pub(crate) fn turn_writable(&self) {
        unmount(self.directory.path());
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.shortage == Shortage::Full {
            unmount(self.directory.path());
        }
    }
}

fn fill_up(file: &Path) {
    let mut filler = std::fs::File::create(file).unwrap();
    for size in [65_536, 4_096, 1] {
        let block = vec![0; size];
        loop {
            if let Err(error) = filler.write_all(&block) {
                assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
                break;
            }
        }
    }
}

/// Only the soft limit, so that it can be taken back.
fn limit(pid: u32, fsize: &str) {
    let status =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={fsize}")]).status();
    assert!(status.unwrap().success());
}

/// The real binary on a volume of its own, and what it answers and says.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) database: PathBuf,
    door: Door,
    /// What it says. A file: it never waits for a reader.
    said: NamedTempFile,
}

/// The address that it listens on.
#[derive(Debug, Clone)]
pub(crate) struct Door(String);

/// How a daemon ended by itself.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

/// An address that nobody listens on, with a port that the kernel gives to no client (those begin at
/// 32768): until the daemon binds it, a connection of another test could take one of them.
fn free_address() -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let ports = || 10_000 + (std::process::id().wrapping_mul(61) + TAKEN.fetch_add(1, Relaxed)) % 20_000;
    let free = std::iter::repeat_with(ports).take(20_000).find_map(|port| {
        let port = u16::try_from(port).unwrap();
        TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()
    });
    free.expect("a port below 30000 is free").to_string()
}

impl Service {
    /// Starts it, as an admin would. A file that grows beyond a limit is an error to it, not a signal:
    /// that is what the shell's `trap` is for.
    pub(crate) fn start(walk: &Walk, database: &Path) -> Self {
        Self::start_with(walk, database, |_| {})
    }

    pub(crate) fn start_with(walk: &Walk, database: &Path, prepare: impl Fn(&mut Command)) -> Self {
        let free = free_address();
        let usual = with_word(&ringward(walk, &[]), walk.database().as_os_str(), database.as_os_str());
        let usual = with_word(&usual, "127.0.0.1:0".as_ref(), free.as_ref());
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(usual.get_program());
        command.args(usual.get_args());
        for (key, value) in usual.get_envs() {
            command.env(key, value.unwrap());
        }
        prepare(&mut command);
        let said = NamedTempFile::new().unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.reopen().unwrap());
        let child = command.spawn().unwrap();
        Self { child, database: database.to_owned(), door: Door(free), said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something holds; the daemon must not end before.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn() -> bool) {
        let watch = Stopwatch::start();
        while !wanted() {
            if self.child.try_wait().unwrap().is_some() {
                panic!("the daemon ended before: {what}\n{}", self.said());
            }
            assert!(watch.seconds() < HANG_SECONDS, "never came: {what}\n{}", self.status());
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> End {
        let watch = Stopwatch::start();
        while self.child.try_wait().unwrap().is_none() {
            assert!(watch.seconds() < HANG_SECONDS, "it never ended\n{}", self.status());
            sleep(Duration::from_millis(20));
        }
        End { code: self.child.wait().unwrap().code(), said: self.said() }
    }

    /// What it wrote to its log.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.said.path()).unwrap()
    }

    /// A verb of the command line beside it: exit code and what it said.
    pub(crate) fn ask(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
            command.args(arguments).arg("--db").arg(&self.database).env("COLUMNS", "400");
            command.output().unwrap()
        };
        let output = as_read(run, arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    pub(crate) fn status(&self) -> String {
        self.ask(&["status"]).1
    }

    /// Where it answers.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// [`Door::get`].
    pub(crate) fn get(&self, path: &str) -> String {
        self.door.get(path)
    }
}

impl Door {
    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.0
    }

    /// `GET`: status line and body in one text; empty while nobody listens.
    pub(crate) fn get(&self, path: &str) -> String {
        let Ok(mut stream) = std::net::TcpStream::connect(&self.0) else { return String::new() };
        let (address, mut answer) = (&self.0, String::new());
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        let told = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        if told.is_ok() { answer } else { String::new() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A test that failed leaves no daemon behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The log as far as it can be read.
pub(crate) fn read(database: &Path) -> Vec<Recorded> {
    let Ok(reader) = Reader::open(database) else { return Vec::new() };
    log::events(reader.view()).collect::<Result<_, _>>().unwrap_or_default()
}

/// The changing requests that reached the account, whatever became of them.
pub(crate) fn changing(walk: &Walk) -> Vec<JournalRow> {
    walk.sandbox.journal().requests.into_iter().filter(|row| row.method != "GET").collect()
}
