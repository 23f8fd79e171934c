//! Carries out edits in the text of a document, and proves that the new text says what was asked for.

use super::document::Document;
use super::draft::{Draft, Drafter};
use super::edit::{Edit, EditError, Edited, Reason};
use super::emit::emit;
use super::expected::Expected;
use super::members::Reader;
use super::splice;
use super::tree::{NodeId, Tree};

impl Document<'_> {
    /// Makes the edits, in order, in the document's own text. The result was read back: it holds the value
    /// with the edits and nothing else.
    pub fn edit(&self, edits: &[Edit]) -> Result<Edited, EditError> {
        let expected = Expected::of(self.value(), edits);
        if !expected.is_new()? {
            return Ok(Edited { text: self.text().to_owned(), rewritten: None });
        }
        let verified = |text: String| {
            // A text without a final line end stays one, so that it can be given back.
            let cut = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
            let cut = cut.filter(|cut| !self.text().ends_with('\n') && expected.is_said_by(cut));
            if cut.is_some() { cut.map(str::to_owned) } else { expected.is_said_by(&text).then_some(text) }
        };
        let Some(tree) = self.tree() else {
            let text = splice::append(self.text(), &emit(&expected.value()?));
            return verified(text).map(|text| Edited { text, rewritten: None }).ok_or(EditError::Unwritable);
        };
        let (draft, shared) = drafted(tree, edits);
        // Gone before the text is read back: of long lists there is never more in memory than it takes.
        let edited =
            draft.filter(|_| shared.is_none()).and_then(|draft| splice::edited(tree, self.lines(), draft));
        if let Some(text) = edited.and_then(verified) {
            return Ok(Edited { text, rewritten: None });
        }
        let rewritten = Some(self.reason(tree, shared));
        let anew = |draft: &Draft| splice::rewritten(tree, self.lines(), draft).and_then(verified);
        let value = expected.value()?;
        let text = drafted(tree, edits).0.as_ref().and_then(anew);
        let text = text.or_else(|| anew(&Draft::New(&value))).ok_or(EditError::Unwritable)?;
        Ok(Edited { text, rewritten })
    }

    fn reason(&self, tree: &Tree, shared: Option<NodeId>) -> Reason {
        shared
            .map_or(Reason::Layout, |id| Reason::SharedAnchor { line: self.place(tree.node(id).outer).line })
    }
}

/// The edits in the tree, where each has its place there; and a node that an alias means too, if one goes into it.
fn drafted<'v>(tree: &'v Tree, edits: &'v [Edit]) -> (Option<Draft<'v>>, Option<NodeId>) {
    let mut drafter = Drafter { reader: Reader::new(tree), touched_shared: None };
    let mut draft = Draft::Here(tree.root);
    let is_drafted = edits.iter().all(|edit| drafter.apply(&mut draft, edit).is_some());
    (Some(draft).filter(|_| is_drafted), drafter.touched_shared)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Edit, EditError, Reason};
    use crate::documents;

    fn add(pointer: &str, value: Value) -> Edit {
        Edit::Add { pointer: pointer.into(), value }
    }

    fn remove(pointer: &str) -> Edit {
        Edit::Remove { pointer: pointer.into() }
    }

    fn replace(pointer: &str, value: Value) -> Edit {
        Edit::Replace { pointer: pointer.into(), value }
    }

    #[track_caller]
    fn becomes(before: &str, edits: &[Edit], after: &str) {
        let documents = documents(before).unwrap();
        let edited = documents[0].edit(edits).unwrap_or_else(|error| panic!("{error}: {before:?}"));
        assert_eq!(edited.text, after);
        assert_eq!(edited.rewritten, None, "{before:?}");
    }

    const DEPLOYMENT: &str = "\
# Shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop   # the name
  # labels follow
  labels: {app: shop}
spec:
  template:
    metadata:
      annotations:
        a: 'b'
        # none other yet

      labels:
        app: shop
    spec:
      # the one
      containers:
      # main
      - name: main
        image: shop:1.0
        ports:
          - containerPort: 0x1F90
      # side
      - name: side
        # its image
        image: side:2
      volumes:
";

    #[test]
    fn a_pod_template_grows_in_place() {
        let edits = [
            add("/spec/template/metadata/annotations/done", json!("80:53")),
            add(
                "/spec/template/spec/containers/1",
                json!({"name": "new", "args": ["-v", "x: y"], "env": []}),
            ),
            add(
                "/spec/template/spec/containers/0/volumeMounts",
                json!([{"name": "data", "mountPath": "/data"}]),
            ),
            add("/spec/template/spec/containers/-", json!({"name": "last"})),
            add("/spec/template/spec/volumes", json!([])),
            add("/spec/template/spec/volumes/-", json!({"name": "data", "emptyDir": {}})),
            add("/metadata/labels/tier", json!("web")),
            add("/spec/replicas", json!(2)),
        ];
        let after = [
            ("app: shop}", "app: shop, tier: \"web\"}"),
            ("        a: 'b'\n", "        a: 'b'\n        done: \"80:53\"\n"),
            (
                "0x1F90\n",
                "0x1F90\n        volumeMounts:\n        - name: data\n          mountPath: /data\n      - name: new\n        \
                 args:\n        - -v\n        - \"x: y\"\n        env: []\n",
            ),
            ("side:2\n", "side:2\n      - name: last\n"),
            ("volumes:\n", "volumes:\n      - name: data\n        emptyDir: {}\n  replicas: 2\n"),
        ];
        let after = after.iter().fold(DEPLOYMENT.to_owned(), |text, (at, more)| text.replacen(at, more, 1));
        becomes(DEPLOYMENT, &edits, &after);
    }

    #[test]
    fn lists_keep_their_indentation() {
        let cases = [
            ("a:\n- x\n- y\n", "/a/0", "a:\n- new\n- x\n- y\n"),
            ("a:\n- x\n- y\n", "/a/1", "a:\n- x\n- new\n- y\n"),
            ("a:\n- x\n- y\n", "/a/2", "a:\n- x\n- y\n- new\n"),
            (
                "a:\n    - x\n    # about y\n    - y\nb: 1\n",
                "/a/1",
                "a:\n    - x\n    - new\n    # about y\n    - y\nb: 1\n",
            ),
            ("a:\n  # about x\n  - x\n", "/a/0", "a:\n  - new\n  # about x\n  - x\n"),
            ("a: # list\n  - x # one\n", "/a/-", "a: # list\n  - x # one\n  - new\n"),
            (
                "a:\n  - b: 1\n    # c: 2\n  # end\nd: 1\n",
                "/a/-",
                "a:\n  - b: 1\n    # c: 2\n  - new\n  # end\nd: 1\n",
            ),
            ("- - x\n  - y\n", "/0/0", "- - new\n  - x\n  - y\n"),
            ("- - x\n  - y\n", "/0/-", "- - x\n  - y\n  - new\n"),
            ("- - x\n  - y\n", "/-", "- - x\n  - y\n- new\n"),
            ("-\n  a: 1\n-\n", "/-", "-\n  a: 1\n-\n- new\n"),
            ("-\n  a: 1\n-\n", "/0", "- new\n-\n  a: 1\n-\n"),
            ("a:\n- |\n  x\n\n- y\n", "/a/1", "a:\n- |\n  x\n- new\n\n- y\n"),
        ];
        for (before, pointer, after) in cases {
            becomes(before, &[add(pointer, json!("new"))], after);
        }
    }

    #[test]
    fn maps_grow_after_their_last_entry() {
        let cases = [
            ("a: 1\n", "/b", "a: 1\nb: new\n"),
            ("a: 1", "/b", "a: 1\nb: new"),
            ("a:\n  b: 1", "/a/c", "a:\n  b: 1\n  c: new"),
            ("a: 1\n# end\n", "/b", "a: 1\nb: new\n# end\n"),
            ("a: 1\n\n\n", "/b", "a: 1\nb: new\n\n\n"),
            ("a:\n  b: 1\n  # below b\nc: 2\n", "/a/d", "a:\n  b: 1\n  d: new\n  # below b\nc: 2\n"),
            ("a:\n  b: 1\n  # below b\n", "/d", "a:\n  b: 1\n  # below b\nd: new\n"),
            ("a: |\n  x\n   y\n\n# end\n", "/b", "a: |\n  x\n   y\nb: new\n\n# end\n"),
            ("a: |+\n  x\n\n", "/b", "a: |+\n  x\n\nb: new\n"),
            ("a: |\n  x", "/b", "a: |\n  x\nb: new"),
            ("a: >2+ # c\n  x", "/b", "a: >2+ # c\n  x\nb: new"),
            (
                "a: >-\n  x\n  # no comment\n # comment\n",
                "/b",
                "a: >-\n  x\n  # no comment\n # comment\nb: new\n",
            ),
            ("a: x\n  y\n", "/b", "a: x\n  y\nb: new\n"),
            ("a: \"x\n  y\" # end\n", "/b", "a: \"x\n  y\" # end\nb: new\n"),
            ("a:\n", "/b", "a:\nb: new\n"),
            ("- a: 1\n  b: 2\n- c\n", "/0/d", "- a: 1\n  b: 2\n  d: new\n- c\n"),
            ("---\na: 1\n...\n", "/b", "---\na: 1\nb: new\n...\n"),
            ("\u{feff}a: 1\n", "/b", "\u{feff}a: 1\nb: new\n"),
            ("a: &x\n  b: 1\nc: *x\n", "/d", "a: &x\n  b: 1\nc: *x\nd: new\n"),
            ("? a\n: 1\n", "/b", "? a\n: 1\nb: new\n"),
            ("a b:\n    c: 1\n", "/a b/x~1y~0z", "a b:\n    c: 1\n    x/y~z: new\n"),
        ];
        for (before, pointer, after) in cases {
            becomes(before, &[add(pointer, json!("new"))], after);
        }
    }

    #[test]
    fn absent_and_empty_values_become_blocks() {
        let cases = [
            ("a:\nb: 1\n", "a:\n  k: v\nb: 1\n"),
            ("a:", "a:\n  k: v"),
            ("a: # none\nb: 1\n", "a: # none\n  k: v\nb: 1\n"),
            ("a: {} # none\nb: 1\n", "a: # none\n  k: v\nb: 1\n"),
            ("a: null\n", "a:\n  k: v\n"),
            ("a: ~\n", "a:\n  k: v\n"),
            ("a:\n  # k: w\nb: 1\n", "a:\n  k: v\n  # k: w\nb: 1\n"),
            ("a:\n  {}\nb: 1\n", "a:\n  k: v\nb: 1\n"),
            ("a: &x\nb: 1\n", "a:\n  k: v\nb: 1\n"),
            ("a: {\n}\nb: 1\n", "a:\n  k: v\nb: 1\n"),
            ("x:\n    y: 1\na: {}\n", "x:\n    y: 1\na:\n    k: v\n"),
        ];
        for (before, after) in cases {
            becomes(before, &[add("/a", json!({"k": "v"}))], after);
        }
        becomes("a: {}\n", &[add("/a/k", json!("v"))], "a:\n  k: v\n");
        becomes("a:\n  {}\nb: 1\n", &[add("/a/k", json!("v"))], "a:\n  {k: \"v\"}\nb: 1\n");
        let empty = |pointer: &str| Edit::Empty { pointer: pointer.into() };
        becomes("a:\n  k: v\nb: 1\n", &[empty("/a")], "a:\nb: 1\n");
        becomes("a: [x] # c\n", &[empty("/a")], "a: # c\n");
        becomes("a: {k: v}\n", &[empty("/a/k")], "a: {k: null}\n");
        becomes("a: [] # none\n", &[add("/a/-", json!("v"))], "a: # none\n- v\n");
        becomes("x:\n  - 1\na: []\n", &[add("/a/-", json!("v"))], "x:\n  - 1\na:\n  - v\n");
        becomes("- []\n- 1\n", &[add("/0/-", json!({"a": 1, "b": 2}))], "- - a: 1\n    b: 2\n- 1\n");
        becomes("-\n- 1\n", &[replace("/0", json!("x"))], "- x\n- 1\n");
    }

    #[test]
    fn empty_documents_take_a_value() {
        let cases = [
            ("# only\n", "# only\nk: v\n"),
            ("# only", "# only\nk: v"),
            ("---\n# only\n...\n", "---\nk: v\n# only\n...\n"),
            ("---", "---\nk: v"),
            ("--- # x\n", "--- # x\nk: v\n"),
            ("--- ~\n", "--- \nk: v\n"),
        ];
        for (before, after) in cases {
            becomes(before, &[add("", json!({"k": "v"}))], after);
        }
    }

    #[test]
    fn values_are_replaced_where_they_stand() {
        let cases = [
            ("a: 1 # one\nb: 2\n", json!("two words"), "a: two words # one\nb: 2\n"),
            ("a: 'x'\n", json!(null), "a: null\n"),
            ("a: |\n  x\n  y\nb: 2\n", json!(true), "a: true\nb: 2\n"),
            ("a: |+\n  x\n\nb: 2\n", json!(true), "a: true\nb: 2\n"),
            ("a:\n  # about x\n  x: 1\nb: 2\n", json!("s"), "a: s\n  # about x\nb: 2\n"),
            ("a:\n  x: 1\n  y: 2\nb: 2\n", json!({"z": [1]}), "a:\n  z:\n  - 1\nb: 2\n"),
            ("a: [1, 2]\nb: 2\n", json!(["x"]), "a:\n- x\nb: 2\n"),
            ("a: 1\nb: 2\n", json!("x\ny\n"), "a: |\n  x\n  y\nb: 2\n"),
            ("a: 1 # c\nb: 2\n", json!("x\ny"), "a: |- # c\n  x\n  y\nb: 2\n"),
            ("a: x\n  y\nb: 2\n", json!(1), "a: 1\nb: 2\n"),
            ("a: !!str 1\nb: 2\n", json!(1), "a: 1\nb: 2\n"),
        ];
        for (before, value, after) in cases {
            becomes(before, &[replace("/a", value)], after);
        }
        becomes("- a: 1\n  b: 2\n- c\n", &[replace("/0", json!({"x": 1, "z": 2}))], "- x: 1\n  z: 2\n- c\n");
        becomes("- a # c\n- b\n", &[replace("/0", json!({"x": 1, "z": 2}))], "- x: 1 # c\n  z: 2\n- b\n");
    }

    #[test]
    fn removed_entries_take_their_lines_along() {
        let cases = [
            ("a: 1\nb: 2 # two\nc: 3\n", "/b", "a: 1\nc: 3\n"),
            ("a: 1\nb:\n  c: 2\n  # d\n# e\n", "/b", "a: 1\n# e\n"),
            ("a:\n  b: 1\nc: 2\n", "/a/b", "a: {}\nc: 2\n"),
            ("a:\n- b\nc: 2\n", "/a/0", "a: []\nc: 2\n"),
            ("- a: 1\n  b: 2\n", "/0/a", "- b: 2\n"),
            ("- a: 1\n  b: 2\n", "/0/b", "- a: 1\n"),
            ("- - a\n  - b\n", "/0/0", "- - b\n"),
            ("- a\n# about b\n- b\n- c", "/1", "- a\n# about b\n- c"),
            ("a: {b: 1, c: 2, d: 3}\n", "/a/c", "a: {b: 1, d: 3}\n"),
            ("a: [1]\n", "/a/0", "a: []\n"),
        ];
        for (before, pointer, after) in cases {
            becomes(before, &[remove(pointer)], after);
        }
    }

    #[test]
    fn items_of_a_list_object_are_edited_each_in_its_place() {
        let item = |name: &str, more: &str| {
            format!("- kind: Pod\n  metadata: # of {name}\n    name: {name}\n{more}  # end of {name}\n")
        };
        let list =
            |more: [&str; 2]| format!("kind: List\nitems:\n{}\n{}", item("a", more[0]), item("b", more[1]));
        let edits = ["/items/0", "/items/1"].map(|at| {
            let annotations = format!("{at}/metadata/annotations");
            [
                add(&annotations, json!({})),
                add(&format!("{annotations}/k"), json!("v")),
                add(&format!("{at}/spec"), json!(1)),
            ]
        });
        let more = "    annotations:\n      k: v\n  spec: 1\n";
        becomes(&list(["", ""]), &edits.concat(), &list([more, more]));
    }

    #[test]
    fn a_certificate_goes_in_and_stays_readable() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let before = "data:\n  a.pem: |\n    -----BEGIN X-----\n    ---\n";
        let block = "    -----BEGIN CERTIFICATE-----\n    MIIB\n    -----END CERTIFICATE-----\n";
        becomes(before, &[add("/data/b.pem", json!(pem))], &format!("{before}  b.pem: |\n{block}"));
        becomes(
            "data: {a: 1}\n",
            &[add("/data/b", json!(pem))],
            &format!("data: {{a: 1, b: {}}}\n", json!(pem)),
        );
    }

    #[test]
    fn windows_line_ends_stay_windows_line_ends() {
        let before = "a:\r\n- x\r\nb:\r\nc: |\r\n  t\r\n";
        let edits =
            [add("/a/-", json!({"p": 1, "q": "l\nm\n"})), add("/b", json!({"k": "v"})), add("/d", json!(1))];
        let after =
            "a:\r\n- x\r\n- p: 1\r\n  q: |\r\n    l\r\n    m\r\nb:\r\n  k: v\r\nc: |\r\n  t\r\nd: 1\r\n";
        becomes(before, &edits, after);
    }

    #[test]
    fn an_alias_gives_way_to_its_own_copy() {
        let before = "a: &x # shared\n  k: 0x10\n  l: 'q'\nb: *x # here\n";
        let after = "a: &x # shared\n  k: 0x10\n  l: 'q'\nb: # here\n  k: 0x10\n  l: 'q'\n  m: 1\n";
        becomes(before, &[add("/b/m", json!(1))], after);
    }

    #[test]
    fn merged_maps_take_what_is_new() {
        let before = "base: &b\n  k: 1\n  m: {x: 1}\na:\n  <<: *b\n  l: 2\n";
        let head = "base: &b\n  k: 1\n  m: {x: 1}\na:\n  <<: *b\n  l: 2\n";
        becomes(before, &[add("/a/o", json!(3))], &format!("{head}  o: 3\n"));
        becomes(before, &[replace("/a/k", json!(3))], &format!("{head}  k: 3\n"));
        becomes(before, &[add("/a/m/z", json!(3))], &format!("{head}  m:\n    x: 1\n    z: 3\n"));
    }

    #[test]
    fn an_anchored_value_changes_for_one_user_only_by_writing_the_document_anew() {
        let before = "# head\n---\na: &x # shared\n  k: 0x10\n  l: 'q'\n  p: 80:53\nb: *x\n# tail\n...\n";
        let edited = documents(before).unwrap()[0].edit(&[add("/a/m", json!(1))]).unwrap();
        let after = "# head\n---\na:\n  k: 0x10\n  l: 'q'\n  p: \"80:53\"\n  m: 1\nb:\n  k: 0x10\n  l: 'q'\n  p: \"80:53\"\n# tail\n...\n";
        assert_eq!(edited.text, after);
        assert_eq!(edited.rewritten, Some(Reason::SharedAnchor { line: 3 }));
    }

    #[test]
    fn a_merged_key_is_removed_by_writing_the_document_anew() {
        let before = "base: &b {k: 1}\na:\n  <<: *b\n  l: 2\n";
        let edited = documents(before).unwrap()[0].edit(&[remove("/a/k")]).unwrap();
        assert_eq!(edited.text, "base:\n  k: 1\na:\n  l: 2\n");
        assert_eq!(edited.rewritten, Some(Reason::Layout));
    }

    #[test]
    fn no_edit_and_idle_edits_leave_every_byte() {
        let text = "a:   1 # x\nb: {c:   0x1}";
        becomes(text, &[], text);
        becomes(text, &[add("/a", json!(1)), replace("/b/c", json!(1))], text);
    }

    #[test]
    fn places_that_are_not_there_are_errors() {
        let documents = documents("a: 1\nb: [1]\n").unwrap();
        let place = |pointer: &str| Err(EditError::Place(pointer.into()));
        assert_eq!(documents[0].edit(&[remove("/c")]), place("/c"));
        assert_eq!(documents[0].edit(&[add("/b/3", json!(1))]), place("/b/3"));
        assert_eq!(documents[0].edit(&[add("/a/x", json!(1))]), place("/a/x"));
        assert_eq!(documents[0].edit(&[add("a", json!(1))]), Err(EditError::Pointer("a".into())));
    }

    #[test]
    fn a_key_gets_another_name_in_the_way_in_which_it_is_written() {
        let rename =
            |pointer: &str, name: &str| [Edit::Rename { pointer: pointer.into(), name: name.into() }];
        becomes("a: 1 # one\nb:   'x'\n", &rename("/b", "c.d/e"), "a: 1 # one\nc.d/e:   'x'\n");
        becomes("'b':\r\n  # c\r\n  - 1\r\n", &rename("/b", "it's"), "'it''s':\r\n  # c\r\n  - 1\r\n");
        becomes("{\"b\" : {\"x\": 1}}", &rename("/b", "c"), "{\"c\" : {\"x\": 1}}");
        becomes("a: {b: 1,c: 2}\n", &rename("/a/c", "d"), "a: {b: 1,d: 2}\n");
        becomes("- b: &x 1 # one\n  a: *x\n", &rename("/0/b", "yes"), "- \"yes\": &x 1 # one\n  a: *x\n");
        let documents = documents("a: 1\nb: 2\n").unwrap();
        let taken = documents[0].edit(&rename("/b", "a"));
        assert_eq!(taken, Err(EditError::Place("/b".into())));
        let missing = documents[0].edit(&rename("/c", "d"));
        assert_eq!(missing, Err(EditError::Place("/c".into())));
    }

    #[test]
    fn what_moves_keeps_its_lines() {
        let moved = |pointer: &str, to: &str| Edit::Move { pointer: pointer.into(), to: to.into() };
        let text = "\
spec:
  # of the pods
  annotations: # two
    # one
    a:   'x'  # why
    b: |
      text

        more
  metadata:
    labels: {app: web}
    # the end
  last: 1
";
        let whole = "\
spec:
  # of the pods
  metadata:
    labels: {app: web}
    annotations: # two
      # one
      a:   'x'  # why
      b: |
        text

          more
    # the end
  last: 1
";
        becomes(text, &[moved("/spec/annotations", "/spec/metadata/annotations")], whole);
        let windows = (text.replace('\n', "\r\n"), whole.replace('\n', "\r\n"));
        becomes(&windows.0, &[moved("/spec/annotations", "/spec/metadata/annotations")], &windows.1);
        let member = whole
            .replace("      b: |\n        text\n\n          more\n", "")
            .replace("last: 1\n", "last: 1\nb: |\n  text\n\n    more\n");
        becomes(whole, &[moved("/spec/metadata/annotations/b", "/b")], &member);
        becomes(r#"{"a":{"x":"1"},"b":{"y":2}}"#, &[moved("/a", "/b/a")], r#"{"b":{"y":2,"a":{"x":"1"}}}"#);
        let documents = documents(text).unwrap();
        let taken = documents[0].edit(&[moved("/spec/annotations", "/spec/metadata/labels")]);
        assert_eq!(taken, Err(EditError::Place("/spec/annotations".into())));
    }
}
