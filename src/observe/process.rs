//! What the kernel reports of this process, read when the metrics are.

use procfs::WithCurrentSystemInfo;
use procfs::process::{LimitValue, Process};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The conventional `process_` metrics; those that `/proc` does not have are left out.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    #[allow(clippy::cast_precision_loss)] // No process has 2^53 of anything here.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Ok(process) = Process::myself() else { return Ok(()) };
        let mut gauge = |name: &str, help: &str, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let descriptors = process.fd_count().ok();
        gauge("process_open_fds", "Open file descriptors", descriptors.map(|count| count as f64))?;
        gauge("process_max_fds", "Most file descriptors", limit_of(&process).map(|most| most as f64))?;
        let Ok(stat) = process.stat() else { return Ok(()) };
        let ticks = procfs::ticks_per_second() as f64;
        let booted = procfs::boot_time_secs().ok();
        let start = booted.map(|booted| booted as f64 + stat.starttime as f64 / ticks);
        gauge("process_resident_memory_bytes", "Resident memory", Some(stat.rss_bytes().get() as f64))?;
        gauge("process_virtual_memory_bytes", "Virtual memory", Some(stat.vsize as f64))?;
        gauge("process_threads", "Threads", Some(stat.num_threads as f64))?;
        gauge("process_start_time_seconds", "Start of the process", start)?;
        let counter = ConstCounter::new((stat.utime + stat.stime) as f64 / ticks);
        let descriptor =
            encoder.encode_descriptor("process_cpu_seconds", "CPU time", None, counter.metric_type())?;
        counter.encode(descriptor)
    }
}

/// How many file descriptors this process may have; none where there is no limit.
pub(crate) fn descriptor_limit() -> Option<usize> {
    usize::try_from(limit_of(&Process::myself().ok()?)?).ok()
}

fn limit_of(process: &Process) -> Option<u64> {
    match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Value(most) => Some(most),
        LimitValue::Unlimited => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_kernel_says_what_this_process_takes() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
        };
        let (resident, virtual_) =
            (value("process_resident_memory_bytes"), value("process_virtual_memory_bytes"));
        assert!(1e6 < resident && resident < virtual_, "{resident} {virtual_}");
        assert!(2.0 < value("process_open_fds") && value("process_open_fds") < value("process_max_fds"));
        assert_eq!(
            descriptor_limit().map(|most| most.to_string().parse().unwrap()),
            Some(value("process_max_fds"))
        );
        assert!(value("process_threads") >= 2.0 && value("process_cpu_seconds_total") >= 0.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - value("process_start_time_seconds");
        assert!((-2.0..600.0).contains(&age), "{age}");
    }
}
