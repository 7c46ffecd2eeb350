//! The hidden flag that lets a process die at a named point, for tests of the binary that ships.
//!
//! **Invariant:** no process that has to do with a real account is ever armed.

use std::path::Path;

use clap::Args;

use crate::failpoint::{Fuse, arm};
use crate::{cli::CliError, cloudflare::ApiUrl, store::Reader, time::Clock};

/// At which point to die.
#[derive(Debug, Args)]
pub struct FailpointArgs {
    /// Die by SIGKILL at this point, for tests: NAME, or NAME:NTH for a later time than the first
    #[arg(long, value_name = "NAME[:NTH]", hide = true)]
    pub failpoint: Option<Fuse>,
}

impl FailpointArgs {
    /// Arms the point, for a process that asks `api`.
    ///
    /// # Errors
    /// When that is not on this machine.
    pub fn arm_beside(&self, api: &ApiUrl) -> Result<(), CliError> {
        self.arm_if(api.is_loopback(), "with it, --api-url must be on this machine")
    }

    /// Arms the point, for a process that reads `database` alone.
    ///
    /// # Errors
    /// When that is not a sandbox's, which a clock other than the real one tells.
    pub fn arm_over(&self, database: &Path) -> Result<(), CliError> {
        let fast = || {
            let clock = Reader::open(database).ok()?.view().clock().ok()??;
            clock.parse::<Clock>().ok().filter(|clock| *clock != Clock::Real)
        };
        self.arm_if(
            self.failpoint.is_none() || fast().is_some(),
            "the database must run on a sandbox's clock",
        )
    }

    fn arm_if(&self, allowed: bool, rule: &str) -> Result<(), CliError> {
        let Some(fuse) = self.failpoint else { return Ok(()) };
        if !allowed {
            return Err(CliError::usage(format!("--failpoint kills the process and is for tests: {rule}")));
        }
        tracing::warn!(point = %fuse.point, nth = fuse.nth, "armed: this process dies there");
        arm(fuse);
        Ok(())
    }
}
