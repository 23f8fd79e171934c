//! What the checks have found, and how it is told.

use serde::Serialize;

use crate::cli::line::{Line, Tone};

/// The page and the place on it that tell what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cure(pub(super) &'static str);

impl Cure {
    pub(super) const CERTIFICATES: Cure = Cure("docs/how-to/install.md#certificates");
    pub(super) const CUSTOM_RESOURCES: Cure = Cure("docs/how-to/install.md#custom-resources");
    pub(super) const DOWN: Cure = Cure("docs/how-to/install.md#when-it-is-down");
    pub(super) const GUARD: Cure = Cure("docs/how-to/guard.md#enforce-while-the-webhook-is-down");
    pub(super) const INSTALL: Cure = Cure("docs/how-to/install.md#install");
    pub(super) const OTHER_WEBHOOKS: Cure = Cure("docs/how-to/install.md#beside-other-webhooks");
    pub(super) const POLICIES: Cure = Cure("docs/reference/policies-in-a-cluster.md#what-became-of-them");
    pub(super) const RIGHTS: Cure = Cure("docs/how-to/install.md#who-may-install-and-who-may-look");
    pub(super) const SIZING: Cure = Cure("docs/how-to/install.md#sizing");
    pub(super) const UPGRADE: Cure = Cure("docs/how-to/install.md#upgrade");
    pub(super) const WHICH_PODS: Cure = Cure("docs/how-to/install.md#which-pods-reach-multipod");
    pub(super) const WHO_MAY_CONNECT: Cure = Cure("docs/how-to/install.md#who-may-connect");
    pub(super) const WITH_KUSTOMIZE: Cure = Cure("docs/how-to/install.md#with-kustomize");

    #[cfg(test)]
    pub(super) const ALL: [Cure; 13] = [
        Cure::CERTIFICATES,
        Cure::CUSTOM_RESOURCES,
        Cure::DOWN,
        Cure::GUARD,
        Cure::INSTALL,
        Cure::OTHER_WEBHOOKS,
        Cure::POLICIES,
        Cure::RIGHTS,
        Cure::SIZING,
        Cure::UPGRADE,
        Cure::WHICH_PODS,
        Cure::WHO_MAY_CONNECT,
        Cure::WITH_KUSTOMIZE,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    Good,
    /// It works, but somebody should look; or it cannot be seen from here.
    Doubtful,
    Bad,
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What all checks of one topic have in common, in the order of their names on the page.
    topic: &'static str,
    pub(super) name: &'static str,
    pub(super) standing: Standing,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<Cure>,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    topic: &'static str,
    pub(super) checks: Vec<Check>,
}

impl Report {
    /// What follows is about this.
    pub(super) fn about(&mut self, topic: &'static str) {
        self.topic = topic;
    }

    pub(super) fn good(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Standing::Good, message, None);
    }

    pub(super) fn doubtful(&mut self, name: &'static str, message: impl Into<String>, cure: Cure) {
        self.add(name, Standing::Doubtful, message, Some(cure));
    }

    pub(super) fn bad(&mut self, name: &'static str, message: impl Into<String>, cure: Cure) {
        self.add(name, Standing::Bad, message, Some(cure));
    }

    /// The API server does not let us see it, or has no answer.
    pub(super) fn unseen(&mut self, name: &'static str, why: &str) {
        self.doubtful(name, format!("cannot be seen: {why}"), Cure::RIGHTS);
    }

    fn add(
        &mut self,
        name: &'static str,
        standing: Standing,
        message: impl Into<String>,
        cure: Option<Cure>,
    ) {
        self.checks.push(Check { topic: self.topic, name, standing, message: message.into(), cure });
    }

    pub(super) fn has_bad(&self) -> bool {
        self.count(Standing::Bad) > 0
    }

    fn count(&self, standing: Standing) -> usize {
        self.checks.iter().filter(|check| check.standing == standing).count()
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut topic = "";
        for check in &self.checks {
            if check.topic != topic {
                topic = check.topic;
                lines.push(Line::of(Tone::Strong, topic));
            }
            let (tone, sign) = match check.standing {
                Standing::Good => (Tone::Ours, "✓"),
                Standing::Doubtful => (Tone::Caution, "!"),
                Standing::Bad => (Tone::Bad, "✗"),
            };
            let mut message = check.message.lines();
            let first = format!(" {}: {}", check.name, message.next().unwrap_or_default());
            lines.push(Line::of(tone, format!("  {sign}")).and(Tone::Plain, first));
            lines.extend(message.map(|more| Line::plain(format!("      {more}"))));
            if let Some(Cure(place)) = check.cure {
                lines.push(Line::of(Tone::Quiet, format!("      see {place}")));
            }
        }
        let [good, doubtful, bad] =
            [Standing::Good, Standing::Doubtful, Standing::Bad].map(|it| self.count(it));
        lines.push(Line::of(Tone::Strong, format!("{good} good, {doubtful} to look at, {bad} wrong")));
        lines
    }

    pub(super) fn as_json(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'c> {
            /// Grows when a field is removed or changes its meaning; new fields may be added at any time.
            schema: u8,
            good: usize,
            doubtful: usize,
            bad: usize,
            checks: &'c [Check],
        }
        let [good, doubtful, bad] =
            [Standing::Good, Standing::Doubtful, Standing::Bad].map(|it| self.count(it));
        Json { schema: 1, good, doubtful, bad, checks: &self.checks }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_cure_is_a_heading_of_its_page() {
        for Cure(place) in Cure::ALL {
            let (page, anchor) = place.split_once('#').unwrap();
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
            let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
            let mut anchors = headings.map(|heading| {
                let heading = heading.trim_start_matches('#').trim().to_lowercase();
                heading.replace(' ', "-").replace([',', '`', '.', ':'], "")
            });
            assert!(anchors.any(|there| there == anchor), "{place}");
        }
    }

    #[test]
    fn a_check_says_what_it_found_and_where_its_cure_is() {
        let mut report = Report::default();
        report.about("Webhooks");
        report.good("registered", "3 entries");
        report.bad("CA", "none\nin pods.multipod.dev", Cure::CERTIFICATES);
        let text: Vec<String> = report.lines().iter().map(Line::text).collect();
        assert_eq!(
            text,
            [
                "Webhooks",
                "  ✓ registered: 3 entries",
                "  ✗ CA: none",
                "      in pods.multipod.dev",
                "      see docs/how-to/install.md#certificates",
                "1 good, 0 to look at, 1 wrong"
            ]
        );
        let json = serde_json::to_value(report.as_json()).unwrap();
        assert_eq!(json["checks"][1]["standing"], "bad");
        assert_eq!(json["checks"][1]["cure"], "docs/how-to/install.md#certificates");
        assert!(json["checks"][0].get("cure").is_none());
    }
}
