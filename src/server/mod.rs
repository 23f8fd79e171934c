//! The server: sockets, TLS, limits, drain, and the port for probes and metrics.
//!
//! `listener` accepts, `connection` speaks HTTP on one connection through `timed`, which knows when a peer is too slow,
//! `http` answers requests by [`crate::admission`], and `run` puts everything together and takes it down again.

mod admin;
mod body;
mod configuration;
mod connection;
mod drain;
mod guests;
mod http;
mod limits;
mod listener;
mod load;
mod run;
mod shared;
mod standing;
mod timed;
mod tls;

pub use admin::admin_router;
pub use configuration::Configuration;
pub use connection::{House, Protocol, serve};
pub use guests::Guests;
pub use http::{Handlers, router};
pub use limits::Limits;
pub use load::Load;
pub use run::{Addresses, Bound, bind};
pub use shared::{Phase, Shared};
pub use standing::Standing;
