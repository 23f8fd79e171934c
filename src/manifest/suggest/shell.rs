//! The little of a shell's language that people write into manifests.

/// Words that only hold a loop together.
const GLUE: [&str; 5] = ["do", "done", "then", "fi", "exec"];

/// The commands of a script, each as its words; quotes and what goes to /dev/null are left out.
pub(super) fn statements(script: &str) -> Vec<Vec<String>> {
    let apart = script.replace("&&", ";").replace("||", ";").replace('\n', ";").replace("2>&1", " ");
    let statements = apart.split(';').map(|statement| {
        let mut words: Vec<String> = Vec::new();
        let mut rest = statement.split_whitespace();
        while let Some(word) = rest.next() {
            if matches!(word, ">" | "2>" | "&>") {
                rest.next();
                continue;
            }
            let is_redirection = word.ends_with(">/dev/null");
            let is_glue = words.is_empty() && GLUE.contains(&word);
            if !is_redirection && !is_glue {
                words.push(word.trim_matches(['"', '\'']).to_owned());
            }
        }
        words
    });
    statements.filter(|words| !words.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_its_commands() {
        let script = "until nc -z db 5432 >/dev/null 2>&1; do\n  echo 'waiting for it'; sleep 2;\ndone";
        let found: Vec<String> = statements(script).into_iter().map(|words| words.join(" ")).collect();
        assert_eq!(found, ["until nc -z db 5432", "echo waiting for it", "sleep 2"]);
    }
}
