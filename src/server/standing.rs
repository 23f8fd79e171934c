//! How the server stands with the cluster whose pods it reviews.

use std::time::SystemTime;

use arc_swap::ArcSwap;

/// Told by whoever watches the cluster, read by readiness and metrics; no review ever asks.
#[derive(Debug, Default)]
pub struct Standing(ArcSwap<State>);

#[derive(Debug, Default)]
enum State {
    /// There is no cluster, so there is nothing to wait for.
    #[default]
    Alone,
    /// Nothing has been read yet.
    Waiting(String),
    /// What is known is what is so.
    Current,
    /// What is known was so once.
    Stale { since: SystemTime, why: String },
}

impl Standing {
    /// There is a cluster, and nothing is known of it yet.
    pub fn wait(&self) {
        self.0.store(State::Waiting("the cluster has not answered yet".to_owned()).into());
    }

    /// Everything has been read, and changes are told.
    pub fn current(&self) {
        self.0.store(State::Current.into());
    }

    /// Changes are told no more.
    pub fn lost(&self, why: String) {
        let state = match &**self.0.load() {
            State::Alone | State::Waiting(_) => State::Waiting(why),
            State::Current => State::Stale { since: SystemTime::now(), why },
            State::Stale { since, .. } => State::Stale { since: *since, why },
        };
        self.0.store(state.into());
    }

    /// Until when what is known was so; `now` while changes are told.
    pub(super) fn known_until(&self, now: SystemTime) -> Option<SystemTime> {
        match &**self.0.load() {
            State::Alone | State::Waiting(_) => None,
            State::Current => Some(now),
            State::Stale { since, .. } => Some(*since),
        }
    }

    /// What people should know about it.
    pub(super) fn note(&self, now: SystemTime) -> Option<String> {
        match &**self.0.load() {
            State::Alone | State::Current => None,
            State::Waiting(why) => Some(why.clone()),
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
    fn what_is_known_grows_old_from_the_first_loss_until_it_is_current_again() {
        let standing = Standing::default();
        let now = SystemTime::now();
        assert_eq!((standing.note(now), standing.known_until(now)), (None, None));
        standing.wait();
        standing.lost("no route".to_owned());
        assert_eq!((standing.note(now), standing.known_until(now)), (Some("no route".to_owned()), None));
        standing.current();
        assert_eq!((standing.note(now), standing.known_until(now)), (None, Some(now)));
        standing.lost("reset".to_owned());
        let since = standing.known_until(now).unwrap();
        standing.lost("refused".to_owned());
        assert_eq!(standing.known_until(now + Duration::from_secs(99)), Some(since));
        let note = standing.note(since + Duration::from_secs(7)).unwrap();
        assert_eq!(note, "serving what was known 7 s ago: refused");
        standing.current();
        assert_eq!(standing.note(now), None);
    }
}
