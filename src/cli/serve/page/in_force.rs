//! What is in force on the server, for people who look at its page: states, names and reasons. Whoever reaches the port reads
//! it, so no value of a policy or a pod is in it.

use std::time::{Duration, SystemTime};

use multipod_engine::pattern::object::Kind;
use multipod_engine::policy::{ObjectState, Policies, Policy};

use crate::drawing::escaped;
use crate::server::{InForce, Refused, Replica, Replicas};

/// How many rows of a table are shown; a page with more would be read by nobody.
const MOST_ROWS: usize = 200;

pub(super) fn shown(server: &InForce) -> String {
    let now = SystemTime::now();
    [
        format!(
            "<p>multipod {}, Kubernetes {}</p>\n",
            env!("CARGO_PKG_VERSION"),
            escaped(&server.snapshot.version.to_string())
        ),
        readiness(server, now),
        policies(&server.objects, &server.snapshot.policies),
        replicas(server.replicas.as_deref(), now),
        refused(&server.refused, now),
    ]
    .concat()
}

/// The checks of `/readyz`, and how long the certificate lasts.
fn readiness(server: &InForce, now: SystemTime) -> String {
    let row = |(name, good, note): &(&str, bool, Option<String>)| {
        let lasts = (*name == "certificate").then(|| match server.certificate_ends.duration_since(now) {
            Ok(left) => format!("expires in {}", rough(left)),
            Err(since) => format!("expired {} ago", rough(since.duration())),
        });
        let notes: Vec<String> = lasts.into_iter().chain(note.clone()).collect();
        [(*name).to_owned(), if *good { "ok" } else { "failed" }.to_owned(), notes.join("; ")]
    };
    table("Readiness", ["Check", "State", "Note"], &server.checks.iter().map(row).collect::<Vec<_>>(), "")
}

fn policies(objects: &[ObjectState], policies: &Policies) -> String {
    let row = |object: &ObjectState| {
        let serves = object.kind == Kind::InjectionPolicy && object.standing.serves();
        let policy = policies.find(&object.name).filter(|_| serves);
        let state = object.standing.slug().replace('_', " ");
        [object.kind.name().to_owned(), object.name.clone(), policy.map(mode).unwrap_or_default(), state]
    };
    let none = "No policies or patterns.";
    let more = "<p><code>multipod policies</code> shows what each of them says, and what is wrong.</p>\n";
    let rows: Vec<_> = objects.iter().map(row).collect();
    let more = if rows.is_empty() { "" } else { more };
    table("Policies and patterns", ["Kind", "Name", "Mode", "State"], &rows, none) + more
}

fn mode(policy: &Policy) -> String {
    match policy.rollout.percent() {
        100 => policy.mode.name().to_owned(),
        percent => format!("{}, {percent} %", policy.mode.name()),
    }
}

fn replicas(seen: Option<&Replicas>, now: SystemTime) -> String {
    let Some(seen) = seen else {
        return "<h3>Replicas</h3>\n<p>This server does not look for other replicas.</p>\n".to_owned();
    };
    let row = |replica: &Replica| {
        let marks = [(replica.own, "this one"), (replica.leads, "writes status")];
        let marks: Vec<&str> = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect();
        let step = if replica.in_step { "the same as this one" } else { "other versions" };
        [replica.name.clone(), step.to_owned(), marks.join(", ")]
    };
    let rows: Vec<_> = seen.each.iter().map(row).collect();
    table("Replicas", ["Name", "Acts on", "Note"], &rows, "None is alive.")
        + &format!("<p>Seen {} ago.</p>\n", rough(now.duration_since(seen.at).unwrap_or_default()))
}

fn refused(all: &[Refused], now: SystemTime) -> String {
    let row = |one: &Refused| {
        let object = match &*one.owner {
            "" => one.name.clone(),
            owner => format!("{} ({owner})", one.name),
        };
        let ago = format!("{} ago", rough(now.duration_since(one.at).unwrap_or_default()));
        let dry = if one.dry_run { ", dry run" } else { "" };
        [ago + dry, one.namespace.clone(), object, one.reason.to_owned()]
    };
    let none = "None since this server started.";
    table(
        "Rejected last",
        ["When", "Namespace", "Object", "Reason"],
        &all.iter().map(row).collect::<Vec<_>>(),
        none,
    )
}

/// A table with its heading, or the sentence that stands in the place of one without rows.
fn table<const N: usize>(title: &str, heads: [&str; N], rows: &[[String; N]], none: &str) -> String {
    if rows.is_empty() {
        return format!("<h3>{title}</h3>\n<p>{none}</p>\n");
    }
    let head = heads.map(|head| format!("<th scope=\"col\">{head}</th>")).concat();
    let hidden = rows.len().saturating_sub(MOST_ROWS);
    let row = |row: &[String; N]| {
        let cells = row.each_ref().map(|cell| format!("<td>{}</td>", escaped(cell)));
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let body: String = rows.iter().take(MOST_ROWS).map(row).collect();
    let hidden = if hidden == 0 { String::new() } else { format!("<p>And {hidden} more.</p>\n") };
    format!(
        "<table>\n<caption>{title}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{hidden}"
    )
}

/// A duration by its largest unit.
fn rough(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_ends_and_says_how_much_is_left_out() {
        let rows = vec![["<b>".to_owned()]; MOST_ROWS + 3];
        let table = table("T", ["H"], &rows, "");
        assert_eq!(table.matches("<td>&lt;b&gt;</td>").count(), MOST_ROWS);
        assert!(table.ends_with("<p>And 3 more.</p>\n"));
    }

    #[test]
    fn a_duration_is_told_by_its_largest_unit() {
        for (seconds, told) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7200, "2 h"),
            (172_800, "2 days"),
            (31_536_000, "365 days"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), told);
        }
    }
}
