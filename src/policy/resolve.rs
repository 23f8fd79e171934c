//! Settles for each key whose value counts: what policies, the namespace and the pod say comes together here.

use crate::annotation::switch::{OptOut, parse_opt_out};
use crate::annotation::{Diagnostic, Key, Source, key};
use crate::pattern::Names;
use crate::pattern::context::Name;

use super::bounds::Bounds;
use super::matching::{Subject, Undecided};
use super::object::{Mode, Policies, Policy};
use super::obstacle::Obstacle;

/// What a pod gets, and everything that `explain` tells about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolution<'a> {
    /// What counts: each key at most once, in the order of [`Key::ALL`].
    pub effective: Vec<Effective<'a>>,
    /// Values that gave way to a stronger one that differs.
    pub overridden: Vec<Overridden<'a>>,
    /// Values that an opt-out took away.
    pub opted_out: Vec<Overridden<'a>>,
    /// What audit policies would add if their mode were `default`.
    pub audited: Vec<Audited<'a>>,
    /// The policies that are for the pod, ordered by name.
    pub matched: Vec<&'a Policy>,
    /// Audit policies of which it cannot be told; of any other policy that is an obstacle.
    pub undecided_audits: Vec<(&'a Policy, Undecided)>,
    /// What pods may choose, by policy; audit policies bind nobody.
    pub bounds: Vec<(&'a str, &'a Bounds)>,
    /// Hosts that the policies name, enforced policies first.
    pub upstreams: Names<'a>,
    /// Log destinations that the policies name, enforced policies first.
    pub destinations: Names<'a>,
    /// Keys of the namespace that look like ours and are not known.
    pub unknown_keys: Vec<Diagnostic>,
}

/// A value that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective<'a> {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: &'a str,
    /// Who says so.
    pub source: Source,
    /// Whether that is an enforced policy.
    pub enforced: bool,
}

/// A value that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden<'a> {
    /// The key.
    pub key: Key,
    /// Who decided against it.
    pub by: Source,
    /// Who had said it.
    pub whose: Source,
    /// The value.
    pub value: &'a str,
}

/// A value that an audit policy would add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited<'a> {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: &'a str,
    /// The policy.
    pub policy: &'a str,
}

impl Resolution<'_> {
    /// Who decides a key; the pod itself where nobody does.
    pub fn source_of(&self, key: Key) -> Source {
        let decided = self.effective.iter().find(|effective| effective.key == key);
        decided.map_or(Source::Pod, |effective| effective.source.clone())
    }
}

impl Policies {
    /// Settles what a pod gets; `own` are the known keys among its annotations.
    pub fn resolve<'a>(
        &'a self,
        subject: &Subject<'a>,
        own: &[(Key, &'a str)],
    ) -> Result<Resolution<'a>, Vec<Obstacle>> {
        let mut resolution = Resolution::default();
        let mut obstacles = Vec::new();
        let mut matched = Vec::new();
        for policy in self {
            match policy.why_not(subject) {
                Ok(None) => matched.push(policy),
                Ok(Some(_)) => {}
                Err(why) if policy.mode == Mode::Audit => resolution.undecided_audits.push((policy, why)),
                Err(why) => obstacles.push(Obstacle::Undecided { policy: policy.name.clone(), why }),
            }
        }
        let namespace = known_keys(subject, &mut resolution.unknown_keys);
        let voices = Voices {
            matched: &matched,
            own,
            namespace: &namespace,
            namespace_name: subject.namespace,
            declined_by_pod: opt_out(own, Whose::Pod, &mut obstacles),
            declined_by_namespace: opt_out(&namespace, Whose::Namespace(subject.namespace), &mut obstacles),
        };
        for key in Key::ALL.into_iter().filter(|key| *key != Key::OptOut) {
            voices.settle(key, &mut resolution, &mut obstacles);
        }
        if !obstacles.is_empty() {
            return Err(obstacles);
        }
        resolution.bounds = bounds(&matched);
        resolution.upstreams = names(&matched, |policy| &policy.upstreams);
        resolution.destinations = names(&matched, |policy| &policy.destinations);
        resolution.matched = matched;
        Ok(resolution)
    }
}

/// Everybody who has something to say about a pod.
struct Voices<'v, 'a> {
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
    fn settle(&self, key: Key, resolution: &mut Resolution<'a>, obstacles: &mut Vec<Obstacle>) {
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

/// The known keys of the namespace; what only looks like one is told.
fn known_keys<'a>(subject: &Subject<'a>, unknown: &mut Vec<Diagnostic>) -> Vec<(Key, &'a str)> {
    let mut known = Vec::new();
    for (full, value) in subject.namespace_annotations {
        if !full.starts_with(key::PREFIX) || full == key::STATUS {
            continue;
        }
        match Key::from_full(full) {
            Some(key) => known.push((key, value.as_str())),
            None => unknown.push(unknown_key(full, subject.namespace)),
        }
    }
    known
}

fn unknown_key(full: &str, namespace: &str) -> Diagnostic {
    let meant = Key::nearest(full).map(|key| format!(", did you mean {}?", key.full()));
    Diagnostic {
        key: full.to_owned(),
        source: Source::Namespace(namespace.to_owned()),
        summary: format!("unknown key{}", meant.unwrap_or_default()),
        excerpt: None,
        help: None,
        example: None,
    }
}

/// What one author declines; a key that the same author asks for cannot be declined by name.
fn opt_out(said: &[(Key, &str)], whose: Whose<'_>, obstacles: &mut Vec<Obstacle>) -> OptOut {
    let Some((_, value)) = said.iter().find(|(key, _)| *key == Key::OptOut) else {
        return OptOut::default();
    };
    match parse_opt_out(value) {
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

fn bounds<'a>(matched: &[&'a Policy]) -> Vec<(&'a str, &'a Bounds)> {
    let binding = matched.iter().filter(|policy| policy.mode != Mode::Audit && !policy.bounds.is_free());
    binding.map(|policy| (&*policy.name, &policy.bounds)).collect()
}

fn names<'a>(matched: &[&'a Policy], of: fn(&Policy) -> &[(String, String)]) -> Names<'a> {
    let mut entries = Vec::new();
    for (mode, enforced) in [(Mode::Enforce, true), (Mode::Default, false)] {
        for policy in matched.iter().copied().filter(|policy| policy.mode == mode) {
            let named = of(policy).iter();
            entries.extend(named.map(|(name, value)| Name { name, value, policy: &policy.name, enforced }));
        }
    }
    Names { entries }
}
