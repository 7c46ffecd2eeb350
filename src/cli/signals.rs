//! The signals that end a program, or wake its daemon.
//!
//! **Invariant:** from [`Signals::listen`] on no signal is lost and none kills the process by
//! itself: what comes early is handed out when somebody asks.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::CliError;

/// The signals that are listened to.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalMeaning {
    /// To end; the signal's name.
    End(&'static str),
    /// To look at the plan files now (SIGHUP).
    Look,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn listen() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(CliError::failed);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> SignalMeaning {
        tokio::select! {
            _ = self.terminate.recv() => SignalMeaning::End("SIGTERM"),
            _ = self.interrupt.recv() => SignalMeaning::End("SIGINT"),
            _ = self.hangup.recv() => SignalMeaning::Look,
        }
    }
}

/// The first signal that asks for an end.
///
/// # Errors
/// When the system does not let us listen.
pub(super) async fn end_signal() -> Result<&'static str, CliError> {
    let listen = |kind| signal(kind).map_err(CliError::failed);
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
