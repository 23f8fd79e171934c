//! Reads the value of `multipod/init`.

use std::time::Duration;

use crate::annotation::item::{Elsewhere, Options, Problems, options, settings_of};
use crate::annotation::option::{Words, time, words};
use crate::annotation::settings::{OF_STEPS, SIDECAR, Settings};
use crate::annotation::{Item, Problem, Word, lexer};
use crate::pattern::git::{self, CopyOptions, WorkingCopy, check_count};
use multipod_values::{self as value, Target, Url, short};

/// A step that clones, as help and errors show it.
pub(super) const CLONE_EXAMPLE: &str = "clone https://git.example/seed into=/seed";
/// How long a step waits altogether.
const TIMEOUT: Duration = Duration::from_mins(10);
/// The time between two attempts.
const EVERY: Duration = Duration::from_secs(1);

options! {
    pub(crate) struct WaitOptions {
        timeout: Duration = time("timeout", TIMEOUT, "how long to wait altogether"),
        every: Duration = time("every", EVERY, "the time between two attempts"),
    }
}

/// What the value asks for.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// In the order written, which is the order in which they run; never empty.
    pub(crate) steps: Vec<Step>,
    /// Settings of all steps.
    pub(crate) settings: Settings,
}

/// Something that happens once, before the app starts.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Waits until something answers.
    WaitFor(WaitFor),
    /// Fetches a working copy.
    Clone(WorkingCopy),
}

/// What is waited for.
#[derive(Debug, PartialEq)]
pub(crate) struct WaitFor {
    /// What has to answer.
    pub(crate) target: Target,
    pub(crate) timeout: Duration,
    /// The time between two attempts.
    pub(crate) every: Duration,
}

words! {
    /// The first word of a step.
    enum Verb {
        WaitFor = "wait-for",
        Clone = "clone",
    }
}

/// Reads the value of `multipod/init`.
pub(crate) fn parse(value: &str) -> Result<Request, Vec<Problem>> {
    let items = lexer::lex(value).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let (sidecar, settings): (Vec<_>, Vec<_>) =
        settings_of(&items).partition(|word| word.key() == Some(SIDECAR.row.name));
    if let Some(word) = sidecar.first() {
        let label = "steps run once, they are no sidecars";
        problems.push(Problem::new(word.whole, label).summary("sidecar= does not fit init"));
    }
    let options = Options::read(
        settings,
        &OF_STEPS,
        Elsewhere::InItems(&[WaitOptions::ROWS, CopyOptions::ROWS]),
        &mut problems,
    );
    let settings = Settings::read(&options, &mut problems);
    let written: Vec<&Item> = items.iter().filter(|item| !item.is_setting()).collect();
    check_count(&written, &mut problems);
    let mut steps = Vec::with_capacity(written.len());
    for item in &written {
        let since = problems.count();
        steps.extend(step(item, &mut problems));
        if item.positional().next().is_some_and(|verb| verb.text == "clone") {
            problems.exemplify(since, || CLONE_EXAMPLE);
        }
    }
    check_image(&steps, options.word("image"), &mut problems);
    if written.is_empty() {
        problems.push_if_none(|| {
            Problem::of_all(value, "expected wait-for TARGET or clone URL").summary("no step is named")
        });
    }
    problems.or(Request { steps, settings })
}

/// One image cannot run both kinds of steps.
fn check_image(steps: &[Step], image: Option<&Word<'_>>, problems: &mut Problems) {
    let waits = steps.iter().any(|step| matches!(step, Step::WaitFor(_)));
    let clones = steps.iter().any(|step| matches!(step, Step::Clone(_)));
    if let Some(word) = image.filter(|_| waits && clones) {
        problems.push(
            Problem::new(word.whole, "wait-for and clone run from different images")
                .summary("one image= cannot be for both kinds of steps")
                .help("Leave image= out: the settings of the cluster name the image of each kind of step."),
        );
    }
}

fn step(item: &Item<'_>, problems: &mut Problems) -> Option<Step> {
    let words: Vec<&Word> = item.positional().collect();
    let (first, object) = (words.first()?, words.get(1));
    if let (Some(object), Some(extra)) = (object, words.get(2)) {
        let (object, text) = (short(&object.text), short(&extra.text));
        problems.push(
            Problem::new(extra.whole, format!("expected nothing but options behind {object}"))
                .summary(format!("{text} does not belong to {object}"))
                .help("Items are separated by commas or new lines."),
        );
    }
    let verb = value::one_of(&first.text, Verb::ALL)
        .map_err(|expected| problems.push(unknown(first, expected)))
        .ok()?;
    match verb {
        Verb::WaitFor => {
            let options = WaitOptions::read(&item.words, &OF_STEPS, problems);
            let Some(word) = object else {
                let expected = "expected HOST:PORT, dns:NAME or a URL behind it";
                problems.push(Problem::new(first.span, expected).summary("nothing says what to wait for"));
                return None;
            };
            let target = Target::parse(&word.text).map_err(|expected| {
                problems.push(Problem::new(word.span, expected).summary("this cannot be waited for"));
            });
            let timeout = options.timeout.value.unwrap_or(TIMEOUT);
            let every = options.every.value.unwrap_or(EVERY);
            Some(Step::WaitFor(WaitFor { target: target.ok()?, timeout, every }))
        }
        Verb::Clone => {
            let options = CopyOptions::read(&item.words, &OF_STEPS, problems);
            let Some(word) = object else {
                let expected = "expected the URL of a repository behind it";
                problems.push(Problem::new(first.span, expected).summary("nothing says what to clone"));
                return None;
            };
            WorkingCopy::read(word, options, |path| Some(git::at_the_path(path)), problems).map(Step::Clone)
        }
    }
}

fn unknown(word: &Word<'_>, expected: String) -> Problem {
    let text = short(&word.text);
    let problem = Problem::new(word.span, expected).summary(format!("{text} is not a step"));
    if Url::repository(&word.text).is_ok() {
        problem.help("Say first what to do with it: wait-for URL, or clone URL into=PATH")
    } else if Target::parse(&word.text).is_ok() {
        problem.help(format!("Say first what to do: wait-for {text}"))
    } else {
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_their_order_and_their_options() {
        let request = parse(
            "wait-for db:5432 timeout=5m every=500ms\nclone https://git.example/seed into=/seed/data ref=v1,\
             wait-for dns:cache, memory=64Mi",
        )
        .unwrap();
        let [Step::WaitFor(first), Step::Clone(copy), Step::WaitFor(last)] = request.steps.as_slice() else {
            panic!("{request:?}");
        };
        assert_eq!((first.timeout, first.every), (Duration::from_mins(5), Duration::from_millis(500)));
        assert_eq!((copy.folder.as_str(), copy.link.as_str()), ("/seed/data", "copy"));
        assert_eq!(last.target, Target::Name("cache".to_owned()));
    }

    #[test]
    fn faults_point_at_the_bad_token() {
        for (value, start, end, label) in [
            ("", 0, 0, "expected wait-for TARGET"),
            ("memory=1Gi", 0, 10, "expected wait-for TARGET"),
            ("waitfor db:5432", 0, 7, "expected wait-for or clone, did you mean wait-for?"),
            ("db:5432", 0, 7, "expected wait-for or clone"),
            ("wait-for", 0, 8, "expected HOST:PORT, dns:NAME or a URL behind it"),
            ("wait-for timeout=5m", 0, 8, "expected HOST:PORT"),
            ("wait-for db", 9, 11, "expected HOST:PORT"),
            ("wait-for db:0", 9, 13, "expected a port"),
            ("wait-for DB:5432", 9, 16, "lower case"),
            ("wait-for dns:10.0.0.1", 9, 21, "expected a name behind dns:"),
            ("wait-for dns:a_b", 9, 16, "host name"),
            ("wait-for tcp://db:5432", 9, 22, "expected https or http"),
            ("wait-for http://me:pw@web/", 9, 26, "credentials"),
            ("wait-for db:5432 cache:6379", 17, 27, "expected nothing but options behind db:5432"),
            ("wait-for db:5432 timeout=0s", 25, 27, "more than zero"),
            ("wait-for db:5432 timout=1m", 17, 26, "did you mean timeout?"),
            ("wait-for db:5432 into=/a/b", 17, 26, "expected timeout or every"),
            ("wait-for db:5432 memory=1Gi", 17, 27, "setting of the whole pattern"),
            ("clone", 0, 5, "expected the URL"),
            ("clone https://g.example/x", 6, 25, "expected into=PATH behind it"),
            ("clone https://g.example/x into=/etc", 31, 35, "would hide /etc"),
            ("clone https://g.example/x into=/a link=b", 34, 40, "expected into, ref"),
            ("clone https://g.example/x into=/a/b every=1m", 36, 44, "expected into, ref"),
            ("wait-for db:1, sidecar=native", 15, 29, "they are no sidecars"),
            ("wait-for db:1, clone https://g.example/x into=/a/b, image=a:1", 52, 61, "different images"),
        ] {
            let problems = parse(value).unwrap_err();
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
        }
    }

    #[test]
    fn a_target_without_a_step_is_told_the_step() {
        for (value, help) in [
            ("db:5432", Some("Say first what to do: wait-for db:5432")),
            (
                "https://git.example/seed into=/seed",
                Some("Say first what to do with it: wait-for URL, or clone URL into=PATH"),
            ),
            ("sleep", None),
        ] {
            assert_eq!(parse(value).unwrap_err()[0].help.as_deref(), help, "{value}");
        }
    }

    #[test]
    fn no_message_repeats_a_password() {
        for value in ["clone https://me:hunter2@git.example/x", "wait-for https://me:hunter2@web/ into=/a/b"]
        {
            for problem in parse(value).unwrap_err() {
                let texts = [Some(problem.label), problem.summary, problem.help];
                assert!(texts.iter().flatten().all(|text| !text.contains("hunter2")), "{texts:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(value in "(?s)(wait-for |clone |https://|dns:|into=|every=|[/a-z:., =\"\\\\\n]|.){0,60}") {
            let _ = parse(&value);
        }
    }
}
