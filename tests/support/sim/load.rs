//! Pods that are created all the time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Sim;
use super::service::Service;

/// Load, until its end.
#[derive(Default)]
pub struct Load {
    tasks: JoinSet<()>,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    ended: AtomicBool,
    succeeded: AtomicU64,
    failures: Mutex<Vec<String>>,
    took: Mutex<Vec<Duration>>,
}

/// What became of it.
pub struct Done {
    pub succeeded: u64,
    pub failures: Vec<String>,
    /// How long each took, the shortest first.
    pub took: Vec<Duration>,
}

impl Done {
    pub fn lost_nothing(&self) {
        let [half, p99, longest] = [50, 99, 100].map(|part| {
            let at = (self.took.len() * part).div_ceil(100).saturating_sub(1);
            self.took.get(at).copied().unwrap_or_default()
        });
        println!(
            "{} were admitted, {} were not; half of them within {half:.1?}, 99 % within {p99:.1?}, all within {longest:.1?}",
            self.succeeded,
            self.failures.len()
        );
        assert!(self.failures.is_empty(), "{} were admitted, but: {:#?}", self.succeeded, self.failures);
        assert!(self.succeeded > 100, "only {} were admitted", self.succeeded);
    }
}

impl Load {
    /// So many at one time, each after the one before and a short pause.
    pub fn steady(sim: &Arc<Sim>, workers: u64, time: Duration) -> Load {
        let mut load = Load::default();
        for worker in 0..workers {
            let (sim, tally) = (Arc::clone(sim), Arc::clone(&load.tally));
            load.tasks.spawn(async move {
                while !tally.ended.load(Ordering::Relaxed) {
                    tally.admit(&sim, time).await;
                    sleep(Duration::from_millis(30 + worker * 3)).await;
                }
            });
        }
        load
    }

    /// And so many at once now and then, which need more connections than are kept.
    pub fn with_bursts(mut self, sim: &Arc<Sim>, pods: usize, every: Duration, time: Duration) -> Load {
        let (sim, tally) = (Arc::clone(sim), Arc::clone(&self.tally));
        self.tasks.spawn(async move {
            while !tally.ended.load(Ordering::Relaxed) {
                sleep(every).await;
                let mut burst = JoinSet::new();
                for _ in 0..pods {
                    let (sim, tally) = (Arc::clone(&sim), Arc::clone(&tally));
                    burst.spawn(async move { tally.admit(&sim, time).await });
                }
                burst.join_all().await;
            }
        });
        self
    }

    /// And API servers that have just started, each with a connection of its own.
    pub fn with_newcomers(
        mut self,
        service: &Arc<Service>,
        authority: &str,
        workers: u64,
        time: Duration,
    ) -> Load {
        for _ in 0..workers {
            let (service, authority) = (Arc::clone(service), authority.to_owned());
            let tally = Arc::clone(&self.tally);
            self.tasks.spawn(async move {
                while !tally.ended.load(Ordering::Relaxed) {
                    tally.admit(&Sim::new(Arc::clone(&service), &authority), time).await;
                    sleep(Duration::from_millis(10)).await;
                }
            });
        }
        self
    }

    /// Waits until so many are done.
    pub async fn until(&self, calls: u64) {
        while self.tally.succeeded.load(Ordering::Relaxed) + self.tally.failed() < calls {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for what has begun.
    pub async fn end(self) -> Done {
        self.tally.ended.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        let failures = self.tally.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut took = std::mem::take(&mut *self.tally.took.lock().unwrap_or_else(PoisonError::into_inner));
        took.sort_unstable();
        Done { succeeded: self.tally.succeeded.load(Ordering::Relaxed), failures, took }
    }
}

impl Tally {
    async fn admit(&self, sim: &Sim, time: Duration) {
        let begun = Instant::now();
        match sim.admit(time).await {
            Ok(_) => {
                self.succeeded.fetch_add(1, Ordering::Relaxed);
                self.took.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
            }
            Err(failure) => {
                self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string());
            }
        }
    }

    fn failed(&self) -> u64 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(failures.len()).unwrap_or(u64::MAX)
    }
}
