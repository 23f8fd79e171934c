//! The server: sockets, TLS, limits, drain, and the port for probes and metrics.
//!
//! `listener` accepts, `connection` speaks HTTP on one connection through `timed`, which closes it when the peer is too
//! slow, `http` answers requests by [`crate::admission`], and `run` starts all of it and takes it down again.

mod admin;
mod body;
mod cluster;
mod configuration;
mod connection;
mod deciders;
mod drain;
mod eviction;
mod http;
mod in_force;
mod limits;
mod listener;
mod page;
mod peer;
mod probes;
mod range;
mod refused;
mod run;
mod shared;
mod shares;
mod timed;
mod tls;
mod turns;
mod waiting;

use admin::admin_router;
pub(crate) use cluster::ClusterState;
pub(crate) use configuration::Configuration;
pub use connection::{HttpService, Protocol, serve};
pub use http::{Handlers, router};
pub(crate) use in_force::{InForce, Replica, Replicas};
pub use limits::Limits;
#[cfg(test)]
pub(crate) use page::MOST_STEPS;
pub(crate) use page::{Asked, Page};
pub use peer::Peer;
pub use range::Range;
pub(crate) use refused::Refused;
pub(crate) use run::Bound;
pub use run::{Addresses, bind};
pub use shared::Shared;
