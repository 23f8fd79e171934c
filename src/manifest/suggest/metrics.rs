//! Exporters that multipod has as adapters.

use std::fmt::Write as _;

use multipod_engine::annotation::Key;
use multipod_engine::pattern::images::adapter_of_image;

use super::container::Container;
use super::item::{Item, Recognised};

/// Where an exporter is told its address: adapter, flag or variable.
const ADDRESSES: [(&str, &str); 8] = [
    ("apache", "scrape_uri"),
    ("memcached", "memcached.address"),
    ("nginx", "nginx.scrape-uri"),
    ("nginx", "SCRAPE_URI"),
    ("php-fpm", "phpfpm.scrape-uri"),
    ("php-fpm", "PHP_FPM_SCRAPE_URI"),
    ("redis", "redis.addr"),
    ("redis", "REDIS_ADDR"),
];

pub(super) fn recognise(container: &Container<'_>) -> Recognised {
    if container.is_step() {
        return None;
    }
    adapter_of_image(container.program()).map(|adapter| item(container, adapter))
}

fn item(container: &Container<'_>, adapter: &str) -> Result<Item, String> {
    let mut text = adapter.to_owned();
    let mut told = container.flags()?;
    for (name, value, object) in container.env() {
        match (value, &object["valueFrom"]["secretKeyRef"]) {
            (Some(value), _) => told.push((name, value)),
            (None, secret) if adapter == "redis" && name == "REDIS_PASSWORD" && secret.is_object() => {
                let part = |field: &str| secret[field].as_str().unwrap_or_default();
                let _ = write!(text, " secret={}", part("name"));
                if part("key") != "password" {
                    let _ = write!(text, " password-key={}", part("key"));
                }
            }
            _ => {
                return Err(format!(
                    "nobody knows here what its variable {name} means to the adapter {adapter}"
                ));
            }
        }
    }
    for (name, value) in told {
        if !ADDRESSES.contains(&(adapter, name)) {
            return Err(format!("nobody knows here what {name} means to the adapter {adapter}"));
        }
        text.push_str(&params(adapter, value)?);
    }
    Ok(Item { key: Key::Metrics, text, mounts: Vec::new() })
}

/// Of an address on loopback.
fn params(adapter: &str, address: &str) -> Result<String, String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = authority.rsplit_once(':').map_or((authority, ""), |(host, port)| (host, port));
    if !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return Err(format!("it asks {host}, which is not its own pod"));
    }
    let port = if port.is_empty() { String::new() } else { format!(" port={port}") };
    let has_path = matches!(adapter, "nginx" | "apache" | "php-fpm");
    let path = if path.is_empty() || !has_path { String::new() } else { format!(" path={path}") };
    Ok(format!("{port}{path}"))
}
