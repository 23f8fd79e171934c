//! The answer of a condition over a pod.

use std::cmp::Ordering;

use serde_json::Value as Tree;

use super::calculate::{ITEM, calculated};
use super::given::Given;
use super::steps::Fault;
use super::syntax::{Collect, Comparison, Expr, Get, Kind, Loop, Operator, Test};
use super::value::{Constants, Item, List, Value};

pub(crate) fn holds<'a>(expr: &'a Expr, text: &'a str, given: &Given<'a>) -> Result<bool, Fault> {
    Evaluation { text, given, item: None }.bool(expr)
}

/// So many steps a byte costs that a regular expression looks at.
const BYTE_OF_REGEX: usize = 16;

struct Evaluation<'g, 'a> {
    text: &'a str,
    given: &'g Given<'a>,
    /// What a loop is at.
    item: Option<Value<'a>>,
}

impl<'a> Evaluation<'_, 'a> {
    fn written(&self, expr: &Expr) -> &'a str {
        self.text.get(expr.at.clone()).unwrap_or(self.text)
    }

    fn expected(&self, expr: &Expr, what: &str, found: &Value<'_>) -> Fault {
        Fault::from(format!("{} is {}, not {what}", self.written(expr), found.kind()))
    }

    fn nothing_comes_of(&self, expr: &Expr, why: Fault) -> Fault {
        why.at(self.written(expr))
    }

    fn bool(&self, expr: &'a Expr) -> Result<bool, Fault> {
        match self.value(expr)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.expected(expr, "true or false", &other)),
        }
    }

    fn value(&self, expr: &'a Expr) -> Result<Value<'a>, Fault> {
        self.given.steps.go(1)?;
        Ok(match &expr.kind {
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Double(_) | Kind::Text(_) => {
                Value::constant(expr)
            }
            Kind::List(items) => Value::List(List::Constants(Constants(items))),
            Kind::EmptyMap => Value::map([]),
            Kind::Object => self.given.object.clone(),
            Kind::Namespace => self.given.namespace.clone(),
            Kind::Item => self.item.clone().unwrap_or(Value::Null),
            Kind::Get(get) => self.get(expr, get)?,
            Kind::Has(get) => Value::Bool(self.has(get)?),
            Kind::Not(of) => Value::Bool(!self.bool(of)?),
            Kind::Negate(of) => match self.value(of)? {
                Value::Double(number) => Value::Double(-number),
                number => calculated(&Value::Int(0), Operator::Subtract, &number, &self.given.steps)
                    .map_err(|why| self.nothing_comes_of(expr, why))?,
            },
            Kind::Calculate(first, others) => {
                let mut value = self.value(first)?;
                for (operator, operand) in others {
                    let operand = self.value(operand)?;
                    value = calculated(&value, *operator, &operand, &self.given.steps)
                        .map_err(|why| self.nothing_comes_of(expr, why))?;
                }
                value
            }
            Kind::All(all) => Value::Bool(!decided(all.iter().map(|one| self.bool(one)), false)?),
            Kind::Any(all) => Value::Bool(decided(all.iter().map(|one| self.bool(one)), true)?),
            Kind::Compare(comparison, both) => Value::Bool(self.compare(*comparison, both)?),
            Kind::In(both) => Value::Bool(self.within(both)?),
            Kind::If(parts) => {
                let [condition, yes, no] = &**parts;
                return self.value(if self.bool(condition)? { yes } else { no });
            }
            Kind::Size(of) => Value::Int(self.size(of)?),
            Kind::Test(test, both) => Value::Bool(self.test(*test, both)?),
            Kind::Matches(of, regex) => {
                let Value::Text(text) = self.text_of(of)? else { return Ok(Value::Null) };
                // An automaton goes on from each of its states with each byte.
                self.given.steps.go(1 + BYTE_OF_REGEX * text.len())?;
                Value::Bool(regex.is_match(&text))
            }
            Kind::OrValue(both) => match self.value(&both[0])? {
                Value::Optional(Some(value)) => *value,
                Value::Optional(None) => self.value(&both[1])?,
                other => return Err(self.expected(&both[0], "something that may be missing", &other)),
            },
            Kind::HasValue(of) => Value::Bool(matches!(self.value(of)?, Value::Optional(Some(_)))),
            Kind::Loop(kind, both) => Value::Bool(self.looped(*kind, both)?),
            Kind::Collect(collect) => self.collected(collect)?,
        })
    }

    fn get(&self, expr: &'a Expr, get: &'a Get) -> Result<Value<'a>, Fault> {
        let (of, was_optional) = match self.value(&get.of)? {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(of)) => (*of, true),
            of => (of, false),
        };
        let key = self.value(&get.key)?;
        let found = match (&of, &key) {
            (Value::Map(map), Value::Text(name)) => map.get(name, &self.given.steps)?,
            (Value::List(list), Value::Int(at)) => {
                let items = list.items(&self.given.steps)?;
                let item = usize::try_from(*at).ok().and_then(|at| items.into_iter().nth(at));
                item.map(|item| item.value(&self.given.steps)).transpose()?
            }
            (Value::Map(_), _) => None,
            (other, _) => return Err(self.expected(&get.of, "a map", other)),
        };
        match found {
            found if was_optional || get.is_optional => Ok(Value::Optional(found.map(Box::new))),
            Some(found) => Ok(found),
            None => Err(Fault::from(format!("{} is not there", self.written(expr)))),
        }
    }

    fn has(&self, get: &'a Get) -> Result<bool, Fault> {
        let of = self.value(&get.of)?;
        match (&of, &get.key.kind) {
            (Value::Map(map), Kind::Text(name)) => Ok(map.get(name, &self.given.steps)?.is_some()),
            _ => Err(self.expected(&get.of, "a map", &of)),
        }
    }

    fn compare(&self, comparison: Comparison, both: &'a [Expr; 2]) -> Result<bool, Fault> {
        let (left, right) = (self.value(&both[0])?, self.value(&both[1])?);
        match comparison {
            Comparison::Equal => return self.equal(&left, &right),
            Comparison::Unequal => return Ok(!self.equal(&left, &right)?),
            _ => {}
        }
        let ordering = match (&left, &right) {
            (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
            (Value::Text(one), Value::Text(other)) => {
                self.given.steps.go_over(one.len().min(other.len()))?;
                Some(one.cmp(other))
            }
            (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
            (one, other) => number(one).zip(number(other)).and_then(|(one, other)| one.partial_cmp(&other)),
        };
        let ordering = ordering.ok_or_else(|| self.expected(&both[0], right.kind(), &left))?;
        Ok(match comparison {
            Comparison::Less => ordering == Ordering::Less,
            Comparison::AtMost => ordering != Ordering::Greater,
            Comparison::More => ordering == Ordering::Greater,
            Comparison::AtLeast => ordering != Ordering::Less,
            Comparison::Equal | Comparison::Unequal => false,
        })
    }

    fn equal(&self, one: &Value<'a>, other: &Value<'a>) -> Result<bool, Fault> {
        match (one, other) {
            (Value::Text(one), Value::Text(other)) => {
                self.given.steps.go_over(one.len().min(other.len()))?;
                Ok(**one == **other)
            }
            (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Err(why.clone()),
            (Value::List(List::Json(_)), Value::List(List::Json(_))) | (Value::Map(_), Value::Map(_)) => {
                // What is made a tree takes longer than what is looked through: a step for each byte.
                self.given.steps.go(1 + one.bytes() + other.bytes())?;
                Ok(same(&one.tree()?, &other.tree()?))
            }
            (Value::List(one), Value::List(other)) => {
                let (one, other) = (one.items(&self.given.steps)?, other.items(&self.given.steps)?);
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (one, other) in one.into_iter().zip(other) {
                    if !self.equal(&one.value(&self.given.steps)?, &other.value(&self.given.steps)?)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Int(one), Value::Int(other)) => Ok(one == other),
            (Value::Bool(one), Value::Bool(other)) => Ok(one == other),
            (Value::Null, Value::Null) => Ok(true),
            (one, other) => {
                let numbers = number(one).zip(number(other));
                Ok(numbers.and_then(|(one, other)| one.partial_cmp(&other)) == Some(Ordering::Equal))
            }
        }
    }

    fn within(&self, both: &'a [Expr; 2]) -> Result<bool, Fault> {
        let (what, within) = (self.value(&both[0])?, self.value(&both[1])?);
        match (&what, &within) {
            (what, Value::List(list)) => {
                for item in list.items(&self.given.steps)? {
                    if self.equal(what, &item.value(&self.given.steps)?)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Text(name), Value::Map(map)) => Ok(map.get(name, &self.given.steps)?.is_some()),
            (_, Value::Map(_)) => Ok(false),
            _ => Err(self.expected(&both[1], "a list or a map", &within)),
        }
    }

    fn size(&self, of: &'a Expr) -> Result<i64, Fault> {
        let value = self.value(of)?;
        let size = match &value {
            Value::Text(text) => {
                self.given.steps.go_over(text.len())?;
                text.chars().count()
            }
            Value::List(list) => list.items(&self.given.steps)?.len(),
            Value::Map(map) => map.keys(&self.given.steps)?.len(),
            other => return Err(self.expected(of, "text, a list or a map", other)),
        };
        Ok(i64::try_from(size).unwrap_or(i64::MAX))
    }

    fn text_of(&self, expr: &'a Expr) -> Result<Value<'a>, Fault> {
        match self.value(expr)? {
            text @ Value::Text(_) => Ok(text),
            other => Err(self.expected(expr, "text", &other)),
        }
    }

    fn test(&self, test: Test, both: &'a [Expr; 2]) -> Result<bool, Fault> {
        let (whole, part) = (self.text_of(&both[0])?, self.text_of(&both[1])?);
        let (Value::Text(whole), Value::Text(part)) = (whole, part) else { return Ok(false) };
        self.given.steps.go_over(whole.len() + part.len())?;
        Ok(match test {
            Test::StartsWith => whole.starts_with(&*part),
            Test::EndsWith => whole.ends_with(&*part),
            Test::Contains => whole.contains(&*part),
        })
    }

    fn looped(&self, kind: Loop, both: &'a [Expr; 2]) -> Result<bool, Fault> {
        let [over, body] = both;
        let items = self.items(over)?;
        let holds = |item: Item<'a>| self.at(item.value(&self.given.steps)?).bool(body);
        match kind {
            Loop::Exists => decided(items.into_iter().map(holds), true),
            Loop::All => decided(items.into_iter().map(holds), false).map(|one_fails| !one_fails),
            Loop::ExistsOne => {
                let mut count = 0;
                for item in items {
                    count += usize::from(holds(item)?);
                }
                Ok(count == 1)
            }
        }
    }

    fn collected(&self, collect: &'a Collect) -> Result<Value<'a>, Fault> {
        let mut made = Vec::new();
        for item in self.items(&collect.over)? {
            let item = item.value(&self.given.steps)?;
            let here = self.at(item.clone());
            if let Some(only) = &collect.only
                && !here.bool(only)?
            {
                continue;
            }
            self.given.steps.go(ITEM)?;
            made.push(collect.into.as_ref().map_or(Ok(item), |into| here.value(into))?);
        }
        Ok(Value::List(List::Made(made.into())))
    }

    /// What a loop goes over.
    fn items(&self, over: &'a Expr) -> Result<Vec<Item<'a>>, Fault> {
        match self.value(over)? {
            Value::List(list) => list.items(&self.given.steps),
            Value::Map(map) => map.keys(&self.given.steps),
            other => Err(self.expected(over, "a list or a map", &other)),
        }
    }

    /// The same, with a loop at this item.
    fn at(&self, item: Value<'a>) -> Self {
        Evaluation { text: self.text, given: self.given, item: Some(item) }
    }
}

/// Whether one of them is as wanted. One that is decides, whatever cannot be told about the others, and so does one that will be.
fn decided(answers: impl Iterator<Item = Result<bool, Fault>>, wanted: bool) -> Result<bool, Fault> {
    let mut fault = None;
    for answer in answers {
        match answer {
            Ok(found) if found == wanted => return Ok(true),
            Ok(_) => {}
            Err(why) => {
                fault = Some(match fault {
                    Some(first) => Fault::or(first, why),
                    None => why,
                });
            }
        }
    }
    fault.map_or(Ok(false), Err)
}

#[allow(clippy::cast_precision_loss)] // as CEL compares numbers of two kinds
fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        _ => None,
    }
}

/// Numbers are the same whatever they are written as: whole ones with all their digits, as an API server reads them.
fn same(one: &Tree, other: &Tree) -> bool {
    match (one, other) {
        (Tree::Number(one), Tree::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Tree::Array(one), Tree::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Tree::Object(one), Tree::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|found| same(value, found)))
        }
        (one, other) => one == other,
    }
}
