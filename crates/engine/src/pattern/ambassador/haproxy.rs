//! Renders `haproxy.cfg`. Every value is a number or a checked name, so nothing in it can be read as another directive.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::pattern::settings::IpFamilies;
use multipod_values::show_duration;

use super::request::{CONNECT_TIMEOUT, Mode, TIMEOUT};
use super::route::{Route, To};

/// Answers the kubelet when every route listens on loopback, where the kubelet cannot reach.
pub(crate) const HEALTH_PORT: u16 = 16080;
pub(super) const HEALTH_PATH: &str = "/healthz";

/// Connections over all routes. Without it HAProxy takes as much memory as the container's descriptor limit allows.
pub const MAXCONN: u32 = 1024;
/// How long the head of a request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// Run-time resolution: addresses follow the cluster's DNS, and a name that is not there yet is asked for again. Servers
/// start without an address (`init-addr none`), so that no slow or missing name holds up the proxy. An address that the
/// DNS no longer names is left after five seconds: whoever had it may be gone.
const RESOLVERS: &str = "
resolvers cluster
  parse-resolv-conf
  accepted_payload_size 8192
  resolve_retries 3
  timeout resolve 1s
  timeout retry 1s
  hold valid 5s
  hold nx 1s
  hold other 1s
  hold refused 1s
  hold timeout 1s
  hold obsolete 5s
";

pub(super) fn render(routes: &[Route<'_>], health: bool, families: IpFamilies) -> String {
    let mut text = String::with_capacity(640 + routes.len() * 160);
    // Writing to a String cannot fail.
    let _ = write(&mut text, routes, health, families);
    text
}

fn write(text: &mut String, routes: &[Route<'_>], health: bool, families: IpFamilies) -> fmt::Result {
    let (idle, connect) = (show_duration(TIMEOUT), show_duration(CONNECT_TIMEOUT));
    write!(text, "global\n  maxconn {MAXCONN}\n\ndefaults\n  mode tcp\n  timeout connect {connect}\n")?;
    writeln!(text, "  timeout client {idle}\n  timeout server {idle}")?;
    if routes.iter().any(|route| matches!(route.to, To::Outside { is_name: true, .. })) {
        text.push_str(RESOLVERS);
    }
    for route in routes {
        text.push('\n');
        listener(text, route, families)?;
    }
    if health {
        text.push_str("\nlisten health\n  mode http\n");
        bind(text, families, false, HEALTH_PORT)?;
        writeln!(text, "  monitor-uri {HEALTH_PATH}")?;
    }
    Ok(())
}

fn listener(text: &mut String, route: &Route<'_>, families: IpFamilies) -> fmt::Result {
    let side = if route.on_loopback() { "outbound" } else { "inbound" };
    writeln!(text, "listen {side}-{}", route.listen)?;
    bind(text, families, route.on_loopback(), route.listen)?;
    let options = &route.request.options;
    if options.mode.value == Some(Mode::Http) {
        text.push_str("  mode http\n");
        if !route.on_loopback() {
            text.push_str("  option forwardfor\n");
        }
        http_timeouts(text, options.timeout.value)?;
    }
    if let Some(time) = options.timeout.value {
        let time = show_duration(time);
        writeln!(text, "  timeout client {time}\n  timeout server {time}")?;
    }
    if let Some(time) = options.connect_timeout.value {
        writeln!(text, "  timeout connect {}", show_duration(time))?;
    }
    match &route.to {
        To::App(port) => {
            let loopback = if families == IpFamilies::Ipv6 { "[::1]" } else { "127.0.0.1" };
            write!(text, "  server app {loopback}:{port}")?;
        }
        To::Outside { host, is_name, port } => {
            write!(text, "  server target {host}:{port}")?;
            if *is_name {
                let prefer = if families == IpFamilies::Ipv6 { "ipv6" } else { "ipv4" };
                write!(text, " resolvers cluster resolve-prefer {prefer} init-addr none")?;
            }
        }
        To::OwnConfig => {}
    }
    match options.maxconn.value {
        Some(most) => writeln!(text, " maxconn {most}"),
        None => writeln!(text),
    }
}

/// A connection without a request, which HAProxy waits for when it is told to end, must not hold up the end of the pod.
/// Between two requests it may stay idle for as long as any other: HAProxy closes those by itself.
fn http_timeouts(text: &mut String, idle: Option<Duration>) -> fmt::Result {
    let idle = idle.unwrap_or(TIMEOUT);
    let request = show_duration(idle.min(REQUEST));
    writeln!(text, "  timeout http-request {request}\n  timeout http-keep-alive {}", show_duration(idle))
}

/// Only the families that the cluster has: a bind on IPv6 stops HAProxy where the kernel has none.
fn bind(text: &mut String, families: IpFamilies, loopback: bool, port: u16) -> fmt::Result {
    match (families, loopback) {
        (IpFamilies::Ipv4, false) => writeln!(text, "  bind 0.0.0.0:{port}"),
        (IpFamilies::Ipv4, true) => writeln!(text, "  bind 127.0.0.1:{port}"),
        (IpFamilies::Ipv6, false) => writeln!(text, "  bind [::]:{port} v6only"),
        (IpFamilies::Ipv6, true) => writeln!(text, "  bind [::1]:{port}"),
        (IpFamilies::Dual, false) => writeln!(text, "  bind [::]:{port} v4v6"),
        (IpFamilies::Dual, true) => writeln!(text, "  bind 127.0.0.1:{port}\n  bind [::1]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_waited_for_no_longer_than_an_idle_connection_lives() {
        for (idle, expected) in [
            (None, ["10s", "50s"]),
            (Some(Duration::from_secs(5)), ["5s", "5s"]),
            (Some(Duration::from_hours(1)), ["10s", "1h"]),
        ] {
            let mut text = String::new();
            http_timeouts(&mut text, idle).unwrap();
            let [request, keep_alive] = expected;
            assert_eq!(
                text,
                format!("  timeout http-request {request}\n  timeout http-keep-alive {keep_alive}\n")
            );
        }
    }
}
