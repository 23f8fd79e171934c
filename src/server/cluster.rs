//! How current the server's knowledge of its cluster is.

use std::time::SystemTime;

use arc_swap::ArcSwap;

/// Set by what watches the cluster, read by readiness and metrics; no review ever asks.
#[derive(Debug, Default)]
pub struct ClusterState(ArcSwap<State>);

#[derive(Debug, Default)]
enum State {
    /// There is no cluster to wait for.
    #[default]
    Absent,
    /// Nothing has been read yet, and why.
    Pending(String),
    /// Everything has been read, and changes arrive.
    Synced,
    /// Changes have stopped arriving; the last state is in force.
    Stale { since: SystemTime, why: String },
}

impl ClusterState {
    /// There is nothing to read, which is news where it was not known.
    pub(crate) fn absent(&self) -> bool {
        !matches!(&*self.0.swap(State::Absent.into()), State::Absent)
    }

    /// There is a cluster, and nothing has been read of it yet.
    pub(crate) fn pending(&self) {
        self.0.store(State::Pending("the cluster has not answered yet".to_owned()).into());
    }

    /// Everything has been read, and changes arrive.
    pub(crate) fn synced(&self) {
        self.0.store(State::Synced.into());
    }

    /// Changes no longer arrive.
    pub(crate) fn lost(&self, why: String) {
        let state = match &**self.0.load() {
            State::Absent | State::Pending(_) => State::Pending(why),
            State::Synced => State::Stale { since: SystemTime::now(), why },
            State::Stale { since, .. } => State::Stale { since: *since, why },
        };
        self.0.store(state.into());
    }

    /// The last moment at which everything was known to be current; `now` while changes arrive.
    pub(super) fn current_until(&self, now: SystemTime) -> Option<SystemTime> {
        match &**self.0.load() {
            State::Absent | State::Pending(_) => None,
            State::Synced => Some(now),
            State::Stale { since, .. } => Some(*since),
        }
    }

    /// What `/readyz?verbose` says about it.
    pub(super) fn note(&self, now: SystemTime) -> Option<String> {
        match &**self.0.load() {
            State::Absent | State::Synced => None,
            State::Pending(why) => Some(why.clone()),
            State::Stale { since, why } => {
                let seconds = now.duration_since(*since).map_or(0, |age| age.as_secs());
                Some(format!("serving what was known {seconds} s ago: {why}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn knowledge_is_stale_from_the_first_loss_until_it_is_synced_again() {
        let cluster = ClusterState::default();
        let now = SystemTime::now();
        assert_eq!((cluster.note(now), cluster.current_until(now)), (None, None));
        cluster.pending();
        cluster.lost("no route".to_owned());
        assert_eq!((cluster.note(now), cluster.current_until(now)), (Some("no route".to_owned()), None));
        cluster.synced();
        assert_eq!((cluster.note(now), cluster.current_until(now)), (None, Some(now)));
        cluster.lost("reset".to_owned());
        let since = cluster.current_until(now).unwrap();
        cluster.lost("refused".to_owned());
        assert_eq!(cluster.current_until(now + Duration::from_secs(99)), Some(since));
        let note = cluster.note(since + Duration::from_secs(7)).unwrap();
        assert_eq!(note, "serving what was known 7 s ago: refused");
        cluster.synced();
        assert_eq!(cluster.note(now), None);
    }
}
