//! What the collector does to a line: whatever the app writes, one shape comes out of it.
//!
//! Timestamp and severity are set where the line tells them, the message is the body, and all else is attributes. No
//! line is ever dropped: one that cannot be taken apart stays as it is, without a complaint for each.

use serde_json::{Value, json};

use super::request::Parse;

use super::source::{SHARED, Seen};

const PATH: &str = "attributes[\"log.file.path\"]";
const CONTAINER: &str = "resource[\"k8s.container.name\"]";
/// Holds a value between two operators.
const HELD: &str = "attributes[\"multipod.held\"]";

/// The operators for the lines of one receiver.
pub(super) fn of(seen: &Seen<'_, '_>) -> Vec<Value> {
    let mut operators = Vec::new();
    // The path is the app's own, also where the sidecar sees it elsewhere.
    let moved = seen.view.glob.len() - seen.source.files.glob.as_str().len();
    if let Some(folder) = &seen.view.parts_of {
        // The part of each container has its name.
        let parts = format!("split({PATH}, \"/\")");
        let place = SHARED.matches('/').count() + folder.matches('/').count() + 1;
        let container = format!("EXPR({parts}[{place}])");
        let own = format!("EXPR({} + join({parts}[{}:], \"/\"))", json!(format!("{folder}/")), place + 1);
        operators.push(quiet(json!({"type": "add", "field": CONTAINER, "value": container})));
        operators.push(quiet(json!({"type": "add", "field": PATH, "value": literal(&own)})));
    } else if moved > 0 {
        operators
            .push(quiet(json!({"type": "add", "field": PATH, "value": format!("EXPR({PATH}[{moved}:])")})));
    }
    match seen.source.parse {
        None => {}
        Some(Parse::Json) => {
            operators.push(quiet(json!({"type": "json_parser", "parse_to": "attributes"})));
            operators.extend(guesses());
        }
        Some(Parse::Logfmt) => {
            operators.push(quiet(json!({"type": "key_value_parser", "parse_to": "attributes"})));
            operators.extend(guesses());
        }
        Some(Parse::Nginx) => operators.extend(web_server(&NGINX)),
        Some(Parse::Apache) => operators.extend(web_server(&APACHE)),
    }
    operators
}

/// The time, severity and message of a line, under the names that common loggers use.
fn guesses() -> Vec<Value> {
    const TIME: &str =
        "attributes.time ?? attributes.timestamp ?? attributes.ts ?? attributes[\"@timestamp\"]";
    const LEVEL: &str = "attributes.level ?? attributes.severity ?? attributes.lvl ?? attributes.levelname ?? attributes[\"log.level\"]";
    let number = format!(
        "type({HELD}) in [\"int\", \"float\"] or (type({HELD}) == \"string\" and {HELD} matches \"^[0-9]+([.][0-9]+)?$\")"
    );
    // Seconds, milliseconds, microseconds or nanoseconds: told apart by size until the year 5138.
    let microseconds = format!(
        "let t = float({HELD}); t < 1e11 ? t * 1e6 + 0.5 : t < 1e14 ? t * 1e3 : t < 1e17 ? t : t / 1e3"
    );
    let is_number = format!("type({HELD}) in [\"int\", \"float\"]");
    let is_text = format!("type({HELD}) == \"string\"");
    vec![
        hold(TIME),
        quiet(
            json!({"type": "add", "field": HELD, "value": format!("EXPR({microseconds})"), "if": literal(&number)}),
        ),
        time("epoch", "us", HELD, &is_number),
        time("gotime", "2006-01-02T15:04:05Z07:00", HELD, &is_text),
        time("gotime", "2006-01-02 15:04:05", HELD, &is_text),
        release(),
        hold(LEVEL),
        severity(HELD, &format!("{HELD} != nil")),
        release(),
        message("attributes.msg", "attributes.msg != nil and attributes.message == nil"),
        message("attributes.message", "attributes.message != nil"),
    ]
}

fn hold(expression: &str) -> Value {
    quiet(json!({
        "type": "add",
        "field": HELD,
        "value": format!("EXPR({expression})"),
        "if": format!("({expression}) != nil"),
    }))
}

fn release() -> Value {
    quiet(json!({"type": "remove", "field": HELD, "if": format!("{HELD} != nil")}))
}

/// How a web server writes its access log and its error log; a glob like `*.log` matches both.
struct WebServer {
    access: &'static str,
    error: &'static str,
    error_time: &'static str,
}

const NGINX: WebServer = WebServer {
    access: COMBINED,
    error: r"^(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<tid>\d+): (?:\*(?P<connection>\d+) )?(?P<message>.*)$",
    error_time: "2006/01/02 15:04:05",
};

const APACHE: WebServer = WebServer {
    access: COMBINED,
    error: r"^\[(?P<time>\w{3} \w{3} \d\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] \[(?:(?P<module>\w*):)?(?P<level>\w+)\] (?:\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] )?(?:\[client (?P<client>[^\]]+)\] )?(?P<message>.*)$",
    error_time: "Mon Jan 02 15:04:05 2006",
};

/// The format "combined", and the "common" one, which ends before the referer.
const COMBINED: &str = r#"^(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?:(?P<method>[A-Z]+) (?P<path>\S+) (?P<protocol>[^" ]+)|(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<size>\d+|-)(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?"#;

fn web_server(server: &WebServer) -> Vec<Value> {
    const ACCESS: &str = "attributes.status != nil";
    const ERROR: &str = "attributes.level != nil";
    let regex =
        |regex| quiet(json!({"type": "regex_parser", "parse_to": "attributes", "regex": literal(regex)}));
    let mut error = regex(server.error);
    error["if"] = json!("attributes.status == nil");
    let status = quiet(json!({
        "type": "severity_parser",
        "parse_from": "attributes.status",
        "if": ACCESS,
        "overwrite_text": true,
        "mapping": {"info": ["2xx", "3xx", 101], "warn": "4xx", "error": "5xx"},
    }));
    vec![
        regex(server.access),
        error,
        time("gotime", "02/Jan/2006:15:04:05 -0700", "attributes.time", ACCESS),
        time("gotime", server.error_time, "attributes.time", ERROR),
        status,
        severity("attributes.level", ERROR),
        message("attributes.message", ERROR),
    ]
}

fn time(kind: &str, layout: &str, from: &str, condition: &str) -> Value {
    let mut operator =
        json!({"type": "time_parser", "parse_from": from, "layout_type": kind, "layout": layout});
    if kind == "gotime" {
        // Times without a zone; an app's own zone is not known.
        operator["location"] = json!("UTC");
    }
    operator["if"] = json!(condition);
    quiet(operator)
}

/// The names that loggers, syslog and web servers give to severities; the numbers are those of bunyan and pino.
fn severity(from: &str, condition: &str) -> Value {
    quiet(json!({
        "type": "severity_parser",
        "parse_from": from,
        "if": condition,
        "overwrite_text": true,
        "mapping": {
            "trace": [10, "verbose"],
            "debug": 20,
            "info": [30, "information"],
            "info2": "notice",
            "warn": 40,
            "error": 50,
            "error2": ["crit", "critical"],
            "error3": "alert",
            "fatal": [60, "emerg", "emergency", "panic", "dpanic"],
        },
    }))
}

fn message(from: &str, condition: &str) -> Value {
    quiet(json!({"type": "move", "from": from, "to": "body", "if": condition}))
}

/// A line that the operator cannot take goes on as it is.
fn quiet(mut operator: Value) -> Value {
    operator["on_error"] = json!("send_quiet");
    operator
}

/// Text that the collector takes as it is: it expands `$` in every value of its configuration.
pub(super) fn literal(text: &str) -> Value {
    Value::String(text.replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn literal_text_comes_back_after_the_expansion_of_dollars(text in "[$A-Za-z{}:]{0,40}") {
            let written = literal(&text);
            let written = written.as_str().unwrap();
            // Every dollar is half of a pair, so nothing is left to expand.
            proptest::prop_assert_eq!(written.replace("$$", "").contains('$'), false);
            proptest::prop_assert_eq!(written.replace("$$", "$"), text);
        }
    }
}
