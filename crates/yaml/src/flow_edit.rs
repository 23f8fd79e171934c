//! From a draft to the smallest changes of text that carry it out, in maps in `{}` and lists in `[]`.

use std::collections::HashMap;
use std::ops::Range;

use super::draft::{Draft, Member};
use super::flow::Flow;
use super::splicer::Splicer;
use super::tree::{Entry, Item, Kind, NodeId};

/// One entry of a collection in brackets, as it shall be.
struct Part<'d, 'v> {
    name: Option<&'d str>,
    draft: &'d Draft<'v>,
    /// Whether the text has another name.
    is_renamed: bool,
    /// Which entry of the text it is.
    original: Option<usize>,
}

/// What is known of the room between entries.
#[derive(Clone, Copy)]
struct Gap {
    flow: Flow,
    /// How far to the right the closing bracket stands.
    indent: usize,
    /// Where the collection ends.
    end: usize,
}

/// One entry of a collection in brackets, as it stands.
struct Original {
    at: Range<usize>,
    key: Option<NodeId>,
    value: NodeId,
    colon: Option<usize>,
}

impl Splicer<'_, '_> {
    pub(super) fn edit_flow_map(
        &mut self,
        id: NodeId,
        members: &[Member],
        entries: &[Entry],
        outside: Option<Flow>,
    ) -> Option<()> {
        let originals = entries.iter().map(|entry| Original {
            at: self.tree.node(entry.key).outer..self.entry_end(entry),
            key: Some(entry.key),
            value: entry.value,
            colon: entry.colon(),
        });
        let originals = originals.collect::<Vec<_>>();
        let changes = self.changes(id, members, entries);
        let merges = entries.iter().enumerate().filter(|(_, entry)| self.reader.is_merge(entry.key));
        if merges.count() > 0 && changes.removes_something() {
            return None;
        }
        let kept = changes.of_entries.iter().enumerate().filter_map(|(index, member)| {
            member.map(|member| Part {
                name: Some(&member.name),
                draft: &member.draft,
                is_renamed: member.was.is_some(),
                original: Some(index),
            })
        });
        let added = changes.added.iter();
        let added = added.map(|member| Part {
            name: Some(&member.name),
            draft: &member.draft,
            is_renamed: false,
            original: None,
        });
        let parts = kept.chain(added).collect::<Vec<_>>();
        self.edit_flow(id, &originals, &parts, changes.removes_something(), outside)
    }

    pub(super) fn edit_flow_list(
        &mut self,
        id: NodeId,
        drafts: &[Draft],
        items: &[Item],
        outside: Option<Flow>,
    ) -> Option<()> {
        let at = |item: &Item| self.tree.node(item.node).outer..self.tree.node(item.node).end;
        let originals =
            items.iter().map(|item| Original { at: at(item), key: None, value: item.node, colon: None });
        let originals = originals.collect::<Vec<_>>();
        let places = items.iter().enumerate().map(|(index, item)| (item.node, index));
        let places = places.collect::<HashMap<_, _>>();
        let part = |draft| Part {
            name: None,
            draft,
            is_renamed: false,
            original: Draft::origin(draft).and_then(|id| places.get(&id).copied()),
        };
        let parts = drafts.iter().map(part).collect::<Vec<_>>();
        let is_shorter = parts.iter().filter(|part| part.original.is_some()).count() < originals.len();
        self.edit_flow(id, &originals, &parts, is_shorter, outside)
    }

    fn edit_flow(
        &mut self,
        id: NodeId,
        originals: &[Original],
        parts: &[Part],
        is_shorter: bool,
        outside: Option<Flow>,
    ) -> Option<()> {
        let node = self.tree.node(id);
        let flow = self.style_of(originals, outside.unwrap_or(self.flow), node.end);
        let indent = self.lines.indent(if originals.is_empty() { node.start } else { node.end - 1 });
        let only_shorter =
            is_shorter && !parts.is_empty() && parts.iter().all(|part| part.original.is_some());
        if only_shorter {
            let kept = parts.iter().filter_map(|part| part.original).collect::<Vec<_>>();
            self.remove_in_flow(originals, &kept, node.end - 1)?;
        } else if is_shorter || originals.is_empty() {
            let source =
                |index: usize| originals.get(index).map(|original| self.tree.slice(original.at.clone()));
            let part = |part: &Part| match (part.draft, part.original.and_then(source)) {
                (Draft::Here(_), Some(source)) if !part.is_renamed => source.to_owned(),
                _ => flow.part(part.name, &part.draft.form(&self.reader), indent),
            };
            let brackets = if matches!(node.kind, Kind::Mapping { .. }) { ['{', '}'] } else { ['[', ']'] };
            let rebuilt = flow.bracket(brackets, &parts.iter().map(part).collect::<Vec<_>>(), indent);
            self.push(node.start..node.end, &rebuilt);
            return Some(());
        }
        let gap = Gap { flow, indent, end: node.end };
        let mut seen = None;
        let mut added = Vec::new();
        for part in parts {
            let Some(original) = part.original else {
                added.push(flow.part(part.name, &part.draft.form(&self.reader), indent));
                continue;
            };
            self.add_in_flow(originals, seen, &std::mem::take(&mut added), gap);
            self.edit_in_flow(originals.get(original)?, part, flow, indent)?;
            seen = Some(original);
        }
        self.add_in_flow(originals, seen, &added, gap);
        Some(())
    }

    /// Takes out all but the kept entries, so that what was added by `add_in_flow` leaves nothing behind.
    fn remove_in_flow(&mut self, originals: &[Original], kept: &[usize], closing: usize) -> Option<()> {
        let text = self.tree.text;
        let last = *kept.last()?;
        // With its comma and the way to the next one, or with the way from the one before.
        let mut is_with_next = false;
        for (index, original) in originals.iter().enumerate().take(last) {
            if kept.binary_search(&index).is_ok() {
                is_with_next = false;
                continue;
            }
            is_with_next |= index == 0 || self.lines.is_first(original.at.start);
            let at = if is_with_next {
                original.at.start..originals.get(index + 1)?.at.start
            } else {
                originals.get(index - 1)?.at.end..original.at.end
            };
            self.push(at, "");
        }
        let (Some(first), Some(end)) = (originals.get(last + 1), originals.last()) else { return Some(()) };
        let (before, end) = (originals.get(last)?.at.end, end.at.end);
        let comma = |after: usize| {
            let rest = text.get(after..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_start().len();
            rest.trim_start().starts_with(',').then_some(after + blanks)
        };
        let own_lines = self.lines.start(first.at.start)..self.lines.after(end);
        if self.lines.is_first(first.at.start) && own_lines.end <= closing && before <= own_lines.start {
            if comma(end).is_none() {
                let comma = comma(before)?;
                self.push(comma..comma + 1, "");
            }
            self.push(own_lines, "");
        } else {
            self.push(before..end, "");
        }
        Some(())
    }

    /// Inserts after an entry, or before the first one; comments stay with the entry in their line.
    fn add_in_flow(&mut self, originals: &[Original], after: Option<usize>, added: &[String], gap: Gap) {
        if added.is_empty() {
            return;
        }
        let text = self.tree.text;
        let between = gap.flow.between(gap.indent);
        let joined = added.join(&between);
        let next = originals.get(after.map_or(0, |after| after + 1));
        let last = after.and_then(|after| originals.get(after));
        match (last, next) {
            (_, Some(next)) if last.is_none() || self.lines.is_first(next.at.start) => {
                self.push(next.at.start..next.at.start, &format!("{joined}{between}"));
            }
            (Some(last), None) if gap.flow.step.is_some() && self.lines.after(last.at.end) < gap.end => {
                let has_comma =
                    text.get(last.at.end..).is_some_and(|rest| rest.trim_start().starts_with(','));
                self.push(last.at.end..last.at.end, if has_comma { "" } else { "," });
                let inner = " ".repeat(gap.indent + gap.flow.step.unwrap_or_default());
                let comma = if has_comma { "," } else { "" };
                self.push_lines(self.lines.after(last.at.end), format!("{inner}{joined}{comma}\n"));
            }
            (Some(last), _) => self.push(last.at.end..last.at.end, &format!("{between}{joined}")),
            (None, _) => {}
        }
    }

    fn edit_in_flow(&mut self, original: &Original, part: &Part, flow: Flow, indent: usize) -> Option<()> {
        if let (true, Some(name), Some(key)) = (part.is_renamed, part.name, original.key) {
            self.rename(key, name)?;
        }
        let old = self.tree.node(original.value);
        if part.draft.origin() != Some(original.value) {
            let mut written = String::new();
            flow.write(&part.draft.form(&self.reader), indent + flow.step.unwrap_or_default(), &mut written);
            match original.colon {
                None if part.name.is_some() => {
                    self.push(original.at.end..original.at.end, &format!(": {written}"));
                }
                Some(colon) if self.tree.is_absent(original.value) => {
                    self.push(colon..colon, &format!(" {written}"));
                }
                _ => self.push(old.outer..old.end, &written),
            }
            return Some(());
        }
        match (part.draft, &old.kind) {
            (Draft::Map(_, members), Kind::Mapping { entries, .. }) => {
                self.edit_flow_map(original.value, members, entries, Some(flow))
            }
            (Draft::List(_, drafts), Kind::Sequence { items, .. }) => {
                self.edit_flow_list(original.value, drafts, items, Some(flow))
            }
            _ => Some(()),
        }
    }

    /// The style of the entries that are there, and that of the outside where there are none.
    fn style_of(&self, originals: &[Original], outside: Flow, end: usize) -> Flow {
        let text = self.tree.text;
        let Some(first) = originals.first() else { return outside };
        let is_quoted =
            text.get(first.at.start..).is_some_and(|rest| rest.starts_with('"')) && first.colon.is_some();
        let closing = self.lines.indent(end - 1);
        let step = self
            .lines
            .is_first(first.at.start)
            .then(|| self.lines.column(first.at.start).saturating_sub(closing).max(1));
        Flow { is_json: outside.is_json || is_quoted, step, ..outside }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Edit, documents};

    #[track_caller]
    fn becomes(before: &str, edits: &[Edit], after: &str) {
        let edited = documents(before).unwrap()[0].edit(edits).unwrap();
        assert_eq!(edited.text, after);
        assert_eq!(edited.rewritten, None, "{before:?}");
    }

    fn add(pointer: &str, value: Value) -> Edit {
        Edit::Add { pointer: pointer.into(), value }
    }

    #[test]
    fn collections_on_one_line_stay_on_it() {
        let cases = [
            ("x: {a: 1}\n", "/x/b", json!("s"), "x: {a: 1, b: \"s\"}\n"),
            ("x: { a: 1 } # c\n", "/x/b", json!([1, {"c": null}]), "x: { a: 1, b: [1, {c: null}] } # c\n"),
            ("x: {\"a\": 1}\n", "/x/b", json!(1), "x: {\"a\": 1, \"b\": 1}\n"),
            ("x: {a: 1,}\n", "/x/b", json!(1), "x: {a: 1, b: 1,}\n"),
            ("x: {a: , b: 1}\n", "/x/a", json!({"c": 1}), "x: {a: {c: 1} , b: 1}\n"),
            ("x: {a, b: 1}\n", "/x/a", json!(2), "x: {a: 2, b: 1}\n"),
            ("x: {a: {}}\n", "/x/a/b:c", json!("d"), "x: {a: {\"b:c\": \"d\"}}\n"),
            ("x: [a, b]\n", "/x/0", json!("n"), "x: [\"n\", a, b]\n"),
            ("x: [a, b]\n", "/x/1", json!("n"), "x: [a, \"n\", b]\n"),
            ("x: [a, b]\n", "/x/-", json!("n"), "x: [a, b, \"n\"]\n"),
            ("x: [a, []]\n", "/x/1/-", json!("l\nm"), "x: [a, [\"l\\nm\"]]\n"),
            ("x: {a: 'q'}\n", "/x/a", json!(true), "x: {a: true}\n"),
            (
                "x: [\n  a, # first\n  b # second\n]\n",
                "/x/1",
                json!(1),
                "x: [\n  a, # first\n  1,\n  b # second\n]\n",
            ),
            (
                "x: [\n  a,\n  b, # second\n  # end\n]\n",
                "/x/-",
                json!(1),
                "x: [\n  a,\n  b, # second\n  1,\n  # end\n]\n",
            ),
            ("x: [\n  a,\n  b # second\n]\n", "/x/-", json!(1), "x: [\n  a,\n  b, # second\n  1\n]\n"),
            ("x: [\n  a,\n  b\n]\n", "/x/-", json!(1), "x: [\n  a,\n  b,\n  1\n]\n"),
        ];
        for (before, pointer, value, after) in cases {
            becomes(before, &[add(pointer, value)], after);
        }
    }

    #[test]
    fn json_stays_json_and_pretty_json_stays_pretty() {
        let before = r#"{
  "kind": "Pod",
  "metadata": {},
  "spec": {
    "containers": [
      {
        "name": "main",
        "args": ["a", "b"],
        "port": 8.0e1
      }
    ]
  }
}
"#;
        let edits = [
            add("/metadata/annotations", json!({"k": "80:53"})),
            add("/spec/containers/-", json!({"name": "new", "env": []})),
            add("/spec/containers/0/args/-", json!("c")),
            add("/spec/containers/0/mounts", json!([{"n": 1}])),
            add("/spec/volumes", json!([])),
            add("/spec/volumes/-", json!("v")),
        ];
        let after = r#"{
  "kind": "Pod",
  "metadata": {
    "annotations": {
      "k": "80:53"
    }
  },
  "spec": {
    "containers": [
      {
        "name": "main",
        "args": ["a", "b", "c"],
        "port": 8.0e1,
        "mounts": [
          {
            "n": 1
          }
        ]
      },
      {
        "name": "new",
        "env": []
      }
    ],
    "volumes": [
      "v"
    ]
  }
}
"#;
        becomes(before, &edits, after);
        assert!(serde_json::from_str::<Value>(after).is_ok());
    }

    #[test]
    fn dense_json_stays_dense() {
        let before = r#"{"a":{"b":[1,2]},"c":null}"#;
        let edits =
            [add("/a/b/0", json!({"x": "y", "z": [true]})), add("/c", json!([1, 2])), add("/d", json!({}))];
        becomes(before, &edits, r#"{"a":{"b":[{"x":"y","z":[true]},1,2]},"c":[1,2],"d":{}}"#);
        becomes("{}", &[add("/a", json!({"b": 1}))], r#"{"a": {"b": 1}}"#);
    }

    #[test]
    fn removed_entries_leave_their_brackets() {
        let remove = |pointer: &str| Edit::Remove { pointer: pointer.into() };
        becomes("{\"a\":1,\"b\":[1, 2]}", &[remove("/a")], "{\"b\":[1, 2]}");
        becomes("{\n  \"a\": 1,\n  \"b\": 2\n}\n", &[remove("/b")], "{\n  \"a\": 1\n}\n");
        becomes("{\"a\": 1}", &[remove("/a")], "{}");
        for (before, at, after) in [
            ("x: {a: 1, b: [{c: d, e: f}]}\n", "/x/b/0/e", "x: {a: 1, b: [{c: d}]}\n"),
            ("x: [ a , b , c ] # d\n", "/x/1", "x: [ a , c ] # d\n"),
            ("x: [a, b,]\n", "/x/1", "x: [a,]\n"),
            (
                "x: [\n  a, # first\n  b, # second\n  c # third\n]\n",
                "/x/1",
                "x: [\n  a, # first\n  c # third\n]\n",
            ),
            ("x: [\n  a, # first\n  b # second\n]\n", "/x/1", "x: [\n  a # first\n]\n"),
            ("x: [\n  a, # first\n  b, # second\n  # end\n]\n", "/x/1", "x: [\n  a, # first\n  # end\n]\n"),
            ("x: [\n  # first\n  a,\n  b]\n", "/x/0", "x: [\n  # first\n  b]\n"),
            ("x: [a, # one\n  b]\n", "/x/1", "x: [a]\n"),
        ] {
            becomes(before, &[remove(at)], after);
        }
        becomes("x: [a, {b: 0x1}, c]\n", &[remove("/x/0"), add("/x/-", json!(1))], "x: [{b: 0x1}, c, 1]\n");
    }
}
