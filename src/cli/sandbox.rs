//! `ringward sandbox`: the simulated account alone.
//!
//! **Invariant:** everything that another process needs to use it is printed before it serves.

use std::net::SocketAddr;

use clap::Args;
use secrecy::ExposeSecret;

use crate::cli::{CliError, Out, signals::end_signal};
use crate::sandbox::{self, AccountSettings, SandboxSettings};
use crate::time::{Clock, Timestamp};

/// When simulated time begins unless told otherwise, 2026-10-12T06:00:00Z: the Monday after 2026.8.2100.0 came out, long
/// before the example plan's freeze.
pub(super) const EPOCH: Timestamp = Timestamp::constant(1_791_784_800, 0);

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/sandbox.txt").trim_end())]
pub struct SandboxArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "RINGWARD_SANDBOX_LISTEN", default_value = "127.0.0.1:8788")]
    pub listen: SocketAddr,
    /// Seed of the fleet
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Devices in the account
    #[arg(long, value_name = "N", default_value_t = 600, allow_negative_numbers = true, value_parser = devices)]
    pub devices: usize,
    /// Clock: EPOCH@ANCHOR*SPEED, or real
    #[arg(long, value_name = "CLOCK", env = "RINGWARD_CLOCK", conflicts_with = "speed")]
    pub clock: Option<Clock>,
    /// Simulated seconds per second, from 2026-10-12 06:00 UTC on
    #[arg(long, value_name = "N", default_value_t = 600.0, allow_negative_numbers = true, value_parser = speed)]
    pub speed: f64,
}

/// A speed at which simulated time passes, and no slower than the wall's.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let least_to_most = 1.0..=Clock::MAX_SPEED;
    let speed = text.parse().ok().filter(|speed| least_to_most.contains(speed));
    speed.ok_or_else(|| format!("name a number from 1 to {}", Clock::MAX_SPEED))
}

/// A number of devices, at least one.
pub(super) fn devices(text: &str) -> Result<usize, String> {
    let devices = text.parse().ok().filter(|devices| *devices >= 1);
    devices.ok_or_else(|| "name a whole number from 1 on".to_owned())
}

/// Serves a simulated account until a signal ends it.
///
/// # Errors
/// When it cannot listen.
pub async fn sandbox(args: SandboxArgs, out: Out<'_>) -> Result<(), CliError> {
    let clock = args.clock.unwrap_or_else(|| Clock::fast_from(EPOCH, args.speed));
    let account = AccountSettings { seed: args.seed, devices: args.devices, ..AccountSettings::default() };
    let running = sandbox::start(SandboxSettings { listen: args.listen, clock, account })
        .await
        .map_err(CliError::failed)?;
    let (url, id) = (running.api_url(), running.account_id().to_owned());
    // The token opens this sandbox and nothing else; another process cannot use it unseen.
    let token = running.token().expose_secret().to_owned();
    writeln!(out, "A simulated account with {} devices listens at {}", args.devices, running.address())?;
    writeln!(out, "  requests so far:  curl http://{}/sandbox/requests", running.address())?;
    writeln!(out, "  a daemon for it:  CLOUDFLARE_API_TOKEN={token} \\")?;
    writeln!(out, "    ringward run --plans DIR --api-url {url} \\")?;
    writeln!(out, "    --account {id} \\")?;
    writeln!(out, "    --clock '{clock}'")?;
    end_signal().await?;
    running.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_and_there_is_a_device() {
        let speeds = [("1", true), ("20000.5", true), ("1e6", true), ("0", false), ("0.5", false)];
        let odd = [("-1", false), ("NaN", false), ("inf", false), ("1e7", false), ("", false)];
        for (text, good) in speeds.into_iter().chain(odd) {
            assert_eq!(speed(text).is_ok(), good, "speed {text}");
        }
        assert_eq!(EPOCH.to_string(), "2026-10-12T06:00:00Z");
        for (text, good) in [("1", true), ("800", true), ("0", false), ("-5", false), ("many", false)] {
            assert_eq!(devices(text).is_ok(), good, "devices {text}");
        }
    }
}
