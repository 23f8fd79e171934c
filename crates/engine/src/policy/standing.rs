//! What became of each object: what its status, the log and the metrics tell.

use crate::pattern::object::{Kind, Place, Problem};

/// A source. Of two objects with one name, that of the earlier layer is in force: a folder comes with the installation,
/// and whoever may write objects in the cluster cannot take its policies away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Folder,
    Cluster,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectState {
    pub kind: Kind,
    pub name: String,
    pub layer: Layer,
    /// Where it stands.
    pub place: Place,
    /// Which version of it this is, as an API server counts; files have none.
    pub(crate) generation: Option<i64>,
    pub standing: Standing,
    /// What is wrong with this version; nothing where it is in force.
    pub problems: Vec<Problem>,
}

/// What is in force of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// This version.
    InForce,
    /// This version has a mistake, and the last one without stays.
    LastGood,
    /// It is or may be enforced, there never was a version without a mistake, and the pods that it may be for are refused.
    Refusing,
    /// Nothing.
    LeftOut,
}

impl Standing {
    pub const ALL: [Standing; 4] =
        [Standing::InForce, Standing::LastGood, Standing::Refusing, Standing::LeftOut];

    /// Whether a version of it counts.
    pub const fn serves(self) -> bool {
        matches!(self, Standing::InForce | Standing::LastGood)
    }

    /// The machine's name for it.
    pub const fn slug(self) -> &'static str {
        match self {
            Standing::InForce => "in_force",
            Standing::LastGood => "last_good",
            Standing::Refusing => "refusing",
            Standing::LeftOut => "left_out",
        }
    }
}

impl ObjectState {
    /// Why it is not accepted, for people: every problem, with its place.
    pub fn message(&self) -> String {
        let told: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        told.join("\n")
    }
}
