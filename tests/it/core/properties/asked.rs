//! Values of our annotations: mostly right by the grammar, some of them spoilt.

use std::sync::LazyLock;

use multipod_engine::annotation::Key;
use multipod_engine::pattern::defined::Definition;
use multipod_engine::pattern::{Catalogue, topics};

use super::dice::Dice;

pub const KEYS: [&str; Key::ALL.len()] = {
    let mut names = [""; Key::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Key::ALL[at].name();
        at += 1;
    }
    names
};

const TARGETS: [&str; 11] = [
    "8775",
    "db",
    "db.prod",
    "db:5433",
    "db.prod.svc:5433",
    "[fd00::1]:5433",
    "10.0.0.1:5433",
    "db.example.com:5432",
    "example.com.:443",
    "@orders",
    "8080",
];
const BAD_TARGETS: [&str; 3] = ["DB", "db:0", "@missing"];
const GLOBS: [&str; 11] = [
    "/var/log/app/*.log",
    "/var/log/app/a.log",
    "/var/log/other/**/*.log",
    "/data/logs/*.txt",
    "/data/[0-9]?.log",
    "/srv/logs/*",
    "/etc/app/*.log",
    "/multipod/x/*.log",
    "/var/lib/multipod/*.log",
    "/tmp/*.log",
    "/log/*",
];
const BAD_GLOBS: [&str; 1] = ["/a/$x/*.log"];
const IMAGES: [&str; 3] = ["own.example/image:1", "haproxy:3.0", "a@sha256:00"];
const BAD_IMAGES: [&str; 1] = ["bad image"];
const REPOSITORIES: [&str; 3] =
    ["https://git.example/site", "http://git.example/a.git", "git://git.example/z"];
const BAD_REPOSITORIES: [&str; 3] =
    ["git@git.example:x", "https://user:pw@git.example/q", "ssh://git@git.example:22/x/y"];
const FOLDERS: [&str; 7] = [
    "/usr/share/nginx/html",
    "/srv/site",
    "/seed",
    "/data/site",
    "/etc/app/site",
    "/var/log/app/x",
    "/a/b/c",
];

/// A value for a key.
#[allow(clippy::match_wildcard_for_single_variants, reason = "a new key needs no generator of its own")]
pub fn value(key: &str, dice: &mut Dice<'_>) -> String {
    let mut items = match Key::from_name(key).unwrap() {
        Key::OptOut => {
            return spoilt(
                dice.mostly(&["all", "logging", "ambassador metrics", "sync"], &["nothing", ""]).to_owned(),
                dice,
            );
        }
        Key::Ambassador => several(dice, ambassador),
        Key::Logging => several(dice, logging),
        Key::Metrics => several(dice, metrics),
        Key::Init => several(dice, init),
        Key::Sync => several(dice, |dice, _| {
            format!("{} {}", dice.mostly(&REPOSITORIES, &BAD_REPOSITORIES), copy(dice, true))
        }),
        Key::Patterns => several(dice, patterns),
        // What the program itself shows of a key; those above have their options and their mistakes besides.
        other => {
            let forms = topics().filter(|topic| topic.key == other).flat_map(|topic| topic.forms);
            let forms: Vec<&str> = forms.map(|(form, _)| *form).collect();
            return spoilt(dice.mostly(&forms, &["yes", ""]).to_owned(), dice);
        }
    };
    if dice.chance(25) {
        items.push(settings(dice));
    }
    let between = dice.pick(&[", ", ",", "\n", " ,\r\n"]);
    spoilt(items.join(between), dice)
}

fn spoilt(value: String, dice: &mut Dice<'_>) -> String {
    if dice.chance(10) { dice.spoil(&value) } else { value }
}

fn several(dice: &mut Dice<'_>, item: fn(&mut Dice<'_>, usize) -> String) -> Vec<String> {
    let count = dice.pick(&[1, 1, 1, 2, 3]);
    let mut items: Vec<String> = Vec::new();
    for number in 0..count {
        let next = item(dice, number);
        let first = |item: &str| item.split(' ').next().unwrap_or_default().to_owned();
        // Most keys take a name once only.
        if number == 0 || dice.chance(5) || items.iter().all(|other| first(other) != first(&next)) {
            items.push(next);
        }
    }
    items
}

fn options(dice: &mut Dice<'_>, of: &[&str], bad: &[&str]) -> String {
    let mut options = dice.some(of, 15);
    if dice.chance(4) {
        options.push(dice.pick(bad));
    }
    options.iter().flat_map(|option| [" ", option]).collect()
}

fn settings(dice: &mut Dice<'_>) -> String {
    let image = dice.mostly(&IMAGES, &BAD_IMAGES);
    let image = if dice.chance(30) { format!("image=\"{image}\"") } else { format!("image={image}") };
    let all = [
        image.as_str(),
        dice.pick(&["cpu=50m", "cpu=0.1/1"]),
        dice.pick(&["memory=64Mi", "memory=1Gi/2Gi"]),
        dice.pick(&["sidecar=native", "sidecar=classic"]),
    ];
    let mut words = dice.some(&all, 25);
    if words.is_empty() {
        words.push(all[1]);
    }
    words.join(" ")
}

fn ambassador(dice: &mut Dice<'_>, number: usize) -> String {
    const LISTEN: [[&str; 3]; 3] = [["80", "15001", "443"], ["81", "15002", "8080"], ["82", "16080", "80"]];
    let listen = dice.pick(&LISTEN[number % 3]);
    let route = format!("{listen}:{}", dice.mostly(&TARGETS, &BAD_TARGETS));
    let route = if dice.chance(10) { format!("\"{route}\"") } else { route };
    route
        + &options(
            dice,
            &["mode=http", "timeout=1h30m", "connect-timeout=500ms", "maxconn=7"],
            &["mode=x", "mode=tcp mode=tcp"],
        )
}

fn logging(dice: &mut Dice<'_>, _: usize) -> String {
    let end = dice.pick(&[
        "",
        "",
        " format=json",
        " format=raw",
        " to=otlp://collector.observability:4317",
        " to=otlphttps://logs.example.com:443/v1 parse=nginx",
        " to=otlphttp://10.0.0.9:4318 parse=json",
        " to=@central parse=logfmt",
    ]);
    format!(
        "{}{end}{}",
        dice.mostly(&GLOBS, &BAD_GLOBS),
        options(dice, &["container=app-0"], &["container=app-1", "container=no"])
    )
}

fn metrics(dice: &mut Dice<'_>, _: usize) -> String {
    const WITH_PARAMS: [&str; 5] = [
        "nginx port=8080 path=/status",
        "redis secret=cache password-key=p.w_d",
        "postgres secret=db user=me database=shop",
        "mysql secret=db user=root",
        "php-fpm port=9001",
    ];
    static EXAMPLES: LazyLock<Vec<String>> =
        LazyLock::new(|| Catalogue::builtin().iter().map(Definition::example).collect());
    let good: Vec<&str> = EXAMPLES.iter().map(String::as_str).chain(WITH_PARAMS).collect();
    dice.mostly(&good, &["mysql", "audit-tap", "nginx path=/a\"b"]).to_owned()
}

fn init(dice: &mut Dice<'_>, _: usize) -> String {
    if dice.chance(40) {
        return format!("clone {} {}", dice.mostly(&REPOSITORIES, &BAD_REPOSITORIES), copy(dice, false));
    }
    let target = dice.pick(&[
        "db:5432",
        "dns:db",
        "http://web/ready?x=1&y=%20",
        "https://[fd00::1]:8443/",
        "10.0.0.1:1",
    ]);
    format!("wait-for {target}{}", options(dice, &["timeout=30s", "every=2s"], &["timeout=0s"]))
}

fn copy(dice: &mut Dice<'_>, sync: bool) -> String {
    let into = dice.pick(&FOLDERS);
    let all = ["ref=v1.2.0", "secret=deploy", "container=app-0", "ca=corp", "link=now", "every=5m"];
    format!(
        "into={into}{}",
        options(dice, if sync { &all } else { &all[..5] }, &["container=app-1", "every=5m"])
    )
}

/// The patterns are those of [`super::cluster::PATTERNS`].
fn patterns(dice: &mut Dice<'_>, _: usize) -> String {
    let text =
        dice.pick(&["plain", "a b", "$(VAR)", "$$(VAR)", "$", "(VAR)", "$$$(VAR)", "'x'", "\\\"", "{{ x }}"]);
    match dice.below(4) {
        0 => format!("audit-tap text=\"{text}\" second=\"{}\"", dice.pick(&["(VAR)", "", "$"])),
        1 => format!("audit-tap port={}", dice.mostly(&["7001", "7002"], &["x", "0"])),
        2 => "audit-tap".to_owned(),
        _ => "taster".to_owned(),
    }
}
