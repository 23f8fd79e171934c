//! Reads the value of `multipod/ambassador`.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::time::Duration;

use crate::annotation::item::{Elsewhere, Options, Problems, only_positional, options, settings_of};
use crate::annotation::option::{Absent, Opt, Row, choice, option, time, words};
use crate::annotation::settings::{OF_SIDECARS, Settings};
use crate::annotation::{Item, Key, Problem, Span, Word, lexer};
use multipod_values::{self as value, Host, short};

/// A route to an upstream.
pub(super) const UPSTREAM_EXAMPLE: &str = "5432:@orders-db";
/// How long an idle connection lives.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(50);
/// How long connecting to a target may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

options! {
    pub(crate) struct RouteOptions {
        mode: Mode = choice("mode", Absent::Is("tcp"), "whether the proxy looks into HTTP"),
        timeout: Duration = time("timeout", TIMEOUT, "how long an idle connection lives"),
        connect_timeout: Duration =
            time("connect-timeout", CONNECT_TIMEOUT, "how long connecting to the target may take"),
        maxconn: u32 = option(
            "maxconn",
            "NUMBER",
            |text| value::number(text, 1, 100_000),
            Absent::Nothing,
            "how many connections are open to the target at once, 1 to 100000",
        ),
    }
}

words! {
    pub(crate) enum Mode {
        Tcp = "tcp",
        Http = "http",
    }
}

const CONFIG: Opt<String> = option(
    "config",
    "NAME",
    value::object_name,
    Absent::Is("rendered from the items"),
    "your own ConfigMap with haproxy.cfg",
);
pub(crate) const SETTINGS: [Row; 5] =
    [OF_SIDECARS[0], OF_SIDECARS[1], OF_SIDECARS[2], OF_SIDECARS[3], CONFIG.row];

/// What the value asks for.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// In the order written; never empty.
    pub(crate) routes: Vec<Route>,
    /// The user's own ConfigMap, in place of a rendered configuration.
    pub(crate) config: Option<String>,
    /// Settings of the whole pattern.
    pub(crate) settings: Settings,
}

/// One listener of the proxy.
#[derive(Debug, PartialEq)]
pub(crate) struct Route {
    /// The port it listens on.
    pub listen: NonZeroU16,
    /// Where connections go; none when the user's own configuration decides.
    pub(crate) target: Option<Target>,
    pub(crate) options: RouteOptions,
    /// Where the route stands in the value.
    pub(crate) span: Span,
}

/// Where a route leads.
#[derive(Debug, PartialEq)]
pub(crate) enum Target {
    /// A port of the app itself.
    App(NonZeroU16),
    /// A host outside the pod; the port is the listener's unless given.
    Host(Host, Option<NonZeroU16>),
    /// A name that a policy defines for this namespace.
    Upstream(String),
}

/// Reads the value of `multipod/ambassador`.
pub(crate) fn parse(value: &str) -> Result<Request, Vec<Problem>> {
    let items = lexer::lex(value).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let options = Options::read(
        settings_of(&items),
        &SETTINGS,
        Elsewhere::InItems(&[RouteOptions::ROWS]),
        &mut problems,
    );
    let config = options.get(&CONFIG, &mut problems).value;
    let settings = Settings::read(&options, &mut problems);

    let mut routes: Vec<Route> = Vec::with_capacity(items.len());
    let mut listens = BTreeSet::new();
    for item in items.iter().filter(|item| !item.is_setting()) {
        let since = problems.count();
        let route = route(item, config.is_some(), &mut problems);
        problems.exemplify(since, || example(item));
        let Some(route) = route else { continue };
        if !listens.insert(route.listen) {
            problems.push(Problem::new(route.span, format!("port {} is listened on twice", route.listen)));
        }
        routes.push(route);
    }
    for problem in routes.iter().filter_map(|route| back_into_the_proxy(route, &listens)) {
        problems.push(problem);
    }
    if routes.is_empty() {
        problems.push_if_none(|| no_route(value, config.is_some()));
    }
    problems.or(Request { routes, config, settings })
}

fn route(item: &Item<'_>, own_config: bool, problems: &mut Problems) -> Option<Route> {
    let word = only_positional(item, problems)?;
    let options = RouteOptions::read(&item.words, &SETTINGS, problems);
    if own_config && let Some(option) = item.words.iter().find(|word| word.key.is_some()) {
        problems.push(Problem::new(option.whole, "the ConfigMap of config= decides this"));
    }
    let (listen, target) = listen_and_target(word, own_config, problems)?;
    Some(Route { listen, target, options, span: word.span })
}

/// A route of the kind that is meant.
fn example(item: &Item<'_>) -> &'static str {
    let text = item.positional().next().map_or("", |word| &*word.text);
    let target = text.split_once(':').map_or("", |(_, target)| target);
    match target.bytes().next() {
        Some(b'@') => UPSTREAM_EXAMPLE,
        Some(byte) if byte.is_ascii_alphabetic() || byte == b'[' => "5432:db.prod",
        _ => Key::Ambassador.example(),
    }
}

fn listen_and_target(
    word: &Word<'_>,
    own_config: bool,
    problems: &mut Problems,
) -> Option<(NonZeroU16, Option<Target>)> {
    let text = &*word.text;
    let summary = || format!("{} is not LISTEN:TARGET", short(text));
    // A quoted word's text starts behind its quote.
    let start = word.span.start + usize::from(word.span.end - word.span.start != text.len());
    let part = |from: usize, length: usize| {
        let from = (start + from).min(word.span.end);
        Span { start: from, end: (from + length).min(word.span.end).max(from) }
    };
    let Some((listen, target)) = text.split_once(':') else {
        if own_config {
            return match value::port(text) {
                Ok(port) => Some((port, None)),
                Err(expected) => {
                    problems.push(
                        Problem::new(word.span, expected).summary(format!("{} is not a port", short(text))),
                    );
                    None
                }
            };
        }
        let help = (value::port(text).is_ok()).then(|| {
            format!(
                "A number alone names no target. Did a YAML reader turn 80:53 into {text}? Quote the value."
            )
        });
        let problem = Problem::new(word.span, "expected LISTEN:TARGET").summary(summary());
        problems.push(Problem { help, ..problem });
        return None;
    };
    if own_config {
        problems.push(
            Problem::new(part(listen.len(), target.len() + 1), "the ConfigMap of config= names the target")
                .help(format!("Write the port alone: \"{}, config=…\"", short(listen))),
        );
        return None;
    }
    let port = value::port(listen)
        .map_err(|expected| problems.push(Problem::new(part(0, listen.len()), expected).summary(summary())));
    let target_span = part(listen.len() + 1, target.len());
    let place = parse_target(target)
        .map_err(|expected| problems.push(Problem::new(target_span, expected).summary(summary())));
    let (Ok(port), Ok(place)) = (port, place) else { return None };
    if place == Target::App(port) {
        problems.push(
            Problem::new(target_span, "the proxy and the app cannot both listen on this port")
                .summary(format!("{} leads back to itself", short(text))),
        );
        return None;
    }
    Some((port, Some(place)))
}

fn parse_target(text: &str) -> Result<Target, String> {
    if text.contains("://") {
        return Err("a target is HOST:PORT, not a URL".to_owned());
    }
    if let Some(upstream) = text.strip_prefix('@') {
        return value::name(upstream).map(Target::Upstream);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return value::port(text).map(Target::App);
    }
    if text.is_empty() {
        return Err("expected a port, a host or @upstream behind the colon".to_owned());
    }
    let bracketed = text.starts_with('[');
    let (host, port) = match text.rsplit_once(':').filter(|(host, _)| !bracketed || host.ends_with(']')) {
        Some((host, port)) => (Host::parse(host)?, Some(value::port(port)?)),
        None => (Host::parse(text)?, None),
    };
    if host.is_loopback() {
        return Err(
            "this is the pod itself; to reach the app, write its port alone, as in 80:8775".to_owned()
        );
    }
    Ok(Target::Host(host, port))
}

/// Where one route listens, the app cannot: another one that leads there leads back into the proxy.
fn back_into_the_proxy(route: &Route, listens: &BTreeSet<NonZeroU16>) -> Option<Problem> {
    let Some(Target::App(port)) = route.target else { return None };
    listens.contains(&port).then(|| {
        Problem::new(route.span, format!("the proxy itself listens on port {port}, so the app cannot"))
            .summary(format!("{}:{port} leads back into the proxy", route.listen))
    })
}

fn no_route(value: &str, own_config: bool) -> Problem {
    if own_config {
        return Problem::of_all(value, "expected the ports that the ConfigMap listens on")
            .summary("no port is named")
            .help("Name the ports, so that they are probed and opened: \"80, config=my-haproxy\"");
    }
    Problem::of_all(value, "expected LISTEN:TARGET").summary("no route is named")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(value: &str) -> Target {
        parse(value).unwrap().routes.remove(0).target.unwrap()
    }

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn targets_are_the_app_a_host_or_an_upstream() {
        let port = |n| NonZeroU16::new(n).unwrap();
        for (value, expected) in [
            ("80:8775", Target::App(port(8775))),
            ("5432:db", Target::Host(host("db"), None)),
            ("5432:db.prod", Target::Host(host("db.prod"), None)),
            ("5432:db:5433", Target::Host(host("db"), Some(port(5433)))),
            ("5432:[fd00::1]:5433", Target::Host(host("[fd00::1]"), Some(port(5433)))),
            ("5432:[fd00::1]", Target::Host(host("[fd00::1]"), None)),
            ("5432:10.0.0.1:5433", Target::Host(host("10.0.0.1"), Some(port(5433)))),
            ("443:example.com.:443", Target::Host(host("example.com."), Some(port(443)))),
            ("6379:@orders", Target::Upstream("orders".into())),
        ] {
            assert_eq!(target(value), expected, "{value}");
        }
    }

    #[test]
    fn options_belong_to_their_route_and_settings_to_the_pattern() {
        let request =
            parse("80:8775 mode=http maxconn=32, 81:db timeout=1m connect-timeout=2s, image=haproxy:3.0 memory=64Mi")
                .unwrap();
        assert_eq!(request.routes[0].options.mode.value, Some(Mode::Http));
        assert_eq!(request.routes[1].options.mode.value, None);
        assert_eq!(request.routes[1].options.timeout.value, Some(Duration::from_mins(1)));
        assert_eq!(request.settings.image.as_deref(), Some("haproxy:3.0"));
    }

    #[test]
    fn own_configuration_takes_bare_ports() {
        let request = parse("80, config=fruit").unwrap();
        assert_eq!((request.routes[0].target.is_none(), request.config.as_deref()), (true, Some("fruit")));
    }

    #[test]
    fn faults_point_at_the_bad_token() {
        for (value, start, end, label) in [
            ("8o:8775 mode=http", 0, 2, "expected a port between 1 and 65535"),
            ("80:99999", 3, 8, "expected a port"),
            ("\"8o:1\"", 1, 3, "expected a port"),
            ("80:DB", 3, 5, "lower case"),
            ("80:8775 mdoe=http", 8, 17, "did you mean mode?"),
            ("80:8775 mode=udp", 13, 16, "expected tcp or http"),
            ("80:8775 mode=tcp mode=http", 17, 26, "twice"),
            ("80:8775 image=x", 8, 15, "setting of the whole pattern"),
            ("80:1, 80:2", 6, 10, "listened on twice"),
            ("4853", 0, 4, "expected LISTEN:TARGET"),
            ("80:80", 3, 5, "cannot both"),
            ("80:8775, 8775:80", 0, 7, "the proxy itself listens on port 8775"),
            ("80:1, 2:8080, 8080:db", 6, 12, "the proxy itself listens on port 8080"),
            ("80:", 3, 3, "behind the colon"),
            ("", 0, 0, "expected LISTEN:TARGET"),
            ("config=fruit", 0, 12, "ports that the ConfigMap listens on"),
            ("80:1, config=fruit", 2, 4, "names the target"),
            ("80 mode=http, config=fruit", 3, 12, "decides this"),
            ("80:8775 81:8776", 8, 15, "expected one word"),
            ("memory=64Mi/32Mi, 80:1", 7, 16, "below the request"),
        ] {
            let problems = parse(value).unwrap_err();
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
        }
    }

    #[test]
    fn a_thousand_faults_are_counted_not_reported() {
        let problems = parse(&"8o:1,".repeat(1000)).unwrap_err();
        assert_eq!(problems.len(), 5);
        assert!(problems[4].help.as_deref().unwrap().contains("995 more"));
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(value in "(?s)([0-9:@a-z\\[\\]., =\"\\\\\n]|.){0,80}") {
            let _ = parse(&value);
        }
    }
}
