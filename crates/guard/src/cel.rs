//! Conditions in CEL, the language of the API server's admission policies.

use serde_json::Value;

/// Text as CEL writes it: JSON's escapes mean the same there.
pub fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A list of texts.
pub fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(self::text).collect();
    format!("[{}]", texts.join(", "))
}

/// A value as CEL writes it, whose lists and maps hold values of different types only if they hide their types.
pub fn literal(value: &Value) -> String {
    let hidden = |value: &Value| format!("dyn({})", literal(value));
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", text(name), hidden(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(hidden).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// All of these at once.
pub fn all(conditions: &[String]) -> String {
    match conditions {
        [] => "true".to_owned(),
        conditions => conditions.join(" && "),
    }
}

/// That `path` has everything that `ours` has; what it has besides does not matter, except in lists that are one thing.
pub(super) fn covers(path: &str, ours: &Value) -> String {
    match ours {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let field = format!("{path}.{name}");
                format!("has({field}) && {}", covers(&field, value))
            });
            all(&members.collect::<Vec<_>>())
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let mut conditions = Vec::new();
            if !others_may_add(path) {
                conditions.push(format!("size({path}) == {}", items.len()));
            }
            // Each depth has a name of its own, since CEL's macros shadow.
            let item = format!("i{}", path.matches('.').count());
            conditions
                .extend(items.iter().map(|ours| format!("{path}.exists({item}, {})", covers(&item, ours))));
            all(&conditions)
        }
        scalar => format!("{path} == {scalar}"),
    }
}

/// Lists to which the API server and other injectors add items of their own.
fn others_may_add(path: &str) -> bool {
    let field = path.rsplit('.').next().unwrap_or(path);
    matches!(field, "env" | "volumeMounts" | "ports")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_asked_for_is_asked_for_field_by_field() {
        assert_eq!(covers("c", &json!({})), "true");
        assert_eq!(
            covers("c", &json!({"name": "a\"b", "args": ["x", "y"], "probe": {"port": 80}})),
            r#"has(c.name) && c.name == "a\"b" && has(c.args) && c.args == ["x","y"] && has(c.probe) && has(c.probe.port) && c.probe.port == 80"#
        );
        assert_eq!(
            covers("c", &json!({"env": [{"name": "A"}]})),
            r#"has(c.env) && c.env.exists(i1, has(i1.name) && i1.name == "A")"#
        );
        assert_eq!(
            covers("v", &json!({"downwardAPI": {"items": [{"path": "a"}]}})),
            "has(v.downwardAPI) && has(v.downwardAPI.items) && size(v.downwardAPI.items) == 1 && \
             v.downwardAPI.items.exists(i2, has(i2.path) && i2.path == \"a\")"
        );
    }
}
