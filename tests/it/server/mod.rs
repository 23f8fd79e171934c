//! The webhook: what it answers, on sockets and without, and as a process.

mod admission;
mod browser;
mod certificates;
mod clients;
mod fair;
mod faults;
mod handshakes;
mod http2;
mod long;
mod memory;
mod mistakes;
mod namespaces;
mod page;
mod policies;
mod process;
mod reload;
mod serve;
mod validate;
mod watching;
mod webhook;
