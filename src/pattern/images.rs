//! The default images, which `images.yaml` lists: a constant for each pattern, and all of them for the adapters.

include!(concat!(env!("OUT_DIR"), "/images.rs"));

/// The image of a container of an adapter.
pub(super) fn of(container: &str) -> Option<&'static str> {
    ALL.iter().find(|(name, _)| *name == container).map(|(_, image)| *image)
}
