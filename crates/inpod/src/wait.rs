//! The loop of `multipod wait-for`: try, say why not, sleep.

use super::complaints::say;
use super::probe::{CaError, Probe, certificates};
use super::signals::Signals;
use multipod_values::{Target, show_duration};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The same error is not told more often.
const REPEAT: Duration = Duration::from_secs(10);

pub struct Options {
    pub target: Target,
    pub timeout: Duration,
    pub every: Duration,
    pub attempt_timeout: Duration,
    pub ca: Option<PathBuf>,
}

/// How the waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Ready,
    TimedOut,
    Signal(u8),
}

#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("cannot use the certificates in {}: {error}", .path.display())]
    Certificates { path: PathBuf, error: CaError },
    #[error("cannot wait: {0}")]
    System(#[from] io::Error),
}

/// Waits until the target answers, the time is over, or a signal arrives: that ends it in the middle of an attempt.
pub fn wait_for(options: Options) -> Result<End, WaitError> {
    let signals = Signals::register()?;
    let roots = match &options.ca {
        None => None,
        Some(path) => {
            let fault = |error| WaitError::Certificates { path: path.clone(), error };
            Some(certificates(fs::read(path)).map_err(fault)?)
        }
    };
    let probe = Probe::new(options.target.clone(), roots);
    let (sender, ends) = channel();
    let waiting = Waiting { options, probe, started: Instant::now() };
    let interrupted = sender.clone();
    thread::Builder::new().spawn(move || tell_signal(&signals, &interrupted))?;
    thread::Builder::new().spawn(move || sender.send(waiting.run()))?;
    let end = ends.recv().map_err(io::Error::other)?;
    if let End::Signal(signal) = end {
        say(format_args!("told to end by signal {signal}"));
    }
    Ok(end)
}

fn tell_signal(signals: &Signals, interrupted: &Sender<End>) {
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
        let mut told = Told::default();
        let Options { target, timeout, every, attempt_timeout, .. } = &self.options;
        loop {
            let left = timeout.saturating_sub(self.started.elapsed());
            let result = self.probe.attempt(left.min(*attempt_timeout));
            let passed = self.started.elapsed();
            let Err(mut error) = result else {
                say(format_args!("{target} is ready after {} s", passed.as_secs()));
                return End::Ready;
            };
            // An attempt that the end cuts off says nothing of the target.
            if passed >= *timeout
                && let Some((before, _)) = &told.0
            {
                error.clone_from(before);
            }
            if told.is_news(&error, passed) {
                let (seconds, most) = (passed.as_secs(), show_duration(*timeout));
                say(format_args!("waiting for {target}: {error} ({seconds} s, up to {most})"));
            }
            thread::sleep((*every).min(timeout.saturating_sub(passed)));
            if self.started.elapsed() >= *timeout {
                say(format_args!("{target} is not ready after {}: {error}", show_duration(*timeout)));
                return End::TimedOut;
            }
        }
    }
}

/// What was said last, and when.
#[derive(Default)]
struct Told(Option<(String, Duration)>);

impl Told {
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
    fn an_error_is_told_when_it_changes_and_each_ten_seconds() {
        let mut told = Told::default();
        for (error, second, expected) in [
            ("a", 0, true),
            ("a", 1, false),
            ("b", 2, true),
            ("a", 3, true),
            ("a", 12, false),
            ("a", 13, true),
        ] {
            assert_eq!(told.is_news(error, Duration::from_secs(second)), expected, "{error} at {second}");
        }
    }
}
