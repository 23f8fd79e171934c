//! HAProxy in front of the app, or before what it calls.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use multipod_engine::annotation::Key;
use multipod_engine::pattern::ambassador::CONFIG_FILE;
use multipod_engine::pattern::ambassador::haproxy::MAXCONN;
use serde_json::Value;

use super::container::{Container, Pod};
use super::item::{Item, Recognised};

pub(super) fn recognise<'m>(
    container: &Container<'_>,
    pod: &Pod<'_>,
    config_map: impl Fn(&str) -> Option<&'m Value>,
) -> Recognised {
    (container.program() == "haproxy" && !container.is_step()).then(|| item(container, pod, config_map))
}

fn item<'m>(
    container: &Container<'_>,
    pod: &Pod<'_>,
    config_map: impl Fn(&str) -> Option<&'m Value>,
) -> Result<Item, String> {
    let volumes: Vec<&Value> = container.mounts().filter_map(|(name, _)| pod.volume(name)).collect();
    // What it mounts besides, such as certificates, no annotation brings.
    let [volume] = volumes[..] else {
        return Err("its configuration has to be all that it mounts".to_owned());
    };
    let Some(name) = volume["configMap"]["name"].as_str() else {
        return Err("its configuration is in no ConfigMap".to_owned());
    };
    let map = config_map(name)
        .ok_or_else(|| format!("the ConfigMap {name} is not among these manifests; name its file too"))?;
    let config = map["data"][CONFIG_FILE]
        .as_str()
        .ok_or_else(|| format!("the ConfigMap {name} has no {CONFIG_FILE}"))?;
    let text = match routes(config) {
        Ok(routes) => routes.join(", "),
        // What an item cannot say stays in the configuration.
        Err(ports) => format!("{}, config={name}", ports?.join(", ")),
    };
    Ok(Item { key: Key::Ambassador, text, mounts: Vec::new() })
}

/// What a section says.
#[derive(Clone, Debug, Default)]
struct Section<'c> {
    kind: &'c str,
    binds: Vec<&'c str>,
    servers: Vec<Vec<&'c str>>,
    backend: Option<&'c str>,
    /// `mode`, `timeout client`…
    set: BTreeMap<String, &'c str>,
}

/// The items that say the same; or else the ports that it listens on.
fn routes(config: &str) -> Result<Vec<String>, Result<Vec<String>, String>> {
    let (sections, other) = sections(config);
    let listening = || sections.iter().filter(|(_, section)| !section.binds.is_empty());
    let ports = || {
        let ports: Option<Vec<String>> = listening()
            .flat_map(|(_, section)| &section.binds)
            .map(|bind| bind.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()))
            .map(|port| port.map(|(_, port)| port.to_owned()))
            .collect();
        ports.filter(|ports| !ports.is_empty()).ok_or_else(|| "its ports cannot be read".to_owned())
    };
    let defaults =
        sections.iter().find(|(_, section)| section.kind == "defaults").map(|(_, section)| section);
    let route = |section: &Section<'_>| {
        let backend = match section.backend {
            Some(name) => {
                sections.iter().find(|(at, one)| *at == name && one.kind == "backend").map(|(_, one)| one)?
            }
            None => section,
        };
        let ([bind], [server]) = (&section.binds[..], &backend.servers[..]) else { return None };
        let mut set = defaults.map(|section| section.set.clone()).unwrap_or_default();
        set.extend(section.set.clone());
        set.extend(backend.set.clone());
        item_of(bind, server, &set)
    };
    let items: Option<Vec<String>> = listening().map(|(_, section)| route(section)).collect();
    match items {
        Some(items) if !other && !items.is_empty() => Ok(items),
        _ => Err(ports()),
    }
}

fn item_of(bind: &str, server: &[&str], set: &BTreeMap<String, &str>) -> Option<String> {
    let (from, port) = bind.rsplit_once(':')?;
    let (_, address, options) = (server.first()?, server.get(1)?, server.get(2..).unwrap_or_default());
    let (host, target) = address.rsplit_once(':')?;
    let is_own = matches!(host, "127.0.0.1" | "localhost");
    let mut item = match (from, is_own) {
        ("*" | "" | "0.0.0.0" | "[::]", true) => format!("{port}:{target}"),
        ("127.0.0.1", false) => format!("{port}:{host}:{target}"),
        _ => return None,
    };
    if set.get("mode").is_some_and(|mode| *mode == "http") {
        item.push_str(" mode=http");
    }
    let idle = (set.get("timeout client"), set.get("timeout server"));
    match idle {
        (Some(client), Some(server)) if time(client)? == time(server)? => {
            let idle = time(client)?;
            if idle != "50s" {
                let _ = write!(item, " timeout={idle}");
            }
        }
        (None, None) => {}
        _ => return None,
    }
    if let Some(connect) = set.get("timeout connect") {
        let connect = time(connect)?;
        if connect != "5s" {
            let _ = write!(item, " connect-timeout={connect}");
        }
    }
    match options {
        [] | ["check"] => {}
        ["maxconn", most] | ["maxconn", most, "check"] | ["check", "maxconn", most] => {
            let _ = write!(item, " maxconn={most}");
        }
        _ => return None,
    }
    Some(item)
}

/// Milliseconds where it has no unit.
fn time(text: &str) -> Option<String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let ms = number.parse::<u64>().ok()?.checked_mul(factor)?;
    Some(if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") })
}

/// All sections by their names, and whether something is in them that no item can say.
fn sections(config: &str) -> (Vec<(&str, Section<'_>)>, bool) {
    let mut sections: Vec<(&str, Section<'_>)> = Vec::new();
    let mut other = false;
    for line in config.lines() {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        let says_nothing_else = matches!(
            words.as_slice(),
            [] | ["daemon" | "log" | "user" | "group" | "nbthread" | "pidfile", ..]
                | ["option", "httplog" | "tcplog" | "dontlognull" | "forwardfor"]
                | ["balance", "roundrobin"]
        );
        // The proxy of an item carries as many.
        let is_enough = |most: &str| most.parse::<u32>().is_ok_and(|most| most <= MAXCONN);
        if says_nothing_else || matches!(words.as_slice(), ["maxconn", most] if is_enough(most)) {
            continue;
        }
        match (words.as_slice(), sections.last_mut()) {
            ([kind @ ("global" | "defaults" | "listen" | "frontend" | "backend"), rest @ ..], _) => {
                let section = Section { kind, ..Section::default() };
                sections.push((rest.first().copied().unwrap_or_default(), section));
            }
            (["mode", mode], Some((_, section))) => drop(section.set.insert("mode".to_owned(), mode)),
            (["timeout", what @ ("client" | "server" | "connect"), time], Some((_, section))) => {
                section.set.insert(format!("timeout {what}"), time);
            }
            (["bind", bind], Some((_, section))) => section.binds.push(bind),
            (["server", server @ ..], Some((_, section))) => section.servers.push(server.to_vec()),
            (["default_backend", name], Some((_, section))) => section.backend = Some(name),
            _ => other = true,
        }
    }
    (sections, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str =
        "defaults\n  mode http\n  timeout connect 5000ms\n  timeout client 50000\n  timeout server 50s\n";

    #[test]
    fn what_items_can_say_becomes_items() {
        for (config, expected) in [
            ("listen a\n bind *:80\n server s 127.0.0.1:8775 maxconn 32\n", "80:8775 maxconn=32"),
            (
                "frontend a\n bind :80\n default_backend b\nbackend b\n server s localhost:8775 check\n",
                "80:8775",
            ),
            ("listen db\n mode tcp\n bind 127.0.0.1:5432\n server s db.prod:5432\n", "5432:db.prod:5432"),
            (
                "listen a\n bind *:80\n timeout client 1m\n timeout server 1m\n timeout connect 1500\n server s 127.0.0.1:1\n",
                "80:1 timeout=60s connect-timeout=1500ms",
            ),
        ] {
            assert_eq!(routes(config), Ok(vec![expected.to_owned()]), "{config}");
        }
        let http = format!("{DEFAULTS}listen a\n bind *:80\n server s 127.0.0.1:1\n");
        assert_eq!(routes(&http), Ok(vec!["80:1 mode=http".to_owned()]));
    }

    #[test]
    fn what_items_cannot_say_stays_a_configuration() {
        for config in [
            "listen a\n bind *:80\n acl x path /\n server s 127.0.0.1:1\n",
            "listen a\n bind *:80\n server s 127.0.0.1:1\n server t 127.0.0.1:2\n",
            "listen a\n bind *:80\n server s db:1\n",
            "listen a\n bind *:80\n server s 127.0.0.1:1 ssl\n",
            "frontend a\n bind *:80\n default_backend gone\n",
            "global\n maxconn 20000\nlisten a\n bind *:80\n server s 127.0.0.1:1\n",
        ] {
            assert_eq!(routes(config), Err(Ok(vec!["80".to_owned()])), "{config}");
        }
        assert!(routes("listen a\n bind /run/socket\n server s 127.0.0.1:1\n").unwrap_err().is_err());
    }
}
