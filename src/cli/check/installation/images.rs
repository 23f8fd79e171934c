//! The images that replicas run, and that pods get for the containers of multipod's own.

use std::collections::BTreeSet;

use multipod_engine::annotation::settings::Settings as PatternSettings;
use multipod_engine::pattern::{Settings, object};

use crate::cluster::Installation;

use super::access::{Access, Kind, items};
use super::found::{Cure, Report};

const REPLICAS: &str = "app.kubernetes.io/name=multipod,app.kubernetes.io/component=webhook";
/// The programs of multipod that run in pods, as the settings name them.
const IN_PODS: [&str; 2] = ["wait-for", "follow"];
const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn check(access: &Access, report: &mut Report) {
    let pods = match access.own(Kind("v1", "Pod"), REPLICAS).await {
        Ok(pods) => pods,
        Err(why) => return report.unseen("versions", &why),
    };
    let containers = pods.iter().flat_map(|pod| items(&pod["spec"]["containers"]));
    let ours = containers.filter(|container| container["name"] == "multipod");
    let run: BTreeSet<String> =
        ours.filter_map(|container| container["image"].as_str()).map(str::to_owned).collect();
    versions(&run, report);
    if run.is_empty() {
        return;
    }
    let settings = match Installation::inside(&access.reader(), &access.namespace).await {
        Ok(installation) => installation.settings.map(|text| object::read::<Settings>(&text)).transpose(),
        Err(unread) => return report.unseen("image in pods", &unread.text()),
    };
    match settings {
        Ok(settings) => in_pods(&settings.unwrap_or_default(), &run, report),
        Err((line, problem)) => {
            let message =
                format!("the settings are wrong, so that no new replica starts: line {line}: {problem}");
            report.bad("image in pods", message, Cure::INSTALL);
        }
    }
}

/// Of the images that run, and of this program.
fn versions(run: &BTreeSet<String>, report: &mut Report) {
    let mut tags = run.iter().filter(|image| !image.contains('@')).filter_map(|image| image.rsplit_once(':'));
    if run.len() > 1 {
        let all: Vec<&str> = run.iter().map(String::as_str).collect();
        report.doubtful("versions", format!("replicas differ: {}", all.join(", ")), Cure::UPGRADE);
    } else if let Some((_, other)) = tags.find(|(_, tag)| *tag != OWN_VERSION) {
        let message = format!("replicas are {other}, and this program {OWN_VERSION}");
        report.doubtful("versions", message, Cure::UPGRADE);
    } else if let Some(image) = run.first() {
        report.good("versions", image);
    }
}

/// Where a node can pull the image of the replicas, it need not be able to pull another one.
fn in_pods(settings: &Settings, run: &BTreeSet<String>, report: &mut Report) {
    let mut others = Vec::new();
    let mut same = BTreeSet::new();
    for program in IN_PODS {
        let image = image_of(program, settings);
        let is_default = !settings.names_own_image(program);
        match run.iter().find(|run| is_same(&image, run, is_default)) {
            Some(run) => {
                same.insert(run.as_str());
            }
            None => others.push(format!("{program} runs from {image}")),
        }
    }
    if others.is_empty() {
        let all: Vec<&str> = same.into_iter().collect();
        return report.good("image in pods", format!("that of the replicas: {}", all.join(", ")));
    }
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let message = format!(
        "{}, and the replicas from {}: if nodes can pull only the one of the replicas, set image in the settings",
        others.join(", "),
        run.join(", ")
    );
    report.doubtful("image in pods", message, Cure::WITH_KUSTOMIZE);
}

fn image_of(program: &str, settings: &Settings) -> String {
    settings.own_image(program, &PatternSettings::default()).into_owned()
}

/// A digest that only one of them has says nothing against the other. The version of a default image is that of the replicas,
/// whatever this program's is.
fn is_same(image: &str, run: &str, is_default: bool) -> bool {
    let whole = |image: &str| image.trim_start_matches("docker.io/").to_owned();
    let (image, run) = (whole(image), whole(run));
    let parts = |image: &str| {
        let (name, digest) =
            image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
        (name.to_owned(), digest.map(str::to_owned))
    };
    let ((name, digest), (run_name, run_digest)) = (parts(&image), parts(&run));
    let untagged = |name: &str| {
        name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name).to_owned()
    };
    let is_named_so = name == run_name
        || is_default && untagged(&name) == untagged(&run_name)
        // Nobody can tell which tag a digest has, where no tag stands with it.
        || (digest.is_some() && digest == run_digest && untagged(&name) == untagged(&run_name));
    is_named_so && (digest.is_none() || run_digest.is_none() || digest == run_digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::line::Line;

    #[test]
    fn images_are_the_same_by_name_and_tag_and_by_digest_where_both_have_one() {
        for (image, run, is_default, expected) in [
            ("m.example/multipod:1", "m.example/multipod:1", false, true),
            ("m.example/multipod:1", "m.example/multipod:2", false, false),
            ("multipod/multipod:1", "multipod/multipod:2", true, true),
            ("multipod/multipod:1", "m.example/multipod/multipod:1", true, false),
            ("docker.io/multipod/multipod:1", "multipod/multipod:1", false, true),
            ("multipod:1", "multipod:1@sha256:a", false, true),
            ("multipod:1@sha256:a", "multipod:1@sha256:b", false, false),
            ("multipod:1@sha256:a", "multipod@sha256:a", false, true),
            ("m.example:5000/multipod", "m.example:5000/multipod", false, true),
            ("m.example:5000/multipod", "m.example:6000/multipod", true, false),
        ] {
            assert_eq!(is_same(image, run, is_default), expected, "{image} {run}");
        }
    }

    #[test]
    fn what_differs_is_told_with_both_images() {
        let run = BTreeSet::from(["m.example/multipod/multipod:9".to_owned()]);
        let told = |text: &str| {
            let settings = object::read::<Settings>(text).unwrap();
            let mut report = Report::default();
            in_pods(&settings, &run, &mut report);
            report.lines().iter().map(Line::text).collect::<Vec<_>>().join("\n")
        };
        let own = concat!("multipod/multipod:", env!("CARGO_PKG_VERSION"));
        let both = told("{}");
        assert!(
            both.contains(&format!("! image in pods: wait-for runs from {own}, follow runs from {own}, and")),
            "{both}"
        );
        let good = told("registry: m.example");
        assert!(
            good.contains("✓ image in pods: that of the replicas: m.example/multipod/multipod:9"),
            "{good}"
        );
        let version = env!("CARGO_PKG_VERSION");
        let named = told(&format!("{{registry: m.example, image: 'm.example/multipod/multipod:{version}'}}"));
        assert!(named.contains("! image in pods: wait-for runs from m.example/"), "{named}");
        let one = told("{image: 'm.example/multipod/multipod:9', patterns: {follow: {image: 'a:1'}}}");
        assert!(
            one.contains("! image in pods: follow runs from a:1, and the replicas from m.example/multipod"),
            "{one}"
        );
    }
}
