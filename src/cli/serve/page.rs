//! What the page on the admin port answers: the commands `draw`, `diff`, `explain` and `inject`, about a text that somebody
//! types; and what is in force on the server.

mod in_force;

use multipod_engine::pattern::Settings;
use multipod_engine::pod::{Meter, Version};
use multipod_engine::policy;
use serde::Serialize;

use crate::cli::color::Styles;
use crate::cli::diff::unified;
use crate::cli::explain::{explanation, of as report_of};
use crate::cli::report::{self, Aside};
use crate::cli::width::Width;
use crate::drawing::{self, Style, escaped};
use crate::explain::Report;
use crate::manifest::{self, Annotation, Cluster, Manifests, Source};
use crate::server::{Asked, InForce, Page};

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The manifests to begin with: what people choose, and what it is.
const EXAMPLES: [(&str, &str, &str); 6] = [
    ("ambassador", "A port for a legacy app", include_str!("../../../examples/fruit/deployment.yaml")),
    ("logging", "Log files shipped to a collector", include_str!("../../../examples/logging/shipped.yaml")),
    ("metrics", "Metrics of nginx", include_str!("../../../examples/metrics/nginx.yaml")),
    ("init", "Wait for a database, clone content", include_str!("../../../examples/init/shop.yaml")),
    ("sync", "A site from git", include_str!("../../../examples/sync/site.yaml")),
    ("mistake", "A mistake, and how it is told", include_str!("page/mistake.yaml")),
];

/// How many pods are drawn; a page with more would say nothing.
const MOST_DRAWN: usize = 10;
const FILE: &str = "manifest.yaml";
/// What a question gets that the page has no time for.
const TOO_COSTLY: &str = "error: this page has not the time for that many pods, policies and conditions\n\
    Ask about fewer of them; multipod explain and multipod diff on the command line take all the time that they need\n";

/// The settings and the version that the server began with; the policies are those on the page.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) settings: Settings,
    pub(super) version: Version,
}

#[derive(Debug, Default, Serialize)]
struct Answer {
    /// What came of it, in a few words.
    summary: String,
    refused: bool,
    /// Errors and warnings, as the commands print them.
    problems: String,
    /// The drawing, as SVG; every text in it is escaped.
    drawing: String,
    diff: String,
    explanation: String,
}

impl Page for Desk {
    fn html(&self, asked: &Asked, server: &InForce, meter: &Meter<'_>) -> String {
        let asked = with_example(asked);
        let answer = self.answered(&asked, meter);
        let options: Vec<String> = EXAMPLES
            .iter()
            .map(|(name, title, _)| {
                let selected = if *name == asked.example { " selected" } else { "" };
                format!("<option value=\"{name}\"{selected}>{title}</option>")
            })
            .collect();
        let parts = [
            ("examples", options.join("\n")),
            ("manifest", escaped_lines(&asked.manifest)),
            ("annotations", escaped_lines(&asked.annotations)),
            ("policies", escaped_lines(&asked.policies)),
            ("state", if answer.refused { "refused" } else { "good" }.to_owned()),
            ("summary", escaped(&answer.summary)),
            ("problems", escaped_lines(&answer.problems)),
            ("diff", escaped_lines(&answer.diff)),
            ("explanation", escaped_lines(&answer.explanation)),
            ("drawing", answer.drawing),
            ("in force", self.in_force(server)),
        ];
        filled(HTML, &parts)
    }

    fn answer(&self, asked: &Asked, meter: &Meter<'_>) -> String {
        serde_json::to_string(&self.answered(&with_example(asked), meter)).unwrap_or_default()
    }

    fn in_force(&self, server: &InForce) -> String {
        in_force::shown(server)
    }

    fn style(&self) -> String {
        format!("{CSS}{}", drawing::STYLE)
    }

    fn script(&self) -> &'static str {
        SCRIPT
    }
}

impl Desk {
    fn answered(&self, asked: &Asked, meter: &Meter<'_>) -> Answer {
        // A file without anything in it is a mistake; a field of the page is not.
        let files = [("policies.yaml".to_owned(), asked.policies.clone())];
        let written = if asked.policies.trim().is_empty() { &files[..0] } else { &files[..] };
        let loaded = policy::load(written);
        let mut problems: Vec<String> =
            loaded.problems.iter().map(|problem| format!("error: {problem}\n")).collect();
        let mut annotate: Vec<Annotation> = Vec::new();
        for line in asked.annotations.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.parse::<Annotation>() {
                Ok(new) if annotate.iter().any(|other| other.key == new.key) => {
                    problems.push(format!("error: {} stands twice among the annotations\n", new.key));
                }
                Ok(new) => annotate.push(new),
                Err(error) => problems.push(format!("error: annotations: {error}\n")),
            }
        }
        let wrong = !problems.is_empty();
        let cluster = Cluster {
            settings: self.settings.clone(),
            version: self.version,
            policies: loaded.policies,
            catalogue: loaded.catalogue,
            ..Cluster::default()
        };
        let sources = [Source { name: FILE.to_owned(), text: asked.manifest.clone() }];
        let manifests = Manifests::read(&sources);
        let (mut reports, mut pods) = (Vec::new(), 0);
        let outcome = manifest::inject_within(&manifests, &cluster, &annotate, Some(meter), |template| {
            let Some(decided) = &template.decided else { return };
            pods += 1;
            if pods <= MOST_DRAWN {
                reports.push(report_of(template.target, decided, &cluster, &annotate, &template.findings));
            }
        });
        if meter.is_over() {
            return Answer {
                summary: "not answered: it takes too long".to_owned(),
                refused: true,
                problems: problems.concat() + TOO_COSTLY,
                ..Answer::default()
            };
        }
        let told = report::told(&outcome.findings, Aside::default(), Width::WHOLE);
        problems.extend(told.into_iter().map(|line| line.trimmed().text() + "\n"));
        let refused = wrong || outcome.is_refused();
        let after: String = outcome.texts.iter().map(|documents| documents.concat()).collect();
        let changed = !refused && after != asked.manifest;
        let drawn: Vec<&Report> = reports.iter().collect();
        let explained: Vec<String> = reports.iter().map(explanation).collect();
        Answer {
            summary: summary(pods, refused, changed),
            refused,
            problems: problems.concat(),
            drawing: if drawn.is_empty() { String::new() } else { drawing::svg(&drawn, Style::Around) },
            diff: if changed {
                unified(FILE, &asked.manifest, &after, Styles::default())
            } else {
                String::new()
            },
            explanation: explained.join("\n"),
        }
    }
}

fn summary(pods: usize, refused: bool, changed: bool) -> String {
    let drawn = if pods > MOST_DRAWN { format!(" The first {MOST_DRAWN} are shown.") } else { String::new() };
    let pods = if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
    let what = match (refused, changed) {
        (true, _) => "refused: see what is wrong",
        (false, true) => "injected",
        (false, false) => "left as it is",
    };
    format!("{pods}: {what}.{drawn}")
}

/// An empty page begins with an example, and a chosen one takes the place of what was there.
fn with_example(asked: &Asked) -> Asked {
    let mut asked = asked.clone();
    if asked.manifest.trim().is_empty() && asked.example.is_empty() {
        EXAMPLES[0].0.clone_into(&mut asked.example);
    }
    if let Some((_, _, text)) = EXAMPLES.iter().find(|(name, _, _)| *name == asked.example) {
        (*text).clone_into(&mut asked.manifest);
    }
    asked
}

/// Every line escaped; the line ends stay.
fn escaped_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

/// The page with each `{{name}}` filled in, in one pass: what is filled in is not looked at again.
fn filled(page: &str, parts: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, more)) = behind.split_once("}}") else { break };
        if let Some((_, text)) = parts.iter().find(|(part, _)| *part == name) {
            out.push_str(text);
        }
        rest = more;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many pods as a question holds, and as many conditions that each look through all of a pod.
    fn hostile() -> Asked {
        let condition = "object.metadata.annotations.all(k, k.matches('^a[0-9]+$'))";
        let policies = (0..100).map(|number| {
            format!(
                "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: p{number}}}\nspec: {{match: \
                 {{matchConditions: [{{name: c, expression: \"{condition}\"}}]}}, annotations: {{multipod/metrics: nginx}}}}\n"
            )
        });
        let annotations: Vec<String> = (0..100).map(|number| format!("a{number}: \"\"")).collect();
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, annotations: {{{}}}}}\nspec: {{containers: [{{name: a, image: a}}]}}\n",
            annotations.join(", ")
        );
        Asked {
            manifest: vec![pod; 20].join("---\n"),
            policies: policies.collect::<Vec<_>>().join("---\n"),
            ..Asked::default()
        }
    }

    #[test]
    fn a_question_that_takes_too_long_ends_and_says_so() {
        const MOST: usize = 20_000;
        let desk = Desk { settings: Settings::default(), version: Version::ASSUMED };
        let never = || false;
        let meter = Meter::new(&never).most(MOST);
        let answer = desk.answered(&hostile(), &meter);
        assert!(meter.steps() < 2 * MOST, "it took {} steps", meter.steps());
        assert!(answer.refused && answer.problems.ends_with(TOO_COSTLY), "{answer:?}");
        assert_eq!((&*answer.drawing, &*answer.diff, &*answer.explanation), ("", "", ""));
    }

    #[test]
    fn each_pod_is_decided_once_and_as_many_as_a_question_holds_take_a_small_part_of_the_steps() {
        let desk = Desk { settings: Settings::default(), version: Version::ASSUMED };
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n";
        let question = Asked {
            manifest: vec![pod; 600].join("---\n"),
            annotations: "multipod/ambassador=80:8775".to_owned(),
            ..Asked::default()
        };
        let never = || false;
        let (asked, once) = (Meter::new(&never), Meter::new(&never));
        assert_eq!(desk.answered(&question, &asked).summary, "600 pods: injected. The first 10 are shown.");
        let annotate = [question.annotations.parse::<Annotation>().unwrap()];
        let sources = [Source { name: FILE.to_owned(), text: question.manifest }];
        let manifests = Manifests::read(&sources);
        manifest::inject_within(&manifests, &Cluster::default(), &annotate, Some(&once), |_| {});
        assert_eq!(asked.steps(), once.steps());
        assert!(10 * once.steps() < crate::server::MOST_STEPS, "{} steps", once.steps());
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let parts = [("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(filled("1{{a}}2{{b}}3{{c}}", &parts), "1{{b}}2x3");
    }
}
