#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)] // Each target uses its own.
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::condition(data));
