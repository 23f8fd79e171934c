//! What the kernel knows of this process, read when somebody asks.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The usual `process_` metrics.
#[derive(Debug)]
pub(super) struct Process;

/// What `/proc` counts CPU time in: 100 for every architecture that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let kib = |name: &str| number_after(&status, name).map(|kib| kib * 1024.0);
        gauge("process_resident_memory_bytes", "Resident memory", kib("VmRSS:"))?;
        gauge("process_virtual_memory_bytes", "Virtual memory", kib("VmSize:"))?;
        gauge("process_threads", "Threads", number_after(&status, "Threads:"))?;
        gauge("process_open_fds", "Open file descriptors", open_descriptors())?;
        gauge("process_max_fds", "Most file descriptors", number_after(&limits, "Max open files"))?;
        gauge("process_start_time_seconds", "Start of the process", start(&stat))?;
        if let (Some(user), Some(system)) = (field(&stat, 13), field(&stat, 14)) {
            let counter = ConstCounter::new((user + system) / TICKS_PER_SECOND);
            let help = "CPU time";
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}

/// The most file descriptors that this process may have.
pub(crate) fn most_descriptors() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[allow(clippy::cast_precision_loss)] // Nobody has 2^52 files open.
fn open_descriptors() -> Option<f64> {
    // The folder itself is open while it is read.
    fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as f64)
}

fn start(stat: &str) -> Option<f64> {
    let kernel = fs::read_to_string("/proc/stat").ok()?;
    Some(number_after(&kernel, "btime")? + field(stat, 21)? / TICKS_PER_SECOND)
}

/// A field of `/proc/self/stat`, from 0; the name of the program stands in parentheses and may hold spaces.
fn field(stat: &str, index: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(index.checked_sub(2)?)?.parse().ok()
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_proc_are_found_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 12 34 0 0 20 0 3 0 5678 1000 200";
        assert_eq!(
            (field(stat, 13), field(stat, 14), field(stat, 21)),
            (Some(12.0), Some(34.0), Some(5678.0))
        );
        assert_eq!(number_after("Name:\tx\nVmRSS:\t  1234 kB\n", "VmRSS:"), Some(1234.0));
        assert_eq!(field("", 13), None);
    }
}
