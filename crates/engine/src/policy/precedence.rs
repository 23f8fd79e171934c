//! Whose value of a key counts.

use crate::annotation::{Diagnostic, Key, Source};
use crate::pattern::opt_out::{self, OptOut};
use crate::pattern::{AppContainers, Request};

use super::object::{Mode, Policy, Value};
use super::resolution::{Audited, Effective, Overridden, Resolution};
use super::unsettled::Unsettled;

/// Everything that gives keys of a pod a value.
pub(super) struct Precedence<'v, 'a> {
    matched: &'v [&'a Policy],
    /// The names of those that are left out for this pod: what they set does not count.
    without: &'v [&'a str],
    own: &'v [(Key, &'a str)],
    namespace: &'v [(Key, &'a str)],
    namespace_name: &'a str,
    declined_by_pod: OptOut,
    declined_by_namespace: OptOut,
}

/// One value that a key may get.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    value: &'a str,
    /// Policies have read it already.
    request: Option<&'a Request<'static>>,
    containers: &'a AppContainers,
    author: Author<'a>,
}

#[derive(Clone, Copy)]
enum Author<'a> {
    EnforcedPolicy(&'a str),
    Pod,
    Namespace(&'a str),
    DefaultPolicy(&'a str),
}

impl<'v, 'a> Precedence<'v, 'a> {
    /// Of the policies that match, the annotations of the pod and those of its namespace; reads what the two decline.
    pub(super) fn new(
        (matched, without): (&'v [&'a Policy], &'v [&'a str]),
        own: &'v [(Key, &'a str)],
        (namespace_name, namespace): (&'a str, &'v [(Key, &'a str)]),
        unsettled: &mut Vec<Unsettled>,
    ) -> Self {
        let declined_by_pod = opt_out(own, Author::Pod, unsettled);
        let declined_by_namespace = opt_out(namespace, Author::Namespace(namespace_name), unsettled);
        Precedence {
            matched,
            without,
            own,
            namespace,
            namespace_name,
            declined_by_pod,
            declined_by_namespace,
        }
    }

    /// The strongest value that was not declined counts. E is an enforced policy, P the pod, N its namespace, D a
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
    /// same way what default policies want. Policies disagree only where theirs is the strongest.
    pub(super) fn settle(&self, key: Key, resolution: &mut Resolution<'a>, unsettled: &mut Vec<Unsettled>) {
        let mut strongest: Option<Candidate<'a>> = None;
        let mut disagree = false;
        for candidate in self.candidates(key) {
            let lost =
                |by: Source| Overridden { key, by, whose: candidate.author.source(), value: candidate.value };
            if let Some(by) = self.declined_by(key, candidate.author) {
                resolution.opted_out.push(lost(by));
                continue;
            }
            let Some(first) = strongest else {
                strongest = Some(candidate);
                continue;
            };
            if first.value == candidate.value && first.containers == candidate.containers {
                continue;
            }
            match conflict(key, first, candidate) {
                // Who gets the same has nothing to be told.
                None if first.value == candidate.value => {}
                None => resolution.overridden.push(lost(first.author.source())),
                Some(conflict) if !disagree => {
                    unsettled.push(conflict);
                    disagree = true;
                }
                Some(_) => {}
            }
        }
        if let Some(Candidate { value, request, containers, author }) = strongest {
            let enforced = matches!(author, Author::EnforcedPolicy(_));
            let source = author.source();
            resolution.effective.push(Effective { key, value, request, source, enforced, containers });
        } else {
            resolution.audited.extend(self.audited(key));
        }
    }

    /// The values of a key, strongest first; policies of the same strength by name.
    fn candidates(&self, key: Key) -> impl Iterator<Item = Candidate<'a>> + use<'v, 'a> {
        let (matched, without) = (self.matched, self.without);
        let annotated = move |annotations: &'v [(Key, &'a str)], author: Author<'a>| {
            let values = annotations.iter().filter(move |(of, _)| *of == key);
            let containers = &AppContainers::Default;
            values.map(move |(_, value)| Candidate { value, request: None, containers, author })
        };
        let of_policies = move |mode: Mode, author: fn(&'a str) -> Author<'a>| {
            let counts = move |policy: &&&Policy| policy.mode == mode && !without.contains(&&*policy.name);
            let policies = matched.iter().filter(counts);
            policies.filter_map(move |policy| {
                let Value { text, request } = policy.value(key)?;
                Some(Candidate {
                    value: text,
                    request: Some(request),
                    containers: &policy.containers,
                    author: author(&policy.name),
                })
            })
        };
        of_policies(Mode::Enforce, Author::EnforcedPolicy)
            .chain(annotated(self.own, Author::Pod))
            .chain(annotated(self.namespace, Author::Namespace(self.namespace_name)))
            .chain(of_policies(Mode::Default, Author::DefaultPolicy))
    }

    fn declined_by(&self, key: Key, author: Author<'_>) -> Option<Source> {
        match author {
            Author::EnforcedPolicy(_) | Author::Pod => None,
            _ if self.declined_by_pod.declines(key) => Some(Source::Pod),
            Author::DefaultPolicy(_) if self.declined_by_namespace.declines(key) => {
                Some(Source::Namespace(self.namespace_name.to_owned()))
            }
            Author::Namespace(_) | Author::DefaultPolicy(_) => None,
        }
    }

    fn audited(&self, key: Key) -> impl Iterator<Item = Audited<'a>> + use<'v, 'a> {
        let audits = self.matched.iter().filter(|policy| policy.mode == Mode::Audit);
        let declined = self.declined_by(key, Author::DefaultPolicy("")).is_some();
        audits.filter(move |_| !declined).filter_map(move |policy| {
            policy.value(key).map(|value| Audited { key, value: &value.text, policy: &policy.name })
        })
    }
}

impl Author<'_> {
    fn source(self) -> Source {
        match self {
            Author::EnforcedPolicy(policy) | Author::DefaultPolicy(policy) => {
                Source::Policy(policy.to_owned())
            }
            Author::Pod => Source::Pod,
            Author::Namespace(name) => Source::Namespace(name.to_owned()),
        }
    }
}

/// Two policies of the same strength with different values.
fn conflict(key: Key, first: Candidate<'_>, second: Candidate<'_>) -> Option<Unsettled> {
    let (one, other, enforced) = match (first.author, second.author) {
        (Author::EnforcedPolicy(one), Author::EnforcedPolicy(other)) => (one, other, true),
        (Author::DefaultPolicy(one), Author::DefaultPolicy(other)) => (one, other, false),
        _ => return None,
    };
    let same_value = first.value == second.value;
    let side = |policy: &str, candidate: Candidate<'_>| {
        let said = if same_value {
            format!("containers: {}", candidate.containers)
        } else {
            candidate.value.to_owned()
        };
        (policy.to_owned(), said)
    };
    let (first, second) = (side(one, first), side(other, second));
    Some(Unsettled::Conflict { key, enforced, first, second })
}

/// What one author declines; a key that the same author gives a value cannot be declined by name.
fn opt_out(annotations: &[(Key, &str)], author: Author<'_>, unsettled: &mut Vec<Unsettled>) -> OptOut {
    let Some((_, value)) = annotations.iter().find(|(key, _)| *key == Key::OptOut) else {
        return OptOut::default();
    };
    match opt_out::parse(value) {
        Ok(opt_out) => {
            let both = annotations.iter().map(|(key, _)| *key).filter(|key| opt_out.keys.contains(key));
            unsettled.extend(both.map(|key| Unsettled::OptOutContradiction { key, whose: author.source() }));
            opt_out
        }
        Err(faults) => {
            let problems =
                faults.into_iter().map(|fault| Diagnostic::of(Key::OptOut, author.source(), value, fault));
            unsettled.extend(problems.map(Unsettled::OptOutUnreadable));
            OptOut::default()
        }
    }
}
