//! Page and socket beside a daemon.
//!
//! **Invariant:** a daemon that cannot be served ends before its command does.

use tokio_util::sync::CancellationToken;

use crate::web::{self, Services};
use crate::{cli::CliError, daemon::Daemon};

/// Serves page and socket while `work` lasts, which ends the daemon. One that cannot be served is ended here, and the
/// error tells why it cannot.
pub(super) async fn serve_during(
    mut daemon: Daemon,
    bound: Option<web::Bound>,
    services: Services,
    work: impl AsyncFnOnce(Daemon) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let socket = match web::bind_socket(&services.database) {
        Ok(socket) => socket,
        Err(error) => {
            daemon.stop();
            return Err(match daemon.ended().await {
                Ok(()) => CliError::failed(error),
                Err(also) => CliError::failed(format!("{error}; and the daemon did not end tidily: {also}")),
            });
        }
    };
    let token = CancellationToken::new();
    let over_tcp = async {
        if let Some(bound) = bound {
            web::serve(bound, services.clone(), token.clone()).await;
        }
    };
    let over_socket = web::serve_socket(socket, services.clone(), token.clone());
    let working = async {
        let result = work(daemon).await;
        token.cancel();
        result
    };
    tokio::join!(over_tcp, over_socket, working).2
}
