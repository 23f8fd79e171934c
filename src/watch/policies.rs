//! Policies and patterns in a folder, where people and mounted `ConfigMap`s put them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use multipod_engine::pattern::object::{Place, Problem, Spot};
use multipod_engine::policy::{Layer, Layers, Loaded, ObjectState, Objects, Policies, Standing};

use crate::admission::Snapshot;
use crate::server::Shared;

use super::files::{self, Unread};
use super::folder_of;

/// The text of every file, or why it cannot be read.
type Sources = Vec<Result<(String, String), Unread>>;

/// A folder of `InjectionPolicy` and `Pattern` objects. What is wrong with one object never disturbs the others, now or
/// after a restart; a file that cannot be read at all changes nothing of what stood in it.
#[derive(Debug)]
pub(crate) struct PolicyFolder {
    path: PathBuf,
    seen: Result<Sources, String>,
}

impl PolicyFolder {
    /// Reads the folder, or the one file, for the first time.
    pub(crate) fn open(path: &Path) -> Result<(PolicyFolder, Objects), String> {
        let sources = read(path)?;
        let objects = objects(&sources);
        Ok((PolicyFolder { path: path.to_owned(), seen: Ok(sources) }, objects))
    }

    /// The folder whose entries change when the policies do.
    pub(crate) fn folder(&self) -> PathBuf {
        if self.path.is_dir() { self.path.clone() } else { folder_of(&self.path) }
    }

    /// Reads the folder again, and puts it in force if it has changed.
    pub(crate) fn reload(&mut self, store: &PolicyStore) {
        let seen = read(&self.path);
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let metrics = &store.shared.metrics;
        match &self.seen {
            Ok(sources) => {
                let objects = objects(sources);
                metrics.reloaded("policies", objects.problems().is_empty());
                store.replace(Layer::Folder, objects);
            }
            Err(error) => {
                metrics.reloaded("policies", false);
                tracing::error!(error, "the policies cannot be read; the last ones stay");
            }
        }
    }
}

/// Merges what the sources of policies hold, and puts it in force.
#[derive(Debug)]
pub struct PolicyStore {
    stored: Mutex<Stored>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Stored {
    layers: Layers,
    /// What was wrong with any of them when they were merged last.
    problems: Vec<Problem>,
}

impl PolicyStore {
    pub fn new(shared: Arc<Shared>) -> PolicyStore {
        PolicyStore { stored: Mutex::default(), shared }
    }

    /// What became of each object: what is in force of it, and why it is not this version.
    pub fn objects(&self) -> Arc<Vec<ObjectState>> {
        // Not in the middle of a change.
        let _stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.objects.load_full()
    }

    /// Puts in force what a layer holds now, beside the other layers. Reports what is wrong with it, and what it takes out
    /// of force in others; what was wrong with those before has been reported when they changed.
    pub fn replace(&self, layer: Layer, objects: Objects) {
        // Held until the snapshot is exchanged: an older state must not overtake a newer one.
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        let own = objects.problems();
        stored.layers.replace(layer, objects);
        let mut loaded = stored.layers.merge();
        let unread = unready(&loaded.illegible);
        let policies = Arc::new(std::mem::take(&mut loaded.policies));
        let catalogue = Arc::new(std::mem::take(&mut loaded.catalogue));
        self.shared.snapshot.rcu(|snapshot| Snapshot {
            policies: Arc::clone(&policies),
            catalogue: Arc::clone(&catalogue),
            unread: unread.clone(),
            ..Snapshot::clone(snapshot)
        });
        self.shared.policies_changed.notify_one();
        // Whoever hears of it may ask at once.
        let is_news = |problem: &&Problem| own.contains(problem) || !stored.problems.contains(problem);
        report(&loaded, &policies, is_news, &self.shared);
        stored.problems = loaded.problems;
        self.shared.objects.store(Arc::new(loaded.objects));
    }
}

/// Why nobody can tell what the policies are: a replica that has never read them all decides nothing.
fn unready(illegible: &[Problem]) -> Option<Arc<str>> {
    let told: Vec<String> = illegible.iter().map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join("; ").into())
}

fn report(loaded: &Loaded, policies: &Policies, is_news: impl Fn(&&Problem) -> bool, shared: &Shared) {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let metrics = &shared.metrics;
    metrics.policies_in_force(&policies.iter().map(|policy| &*policy.name).collect());
    metrics.policy_problems.set(count(loaded.problems.len()));
    for standing in Standing::ALL {
        let objects = loaded.objects.iter().filter(|object| object.standing == standing);
        metrics.policy_objects(standing.slug(), count(objects.count()));
    }
    metrics
        .policies_read
        .set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64()));
    for problem in loaded.problems.iter().filter(is_news) {
        let of = loaded.objects.iter().find(|object| object.problems.contains(problem));
        let standing = of.map_or("not_known", |object| object.standing.slug());
        tracing::error!(standing, %problem, "not in force");
    }
    tracing::info!(policies = policies.iter().len(), problems = loaded.problems.len(), "policies");
}

fn read(path: &Path) -> Result<Sources, String> {
    Ok(files::manifests(path, false)?.iter().map(|file| files::read_text(file)).collect())
}

fn objects(sources: &Sources) -> Objects {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for source in sources {
        match source {
            Ok(source) => files.push(source.clone()),
            Err(Unread { name, line, message, .. }) => {
                let place = Place::Line { file: name.clone(), line: Spot::line(*line) };
                unread.push(Problem::new(place, message));
            }
        }
    }
    Objects::of_files(&files).beside(unread)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};

    use serde_json::json;

    use super::*;
    use crate::server::Limits;
    use multipod_certs::{Embedded, Tls, server_config};

    const POLICY: &str = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: a}\nspec: {annotations: {multipod/init: 'wait-for gate:1'}}\n";

    #[test]
    fn the_server_reads_the_files_that_the_commands_read() {
        let folder = tempfile::tempdir().unwrap();
        let utf_16: Vec<u8> =
            "\u{feff}".chars().chain(POLICY.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
        fs::write(folder.path().join("a.yaml"), utf_16).unwrap();
        fs::write(folder.path().join(".hidden.yaml"), "{").unwrap();
        fs::write(folder.path().join("notes.txt"), "{").unwrap();
        let (_, objects) = PolicyFolder::open(folder.path()).unwrap();
        assert_eq!(objects.problems(), []);
        fs::write(folder.path().join("b.yaml"), b"a: 1\nb: \xff\n").unwrap();
        let (_, objects) = PolicyFolder::open(folder.path()).unwrap();
        let told: Vec<String> = objects.problems().iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].ends_with("b.yaml:2: not UTF-8 text"), "{told:?}");
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_change_of_one_layer_says_nothing_again_of_the_others() {
        let now = SystemTime::now();
        let embedded = Embedded::make(&["localhost".to_owned()], now).unwrap();
        let tls = Tls::new(server_config(&embedded.pair, None, false).unwrap(), now);
        let shared = Arc::new(Shared::new(Snapshot::default(), tls, Limits::default()));
        let store = PolicyStore::new(Arc::clone(&shared));
        let logged = |layer: Layer, objects: Objects| {
            let kept = Kept::default();
            let writer = kept.clone();
            let subscriber =
                tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
            tracing::subscriber::with_default(subscriber, || store.replace(layer, objects));
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            let errors = text.lines().filter(|line| line.contains("ERROR"));
            errors.map(|line| line.split_once("problem=").unwrap().1.to_owned()).collect::<Vec<_>>()
        };
        let files = |text: &str| Objects::of_files(&[("a.yaml".to_owned(), text.to_owned())]);
        let object = |name: &str, mode: &str| {
            json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": name},
                   "spec": {"mode": mode, "annotations": {"multipod/init": "wait-for gate:1"}}})
        };
        let of_cluster = [object("a", "audit"), object("broken", "enforced")];
        let told = logged(Layer::Cluster, Objects::of_cluster(&of_cluster));
        assert!(matches!(&*told, [one] if one.starts_with("injectionpolicy/broken:")), "{told:?}");

        let broken = POLICY.replace("annotations", "anotations");
        let told = logged(Layer::Folder, files(&broken));
        // Its name is taken, whatever is wrong with it.
        assert!(
            matches!(&*told, [one, other] if one.starts_with("a.yaml:4:") && other.starts_with("injectionpolicy/a:")),
            "{told:?}"
        );
        // Read again, and still wrong.
        assert_eq!(logged(Layer::Folder, files(&broken)), told[..1]);
        assert_eq!(shared.metrics.policy_problems.get(), 3);

        // The change of one layer can take an object of the other out of force.
        let told = logged(Layer::Folder, files(POLICY));
        assert!(matches!(&*told, [one] if one.starts_with("injectionpolicy/a:")), "{told:?}");
        assert_eq!(logged(Layer::Folder, files(POLICY)), Vec::<String>::new());
    }
}
