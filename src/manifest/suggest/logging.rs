//! Sidecars that print a file.

use multipod_engine::annotation::Key;
use multipod_engine::pattern::images::base_name;

use super::container::{Container, Pod};
use super::item::{Item, Recognised};

pub(super) fn recognise(container: &Container<'_>, pod: &Pod<'_>) -> Recognised {
    let script = container.script();
    let [words] = script.as_slice() else { return None };
    let (program, words) = words.split_first()?;
    let follows = |word: &String| word.starts_with('-') && (word.to_ascii_lowercase().contains('f'));
    if container.is_step() || base_name(program) != "tail" || !words.iter().any(follows) {
        return None;
    }
    Some(files(words).and_then(|files| {
        let mut texts = Vec::new();
        for file in files {
            let (volume, rest) = container
                .volume_of(file)
                .ok_or_else(|| format!("{file} is on no volume, so nobody else writes it"))?;
            let (at, path) = pod.other_mount(volume, container)?;
            texts.push(format!("{}{rest}{}", path.trim_end_matches('/'), pod.option_of(at, container)));
        }
        Ok(Item { key: Key::Logging, text: texts.join(", "), mounts: Vec::new() })
    }))
}

fn files(words: &[String]) -> Result<Vec<&str>, String> {
    let mut files = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-n" | "-c" | "--lines" => drop(words.next()),
            _ if word.starts_with(['-', '+']) => {}
            _ if word.starts_with('/') && !word.contains(['$', '{', '`', ' ']) => files.push(word),
            _ => return Err(format!("only its shell knows which file {word:?} is")),
        }
    }
    if files.is_empty() { Err("it names no file".to_owned()) } else { Ok(files) }
}
