//! Certificates that the replicas make and rotate themselves. What to do is decided by [`multipod_rotation`]; here it is done.

mod book;
mod registrations;
mod secret;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::hash::BuildHasher;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use kube::Client;
use multipod_certs::{CertError, ClientCheck, Pair, server_config};
use multipod_rotation::{Action, Cluster, Id, Kept, Leaf, Look, Pace, Phase, Rotation, Secret};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::server::Shared;

use super::replicas::own_name;
use book::{Book, since_1970};
use registrations::Registrations;
use secret::Place;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Managed {
    /// The Secret, where multipod runs.
    pub secret: String,
    /// Names of webhook configurations, of both kinds.
    pub configurations: Vec<String>,
    /// What clients call this server; nothing stands for the Service.
    pub names: Vec<String>,
    pub cluster_domain: String,
    pub pace: Pace,
    pub client_ca: Option<PathBuf>,
    pub client_names: Vec<String>,
    pub http2: bool,
}

/// What is left after the last answer has so much time.
const FAREWELL: Duration = Duration::from_secs(2);
/// Between two repairs of one bundle, at most.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One replica's part in it.
pub struct Keeper {
    managed: Managed,
    namespace: String,
    client: Client,
    registrations: Registrations,
    place: Place,
    book: Book,
    rotation: Rotation,
    name: String,
    begun: Instant,
    shared: Arc<Shared>,
    serving: Option<Pair>,
    client_ca: Option<Vec<u8>>,
    /// How often, and when the last was, by the uid of a configuration.
    repairs: BTreeMap<String, (u32, Instant)>,
    failing: bool,
}

impl Keeper {
    pub(super) fn new(client: Client, namespace: &str, managed: Managed, shared: Arc<Shared>) -> Keeper {
        let name = own_name();
        let jitter = u32::try_from(RandomState::new().hash_one(&name) % 1000).unwrap_or_default();
        shared.rotation.pending();
        Keeper {
            namespace: namespace.to_owned(),
            registrations: Registrations::new(client.clone(), managed.configurations.clone()),
            place: Place::new(client.clone(), namespace, managed.secret.clone()),
            client,
            book: Book::default(),
            rotation: Rotation::new(name.clone(), managed.pace, jitter),
            name,
            begun: Instant::now(),
            serving: None,
            client_ca: None,
            repairs: BTreeMap::new(),
            failing: false,
            managed,
            shared,
        }
    }

    /// Takes part for as long as it is polled.
    pub async fn keep(&mut self) -> Infallible {
        let changed = Notify::new();
        let (names, pause) = (self.managed.configurations.clone(), self.managed.pace.look());
        let watching = registrations::watch(self.client.clone(), names, &changed, pause);
        tokio::select! { never = self.rounds(&changed) => never, never = watching => never }
    }

    async fn rounds(&mut self, changed: &Notify) -> Infallible {
        loop {
            // A panic in one round must not prevent all others.
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let pause = self.managed.pace.look();
            let soon = pause.min(Pace::default().look());
            match round.unwrap_or_else(|_| Err("keeping certificates failed".to_owned())) {
                Ok(true) => {
                    self.failing = false;
                    // What was written is looked at soon.
                    sleep(soon / 10).await;
                }
                Ok(false) => {
                    self.failing = false;
                    // Somebody else's writes are looked at soon, too, but not more often.
                    let _ = timeout(pause, changed.notified()).await;
                    sleep(soon / 50).await;
                }
                Err(error) => {
                    self.shared.metrics.reloaded("authority", false);
                    // Said once; what is wrong is no news until it is over.
                    if !self.failing {
                        tracing::warn!(error, "the authority is out of sight; the last certificate stays");
                    }
                    self.failing = true;
                    self.shared.rotation.lost(error);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Tells the others that this replica serves no longer, once it has answered its last.
    pub async fn leave(&mut self) {
        let leaving = async {
            for _ in 0..3 {
                let Ok(seen) = self.place.read(&mut self.book).await else { return };
                let Secret::Read { kept, .. } = &seen.secret else { return };
                let Some(left) = self.rotation.farewell(kept) else { return };
                if self.place.write(&left, false, &seen, &self.book, &self.name).await != Ok(false) {
                    return;
                }
            }
        };
        // What is promised ends by itself.
        let _ = timeout(FAREWELL, leaving).await;
    }

    /// Whether there may be more to do at once.
    async fn round(&mut self) -> Result<bool, String> {
        let asked = self.begun.elapsed();
        let configurations = self.registrations.read(&mut self.book).await;
        let answered = self.begun.elapsed();
        let seen = match configurations {
            Ok(configurations) => {
                self.place.read(&mut self.book).await.map(|secret| (configurations, secret))
            }
            Err(error) => Err(error),
        };
        let cluster = seen.as_ref().ok().map(|(registrations, secret)| Cluster {
            configurations: registrations.configurations.clone(),
            secret: secret.secret.clone(),
        });
        let look = Look { now: since_1970(SystemTime::now()), asked, answered, cluster };
        let (book, life) = (&mut self.book, self.managed.pace.authority);
        let mut unmade = None;
        let mut make = || match book.make(life) {
            Ok(made) => Some(made),
            Err(error) => {
                unmade = Some(error.to_string());
                None
            }
        };
        let actions = self.rotation.step(&look, &mut make);
        if let Some(error) = unmade {
            return Err(error);
        }
        self.follow_clients()?;
        let mut wrote = false;
        for action in actions {
            match (action, &seen) {
                (Action::Serve(leaf), _) => {
                    self.serve(leaf).map_err(|error| error.to_string())?;
                    wrote = true;
                }
                (Action::Trust { configuration, authorities }, Ok((seen, _))) => {
                    if self.may_repair(&configuration, seen) {
                        wrote |=
                            self.registrations.trust(&configuration, &authorities, seen, &self.book).await?;
                    }
                }
                (Action::Keep { kept, granted }, Ok((_, seen))) => {
                    wrote |= self.place.write(&kept, granted, seen, &self.book, &self.name).await?;
                    tell(self.rotation.known(), &kept);
                }
                (_, Err(_)) => {}
            }
        }
        let (registrations, _) = seen?;
        self.tell_metrics();
        self.shared.rotation.synced();
        let entries = registrations.configurations.values().flat_map(|one| &one.entries).flatten();
        let known = self.rotation.known().map(Kept::trusted).unwrap_or_default();
        let leaf = self.rotation.leaf().map(|leaf| leaf.authority);
        let needed: BTreeSet<Id> = entries.copied().chain(known).chain(leaf).map(|one| one.id).collect();
        if !wrote {
            self.book.keep_only(&needed);
        }
        Ok(wrote)
    }

    /// Signs, and serves new handshakes with it from now on.
    fn serve(&mut self, leaf: Leaf) -> Result<(), CertError> {
        let now = SystemTime::now();
        let authority = self.book.own(leaf.authority.id).ok_or(CertError::NoKey)?;
        let life = (UNIX_EPOCH + leaf.ends).duration_since(now).unwrap_or_default();
        let signed = authority.sign(&self.names(), now, life)?;
        let pair = Pair::read(signed.chain.as_bytes(), signed.key.as_bytes(), now)?;
        self.use_pair(&pair)?;
        self.serving = Some(pair);
        self.rotation.serves(leaf);
        tracing::info!(authority = %leaf.authority.id, "new certificate");
        Ok(())
    }

    fn use_pair(&self, pair: &Pair) -> Result<(), CertError> {
        let clients = self.client_ca.as_deref().map(|pem| ClientCheck::new(pem, &self.managed.client_names));
        let config = server_config(pair, clients.transpose()?, self.managed.http2)?;
        self.shared.tls.replace(config, pair.ends);
        Ok(())
    }

    /// The authorities of clients, which come from a file.
    fn follow_clients(&mut self) -> Result<(), String> {
        let Some(path) = &self.managed.client_ca else { return Ok(()) };
        let read = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if self.client_ca.as_ref() == Some(&read) {
            return Ok(());
        }
        let failed = |error: CertError| format!("{}: {error}", path.display());
        ClientCheck::new(&read, &self.managed.client_names).map_err(failed)?;
        self.client_ca = Some(read);
        self.serving.as_ref().map_or(Ok(()), |pair| self.use_pair(pair)).map_err(failed)
    }

    fn names(&self) -> Vec<String> {
        let Managed { names, cluster_domain, .. } = &self.managed;
        if !names.is_empty() {
            return names.clone();
        }
        let service = format!("multipod.{}.svc", self.namespace);
        vec![format!("{service}.{cluster_domain}"), service]
    }

    /// Somebody may undo each repair: they become rarer then. An object that was made anew is another one.
    fn may_repair(&mut self, configuration: &str, seen: &registrations::Seen) -> bool {
        let now = Instant::now();
        let (look, calm) = (self.managed.pace.look(), self.managed.pace.hold * 2);
        self.repairs.retain(|_, (_, last)| now.duration_since(*last) <= calm);
        let (count, last) = self.repairs.entry(seen.uid(configuration)).or_insert((0, now));
        let pause = (look / 4 * 2_u32.pow((*count).min(10))).min(LONGEST_PAUSE);
        let may = *count == 0 || now >= *last + pause;
        if may {
            (*count, *last) = (*count + 1, now);
        }
        may
    }

    fn tell_metrics(&self) {
        let metrics = &self.shared.metrics;
        metrics.reloaded("authority", true);
        let Some(kept) = self.rotation.known() else { return };
        metrics.rotation(kept.phase().slug(), &Phase::ALL.map(Phase::slug), SystemTime::now());
        if let Some(signing) = kept.signing {
            metrics.certificate_expires("authority", UNIX_EPOCH + signing.ends);
        }
        if let Some(leaf) = self.rotation.leaf() {
            metrics.certificate_expires("leaf", UNIX_EPOCH + leaf.ends);
        }
    }
}

/// Says which phase has begun.
fn tell(before: Option<&Kept>, kept: &Kept) {
    let phase = kept.phase();
    if before.map(Kept::phase) != Some(phase) {
        tracing::info!(phase = phase.slug(), "the authority's phase");
    }
}
