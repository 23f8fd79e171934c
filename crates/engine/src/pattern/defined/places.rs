//! Where a param may stand: one table for everything that a definition can say.

use multipod_values as value;

use super::params::{Param, Type};
use super::phrase::Phrase;

/// The params that a place of a definition takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// None: what stands here is the definition's alone.
    Nothing,
    Anything,
    /// Anything, but text only behind something that keeps it from being read as an option.
    Argument,
    /// Where a volume appears in the app.
    MountPath,
    /// What a check asks for.
    UrlPath,
    /// The name of a Secret or ConfigMap, or of one of its keys.
    Reference,
    /// A port, and nothing around it.
    Port,
    /// A number of bytes, and nothing around it.
    Quantity,
}

/// `*` is any item of a list or key of a map. What is not listed takes nothing.
const PLACES: [(&str, Allowed); 24] = [
    ("annotations.*", Allowed::Anything),
    ("app.env.*.value", Allowed::Anything),
    ("app.env.*.valueFrom.configMapKeyRef.key", Allowed::Reference),
    ("app.env.*.valueFrom.configMapKeyRef.name", Allowed::Reference),
    ("app.env.*.valueFrom.secretKeyRef.key", Allowed::Reference),
    ("app.env.*.valueFrom.secretKeyRef.name", Allowed::Reference),
    ("app.mounts.*.mountPath", Allowed::MountPath),
    ("containers.*.args.*", Allowed::Argument),
    ("containers.*.env.*.value", Allowed::Anything),
    ("containers.*.env.*.valueFrom.configMapKeyRef.key", Allowed::Reference),
    ("containers.*.env.*.valueFrom.configMapKeyRef.name", Allowed::Reference),
    ("containers.*.env.*.valueFrom.secretKeyRef.key", Allowed::Reference),
    ("containers.*.env.*.valueFrom.secretKeyRef.name", Allowed::Reference),
    ("containers.*.envFrom.*.configMapRef.name", Allowed::Reference),
    ("containers.*.envFrom.*.secretRef.name", Allowed::Reference),
    ("containers.*.PROBE.grpc.port", Allowed::Port),
    ("containers.*.PROBE.httpGet.path", Allowed::UrlPath),
    ("containers.*.PROBE.httpGet.port", Allowed::Port),
    ("containers.*.PROBE.tcpSocket.port", Allowed::Port),
    ("containers.*.loopbackPorts.*.port", Allowed::Port),
    ("containers.*.ports.*.containerPort", Allowed::Port),
    ("volumes.*.configMap.name", Allowed::Reference),
    ("volumes.*.emptyDir.sizeLimit", Allowed::Quantity),
    ("volumes.*.secret.secretName", Allowed::Reference),
];

/// What the place at the end of this path through the spec takes.
pub(super) fn allowed_at(path: &[String]) -> Allowed {
    let is = |pattern: &str, key: &str| match pattern {
        "*" => true,
        "PROBE" => ["livenessProbe", "readinessProbe", "startupProbe"].contains(&key),
        name => name == key,
    };
    let matches = |pattern: &str| {
        let mut keys = path.iter();
        pattern.split('.').all(|name| keys.next().is_some_and(|key| is(name, key))) && keys.next().is_none()
    };
    PLACES.iter().find(|(pattern, _)| matches(pattern)).map_or(Allowed::Nothing, |(_, allowed)| *allowed)
}

/// Whether this text may stand at such a place; else what is wrong with it.
pub(super) fn check(phrase: &Phrase, allowed: Allowed, params: &[Param]) -> Result<(), String> {
    let alone = phrase.is_hole();
    for param in phrase.params() {
        let Param { name, kind, .. } = &params[param];
        let hole = format!("$(params.{name})");
        match (allowed, kind) {
            (Allowed::Anything | Allowed::Argument, _)
            | (Allowed::MountPath, Type::Path | Type::Name)
            | (Allowed::UrlPath, Type::UrlPath | Type::Path)
            | (Allowed::Reference, Type::Secret | Type::Name | Type::Identifier | Type::Enum(_)) => {}
            (Allowed::Port, Type::Port) | (Allowed::Quantity, Type::Quantity) if alone => {}
            (Allowed::Nothing, _) => {
                return Err(format!("{hole} cannot stand here, this is not for annotations to say"));
            }
            (Allowed::Port, Type::Port) | (Allowed::Quantity, Type::Quantity) => {
                return Err(format!("{hole} must stand alone here"));
            }
            _ => return Err(format!("{hole} is of type {}, which cannot stand here", kind.name())),
        }
    }
    let begins = phrase.first_param().map(|param| &params[param]);
    match (allowed, begins) {
        (Allowed::Argument, Some(Param { kind: Type::String, name, .. })) => Err(format!(
            "$(params.{name}) could be read as another option; write --option=$(params.{name}) or use a variable"
        )),
        (Allowed::MountPath, Some(Param { kind: Type::Name, .. })) => {
            Err("expected an absolute path".to_owned())
        }
        (Allowed::MountPath, None)
            if phrase.fixed().is_none_or(|text| value::absolute_path(text).is_err()) =>
        {
            Err("expected an absolute path".to_owned())
        }
        _ => Ok(()),
    }
}
