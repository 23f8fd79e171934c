//! What holds for every decision, and for the source itself.

mod dependencies;
mod enforced;
mod faults;
mod forged;
mod fuzz_seeds;
mod layering;
mod limits;
mod objects;
mod properties;
mod rotation;
mod schema;
mod spelling;
