//! Reads the value of `multipod/logging`.

use crate::annotation::item::{
    Elsewhere, Options, Problems, only_positional, options, parse_word, settings_of,
};
use crate::annotation::option::{Absent, CONTAINER, choice, option, words};
use crate::annotation::settings::{OF_SIDECARS, Settings};
use crate::annotation::{Item, Problem, Span, Word, lexer};
use multipod_values::{self as value, Endpoint, Glob, Parsed};

options! {
    pub(crate) struct FilesOptions {
        container: String = CONTAINER,
        format: Format = choice("format", Absent::Is("raw"), "how lines are printed"),
        parse: Parse =
            choice("parse", Absent::Nothing, "how lines were written; only with to="),
        to: Destination = option(
            "to",
            "DEST",
            destination,
            Absent::Is("the sidecar's output"),
            "otlp://HOST:PORT, otlphttp(s)://… or @NAME of a policy",
        ),
    }
}

/// Each item may cost a volume; the bound keeps a hostile value from costing more than it takes to read.
const MOST_ITEMS: usize = 100;

/// What the value asks for.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// In the order written; never empty.
    pub(crate) files: Vec<Files>,
    /// Settings of the whole pattern.
    pub(crate) settings: Settings,
}

/// Files of one container, and what becomes of their lines.
#[derive(Debug, PartialEq)]
pub(crate) struct Files {
    pub(crate) glob: Glob,
    /// Where the glob stands in the value.
    pub(crate) span: Span,
    /// Whose files; the pod's default container unless named.
    pub(crate) container: Option<(String, Span)>,
    /// Where the lines go.
    pub(crate) output: Output,
}

/// Where lines go.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// To the sidecar's standard output.
    Print(Format),
    /// To a central server.
    Ship {
        /// How the lines are taken apart.
        parse: Option<Parse>,
        to: Destination,
        /// Where the server stands in the value.
        span: Span,
    },
}

words! {
    /// How a line is printed.
    pub(crate) enum Format {
        /// As it is.
        Raw = "raw",
        /// As a JSON object that names its file.
        Json = "json",
    }
}

words! {
    /// How a line was written.
    pub(crate) enum Parse {
        /// One JSON object a line.
        Json = "json",
        /// `key=value` pairs.
        Logfmt = "logfmt",
        /// The access log ("combined") and the error log of nginx.
        Nginx = "nginx",
        /// The access log ("combined") and the error log of the Apache web server.
        Apache = "apache",
    }
}

/// A server that takes logs.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    /// Written out.
    Endpoint(Endpoint),
    /// A name that a policy defines for this namespace.
    Named(String),
}

/// Reads the value of `multipod/logging`.
pub(crate) fn parse(value: &str) -> Result<Request, Vec<Problem>> {
    let items = lexer::lex(value).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let options = Options::read(
        settings_of(&items),
        &OF_SIDECARS,
        Elsewhere::InItems(&[FilesOptions::ROWS]),
        &mut problems,
    );
    let settings = Settings::read(&options, &mut problems);

    let mut files: Vec<Files> = Vec::new();
    let written = items.iter().filter(|item| !item.is_setting());
    for (number, item) in written.enumerate() {
        if number == MOST_ITEMS {
            problems.push(Problem::new(item.span(), format!("expected at most {MOST_ITEMS} globs")));
            break;
        }
        let since = problems.count();
        files.extend(read_item(item, &mut problems));
        if item.words.iter().any(|word| word.key() == Some("to")) {
            problems.exemplify(since, || "/var/log/app/*.log to=otlp://collector.logs:4317");
        }
    }
    if files.is_empty() {
        problems.push_if_none(|| Problem::of_all(value, "expected GLOB").summary("no file is named"));
    }
    if let Some(image) = options.word("image")
        && let Some(problem) = two_programs(image, &files)
    {
        problems.push(problem);
    }
    problems.or(Request { files, settings })
}

fn read_item(item: &Item<'_>, problems: &mut Problems) -> Option<Files> {
    let word = only_positional(item, problems)?;
    let FilesOptions { container, format, parse, to } =
        FilesOptions::read(&item.words, &OF_SIDECARS, problems);
    let glob = parse_word(word, Glob::parse, problems);
    let output = match to.text_span() {
        None => {
            if let Some(span) = parse.whole_span() {
                problems.push(
                    Problem::new(span, "lines are taken apart only when they are shipped")
                        .summary("parse= without to=")
                        .help("Say where to: to=otlp://HOST:PORT. Lines that are printed stay as they are."),
                );
            }
            Output::Print(format.value.unwrap_or(Format::Raw))
        }
        Some(to_span) => {
            if let Some(span) = format.whole_span() {
                problems.push(
                    Problem::new(span, "only lines that are printed have a format")
                        .summary("format= with to=")
                        .help(
                            "What is shipped has one shape always; parse= says how the lines were written.",
                        ),
                );
            }
            Output::Ship { parse: parse.value, to: to.value?, span: to_span }
        }
    };
    Some(Files { glob: glob?, span: word.span, container: container.with_span(), output })
}

fn destination(text: &str) -> Parsed<Destination> {
    match text.strip_prefix('@') {
        Some(name) => value::name(name).map(Destination::Named),
        None => Endpoint::parse(text).map(Destination::Endpoint),
    }
}

fn two_programs(image: &Word<'_>, files: &[Files]) -> Option<Problem> {
    let printed = files.iter().any(|files| matches!(files.output, Output::Print(_)));
    let shipped = files.iter().any(|files| matches!(files.output, Output::Ship { .. }));
    (printed && shipped).then(|| {
        Problem::new(image.whole, "one image cannot be both programs")
            .summary("some lines are printed and some are shipped")
            .help("Ship all of them or print all of them, or leave the images to the cluster's settings.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_a_glob_with_options() {
        let request = parse("/var/log/app/*.log, /srv/x.log container=web format=json, memory=64Mi").unwrap();
        assert_eq!(request.files[0].glob.folder(), "/var/log/app");
        assert_eq!(request.files[0].output, Output::Print(Format::Raw));
        assert_eq!(request.files[1].container.as_ref().unwrap().0, "web");
        assert_eq!(request.files[1].output, Output::Print(Format::Json));
        assert!(request.settings.memory.is_some());
        let request = parse("/a/*.log parse=nginx to=@central").unwrap();
        let to = Destination::Named("central".into());
        let span = Span { start: 24, end: 32 };
        assert_eq!(request.files[0].output, Output::Ship { parse: Some(Parse::Nginx), to, span });
    }

    #[test]
    fn faults_point_at_the_bad_token() {
        for (value, start, end, label) in [
            ("/*.log", 0, 6, "root folder cannot be shared"),
            ("var/*.log format=json", 0, 9, "absolute path"),
            ("/a/*.log format=text", 16, 20, "expected raw or json"),
            ("/a/*.log parse=jsn to=@x", 15, 18, "did you mean json?"),
            ("/a/*.log parse=json", 9, 19, "only when they are shipped"),
            ("/a/*.log to=@x format=json", 15, 26, "only lines that are printed"),
            ("/a/*.log to=http://x:1", 12, 22, "did you mean otlphttp?"),
            ("/a/*.log to=@X", 12, 14, "expected a name"),
            ("/a/*.log container=App", 19, 22, "expected a name"),
            ("/a/*.log cpu=1", 9, 14, "setting of the whole pattern"),
            ("/a/*.log contaner=app", 9, 21, "did you mean container?"),
            ("/a/{x,y}.log", 0, 5, "'{' has no place"),
            ("/a/*.log, /b/*.log to=@x, image=y", 26, 33, "both programs"),
            ("memory=64Mi", 0, 11, "expected GLOB"),
            ("", 0, 0, "expected GLOB"),
        ] {
            let problems = parse(value).unwrap_err();
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
        }
    }

    #[test]
    fn a_thousand_globs_are_refused() {
        let problems = parse(&"/a/b,".repeat(1000)).unwrap_err();
        assert!(problems.len() == 1 && problems[0].label.contains("at most 100"), "{problems:?}");
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(value in "(?s)([-/a-z*?\\[\\]!{}:@=., \"\\\\\n]|.){0,80}") {
            let _ = parse(&value);
        }
    }
}
