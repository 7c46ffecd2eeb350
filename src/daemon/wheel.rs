//! The wheel: cron ticks that wake the loop.
//!
//! **Invariant:** a tick carries no order and does no work; a lost one costs a second. Every
//! instant that matters is a timer of the loop itself, since the scheduler looks at the wall
//! clock twice a second and knows no other.

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Wakes the loop to look at files, stop file and state. UTC: a zone would be frozen to its
/// offset of today (tokio-cron-scheduler#107).
const EVERY_SECOND: &str = "* * * * * *";

/// The running wheel.
pub(super) struct Wheel {
    scheduler: JobScheduler,
}

impl Wheel {
    /// Starts ticking into `ticks`, which holds one: a loop that is busy needs no second.
    pub(super) async fn start(ticks: mpsc::Sender<()>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let job = Job::new_async(EVERY_SECOND, move |_id, _scheduler| {
            let ticks = ticks.clone();
            Box::pin(async move {
                let _ = ticks.try_send(());
            })
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler })
    }

    /// Stops ticking.
    pub(super) async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "the wheel did not stop tidily");
        }
    }
}
