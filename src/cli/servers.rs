//! Page and socket beside a daemon.
//!
//! **Invariant:** a daemon that cannot be served ends before its command does.

use tokio_util::sync::CancellationToken;

use crate::web::{self, Services};
use crate::{cli::CliError, daemon::Daemon};

/// Ends a daemon that cannot be served, and tells why it cannot.
pub(super) async fn end_after(mut daemon: Daemon, error: web::SocketError) -> CliError {
    daemon.stop();
    match daemon.ended().await {
        Ok(()) => CliError::failed(error),
        Err(also) => CliError::failed(format!("{error}; and the daemon did not end tidily: {also}")),
    }
}

/// Serves page and socket until the token is cancelled.
pub(super) async fn serve(
    bound: Option<web::Bound>,
    socket: web::BoundSocket,
    services: Services,
    token: CancellationToken,
) {
    let over_tcp = async {
        if let Some(bound) = bound {
            web::serve(bound, services.clone(), token.clone()).await;
        }
    };
    tokio::join!(over_tcp, web::serve_socket(socket, services.clone(), token.clone()));
}
