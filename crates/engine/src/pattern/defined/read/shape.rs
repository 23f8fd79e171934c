//! What stands in the parts of a `Pattern` that are read by hand: their names, which the reader takes from here, and for the
//! schema of the custom resource what each holds.
#![expect(
    dead_code,
    reason = "the tree is read field by field, so that every problem is told, with its line"
)]

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use crate::pattern::defined::params::Type;
use crate::pattern::written::{Anything, IntOrString, List, Map, Quoted};

/// A value that annotations give the pattern.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Param {
    /// What it may hold.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = Type::NAMES))]
    kind: Quoted<16>,
    /// What holds where the annotation does not give it.
    default: Option<Anything>,
    /// Whether nothing at all is fine too: what names the param is then left out.
    optional: Option<bool>,
    /// What it is for.
    description: Option<Quoted>,
    /// The words that a param of type enum may hold.
    values: Option<List<Quoted, 256>>,
    /// The least that a param of type integer may hold.
    min: Option<i64>,
    /// The most that a param of type integer may hold.
    max: Option<i64>,
}

/// Where Prometheus scrapes.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Scrape {
    /// The port that serves the numbers.
    #[schemars(range(min = 1, max = 65535))]
    port: u16,
    /// The path that serves them; /metrics where it is not given.
    path: Option<Quoted>,
    /// The name of the port; the pattern's name with -prom behind it where it is not given.
    name: Option<Quoted<15>>,
}

/// A container, with the fields that Kubernetes has, and `role` and `loopbackPorts` besides.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(super) struct Container {
    /// Its name; in the pod it has multipod- before it.
    name: Quoted<63>,
    /// Its image.
    image: Quoted,
    /// Whether it runs beside the app, which is so where nothing is said, or is a step that ends before the app starts.
    #[schemars(with = "Option<Role>")]
    role: (),
    /// Ports that it opens on loopback only, so that other patterns and the app do not take them too.
    #[schemars(with = "Option<List<LoopbackPort, 256>>")]
    loopback_ports: (),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Role {
    Sidecar,
    Step,
}

/// A port that is open on loopback only.
#[derive(Deserialize, JsonSchema)]
pub(super) struct LoopbackPort {
    /// The number, or a param.
    port: IntOrString,
    /// TCP where nothing is said.
    #[schemars(extend("enum" = ["TCP", "UDP"]))]
    protocol: Option<Quoted<3>>,
}

/// A volume, as in Kubernetes: a name and one source.
#[derive(JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(super) struct Volume {
    /// Its name; in the pod it has multipod- before it.
    name: Quoted<63>,
}

/// What the containers of the app get.
#[derive(Deserialize, JsonSchema)]
pub(super) struct App {
    /// Which of them: `default`, which is so where nothing is said, `all`, or the name of one.
    container: Option<Quoted<63>>,
    /// Volumes of the pattern that they see.
    mounts: Option<List<Mount, 256>>,
    /// Their variables; of several with one name, the first counts of which all params are given.
    env: Option<List<Env, 256>>,
}

/// A volume of the pattern, and where it is seen.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    /// The name of the volume.
    name: Quoted<63>,
    /// Where it is seen.
    mount_path: Quoted,
    /// The file or folder in the volume that is seen there.
    sub_path: Option<Quoted>,
    /// The same, with variables of the container in it.
    sub_path_expr: Option<Quoted>,
    /// Whether it can only be read.
    read_only: Option<bool>,
}

/// A variable.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Env {
    /// Its name.
    name: Quoted,
    /// Its value.
    value: Option<Quoted>,
    /// Where its value comes from, as in Kubernetes.
    value_from: Option<Anything>,
}

/// A kernel setting of the pod.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Sysctl {
    /// Its name.
    name: Quoted,
    /// Its value.
    value: Quoted,
}

pub(super) type Params = Map<Param, 256>;
pub(super) type Containers = List<Container, 256>;
pub(super) type Volumes = List<Volume, 256>;
pub(super) type Annotations = Map<Quoted, 256>;
pub(super) type Sysctls = List<Sysctl, 256>;

/// The names of the fields of a type.
pub(super) fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    let _ = T::deserialize(Fields(&mut fields));
    fields
}

/// Reads nothing, and keeps what the type says of itself when it asks to be read.
struct Fields<'f>(&'f mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is nothing to read"))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("there is nothing to read"))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
