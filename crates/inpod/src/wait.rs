//! The loop of `multipod wait-for`: try, say why not, sleep.

use super::probe::Probe;
use super::report::report;
use super::signals::Signals;
use multipod_https::AuthorityError;
use multipod_values::{Target, show_duration};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The same error is not reported more often.
const REPEAT: Duration = Duration::from_secs(10);

pub struct Options {
    pub target: Target,
    pub timeout: Duration,
    pub every: Duration,
    pub attempt_timeout: Duration,
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Ready,
    TimedOut,
    Signal(u8),
}

#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("cannot use the certificates in {}: {error}", .path.display())]
    Certificates { path: PathBuf, error: AuthorityError },
    #[error("cannot wait: {0}")]
    System(#[from] io::Error),
}

/// Waits until the target answers, the time is up, or a signal arrives: that ends it in the middle of an attempt.
pub fn wait_for(options: Options) -> Result<End, WaitError> {
    let signals = Signals::register()?;
    let authorities = match &options.ca {
        None => None,
        Some(path) => {
            let with_path = |error| WaitError::Certificates { path: path.clone(), error };
            Some(multipod_https::authorities(fs::read(path)).map_err(with_path)?)
        }
    };
    let probe = Probe::new(options.target.clone(), authorities);
    let (sender, ends) = channel();
    let waiting = Waiting { options, probe, started: Instant::now() };
    let interrupted = sender.clone();
    thread::Builder::new().spawn(move || report_signal(&signals, &interrupted))?;
    thread::Builder::new().spawn(move || sender.send(waiting.run()))?;
    let end = ends.recv().map_err(io::Error::other)?;
    if let End::Signal(signal) = end {
        report(format_args!("told to end by signal {signal}"));
    }
    Ok(end)
}

fn report_signal(signals: &Signals, interrupted: &Sender<End>) {
    while signals.wait().is_ok() {
        if let Some(signal) = signals.arrived() {
            let _ = interrupted.send(End::Signal(signal));
            return;
        }
    }
}

struct Waiting {
    options: Options,
    probe: Probe,
    started: Instant,
}

impl Waiting {
    fn run(mut self) -> End {
        let mut last = LastReport::default();
        let Options { target, timeout, every, attempt_timeout, .. } = &self.options;
        loop {
            let left = timeout.saturating_sub(self.started.elapsed());
            let result = self.probe.attempt(left.min(*attempt_timeout));
            let passed = self.started.elapsed();
            let Err(mut error) = result else {
                report(format_args!("{target} is ready after {} s", passed.as_secs()));
                return End::Ready;
            };
            // An attempt that the end cuts off says nothing of the target.
            if passed >= *timeout
                && let Some((before, _)) = &last.0
            {
                error.clone_from(before);
            }
            if last.is_news(&error, passed) {
                let (seconds, most) = (passed.as_secs(), show_duration(*timeout));
                report(format_args!("waiting for {target}: {error} ({seconds} s, up to {most})"));
            }
            thread::sleep((*every).min(timeout.saturating_sub(passed)));
            if self.started.elapsed() >= *timeout {
                report(format_args!("{target} is not ready after {}: {error}", show_duration(*timeout)));
                return End::TimedOut;
            }
        }
    }
}

/// The error that was reported last, and when.
#[derive(Default)]
struct LastReport(Option<(String, Duration)>);

impl LastReport {
    fn is_news(&mut self, error: &str, now: Duration) -> bool {
        let news = self.0.as_ref().is_none_or(|(last, when)| last != error || now >= *when + REPEAT);
        if news {
            self.0 = Some((error.to_owned(), now));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_when_it_changes_and_each_ten_seconds() {
        let mut last = LastReport::default();
        for (error, second, expected) in [
            ("a", 0, true),
            ("a", 1, false),
            ("b", 2, true),
            ("a", 3, true),
            ("a", 12, false),
            ("a", 13, true),
        ] {
            assert_eq!(last.is_news(error, Duration::from_secs(second)), expected, "{error} at {second}");
        }
    }
}
