//! The webhooks in manifests: the Service that they call, and the authorities that they trust.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::cli::report::Failure;
use multipod_yaml::{Document, Edit};

const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The Service that the API server calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Service {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Manifests, and the Service of their webhooks.
#[derive(Debug)]
pub(super) struct Registration<'d> {
    file: &'d str,
    documents: &'d [Document<'d>],
    pub(super) service: Service,
}

impl<'d> Registration<'d> {
    /// Finds the one Service with this namespace and name, as far as they are given, that webhooks call. Where manifests are
    /// to be `filled`, there must be one.
    pub(super) fn find(
        file: &'d str,
        documents: &'d [Document<'d>],
        (namespace, name): (Option<&str>, Option<&str>),
        filled: bool,
    ) -> Result<Registration<'d>, Failure> {
        let services = documents.iter().flat_map(|document| webhooks(document.value()));
        let services: BTreeSet<Service> = services
            .filter_map(|(_, webhook)| service(webhook))
            .filter(|service| namespace.is_none_or(|wanted| wanted == service.namespace))
            .filter(|service| name.is_none_or(|wanted| wanted == service.name))
            .collect();
        let mut found = services.into_iter();
        let service = match (found.next(), found.next()) {
            (Some(service), None) => service,
            (None, _) if !filled => Service {
                namespace: namespace.unwrap_or("multipod-system").to_owned(),
                name: name.unwrap_or("multipod").to_owned(),
            },
            (None, _) => {
                return Err(Failure::one(format!(
                    "{file}: no webhook calls such a Service, so there is nothing to fill"
                )));
            }
            (Some(one), Some(other)) => {
                return Err(Failure::one(format!(
                    "{file}: webhooks call {}/{} and {}/{}; say which one with --namespace and --service",
                    one.namespace, one.name, other.namespace, other.name
                )));
            }
        };
        Ok(Registration { file, documents, service })
    }

    /// The manifests, in which the webhooks of the Service trust these authorities, and the Secret. A new one comes before
    /// the objects that need it; a renewed one last, when the webhooks trust its authority already.
    pub(super) fn filled(
        &self,
        authorities: &str,
        secret: String,
        renews: bool,
    ) -> Result<Vec<Vec<Cow<'d, str>>>, Failure> {
        if let Some(document) = self.documents.iter().find(|document| is_managed(document.value())) {
            return Err(Failure::one(format!(
                "{}:{}: these replicas make their certificates themselves (MULTIPOD_CERTIFICATE_SECRET) and would undo this: \
                 apply the manifests as they are, or add the component certificates-from-secret",
                self.file,
                document.first_line()
            )));
        }
        let bundle = BASE64_STANDARD.encode(authorities);
        let mut files: Vec<Vec<Cow<'d, str>>> = Vec::new();
        for document in self.documents {
            let edits = self.edits(document, &bundle);
            let text = if edits.is_empty() {
                document.ended()
            } else {
                let line = document.first_line();
                let edited = document.edit(&edits);
                Cow::Owned(
                    edited.map_err(|error| Failure::one(format!("{}:{line}: {error}", self.file)))?.text,
                )
            };
            files.push(vec![text]);
        }
        let namespace = self.documents.iter().position(|document| self.is_namespace(document.value()));
        let place = if renews { files.len() } else { namespace.map_or(0, |index| index + 1) };
        files.insert(place, vec![Cow::Owned(secret)]);
        Ok(files)
    }

    fn edits(&self, document: &Document, bundle: &str) -> Vec<Edit> {
        let ours = webhooks(document.value())
            .filter(|(_, webhook)| service(webhook).as_ref() == Some(&self.service));
        ours.map(|(index, _)| Edit::Add {
            pointer: format!("/webhooks/{index}/clientConfig/caBundle"),
            value: Value::from(bundle),
        })
        .collect()
    }

    fn is_namespace(&self, value: &Value) -> bool {
        value["kind"] == "Namespace" && value["metadata"]["name"] == *self.service.namespace
    }
}

/// Whether it is a Deployment of replicas that make their certificates themselves.
fn is_managed(value: &Value) -> bool {
    let containers = value.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let variables = containers.into_iter().flatten().filter_map(|container| container["env"].as_array());
    variables.flatten().any(|variable| variable["name"] == "MULTIPOD_CERTIFICATE_SECRET")
}

fn webhooks(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    let is_one = KINDS.iter().any(|kind| value["kind"] == *kind);
    value["webhooks"].as_array().filter(|_| is_one).into_iter().flatten().enumerate()
}

fn service(webhook: &Value) -> Option<Service> {
    let service = &webhook["clientConfig"]["service"];
    let text = |key: &str| service[key].as_str().map(str::to_owned);
    Some(Service { namespace: text("namespace")?, name: text("name")? })
}
