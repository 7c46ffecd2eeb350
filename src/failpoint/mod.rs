//! Failpoints: named places in the code at which a test lets the process die by SIGKILL.
//!
//! They are in the binary that ships, so that this very binary is what dies and recovers in the tests.
//! Not armed, a point costs one atomic load.
//!
//! **Invariant:** without [`arm`] no point does anything; the armed one kills the whole process at
//! once, as the kernel's out-of-memory killer or a power cut would: no destructor, no flush.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, num::NonZeroU32, str::FromStr, sync::OnceLock, time::Duration};

use rustix::process::{Signal, getpid, kill_process};

use crate::rollout::record::Event;

/// A request that has no answer after this long, in wall time, has left this machine: it goes to
/// another process of the same one.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// Names each place once: its variant of [`Point`], what is true there, and the name that a test gives.
macro_rules! points {
    ($($(#[$doc:meta])* $place:ident = $name:literal,)+) => {
        /// Where a process can be let die. Each says what is true at this instant on disk, and at Cloudflare.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])* $place,)+
            /// Events of this kind are decided; on disk there is nothing of them.
            Decided(EventKind),
            /// Events of this kind are committed; what follows from them has not begun.
            Recorded(EventKind),
        }

        impl Point {
            /// Every point but those of events, which are two for each of [`Event::KINDS`].
            pub const PLACES: [Self; [$($name),+].len()] = [$(Self::$place),+];
        }

        impl fmt::Display for Point {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$place => f.write_str($name),)+
                    Self::Decided(EventKind(kind)) => write!(f, "decided_{kind}"),
                    Self::Recorded(EventKind(kind)) => write!(f, "recorded_{kind}"),
                }
            }
        }
    };
}

points! {
    /// The lock file is locked and does not say yet by whom. The database may not exist.
    LockTaken = "lock_taken",
    /// The database's file is there; at a first start it is empty.
    DatabaseThere = "database_there",
    /// A schema step is carried out and not committed. At a first start only.
    SchemaWritten = "schema_written",
    /// The database has its schema. At a first start it belongs to no account yet.
    SchemaCommitted = "schema_committed",
    /// The database says whose it is. At a first start the log is empty.
    DatabaseClaimed = "database_claimed",
    /// The plan files are read for the first time; nothing is decided.
    FilesRead = "files_read",
    /// The Unix socket is bound and not private yet; the socket of the daemon before is gone.
    SocketBound = "socket_bound",
    /// Records are written and not committed: on disk there are none.
    TransactionWritten = "transaction_written",
    /// Devices of a sweep, or counts of rings, are written and not committed.
    ObservationsWritten = "observations_written",
    /// Changed devices of a sweep are saved, those that are gone are not deleted yet.
    DevicesSaved = "devices_saved",
    /// The look before a write said yes; the request is not made yet. The intent is in the log.
    LookTaken = "look_taken",
    /// The stop file was found missing for the last time; nothing is sent.
    WriteReady = "write_ready",
    /// A changing request has left and has no answer: nobody can say whether it was applied.
    WriteUnderWay = "write_under_way",
    /// A changing request has its answer whole; the loop has not heard of it.
    WriteAnswered = "write_answered",
    /// The snapshot for page, API and status is published.
    SnapshotPublished = "snapshot_published",
    /// The stop file is created and empty: it stops, and does not say who.
    StopFileCreated = "stop_file_created",
    /// The stop file is on disk; the log knows no stop.
    StopFilePut = "stop_file_put",
    /// The log says that writes go on; the stop file is still there.
    StopFileStays = "stop_file_stays",
    /// A verb is recorded and its snapshot published; who gave it has no answer.
    VerbUnanswered = "verb_unanswered",
    /// The daemon was asked to end and waits for the answer of the write under way.
    EndAwaitsAnswer = "end_awaits_answer",
    /// The daemon was asked to end and nothing is under way; the database is open.
    EndBegun = "end_begun",
    /// The write-ahead log is folded in; the database is open.
    CheckpointDone = "checkpoint_done",
    /// The copy has its draft, which is empty.
    BackupDrafted = "backup_drafted",
    /// The draft of the copy is written, and neither checked nor on disk for sure.
    BackupCopied = "backup_copied",
    /// The draft of the copy is checked and on disk; it has no name yet.
    BackupChecked = "backup_checked",
    /// The copy has its name, and the draft's as well.
    BackupNamed = "backup_named",
}

/// A kind of event, as [`Event::kind`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind(&'static str);

impl From<&Event> for EventKind {
    fn from(event: &Event) -> Self {
        Self(event.kind())
    }
}

impl Point {
    /// Every point.
    pub fn all() -> impl Iterator<Item = Self> {
        let kinds = || Event::KINDS.into_iter().map(EventKind);
        Self::PLACES.into_iter().chain(kinds().map(Self::Decided)).chain(kinds().map(Self::Recorded))
    }
}

/// A point, and at which of the times that it is reached the process dies: `NAME` or `NAME:NTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuse {
    /// The point.
    pub point: Point,
    /// 1: the first time.
    pub nth: NonZeroU32,
}

/// A text that names no failpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFuse {
    /// No such point.
    #[error("it names no failpoint; there are {}", names())]
    Unknown,
    /// The number is none.
    #[error("after the colon comes which time it dies, from 1, such as look_taken:2")]
    Nth,
}

fn names() -> String {
    Point::all().map(|point| point.to_string()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Fuse {
    type Err = InvalidFuse;

    fn from_str(text: &str) -> Result<Self, InvalidFuse> {
        let (name, nth) = match text.split_once(':') {
            Some((name, nth)) => (name, nth.parse().map_err(|_| InvalidFuse::Nth)?),
            None => (text, NonZeroU32::MIN),
        };
        let point = Point::all().find(|point| point.to_string() == name).ok_or(InvalidFuse::Unknown)?;
        Ok(Self { point, nth })
    }
}

struct Armed {
    point: Point,
    left: AtomicU32,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms a point for the rest of this process. The first call counts.
pub fn arm(fuse: Fuse) {
    ARMED.get_or_init(|| Armed { point: fuse.point, left: AtomicU32::new(fuse.nth.get()) });
}

/// The process is at `point`. Returns unless it is armed and its time has come.
pub fn reach(point: Point) {
    let Some(armed) = ARMED.get() else { return };
    if armed.point == point && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        let _ = kill_process(getpid(), Signal::KILL);
        // Not reached: nobody can refuse this signal from oneself.
        std::process::abort();
    }
}

/// As [`reach`], for the events of a batch, each of which makes a `point`.
pub fn reach_each<'a>(events: impl IntoIterator<Item = &'a Event>, point: fn(EventKind) -> Point) {
    if ARMED.get().is_some() {
        events.into_iter().for_each(|event| reach(point(event.into())));
    }
}

/// Does `work`, which sends a request; while that is under way, the process is at `point`.
pub async fn during<T>(point: Point, work: impl Future<Output = T>) -> T {
    if ARMED.get().is_none_or(|armed| armed.point != point) {
        return work.await;
    }
    let mut work = Box::pin(work);
    if let Ok(done) = tokio::time::timeout(UNDER_WAY, &mut work).await {
        return done;
    }
    reach(point);
    work.await
}
