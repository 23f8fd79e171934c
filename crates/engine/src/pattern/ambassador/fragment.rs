//! What an ambassador adds to a pod.

use std::borrow::Cow;

use crate::annotation::{Key, Problem};
use crate::pattern::change::Sysctl;
use crate::pattern::container::{
    Container, Mount, ObjectName, Port, Probe, Security, Text, Volume, VolumeSource,
};
use crate::pattern::settings::Needs;
use crate::pattern::user::NOBODY;
use crate::pattern::{Addition, Context, Fragment, Role, images};

use super::haproxy::{self, HEALTH_PATH, HEALTH_PORT};
use super::request::Request;
use super::route::{Route, resolve};
use super::text::{CONFIG_FILE, CONTAINER, PROGRAM, RENDERED};

const VOLUME: &str = "multipod-ambassador";
const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("32Mi", 32), memory_limit: ("128Mi", 128) };
const FOLDER: &str = "/usr/local/etc/haproxy";
const RENDERED_PATH: &str = "metadata.annotations['rendered.multipod/haproxy.cfg']";
/// Understood by every HAProxy since 1.5; -db stays in the foreground even where the file says daemon.
const COMMAND: [&str; 4] = ["haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"];

/// What a request adds to a pod.
pub(crate) fn fragment(request: &Request, context: &Context<'_>) -> Result<Fragment, Vec<Problem>> {
    let routes = resolve(request, context)?;
    let mut fragment = Fragment::new(Key::Ambassador, "ambassador");
    let mut container = container(request, context);
    let opened = routes.iter().filter(|route| !route.on_loopback()).map(|route| route.listen);
    container.ports.extend(opened.clone().map(open));
    container.loopback_ports.extend(routes.iter().filter(|r| r.on_loopback()).map(|route| route.listen));
    if let Some(port) = opened.clone().next() {
        container.startup_probe = Some(Probe::startup_tcp(port));
    } else {
        if let Some(route) = routes.iter().find(|route| route.listen == HEALTH_PORT) {
            return Err(vec![taken_by_health(route)]);
        }
        container.ports.push(open(HEALTH_PORT));
        container.startup_probe = Some(Probe::startup_http(HEALTH_PORT, HEALTH_PATH));
    }
    if routes.iter().any(|route| route.listen < 1024) {
        fragment.add(Sysctl {
            name: Cow::Borrowed("net.ipv4.ip_unprivileged_port_start"),
            value: Cow::Borrowed("0"),
        });
    }
    if let Some(name) = &request.config {
        let source = VolumeSource::ConfigMap(ObjectName { name: Cow::Owned(name.clone()) });
        fragment.add(Volume { name: Cow::Borrowed(VOLUME), source });
    } else {
        fragment.add(Volume::rendered(VOLUME, CONFIG_FILE, RENDERED_PATH));
        let needs_health = opened.clone().next().is_none();
        fragment.rendered(RENDERED, haproxy::render(&routes, needs_health, context.settings.ip_families));
    }
    let routes = routes.into_iter().map(|route| route.planned(request)).collect();
    fragment.add(Addition { routes, ..Addition::new(Role::Sidecar(request.settings.sidecar), container) });
    Ok(fragment)
}

fn taken_by_health(route: &Route<'_>) -> Problem {
    let label = format!("port {HEALTH_PORT} is where the ambassador tells the kubelet that it works");
    Problem::new(route.request.span, label).help("Choose another port to listen on.")
}

fn container(request: &Request, context: &Context<'_>) -> Container {
    let settings = context.settings;
    let image = settings.image_for(PROGRAM, &request.settings, images::AMBASSADOR);
    let resources = settings.resources_for(PROGRAM, &request.settings, NEEDS);
    let mut container = Container::new(CONTAINER, image, resources);
    container.command = COMMAND.map(Text::Borrowed).to_vec();
    container.volume_mounts.reserve_exact(2);
    container.volume_mounts.push(Mount::new(VOLUME, FOLDER).read_only());
    if !context.assigns_users() {
        // The image's user is a name, which the kubelet cannot prove to be other than root.
        let user = Some(NOBODY);
        container.security_context =
            Security { run_as_user: user, run_as_group: user, ..Security::RESTRICTED };
    }
    container
}

fn open(port: u16) -> Port {
    Port { name: None, container_port: port, host_port: None, protocol: None }
}
