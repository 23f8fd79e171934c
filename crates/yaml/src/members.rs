//! What a map holds once its merge keys are followed.

use std::collections::HashMap;

use super::events::Style;
use super::problem::Problem;
use super::scalar::{self, Scalar};
use super::tree::{Kind, NodeId, Tree};

/// How many nodes and bytes of text aliases may add to one file: an alias bomb ends here.
const EXPANSION: usize = 1 << 20;

/// What is left for aliases to add.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(EXPANSION)
    }
}

impl Budget {
    pub(super) fn spend(&mut self, cost: usize, offset: usize) -> Result<(), Problem> {
        match self.0.checked_sub(cost) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(Problem::new(offset, "aliases make this document too big")),
        }
    }
}

/// One key of a map, and its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// Whether a merge key brought it here.
    pub(super) inherited: bool,
}

/// Understands maps and scalars of one tree.
pub(super) struct Reader<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
}

impl<'t, 'a> Reader<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>) -> Self {
        Self { tree }
    }

    /// The members of a map in a tree that was found sound before.
    pub(super) fn members(&self, id: NodeId) -> Result<Vec<Member>, Problem> {
        self.members_within(id, 0, &mut Budget(usize::MAX))
    }

    /// The members in order. The later of two with one name wins, as in kubectl, where one of them is merged;
    /// of two written in the same map none is right.
    pub(super) fn members_within(
        &self,
        id: NodeId,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<Vec<Member>, Problem> {
        let Kind::Mapping { entries, .. } = self.tree.node(id).kind else { return Ok(Vec::new()) };
        let mut members = Members::default();
        for entry in entries {
            if self.is_merge(entry.key) {
                for member in self.merged(entry.value, depth, budget)? {
                    members.put(Member { inherited: true, ..member });
                }
                continue;
            }
            let name = self.name(entry.key)?;
            let offset = self.tree.node(entry.key).outer;
            if let Some(other) = members.find(&name).filter(|member| !member.inherited) {
                let earlier = Some(self.tree.node(other.key).outer);
                let message = format!("the key stands twice in one map: {name}");
                return Err(Problem { offset, message, earlier });
            }
            members.put(Member { name, key: entry.key, value: entry.value, inherited: false });
        }
        Ok(members.list)
    }

    pub(super) fn scalar(&self, id: NodeId) -> Option<Result<Scalar<'t>, Problem>> {
        let node = self.tree.node(id);
        let Kind::Scalar { text, style } = &node.kind else { return None };
        let scalar = scalar::resolve(node.tag, *style, text);
        Some(scalar.map_err(|message| Problem::new(node.start, message)))
    }

    pub(super) fn is_merge(&self, key: NodeId) -> bool {
        let node = self.tree.node(key);
        matches!(&node.kind, Kind::Scalar { text, style: Style::Plain } if text == "<<") && node.tag.is_none()
    }

    /// Members of the map, or of the maps in the list, behind a merge key; in a list the first map wins.
    fn merged(&self, value: NodeId, depth: usize, budget: &mut Budget) -> Result<Vec<Member>, Problem> {
        let offset = self.tree.node(value).outer;
        if depth >= super::events::MAX_DEPTH {
            return Err(Problem::new(offset, "merge keys follow one another too deep"));
        }
        let source = self.tree.resolve(value);
        let maps = match &self.tree.node(source).kind {
            Kind::Sequence { items, .. } if source == value => {
                items.iter().rev().map(|item| self.tree.resolve(item.node)).collect()
            }
            _ => vec![source],
        };
        if maps.iter().any(|map| !matches!(self.tree.node(*map).kind, Kind::Mapping { .. })) {
            return Err(Problem::new(offset, "a merge key takes a map or a list of maps"));
        }
        let mut members = Vec::new();
        for map in maps {
            let found = self.members_within(map, depth + 1, budget)?;
            budget.spend(found.len() + 1, offset)?;
            members.extend(found);
        }
        Ok(members)
    }

    fn name(&self, key: NodeId) -> Result<String, Problem> {
        let offset = self.tree.node(key).outer;
        let wrong = |message: &str| Problem::new(offset, message);
        match self.scalar(self.tree.resolve(key)) {
            Some(scalar) => scalar?.key().map_err(wrong),
            None => Err(wrong("a map or a list cannot be a key")),
        }
    }
}

#[derive(Default)]
struct Members {
    list: Vec<Member>,
    places: HashMap<String, usize>,
}

impl Members {
    fn find(&self, name: &str) -> Option<&Member> {
        self.places.get(name).and_then(|place| self.list.get(*place))
    }

    fn put(&mut self, member: Member) {
        let place = self.places.get(&member.name);
        if let Some(old) = place.and_then(|place| self.list.get_mut(*place)) {
            *old = member;
        } else {
            self.places.insert(member.name.clone(), self.list.len());
            self.list.push(member);
        }
    }
}
