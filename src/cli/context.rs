//! The context of pods, which a cluster would know: policies, settings, namespaces, its version.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use multipod_engine::pattern::Settings;
use multipod_engine::pattern::object::Problem;
use multipod_engine::pod::Version;
use multipod_engine::policy::{self, Loaded};

use crate::manifest::{Cluster, Finding, is_annotation_key};

use super::config_file::ConfigFile;
use super::input::{manifests_at, read_text};
use super::report::{Failure, both};
use super::serve::check_options;

const HEADING: &str = "Namespace, policies and cluster";

#[derive(Debug, clap::Args)]
pub(super) struct ContextArgs {
    /// The namespace of objects without a namespace [default: default]
    #[arg(help_heading = HEADING, short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,

    /// Labels of the pods' namespaces: K=V,…
    #[arg(help_heading = HEADING, long, value_name = "K=V,…")]
    namespace_labels: Option<Labels>,

    /// An annotation of the pods' namespaces: K=V; can be repeated
    #[arg(help_heading = HEADING, long, value_name = "K=V", value_parser = pair)]
    namespace_annotations: Vec<(String, String)>,

    /// A directory of policies and patterns in YAML files, or one such file
    #[arg(help_heading = HEADING, long, value_name = "DIR")]
    policy_dir: Option<PathBuf>,

    /// The settings of the cluster, as multipod serve takes them
    #[arg(help_heading = HEADING, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The version of the cluster: native sidecars exist from 1.29 on
    #[arg(help_heading = HEADING, long, value_name = "VERSION", default_value_t = Version::ASSUMED,
          value_parser = Version::parse)]
    kubernetes_version: Version,
}

impl ContextArgs {
    /// What it says of a cluster that is looked at: its namespace, the folder of policies, the file of settings.
    pub(super) fn of_cluster(&self) -> (Option<&str>, Option<&Path>, Option<&Path>) {
        (self.namespace.as_deref(), self.policy_dir.as_deref(), self.config.as_deref())
    }

    /// Reads the given files; the failure has one message for each problem.
    pub(super) fn read(self) -> Result<Cluster, Failure> {
        let (settings, loaded) = surroundings(self.config.as_deref(), self.policy_dir.as_deref())?;
        Ok(Cluster {
            settings,
            policies: loaded.policies,
            catalogue: loaded.catalogue,
            version: self.kubernetes_version,
            namespace: self.namespace,
            namespace_labels: self.namespace_labels.map(|Labels(labels)| {
                labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
            }),
            namespace_annotations: self.namespace_annotations,
        })
    }
}

/// Settings, and policies with patterns, which the settings may name.
pub(super) fn surroundings(
    config: Option<&Path>,
    policy_dir: Option<&Path>,
) -> Result<(Settings, Loaded), Failure> {
    let settings = config.map_or_else(|| Ok(<_>::default()), settings);
    let loaded = policy_dir.map_or_else(|| Ok(<_>::default()), policies);
    let ((settings, file), (loaded, _)) = both(settings, loaded)?;
    let settings = file.failure(file.patterns_without_use(&loaded.catalogue)).or(settings)?;
    Ok((settings, loaded))
}

pub(super) fn settings(file: &Path) -> Result<(Settings, ConfigFile), Failure> {
    let file = ConfigFile::read(file).map_err(Failure::one)?;
    // No command needs these, but a file that the server refuses is not right.
    match (file.parse(), check_options(&file)) {
        (Ok(settings), Ok(())) => Ok((settings, file)),
        (settings, options) => {
            let mut problems: Vec<Problem> = settings.err().into_iter().chain(options.err()).collect();
            problems.dedup();
            Err(file.failure(problems))
        }
    }
}

/// The files of a folder of policies, unread.
pub(super) fn policy_files(folder: &Path) -> Result<Vec<Source>, Failure> {
    let mut files = Vec::new();
    let mut failures = Vec::new();
    for file in manifests_at(folder, false).map_err(Failure::one)? {
        match read_text(&file) {
            Ok((name, text)) => files.push((name, text)),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::unless_empty(failures, files)
}

/// A name and a text.
pub(super) type Source = (String, String);

/// Unlike the server, a command fails if one object cannot be read: it may be the policy that refuses.
pub(super) fn policies(folder: &Path) -> Result<(Loaded, Vec<Source>), Failure> {
    let (loaded, files) = load(folder)?;
    problems(&loaded.problems, &files).or((loaded, files))
}

/// What the files of a folder define; there is something in them, good or not.
pub(super) fn load(folder: &Path) -> Result<(Loaded, Vec<Source>), Failure> {
    let files = policy_files(folder)?;
    let loaded = policy::load(&files);
    let is_empty = loaded.objects.is_empty() && loaded.problems.is_empty();
    let none =
        || format!("{}: there is no InjectionPolicy and no Pattern in this directory", folder.display());
    Failure::unless_empty(is_empty.then(none).into_iter().collect(), (loaded, files))
}

/// Problems in files, with their lines.
pub(super) fn problems(problems: &[Problem], files: &[Source]) -> Failure {
    let text = |problem: &Problem| {
        let file = files.iter().find(|(name, _)| problem.place.file() == Some(name));
        file.map_or("", |(_, text)| text)
    };
    Failure::of(problems.iter().map(|problem| Finding::of_problem(problem, text(problem))).collect())
}

/// `K=V,K=V`; the empty text says that there are none.
#[derive(Clone, Debug)]
struct Labels(Vec<(String, String)>);

impl FromStr for Labels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').filter(|_| !text.is_empty()).map(pair);
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        for (index, (key, value)) in pairs.iter().enumerate() {
            if !is_annotation_key(key) {
                return Err(format!("{key:?} is no key of a label"));
            }
            if !value.is_empty() && !is_annotation_key(value) || value.contains('/') {
                return Err(format!("{value:?} is no value of a label"));
            }
            if pairs.iter().take(index).any(|(other, _)| other == key) {
                return Err(format!("{key} stands twice"));
            }
        }
        Ok(Labels(pairs))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("expected KEY=VALUE, found {text:?}")),
    }
}
