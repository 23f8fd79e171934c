//! Carries out mends in the texts of manifests, and keeps only those that do what they should: after each, everything is
//! looked at again. Its finding must be gone, and no other may have come.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use multipod_yaml::Edit;

use super::mend::How;
use super::{Finding, Manifest, Manifests, Mend, Source};

/// How often everything may be looked at again; what is not settled by then stays as it is.
const MOST_LOOKS: usize = 256;

/// What became of sources.
#[derive(Debug)]
pub(crate) struct Fixed {
    /// The sources, mended.
    pub sources: Vec<Source>,
    /// What was mended, in the order in which it was.
    pub made: Vec<Made>,
}

/// A mend that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// What it was about, with its place before that.
    pub finding: Finding,
    pub mend: Mend,
}

/// Mends what `look` finds and is certain about.
pub(crate) fn fixed(sources: Vec<Source>, look: impl Fn(&[Source]) -> Vec<Finding>) -> Fixed {
    let findings = look(&sources);
    let mut fixer = Fixer { sources, findings, looks: 1, look, made: Vec::new(), left: Vec::new() };
    loop {
        let wanted = fixer.wanted();
        if wanted.is_empty() || fixer.looks >= MOST_LOOKS {
            return Fixed { sources: fixer.sources, made: fixer.made };
        }
        fixer.attempt(wanted);
    }
}

struct Fixer<L> {
    sources: Vec<Source>,
    findings: Vec<Finding>,
    look: L,
    looks: usize,
    made: Vec<Made>,
    /// What was tried, and is not to be.
    left: Vec<Wanted>,
}

/// A mend of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    file: String,
    mend: Mend,
}

impl Wanted {
    fn of(finding: &Finding) -> Option<Wanted> {
        Some(Wanted { file: finding.file.clone(), mend: finding.mend.clone()? })
    }

    /// As it is told, with the first finding that it is for.
    fn made(&self, findings: &[Finding]) -> Option<Made> {
        let finding = findings.iter().find(|finding| Wanted::of(finding).as_ref() == Some(self))?;
        Some(Made { finding: finding.clone(), mend: self.mend.clone() })
    }

    fn is_part(&self) -> bool {
        matches!(self.mend.how, How::Part { .. })
    }
}

impl<L: Fn(&[Source]) -> Vec<Finding>> Fixer<L> {
    /// What is not tried yet, each once: one mend may be for several findings.
    fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for finding in &self.findings {
            let Some(new) = Wanted::of(finding) else { continue };
            if !self.left.contains(&new) && !wanted.contains(&new) {
                wanted.push(new);
            }
        }
        // Lines are others after edits, so those have their turn when no part of a line is wanted any more.
        if wanted.iter().any(Wanted::is_part) {
            wanted.retain(Wanted::is_part);
        }
        wanted
    }

    /// Makes all of these, or else what can be made of either half.
    fn attempt(&mut self, mut wanted: Vec<Wanted>) {
        if wanted.is_empty() || self.looks >= MOST_LOOKS {
            return;
        }
        if self.accepts(&wanted) {
            return;
        }
        if wanted.len() <= 1 {
            self.left.append(&mut wanted);
            return;
        }
        let rest = wanted.split_off(wanted.len() / 2);
        let made = self.made.len();
        self.attempt(wanted);
        // Places may be others now: what is still wanted is seen in the next round.
        if self.made.len() == made {
            self.attempt(rest);
        }
    }

    /// Makes all of these if that helps. What they bring to light is mended with them, if that is certain too: the right name
    /// of a key, and then a word of its value.
    fn accepts(&mut self, wanted: &[Wanted]) -> bool {
        let mended: Vec<&Finding> = self.findings.iter().filter(|finding| is_by(finding, wanted)).collect();
        let (mut sources, mut step) = (Cow::Borrowed(&self.sources), wanted.to_vec());
        let (mut findings, mut made) = (Cow::Borrowed(&self.findings), Vec::new());
        for _ in 0..MOST_STEPS {
            let Some(next) = applied(&sources, &step) else { return false };
            self.looks += 1;
            let after = (self.look)(&next);
            made.extend(step.iter().filter_map(|one| one.made(&findings)));
            let new = new(&self.findings, &mended, &after);
            if new.is_empty() {
                self.made.extend(made);
                (self.sources, self.findings) = (next, after);
                return true;
            }
            let Some(more) = new.into_iter().map(Wanted::of).collect() else { return false };
            step = more;
            (sources, findings) = (Cow::Owned(next), Cow::Owned(after));
        }
        false
    }
}

/// How many mends may bring the next one to light.
const MOST_STEPS: usize = 3;

fn is_by(finding: &Finding, wanted: &[Wanted]) -> bool {
    Wanted::of(finding).is_some_and(|one| wanted.contains(&one))
}

/// What was not told before, with what should be gone and is not.
fn new<'f>(before: &[Finding], mended: &[&Finding], after: &'f [Finding]) -> Vec<&'f Finding> {
    let mut left = HashMap::<_, usize>::new();
    for finding in before {
        *left.entry(told(finding)).or_default() += 1;
    }
    for finding in mended {
        left.entry(told(finding)).and_modify(|count| *count -= 1);
    }
    let mut is_new = |finding: &&'f Finding| match left.get_mut(&told(finding)) {
        Some(count @ 1..) => {
            *count -= 1;
            false
        }
        Some(0) => true,
        // What could not be read hides what else is wrong there.
        None => !mended.iter().any(|one| one.file == finding.file && one.slug.starts_with("unreadable")),
    };
    after.iter().filter(|finding| is_new(finding)).collect()
}

/// What a finding says, wherever it stands.
fn told(finding: &Finding) -> (&str, &str, &str) {
    (&finding.file, finding.slug, &finding.message)
}

/// The sources with these mends, if all can be made together.
fn applied(sources: &[Source], wanted: &[Wanted]) -> Option<Vec<Source>> {
    let mut after = Vec::with_capacity(sources.len());
    for source in sources {
        let mends: Vec<&Mend> =
            wanted.iter().filter(|one| one.file == source.name).map(|one| &one.mend).collect();
        let text = if mends.is_empty() { source.text.clone() } else { mended(source, &mends)? };
        after.push(Source { name: source.name.clone(), text });
    }
    Some(after)
}

fn mended(source: &Source, mends: &[&Mend]) -> Option<String> {
    let sources = [source.clone()];
    let manifests = Manifests::read(&sources);
    let (manifest, text) = (manifests.readable.first()?, &*sources[0].text);
    let mut splices = Vec::new();
    let mut edits = HashMap::<usize, Vec<_>>::new();
    for mend in mends {
        match &mend.how {
            How::Part { line, at, old, with } => {
                let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
                let at = start + at.start..start + at.end;
                if text.get(at.clone())? != old {
                    return None;
                }
                splices.push((at, with.clone()));
            }
            How::Edits(document, more) => edits.entry(*document).or_default().extend(more.iter().cloned()),
        }
    }
    for (number, edits) in edits {
        splices.push(edited(manifest, text, number, &edits)?);
    }
    splices.sort_by_key(|(at, _)| at.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, with) in splices {
        out.push_str(text.get(done..at.start)?);
        out.push_str(&with);
        done = at.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// A document with edits, and where it stands in its file.
fn edited(
    manifest: &Manifest<'_>,
    text: &str,
    number: usize,
    edits: &[Edit],
) -> Option<(Range<usize>, String)> {
    let opened = manifest.opened().nth(number.checked_sub(1)?)?.ok()?;
    let before = opened.document.text();
    let start = before.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let edited = opened.document.edit(edits).ok().filter(|edited| edited.rewritten.is_none())?;
    let keeps_comments = comments(before) == comments(&edited.text);
    keeps_comments.then_some((start..start + before.len(), edited.text))
}

/// Whatever looks like a comment, in no order.
fn comments(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let start = if line.trim_start().starts_with('#') { line.find('#') } else { line.find(" #") };
            line.get(start?..).map(str::trim)
        })
        .collect();
    found.sort_unstable();
    found
}
