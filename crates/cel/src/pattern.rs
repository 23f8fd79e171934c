//! What `matches` takes: the regular expressions that mean the same to an API server, which reads them as RE2 does.

use regex::{Regex, RegexBuilder};

/// In bytes.
const LONGEST: usize = 256;
/// In bytes, compiled.
const LARGEST: usize = 16 * 1024;
/// Stands for `\\d` and the like among the letters of a class.
const SET: char = '\0';
const MOST_REPEATS: u32 = 100;

pub(crate) fn regex(text: &str) -> Result<Regex, String> {
    if text.len() > LONGEST {
        return Err(format!("a regular expression may have {LONGEST} letters at most"));
    }
    let ours = translate(text)?;
    let built = RegexBuilder::new(&ours).size_limit(LARGEST).dfa_size_limit(LARGEST).nest_limit(16).build();
    built.map_err(|_| "this is no regular expression, or it is too large".to_owned())
}

/// In the words of the crate; an error for what means something else there.
fn translate(text: &str) -> Result<String, String> {
    let mut ours = String::with_capacity(text.len() + 16);
    let mut letters = text.chars().peekable();
    let mut can_repeat = false;
    let mut class: Option<String> = None;
    while let Some(letter) = letters.next() {
        let repeats = matches!(letter, '*' | '+' | '?' | '{') && class.is_none();
        if repeats {
            if !can_repeat {
                return Err(format!("{letter} repeats nothing; for the letter itself write \\{letter}"));
            }
            ours.push(letter);
            if letter == '{' {
                let amount: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
                ours.push_str(&amounts(&amount)?);
                ours.push('}');
            }
            ours.extend(letters.next_if_eq(&'?'));
            can_repeat = false;
            continue;
        }
        can_repeat = true;
        match letter {
            '\\' => {
                let inside = class.is_some();
                let set = match letters.next() {
                    Some('d') => "0-9",
                    Some('w') => "0-9A-Za-z_",
                    Some('s') => "\\t\\n\\x0C\\r ",
                    Some(sign) if sign.is_ascii_punctuation() => {
                        ours.extend(['\\', sign]);
                        if let Some(class) = &mut class {
                            class.push(sign);
                        }
                        continue;
                    }
                    _ => return Err("expected \\d, \\w, \\s or a sign behind \\".to_owned()),
                };
                if let Some(class) = &mut class {
                    if class.ends_with('-') {
                        return Err("- cannot stand between a letter and a set of them".to_owned());
                    }
                    class.push(SET);
                }
                let (open, close) = if inside { ("", "") } else { ("[", "]") };
                ours.extend([open, set, close]);
                continue;
            }
            '[' if class.is_some() => return Err("[ inside of [ ] has to be written \\[".to_owned()),
            '[' => {
                class = Some(String::new());
                ours.push('[');
                ours.extend(letters.next_if_eq(&'^'));
                if letters.peek() == Some(&']') {
                    return Err("] has to be written \\] at the beginning of [ ]".to_owned());
                }
            }
            ']' if class.is_some() => {
                class = None;
                ours.push(']');
            }
            '&' | '~' if class.is_some() => {
                ours.extend(['\\', letter]);
            }
            '-' if class.as_ref().is_some_and(|class| class.ends_with('-')) => {
                return Err("-- inside of [ ] means nothing".to_owned());
            }
            '-' if class.as_ref().is_some_and(|class| class.ends_with(SET))
                && letters.peek() != Some(&']') =>
            {
                return Err("- cannot stand between a set of letters and a letter".to_owned());
            }
            '(' if class.is_none() => {
                ours.push('(');
                can_repeat = false;
                if letters.next_if_eq(&'?').is_some() {
                    if letters.next() != Some(':') {
                        return Err("of groups only ( ) and (?: ) are available".to_owned());
                    }
                    ours.push_str("?:");
                }
                continue;
            }
            '^' | '$' | '|' if class.is_none() => {
                can_repeat = false;
                ours.push(letter);
            }
            ']' | '}' if class.is_none() => {
                return Err(format!("for the letter {letter} itself write \\{letter}"));
            }
            letter => ours.push(letter),
        }
        if let Some(class) = &mut class {
            class.push(letter);
        }
    }
    Ok(ours)
}

/// `3`, `3,` or `3,5`
fn amounts(text: &str) -> Result<String, String> {
    let (least, most) = text.split_once(',').map_or((text, None), |(least, most)| (least, Some(most)));
    let fits = |number: &str| {
        number.bytes().all(|digit| digit.is_ascii_digit())
            && number.parse::<u32>().is_ok_and(|number| number <= MOST_REPEATS)
    };
    let fine = fits(least) && most.is_none_or(|most| most.is_empty() || fits(most));
    fine.then(|| text.to_owned())
        .ok_or_else(|| format!("expected {{n}}, {{n,}} or {{n,m}} up to {MOST_REPEATS}"))
}
