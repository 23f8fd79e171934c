//! Carries out mends in the texts of manifests, and keeps only those that do what they should: after each, everything is
//! looked at again. Its finding must be gone, and no other may have come.

use std::collections::HashMap;

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

impl<L: Fn(&[Source]) -> Vec<Finding>> Fixer<L> {
    /// What is not tried yet, each once: one mend may be for several findings.
    fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for finding in &self.findings {
            let Some(mend) = &finding.mend else { continue };
            let new = Wanted { file: finding.file.clone(), mend: mend.clone() };
            if !self.left.contains(&new) && !wanted.contains(&new) {
                wanted.push(new);
            }
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
        if wanted.len() == 1 {
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

    fn accepts(&mut self, wanted: &[Wanted]) -> bool {
        let Some(sources) = applied(&self.sources, wanted) else { return false };
        self.looks += 1;
        let after = (self.look)(&sources);
        let is_mended = |finding: &&Finding| {
            wanted.iter().any(|one| one.file == finding.file && Some(&one.mend) == finding.mend.as_ref())
        };
        let mended: Vec<&Finding> = self.findings.iter().filter(is_mended).collect();
        if !is_better(&self.findings, &mended, &after) {
            return false;
        }
        let made = wanted.iter().filter_map(|one| {
            let finding = mended.iter().find(|finding| finding.mend.as_ref() == Some(&one.mend))?;
            Some(Made { finding: (*finding).clone(), mend: one.mend.clone() })
        });
        self.made.extend(made.collect::<Vec<_>>());
        self.sources = sources;
        self.findings = after;
        true
    }
}

/// Whether all that was mended is gone, and nothing else has come.
fn is_better(before: &[Finding], mended: &[&Finding], after: &[Finding]) -> bool {
    let mut left = HashMap::<_, isize>::new();
    for finding in before {
        *left.entry(told(finding)).or_default() += 1;
    }
    for finding in mended {
        *left.entry(told(finding)).or_default() -= 1;
    }
    for finding in after {
        // What could not be read hides what else is wrong there.
        let is_uncovered =
            mended.iter().any(|one| one.file == finding.file && one.slug.starts_with("unreadable"));
        let count = left.entry(told(finding)).or_default();
        *count -= 1;
        let was_mended = mended.iter().any(|one| told(one) == told(finding));
        if *count < 0 && (was_mended || !is_uncovered) {
            return false;
        }
    }
    true
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
            How::Part { line, at, with } => {
                let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
                splices.push((start + at.start..start + at.end, with.clone()));
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
    edits: &[multipod_yaml::Edit],
) -> Option<(std::ops::Range<usize>, String)> {
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
