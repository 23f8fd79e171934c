//! Loops that wait for something.

use multipod_engine::annotation::Key;

use super::container::Container;
use super::item::{Item, Recognised};

/// Commands of a loop that only pass the time.
const IDLE: [&str; 6] = ["echo", "printf", "sleep", "date", "true", "set"];

pub(super) fn recognise(container: &Container<'_>) -> Recognised {
    if !container.is_step() {
        return None;
    }
    let script = container.script();
    let mut targets = Vec::new();
    let mut others = Vec::new();
    for words in &script {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (is_loop, test) = match words.as_slice() {
            ["until", test @ ..] | ["while", "!", test @ ..] => (true, test),
            all => (false, all),
        };
        match (target(test), test.first()) {
            (Some(target), _) if is_loop => targets.push(target),
            (_, Some(first)) if IDLE.contains(first) => {}
            _ => others.push(words.join(" ")),
        }
    }
    if targets.is_empty() {
        return None;
    }
    let parts: Result<Vec<String>, String> = targets.into_iter().collect();
    Some(parts.and_then(|targets| {
        if let Some(other) = others.first() {
            return Err(format!("it also runs {other:?}"));
        }
        let text = targets.iter().map(|target| format!("wait-for {target}")).collect::<Vec<_>>().join(", ");
        Ok(Item { key: Key::Init, text, mounts: Vec::new() })
    }))
}

/// What a command asks for, if it is one that does so.
fn target(words: &[&str]) -> Option<Result<String, String>> {
    let (command, words) = words.split_first()?;
    let option =
        |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied();
    let plain = || words.iter().copied().filter(|word| !word.starts_with('-'));
    let target = match *command {
        "nc" | "ncat" | "netcat" if words.iter().any(|word| word.starts_with('-') && word.contains('z')) => {
            // Of `-w 2` the number is no part of the address.
            let mut plain =
                plain().filter(|word| Some(*word) != option("-w")).collect::<Vec<_>>().into_iter();
            format!("{}:{}", plain.next()?, plain.next()?)
        }
        "nslookup" => format!("dns:{}", plain().next()?),
        "pg_isready" => format!("{}:{}", option("-h")?, option("-p").unwrap_or("5432")),
        "redis-cli" if words.contains(&"ping") => {
            format!("{}:{}", option("-h")?, option("-p").unwrap_or("6379"))
        }
        "wget" | "curl" => plain().find(|word| word.contains("://"))?.to_owned(),
        _ => return None,
    };
    if target.contains(['$', '`', '(']) {
        return Some(Err(format!("only its shell knows what {target} is")));
    }
    Some(Ok(target))
}
