//! Twilio Flex Insights (and its neighbours) as Arrow data: the core of `insightframe`.
//!
//! The map, in the order of the flow. A file imports only from the layers above it in this list; a test checks that.
//!
//! | layer | rooms |
//! |---|---|
//! | L0 words | [`error`], [`secret`], [`ids`], [`origin`], [`limits`], [`clock`], [`progress`], [`credentials`] |
//! | L1 bytes | [`http`] (requests and capped bodies), [`csv`] (bytes to Arrow, no network) |
//! | L2 persistence | [`retry`], [`auth`] |
//! | L3 services | [`insights`], [`flowxo`], [`instances`]: one folder per API, one file per verb |
//! | L4 hand-off | [`handoff`]: tables, streams and files |
//! | L5 the story | [`export`]: log in, execute, poll, download, decode, hand off; [`dataset`]: that for many windows |
//! | L6 faces | `sandbox`, `gateway`, `cli`, `python` |

pub mod auth;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod credentials;
pub mod csv;
pub mod dataset;
pub mod error;
pub mod export;
pub mod flowxo;
#[cfg(feature = "server")]
pub mod gateway;
pub mod handoff;
pub mod http;
pub mod ids;
pub mod insights;
pub mod instances;
pub mod limits;
pub mod origin;
pub mod progress;
#[cfg(feature = "python")]
mod python;
pub mod retry;
#[cfg(feature = "server")]
pub mod sandbox;
pub mod secret;

pub use error::{Error, Result};
