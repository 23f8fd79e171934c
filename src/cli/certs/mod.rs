//! `multipod certs`.

mod manifest;
mod registration;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use multipod_certs::{Authority, CertError, Signed};

use crate::manifest as stream;

use super::input::{read_one, read_text};
use super::output;
use super::report::{self, Failure};
use manifest::Material;
use registration::{Registration, Service};

/// Create the webhook's certificate: a Secret, and the caBundle of the webhooks
///
/// Creates a certificate authority and a certificate for the webhook's Service, and prints the Secret that the server mounts.
/// With --fill, it prints the given manifests with the Secret and the caBundle. Needs no cluster and no other tool. The output
/// contains a private key: pipe it, or store it as you store keys.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Manifests to print with the Secret and the caBundle; - is standard input
    #[arg(long, value_name = "FILE")]
    fill: Option<PathBuf>,

    /// An existing Secret. It stays unchanged while it is valid for another third of --days. An empty file, as kubectl get
    /// --ignore-not-found writes it, counts as no Secret
    #[arg(long, value_name = "FILE")]
    reuse: Option<PathBuf>,

    /// The namespace of the Service [default: what the webhooks say, otherwise multipod-system]
    #[arg(short = 'n', long, value_name = "NAME", value_parser = label)]
    namespace: Option<String>,

    /// The Service [default: what the webhooks say, otherwise multipod]
    #[arg(long, value_name = "NAME", value_parser = label)]
    service: Option<String>,

    /// The cluster domain, which ends the DNS names of Services
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local", value_parser = domain)]
    cluster_domain: String,

    /// The name of the Secret
    #[arg(long, value_name = "NAME", default_value = "multipod-tls", value_parser = domain)]
    secret: String,

    /// How long the certificate is valid; never longer than its authority
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,

    /// An existing authority, in PEM; by default a new one, valid for ten years
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca: Option<PathBuf>,

    /// Its key, in PEM
    #[arg(long, value_name = "FILE", requires = "ca")]
    ca_key: Option<PathBuf>,

    /// Also write ca.crt, ca.key, tls.crt and tls.key to this directory, with keys that only their owner can read. Without it,
    /// the key of a new authority is not stored anywhere
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const NOTES: &str = "\
Only for a webhook whose certificate comes from a Secret (the component certificates-from-secret).
By default, the replicas create and rotate their certificates themselves.

EXAMPLES
  kubectl kustomize . | multipod certs --fill - | kubectl apply -f -
  multipod certs --out certs/ --fill deploy.yaml > all.yaml
  multipod certs --ca certs/ca.crt --ca-key certs/ca.key | kubectl apply -f -

INSTALL, UPGRADE AND RENEW WITH ONE COMMAND
  kubectl get secret -n multipod-system multipod-tls -o yaml --ignore-not-found > secret.yaml &&
    kubectl kustomize . | multipod certs --fill - --reuse secret.yaml | kubectl apply -f -
  After a renewal, the webhooks trust the previous authority and the new one, so that API
  servers accept every replica, whichever certificate it has.

EXIT CODES
  0  everything was printed
  2  something cannot be read or is invalid; nothing was printed";

const YEARS_10: Duration = Duration::from_hours(3650 * 24);
const OWNER_ONLY: u32 = 0o600;
const WORLD_READABLE: u32 = 0o644;

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let now = SystemTime::now();
        if [&self.fill, &self.reuse].iter().all(|file| file.as_deref() == Some(Path::new("-"))) {
            return Err(Failure::one(
                "the standard input can be read only once: give --fill or --reuse a file",
            ));
        }
        let (name, text) = self.fill.as_deref().map(read_one).transpose()?.unwrap_or_default();
        let documents = multipod_yaml::documents(&text)
            .map_err(|error| Failure::one(format!("{name}:{}: {}", error.line, error.message)))?;
        let wanted = (self.namespace.as_deref(), self.service.as_deref());
        let registration = Registration::find(&name, &documents, wanted, self.fill.is_some())?;
        let names = names(&registration.service, &self.cluster_domain);
        let earlier = self.reuse.as_deref().map(earlier).transpose()?.flatten();
        let renews = earlier.is_some();
        let (material, key) = self.material(&names, earlier, now)?;
        if let Some(folder) = &self.out {
            write(folder, &material, key.as_deref())
                .map_err(|error| Failure::one(format!("{}: {error}", folder.display())))?;
        }
        let secret = material.secret(&self.secret, &registration.service.namespace);
        let filled = registration.filled(&material.authorities, secret, renews)?;
        output::print(&stream::yaml(&filled), ExitCode::SUCCESS)
    }

    /// The earlier material, if it is valid long enough, else new material; and the key of the authority, where it is known.
    fn material(
        &self,
        names: &[String],
        earlier: Option<Material>,
        now: SystemTime,
    ) -> Result<(Material, Option<String>), Failure> {
        let life = Duration::from_hours(u64::from(self.days) * 24);
        let failed = |error: CertError| Failure::one(error.to_string());
        let given = match (&self.ca, &self.ca_key) {
            (Some(ca), Some(key)) => Some(given(ca, key, now)?),
            _ => None,
        };
        let mut why = None;
        if let Some(kept) = &earlier {
            let authorities = given.as_ref().map_or(&*kept.authorities, Authority::certificate);
            why = kept.lasts(authorities, names, now, life).err();
            if why.is_none() {
                report::note("the certificate stays as it is");
                return Ok((kept.clone(), None));
            }
        }
        let authority = if let Some(given) = given {
            given
        } else {
            self.check_no_key_is_replaced()?;
            Authority::make("multipod authority", now, YEARS_10).map_err(failed)?
        };
        let signed = authority.sign(names, now, life).map_err(failed)?;
        let mut authorities = authority.certificate().to_owned();
        if let Some(before) = earlier.and_then(|earlier| earlier.authority(now))
            && before.trim() != authorities.trim()
        {
            authorities += &before;
        }
        if let Some(why) = why {
            report::note(&format!("a new certificate, because of the previous one: {why}"));
        }
        Ok((Material { signed, authorities }, Some(authority.key())))
    }

    /// A new key must not replace one that may be in use.
    fn check_no_key_is_replaced(&self) -> Result<(), Failure> {
        match self.out.as_deref().map(|folder| (folder.join("ca.crt"), folder.join("ca.key"))) {
            Some((ca, key)) if key.exists() => Err(Failure::one(format!(
                "{key} is there already; use it: --ca {ca} --ca-key {key}",
                ca = ca.display(),
                key = key.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// The name by which an API server calls a Service, and the full one.
fn names(Service { namespace, name }: &Service, cluster_domain: &str) -> Vec<String> {
    vec![format!("{name}.{namespace}.svc"), format!("{name}.{namespace}.svc.{cluster_domain}")]
}

fn given(ca: &Path, key: &Path, now: SystemTime) -> Result<Authority, Failure> {
    let ((name, ca), (_, key)) =
        report::both(read_text(ca).map_err(Failure::one), read_text(key).map_err(Failure::one))?;
    Authority::read(&ca, &key, now).map_err(|error| Failure::one(format!("{name}: {error}")))
}

fn earlier(file: &Path) -> Result<Option<Material>, Failure> {
    let (name, text) = read_one(file)?;
    Material::read(&text).map_err(|why| Failure::one(format!("{name}: {why}")))
}

fn write(folder: &Path, material: &Material, ca_key: Option<&str>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Signed { chain, key } = &material.signed;
    for (name, text, mode) in [
        ("ca.crt", Some(&*material.authorities), WORLD_READABLE),
        ("ca.key", ca_key, OWNER_ONLY),
        ("tls.crt", Some(chain), WORLD_READABLE),
        ("tls.key", Some(key), OWNER_ONLY),
    ] {
        let (Some(text), path) = (text, folder.join(name)) else { continue };
        // An existing file would keep its mode.
        let new = folder.join(format!(".{name}.new"));
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(new, path)?;
    }
    Ok(())
}

fn label(text: &str) -> Result<String, String> {
    let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_label = (1..=63).contains(&text.len())
        && text.bytes().all(good)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if is_label { Ok(text.to_owned()) } else { Err("expected a-z, 0-9 and -, at most 63".to_owned()) }
}

fn domain(text: &str) -> Result<String, String> {
    text.split('.').try_for_each(|part| label(part).map(drop)).map(|()| text.to_owned())
}
