//! The table of modules in ARCHITECTURE.md, which people read and these tests hold the source to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub(super) struct Table(Vec<Row>);

/// What is written about a module.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) module: String,
    pub(super) may_use: BTreeSet<String>,
    /// No files, network, clock, environment or threads.
    pub(super) pure: bool,
}

impl Table {
    pub(super) fn of_architecture() -> Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
        Table::read(&fs::read_to_string(path).unwrap())
    }

    /// The table whose head has these three cells, wherever they stand in it.
    fn read(page: &str) -> Table {
        let mut lines = page.lines().skip_while(|line| !cells(line).contains(&"may use"));
        let head = cells(lines.next().expect("ARCHITECTURE.md has a table of what each module may use"));
        let column = |name: &str| {
            head.iter().position(|cell| *cell == name).unwrap_or_else(|| panic!("it has a column {name:?}"))
        };
        let (module, may_use, pure) = (column("module"), column("may use"), column("pure"));
        let mut rows: Vec<Row> = Vec::new();
        for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
            let cells = cells(line);
            let before = || rows.iter().map(|row| row.module.clone()).collect();
            rows.push(Row {
                module: cells[module].trim_matches('`').to_owned(),
                may_use: match cells[may_use] {
                    "nothing" => BTreeSet::new(),
                    "all above" => before(),
                    list => list.split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect(),
                },
                pure: match cells[pure] {
                    "yes" => true,
                    "no" => false,
                    other => panic!("{line}: pure is yes or no, not {other:?}"),
                },
            });
        }
        Table(rows)
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.0
    }

    pub(super) fn find(&self, module: &str) -> Option<&Row> {
        self.0.iter().find(|row| row.module == module)
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_table_is_found_and_read() {
    let page = "# A\n| x | y |\n|---|---|\n| 1 | 2 |\n\n| module | holds | may use | pure |\n|---|---|---|---|\n\
                | `a` | … | nothing | yes |\n| `b` | … | all above | no |\n| `c` | … | `a`, b | yes |\n\nend";
    let Table(rows) = Table::read(page);
    let row = |module: &str, may_use: &[&str], pure| Row {
        module: module.to_owned(),
        may_use: may_use.iter().map(|&name| name.to_owned()).collect(),
        pure,
    };
    assert_eq!(rows, [row("a", &[], true), row("b", &["a"], false), row("c", &["a", "b"], true)]);
}
