//! Authorities change, and no API server is ever shown a leaf that it does not trust.

mod all_orders;
mod looks;
mod starts;
mod world;
mod years;
