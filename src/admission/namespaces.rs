//! What is known of namespaces: a hundred thousand of them, of which some change each second.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use multipod_engine::pattern::Label;
use multipod_engine::pattern::context::Read;

/// Namespaces by name; one that is missing is unknown, which is not the same as having no labels.
///
/// They stand in shards that all versions share, so that a change copies one shard of pointers.
#[derive(Clone, Debug)]
pub struct Namespaces {
    shards: Box<[Arc<Shard>]>,
    /// The annotations that conditions name, in order: of these it is known what there is in each namespace.
    named: Arc<[Arc<str>]>,
}

type Shard = HashMap<Arc<str>, Arc<Namespace>>;

/// What policies look at in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    pub labels: Box<[Label]>,
    pub annotations: Box<[(String, String)]>,
    /// Those that conditions name, in order; nothing where it has no annotation at all.
    pub read: Option<Box<[Read]>>,
}

/// Texts that stand in many namespaces are kept once.
#[derive(Debug, Default)]
pub struct Texts {
    known: HashSet<Arc<str>>,
    /// How many were left when unused ones were last let go of.
    used: usize,
}

/// So many unused texts cost less than to look for them.
const UNUSED: usize = 1024;

const SHARDS: usize = 256;

impl Default for Namespaces {
    fn default() -> Self {
        let empty = Arc::default();
        Namespaces { shards: (0..SHARDS).map(|_| Arc::clone(&empty)).collect(), named: Arc::default() }
    }
}

impl Namespaces {
    /// Of which these annotations will be known; they are in order.
    pub fn with_annotations(named: Arc<[Arc<str>]>) -> Self {
        Namespaces { named, ..Namespaces::default() }
    }

    /// The annotations that are known of each.
    pub fn named(&self) -> &Arc<[Arc<str>]> {
        &self.named
    }

    pub fn get(&self, name: &str) -> Option<&Namespace> {
        self.shards[shard_of(name)].get(name).map(|namespace| &**namespace)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }

    /// Puts one in the place of what was known of it.
    pub fn insert(&mut self, name: &str, namespace: Namespace) {
        Arc::make_mut(&mut self.shards[shard_of(name)]).insert(name.into(), Arc::new(namespace));
    }

    pub fn remove(&mut self, name: &str) {
        Arc::make_mut(&mut self.shards[shard_of(name)]).remove(name);
    }

    /// Keeps what `before` holds of whatever has not changed since, so that nothing is there twice for long.
    pub fn insert_beside(&mut self, before: &Namespaces, name: &str, namespace: Namespace) {
        let at = shard_of(name);
        let shard = Arc::make_mut(&mut self.shards[at]);
        match before.shards[at].get_key_value(name).filter(|(_, known)| ***known == namespace) {
            Some((name, known)) => shard.insert(Arc::clone(name), Arc::clone(known)),
            None => shard.insert(name.into(), Arc::new(namespace)),
        };
    }
}

impl Texts {
    /// The one that is kept of all that are equal.
    pub fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.known.insert(Arc::clone(&new));
        new
    }

    /// Lets go of those that stand in no namespace any more.
    pub fn forget_unused(&mut self) {
        self.known.retain(|text| Arc::strong_count(text) > 1);
        self.used = self.known.len();
    }

    /// The same where there may be as many unused as used ones. Namespaces may have other values each minute for months, and a
    /// watch that goes well never begins anew.
    pub fn forget_some_unused(&mut self) {
        if self.known.len() > 2 * self.used + UNUSED {
            self.forget_unused();
        }
    }
}

/// The hash FNV-1a: names of namespaces that fall together only make changes of one shard dearer.
fn shard_of(name: &str) -> usize {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(team: &str) -> Namespace {
        Namespace { labels: Box::new([("team".into(), team.into())]), ..Namespace::default() }
    }

    #[test]
    fn a_change_copies_one_shard_and_no_namespace() {
        let mut first = Namespaces::default();
        for at in 0..5000 {
            first.insert(&format!("space-{at}"), namespace("a"));
        }
        let mut second = first.clone();
        second.insert("space-7", namespace("b"));
        let copied = first.shards.iter().zip(&second.shards).filter(|(one, other)| !Arc::ptr_eq(one, other));
        assert_eq!(copied.count(), 1);
        assert_eq!(
            (first.get("space-7"), second.get("space-7")),
            (Some(&namespace("a")), Some(&namespace("b")))
        );
        second.remove("space-8");
        assert_eq!((first.len(), second.len(), second.get("space-8")), (5000, 4999, None));
        let largest = first.shards.iter().map(|shard| shard.len()).max();
        assert!(largest < Some(60), "{largest:?}");
    }

    #[test]
    fn what_is_listed_again_is_not_there_twice() {
        let (mut before, mut listed, mut texts) =
            (Namespaces::default(), Namespaces::default(), Texts::default());
        before.insert("a", namespace("x"));
        before.insert("b", namespace("x"));
        listed.insert_beside(&before, "a", namespace("x"));
        listed.insert_beside(&before, "b", namespace("y"));
        let same = |name| std::ptr::eq(before.get(name).unwrap(), listed.get(name).unwrap());
        assert!(same("a") && !same("b"));
        let (one, other) = (texts.one("team"), texts.one("team"));
        assert!(Arc::ptr_eq(&one, &other));
        drop((one, other));
        texts.forget_unused();
        assert!(texts.known.is_empty());
    }

    #[test]
    fn values_that_change_for_ever_do_not_pile_up() {
        let mut texts = Texts::default();
        let kept: Vec<_> = (0..100).map(|at| texts.one(&format!("kept-{at}"))).collect();
        for at in 0..100_000 {
            texts.one(&format!("at-{at}"));
            texts.forget_some_unused();
            assert!(texts.known.len() <= 2 * kept.len() + UNUSED + 1);
        }
        assert!(kept.iter().all(|text| Arc::ptr_eq(text, &texts.one(text))));
    }
}
