//! The containers of a pod, as recognisers look at them.

use multipod_engine::pattern::images::base_name;
use serde_json::Value;

use super::shell;

/// Where containers are.
pub(super) const LISTS: [&str; 2] = ["initContainers", "containers"];

pub(super) struct Pod<'p> {
    pub(super) containers: Vec<Container<'p>>,
    volumes: &'p Value,
    default: Option<&'p str>,
}

pub(super) struct Container<'p> {
    pub(super) value: &'p Value,
    pub(super) list: &'static str,
    pub(super) index: usize,
}

impl<'p> Pod<'p> {
    pub(super) fn of(template: &'p Value) -> Pod<'p> {
        let containers = LISTS.into_iter().flat_map(|list| {
            let all = template["spec"][list].as_array().into_iter().flatten().enumerate();
            all.map(move |(index, value)| Container { value, list, index })
        });
        let default = &template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"];
        Pod {
            containers: containers.collect(),
            volumes: &template["spec"]["volumes"],
            default: default.as_str(),
        }
    }

    pub(super) fn volume(&self, name: &str) -> Option<&'p Value> {
        self.volumes.as_array()?.iter().find(|volume| volume["name"] == name)
    }

    /// The one container of the app, other than this one, that mounts a volume: its place, and where it mounts it.
    pub(super) fn other_mount(&self, volume: &str, of: &Container<'_>) -> Result<(usize, &'p str), String> {
        let mut others = self.containers.iter().enumerate().filter(|(_, one)| one.pointer() != of.pointer());
        let mut mounts = others.by_ref().filter_map(|(at, one)| {
            one.mounts().find(|(name, _)| *name == volume).map(|(_, path)| (at, path))
        });
        match (mounts.next(), mounts.next()) {
            (Some(mount), None) => Ok(mount),
            (None, _) => Err(format!("no other container mounts its volume {volume}")),
            (Some(_), Some(_)) => Err(format!("several containers mount its volume {volume}")),
        }
    }

    /// ` container=NAME` where an item means another container than the default one.
    pub(super) fn option_of(&self, at: usize, without: &Container<'_>) -> String {
        let mut of_app = self
            .containers
            .iter()
            .filter(|one| one.list == "containers" && one.pointer() != without.pointer());
        let name = self.containers[at].name();
        let default = self.default.or_else(|| of_app.next().map(Container::name));
        if default == Some(name) { String::new() } else { format!(" container={name}") }
    }
}

impl<'p> Container<'p> {
    /// Below the template.
    pub(super) fn pointer(&self) -> String {
        format!("/spec/{}/{}", self.list, self.index)
    }

    pub(super) fn name(&self) -> &'p str {
        self.value["name"].as_str().unwrap_or_default()
    }

    /// An init container that ends.
    pub(super) fn is_step(&self) -> bool {
        self.list == "initContainers" && self.value["restartPolicy"] != "Always"
    }

    /// The last part of the image's name, without tag and digest.
    pub(super) fn program(&self) -> &'p str {
        base_name(self.value["image"].as_str().unwrap_or_default())
    }

    /// `command` and `args`, one after the other.
    pub(super) fn words(&self) -> Vec<&'p str> {
        let of = |field: &str| self.value[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        of("command").chain(of("args")).collect()
    }

    /// What a shell runs, or the words themselves.
    pub(super) fn script(&self) -> Vec<Vec<String>> {
        let words = self.words();
        let is_shell = |word: &&str| matches!(base_name(word), "sh" | "bash" | "ash" | "dash");
        match words.first() {
            Some(first) if is_shell(first) => {
                match words.iter().position(|word| word.starts_with('-') && word.ends_with('c')) {
                    Some(at) => words.get(at + 1).map(|script| shell::statements(script)).unwrap_or_default(),
                    None => Vec::new(),
                }
            }
            Some(_) => vec![words.into_iter().map(str::to_owned).collect()],
            None => Vec::new(),
        }
    }

    /// Each flag with its value, whether they are one word or two.
    pub(super) fn flags(&self) -> Result<Vec<(&'p str, &'p str)>, String> {
        let mut flags = Vec::new();
        let mut words = self.words().into_iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
                // The name of a program that the image runs anyway.
                if flags.is_empty() && word.starts_with('/') {
                    continue;
                }
                return Err(format!("nobody knows here what {word:?} means to it"));
            };
            flags.push(match flag.split_once('=') {
                Some(both) => both,
                None => (flag, words.next_if(|next| !next.starts_with('-')).unwrap_or("true")),
            });
        }
        Ok(flags)
    }

    /// Variables with values; one from elsewhere has none.
    pub(super) fn env(&self) -> impl Iterator<Item = (&'p str, Option<&'p str>, &'p Value)> {
        let all = self.value["env"].as_array().into_iter().flatten();
        all.map(|one| (one["name"].as_str().unwrap_or_default(), one["value"].as_str(), one))
    }

    /// Volumes, and where they are mounted.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&'p str, &'p str)> + use<'p> {
        let all = self.value["volumeMounts"].as_array().into_iter().flatten();
        all.filter_map(|mount| Some((mount["name"].as_str()?, mount["mountPath"].as_str()?)))
    }

    /// The volume that a path of this container is on, and the rest of the path.
    pub(super) fn volume_of<'a>(&self, path: &'a str) -> Option<(&'p str, &'a str)> {
        let mut on = self
            .mounts()
            .filter_map(|(volume, mounted)| {
                let rest = path.strip_prefix(mounted.trim_end_matches('/'))?;
                (rest.is_empty() || rest.starts_with('/')).then_some((volume, rest))
            })
            .collect::<Vec<_>>();
        on.sort_by_key(|(_, rest)| rest.len());
        on.first().copied()
    }
}
