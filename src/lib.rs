//! ringward moves a fleet of Cloudflare One Clients from one version to the next, ring by ring.
//!
//! The map, lowest first; a module imports only what stands above it (`tests/architecture`):
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`secrets`] | every secret of the process, and the redactor before all that it says |
//! | [`text`] | the characters that nobody sees |
//! | [`ids`], [`version`], [`time`] | names, versions, instants, the clock |
//! | [`synthetic`] | a seeded fleet: devices with habits and stories (pure) |
//! | [`schedule`] | openings and freezes: next open, next close, why (pure) |
//! | [`plan`] | plan files: spanned tree, decoder that collects errors, model |
//! | [`config`] | `ringward.yaml`: who may ask the daemon for what |
//! | [`fleet`] | sightings to classes, adoption, exercise, who went dark (pure) |
//! | [`rollout`] | the core: events, state, gates, `decide`, report, laws (pure, sync, no clock) |
//! | [`engine`] | the loop, without clock, disk or network; simulation and daemon drive it (pure) |
//! | [`simulation`] | that loop and a simulated account on one virtual clock; forecasts (pure) |
//! | [`failpoint`] | places at which a test lets the process die |
//! | [`store`] | the append-only log in SQLite |
//! | [`cloudflare`] | the API client: wire, errors, budget |
//! | [`telemetry`] | logs and metrics |
//! | [`daemon`] | the tasks around the loop: log on disk, clock, files, requests, the sources of wake-ups |
//! | [`web`] | page, API, metrics, health |
//! | [`sandbox`] | a simulated account over HTTP |
//! | [`cli`] | one file per command |
//! | [`access`] | permission policies as code; of all else, only the list of commands knows it |

pub mod access;
pub mod cli;
pub mod cloudflare;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod failpoint;
pub mod fleet;
pub mod ids;
pub mod plan;
pub mod rollout;
pub mod sandbox;
pub mod schedule;
pub mod secrets;
pub mod simulation;
pub mod store;
pub mod synthetic;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod version;
pub mod web;
