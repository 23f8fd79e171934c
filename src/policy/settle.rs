//! Who decides a key.

use crate::annotation::{Diagnostic, Key, Source};
use crate::pattern::opt_out::{self, OptOut};

use super::object::{Mode, Policy};
use super::obstacle::Obstacle;
use super::resolution::{Audited, Effective, Overridden, Resolution};

/// Everybody who has something to say about a pod.
pub(super) struct Voices<'v, 'a> {
    matched: &'v [&'a Policy],
    own: &'v [(Key, &'a str)],
    namespace: &'v [(Key, &'a str)],
    namespace_name: &'a str,
    declined_by_pod: OptOut,
    declined_by_namespace: OptOut,
}

/// One value that somebody wants a key to have.
#[derive(Clone, Copy)]
struct Wish<'a> {
    value: &'a str,
    whose: Whose<'a>,
}

#[derive(Clone, Copy)]
enum Whose<'a> {
    Enforced(&'a str),
    Pod,
    Namespace(&'a str),
    Default(&'a str),
}

impl<'v, 'a> Voices<'v, 'a> {
    /// Takes in what everybody says, and what pod and namespace decline.
    pub(super) fn hear(
        matched: &'v [&'a Policy],
        own: &'v [(Key, &'a str)],
        (namespace_name, namespace): (&'a str, &'v [(Key, &'a str)]),
        obstacles: &mut Vec<Obstacle>,
    ) -> Self {
        let declined_by_pod = opt_out(own, Whose::Pod, obstacles);
        let declined_by_namespace = opt_out(namespace, Whose::Namespace(namespace_name), obstacles);
        Voices { matched, own, namespace, namespace_name, declined_by_pod, declined_by_namespace }
    }

    /// The strongest wish that was not declined counts. E is an enforced policy, P the pod, N its namespace, D a
    /// default policy; · is nobody.
    ///
    /// ```text
    /// who asks   who counts   if the pod declines    who asks    who counts   if the pod declines
    /// ·          ·            ·                      E           E            E
    /// D          D            ·                      E D         E            E
    /// N          N            ·                      E N         E            E
    /// N D        N            ·                      E N D       E            E
    /// P          P            P (all), else refused  E P         E            E (all), else refused
    /// P D        P            P (all), else refused  E P D       E            E (all), else refused
    /// P N        P            P (all), else refused  E P N       E            E (all), else refused
    /// P N D      P            P (all), else refused  E P N D     E            E (all), else refused
    /// ```
    ///
    /// `all` declines what others want; naming a key and asking for it contradicts itself. A namespace declines in the
    /// same way what default policies want. Policies disagree only where their wish is the strongest.
    pub(super) fn settle(&self, key: Key, resolution: &mut Resolution<'a>, obstacles: &mut Vec<Obstacle>) {
        let mut strongest: Option<Wish<'a>> = None;
        let mut disagree = false;
        for wish in self.wishes(key) {
            let lost = |by: Source| Overridden { key, by, whose: wish.whose.source(), value: wish.value };
            if let Some(by) = self.declined_by(key, wish.whose) {
                resolution.opted_out.push(lost(by));
                continue;
            }
            let Some(first) = strongest else {
                strongest = Some(wish);
                continue;
            };
            if first.value == wish.value {
                continue;
            }
            match conflict(key, first, wish) {
                None => resolution.overridden.push(lost(first.whose.source())),
                Some(conflict) if !disagree => {
                    obstacles.push(conflict);
                    disagree = true;
                }
                Some(_) => {}
            }
        }
        if let Some(Wish { value, whose }) = strongest {
            let enforced = matches!(whose, Whose::Enforced(_));
            resolution.effective.push(Effective { key, value, source: whose.source(), enforced });
        } else {
            resolution.audited.extend(self.audited(key));
        }
    }

    /// Who wants what of a key, strongest first; policies of the same strength by name.
    fn wishes(&self, key: Key) -> impl Iterator<Item = Wish<'a>> + use<'v, 'a> {
        let matched = self.matched;
        let said = move |said: &'v [(Key, &'a str)], whose: Whose<'a>| {
            let said = said.iter().filter(move |(of, _)| *of == key);
            said.map(move |(_, value)| Wish { value, whose })
        };
        let wanted = move |mode: Mode, whose: fn(&'a str) -> Whose<'a>| {
            let policies = matched.iter().filter(move |policy| policy.mode == mode);
            policies.filter_map(move |policy| {
                policy.value(key).map(|value| Wish { value, whose: whose(&policy.name) })
            })
        };
        wanted(Mode::Enforce, Whose::Enforced)
            .chain(said(self.own, Whose::Pod))
            .chain(said(self.namespace, Whose::Namespace(self.namespace_name)))
            .chain(wanted(Mode::Default, Whose::Default))
    }

    fn declined_by(&self, key: Key, whose: Whose<'_>) -> Option<Source> {
        match whose {
            Whose::Enforced(_) | Whose::Pod => None,
            _ if self.declined_by_pod.declines(key) => Some(Source::Pod),
            Whose::Default(_) if self.declined_by_namespace.declines(key) => {
                Some(Source::Namespace(self.namespace_name.to_owned()))
            }
            Whose::Namespace(_) | Whose::Default(_) => None,
        }
    }

    fn audited(&self, key: Key) -> impl Iterator<Item = Audited<'a>> + use<'v, 'a> {
        let audits = self.matched.iter().filter(|policy| policy.mode == Mode::Audit);
        let declined = self.declined_by(key, Whose::Default("")).is_some();
        audits.filter(move |_| !declined).filter_map(move |policy| {
            policy.value(key).map(|value| Audited { key, value, policy: &policy.name })
        })
    }
}

impl Whose<'_> {
    fn source(self) -> Source {
        match self {
            Whose::Enforced(policy) | Whose::Default(policy) => Source::Policy(policy.to_owned()),
            Whose::Pod => Source::Pod,
            Whose::Namespace(name) => Source::Namespace(name.to_owned()),
        }
    }
}

/// Two policies of the same strength that want different things.
fn conflict(key: Key, first: Wish<'_>, second: Wish<'_>) -> Option<Obstacle> {
    let (one, other, enforced) = match (first.whose, second.whose) {
        (Whose::Enforced(one), Whose::Enforced(other)) => (one, other, true),
        (Whose::Default(one), Whose::Default(other)) => (one, other, false),
        _ => return None,
    };
    let side = |policy: &str, value: &str| (policy.to_owned(), value.to_owned());
    let (first, second) = (side(one, first.value), side(other, second.value));
    Some(Obstacle::Conflict { key, enforced, first, second })
}

/// What one author declines; a key that the same author asks for cannot be declined by name.
fn opt_out(said: &[(Key, &str)], whose: Whose<'_>, obstacles: &mut Vec<Obstacle>) -> OptOut {
    let Some((_, value)) = said.iter().find(|(key, _)| *key == Key::OptOut) else {
        return OptOut::default();
    };
    match opt_out::parse(value) {
        Ok(opt_out) => {
            let both = said.iter().map(|(key, _)| *key).filter(|key| opt_out.keys.contains(key));
            obstacles.extend(both.map(|key| Obstacle::OptOutContradiction { key, whose: whose.source() }));
            opt_out
        }
        Err(faults) => {
            let told =
                faults.into_iter().map(|fault| Diagnostic::of(Key::OptOut, whose.source(), value, fault));
            obstacles.extend(told.map(Obstacle::OptOutUnreadable));
            OptOut::default()
        }
    }
}
