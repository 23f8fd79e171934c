//! Service meshes, as far as pods show them.

/// A mesh that sends all traffic of a pod through a proxy.
pub(super) struct Mesh {
    /// The init container that sets that up.
    pub(crate) redirect: &'static str,
    pub(crate) proxy: &'static str,
}

pub(super) const MESHES: [Mesh; 5] = [
    Mesh { redirect: "istio-init", proxy: "istio-proxy" },
    Mesh { redirect: "linkerd-init", proxy: "linkerd-proxy" },
    Mesh { redirect: "kuma-init", proxy: "kuma-sidecar" },
    Mesh { redirect: "consul-connect-inject-init", proxy: "consul-dataplane" },
    Mesh { redirect: "osm-init", proxy: "envoy" },
];

/// Further init containers of theirs.
const OTHERS: [&str; 4] =
    ["istio-validation", "enable-core-dump", "linkerd-network-validator", "kuma-validation"];

/// Those that must run before anything that uses the network.
pub fn init_names() -> impl Iterator<Item = &'static str> {
    OTHERS.into_iter().chain(MESHES.iter().map(|mesh| mesh.redirect))
}

/// Whether it must run before anything that uses the network.
pub(super) fn is_init(name: &str) -> bool {
    init_names().any(|init| init == name)
}
