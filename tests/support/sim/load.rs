//! Pods that are created all the time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
}

/// What became of it.
pub struct Done {
    pub succeeded: u64,
    pub failures: Vec<String>,
}

impl Done {
    pub fn lost_nothing(&self) {
        println!("{} were admitted, {} were not", self.succeeded, self.failures.len());
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
        Done { succeeded: self.tally.succeeded.load(Ordering::Relaxed), failures }
    }
}

impl Tally {
    async fn admit(&self, sim: &Sim, time: Duration) {
        match sim.admit(time).await {
            Ok(_) => drop(self.succeeded.fetch_add(1, Ordering::Relaxed)),
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
