//! The default images, which `images.yaml` lists: a constant for each pattern, and all of them for the adapters.

include!(concat!(env!("OUT_DIR"), "/images.rs"));

/// The image of a container of an adapter.
pub(super) fn of(container: &str) -> Option<&'static str> {
    ALL.iter().find(|(name, _)| *name == container).map(|(_, image)| *image)
}

/// The adapter whose exporter is called so.
pub fn adapter_of_image(program: &str) -> Option<&'static str> {
    let mut adapters = ALL.iter().filter_map(|(name, image)| Some((name.strip_prefix("metrics-")?, image)));
    adapters.find(|(_, image)| base_name(image) == program).map(|(name, _)| name)
}

/// The last part of an image's name, without its tag and digest; or of a path.
pub fn base_name(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}
