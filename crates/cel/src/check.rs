//! Checks a condition: the types of its parts, and which fields it reads. Rejects what an API server would not compile, and what it would compile and answer in another way.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::mistake::Mistake;
use super::syntax::{Comparison, Expr, Get, Kind, Operator};

#[derive(Clone, Debug, PartialEq)]
enum Type {
    /// Known only when there is a pod.
    Any,
    Null,
    Bool,
    Int,
    Double,
    Text,
    List(Box<Type>),
    /// Of text.
    Map,
    /// Of those of a namespace, of which only what is named is kept.
    Annotations,
    Object(&'static Fields),
    /// It may be missing.
    Optional(Box<Type>),
}

/// A name, and what it is; as a function because types name each other.
type Field = (&'static str, fn() -> Type);

/// What can be looked at in an object.
#[derive(Debug, PartialEq)]
struct Fields {
    what: &'static str,
    fields: &'static [Field],
    others: &'static str,
}

const OBJECT: Fields = Fields {
    what: "object",
    fields: &[("metadata", || Type::Object(&METADATA)), ("spec", || Type::Any)],
    others: "a pod that is being created has nothing else",
};
const METADATA: Fields = Fields {
    what: "object.metadata",
    fields: &[
        ("name", || Type::Text),
        ("generateName", || Type::Text),
        ("namespace", || Type::Text),
        ("labels", || Type::Map),
        ("annotations", || Type::Map),
    ],
    others: "for what makes the pod, use ownerKinds",
};
const NAMESPACE: Fields = Fields {
    what: "namespaceObject",
    fields: &[("metadata", || Type::Object(&NAMESPACE_METADATA))],
    others: "of namespaces only names, labels and annotations are known",
};
const NAMESPACE_METADATA: Fields = Fields {
    what: "namespaceObject.metadata",
    fields: &[("name", || Type::Text), ("labels", || Type::Map), ("annotations", || Type::Annotations)],
    others: "of namespaces only names, labels and annotations are known",
};
const NAME_IT: &str = "of a namespace's annotations only those are known that a condition names: write the name in quotes, such as \
                       namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('')";

/// What is known where an expression stands.
struct Scope<'n> {
    /// What a loop is at.
    item: Type,
    /// The annotations of namespaces that were named so far.
    annotations: &'n RefCell<BTreeSet<String>>,
}

impl Scope<'_> {
    fn at(&self, item: Type) -> Self {
        Scope { item, annotations: self.annotations }
    }
}

/// The result is which annotations of a namespace it reads.
pub(crate) fn check(expr: &Expr) -> Result<Vec<String>, Mistake> {
    let annotations = RefCell::default();
    match type_of(expr, &Scope { item: Type::Any, annotations: &annotations })? {
        Type::Bool => Ok(annotations.into_inner().into_iter().collect()),
        Type::Any => Err(wrong(
            expr,
            "whether this is true or false is not known before there is a pod: write == true",
        )),
        other => Err(wrong(expr, &format!("a condition is true or false, and this is {}", other.name()))),
    }
}

fn wrong(expr: &Expr, message: &str) -> Mistake {
    Mistake::at(expr.at.clone(), message)
}

fn type_of(expr: &Expr, scope: &Scope<'_>) -> Result<Type, Mistake> {
    Ok(match &expr.kind {
        Kind::Null => Type::Null,
        Kind::Bool(_) => Type::Bool,
        Kind::Int(_) => Type::Int,
        Kind::Double(_) => Type::Double,
        Kind::Text(_) => Type::Text,
        Kind::EmptyMap => Type::Map,
        Kind::Object => Type::Object(&OBJECT),
        Kind::Namespace => Type::Object(&NAMESPACE),
        Kind::Item => scope.item.clone(),
        Kind::List(items) => {
            let mut of = Type::Any;
            for constant in items {
                let is_constant = matches!(
                    constant.kind,
                    Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Double(_) | Kind::Text(_)
                );
                let found = type_of(constant, scope)?;
                if !is_constant || of != Type::Any && of != found {
                    return Err(wrong(constant, "a list holds constants of one kind"));
                }
                of = found;
            }
            Type::List(Box::new(of))
        }
        Kind::Get(get) => looked_up(get, scope)?,
        Kind::Has(get) => {
            if let Type::Optional(_) = looked_up(get, scope)? {
                return Err(wrong(&get.of, "has takes no field behind .?: use hasValue"));
            }
            Type::Bool
        }
        Kind::Not(of) => {
            expect(of, scope, &Type::Bool)?;
            Type::Bool
        }
        Kind::Negate(of) => match type_of(of, scope)? {
            found @ (Type::Int | Type::Double | Type::Any) => found,
            other => {
                comparable(of, &other)?;
                return Err(wrong(of, &format!("expected a number, and this is {}", other.name())));
            }
        },
        Kind::Calculate(first, others) => {
            let mut left = operand(first, scope)?;
            for (operator, right) in others {
                let of = operand(right, scope)?;
                left = left.calculated(*operator, &of).map_err(|why| wrong(right, &why))?;
            }
            left
        }
        Kind::All(all) | Kind::Any(all) => {
            for one in all {
                expect(one, scope, &Type::Bool)?;
            }
            Type::Bool
        }
        Kind::Compare(comparison, both) => {
            let [left, right] = &**both;
            let (one, other) = (type_of(left, scope)?, type_of(right, scope)?);
            for (expr, of) in [(left, &one), (right, &other)] {
                comparable(expr, of)?;
            }
            let is_ordered = !matches!(comparison, Comparison::Equal | Comparison::Unequal);
            let has_order = |of: &Type| !matches!(of, Type::List(_) | Type::Map | Type::Null);
            if let Some((expr, of)) =
                [(left, &one), (right, &other)].into_iter().find(|(_, of)| is_ordered && !has_order(of))
            {
                return Err(wrong(expr, &format!("{} is not more or less than something", of.name())));
            }
            if !one.fits(&other) {
                let message = format!("{} is never {}", one.name(), other.name());
                return Err(wrong(expr, &message));
            }
            Type::Bool
        }
        Kind::In(both) => {
            let [what, within] = &**both;
            let of = type_of(what, scope)?;
            comparable(what, &of)?;
            if matches!(&within.kind, Kind::List(items) if items.is_empty()) {
                return Err(wrong(within, "nothing is in an empty list"));
            }
            let fits = match type_of(within, scope)? {
                Type::Any => true,
                Type::List(items) => items.fits(&of),
                Type::Map => of.fits(&Type::Text),
                Type::Annotations => {
                    let Kind::Text(name) = &what.kind else { return Err(wrong(what, NAME_IT)) };
                    scope.annotations.borrow_mut().insert(name.clone());
                    true
                }
                _ => return Err(wrong(within, "expected a list or a map")),
            };
            if !fits {
                return Err(wrong(expr, &format!("{} is never in there", of.name())));
            }
            Type::Bool
        }
        Kind::If(parts) => {
            let [condition, yes, no] = &**parts;
            expect(condition, scope, &Type::Bool)?;
            let (yes, other) = (type_of(yes, scope)?, type_of(no, scope)?);
            if yes != other {
                return Err(wrong(no, "expected the same kind of value on both sides of the colon"));
            }
            yes
        }
        Kind::Size(of) => match type_of(of, scope)? {
            Type::Any | Type::Text | Type::List(_) | Type::Map => Type::Int,
            Type::Annotations => return Err(wrong(of, NAME_IT)),
            other => return Err(wrong(of, &format!("{} has no size", other.name()))),
        },
        Kind::Test(_, both) => {
            for one in both.iter() {
                expect(one, scope, &Type::Text)?;
            }
            Type::Bool
        }
        Kind::Matches(of, _) => {
            expect(of, scope, &Type::Text)?;
            Type::Bool
        }
        Kind::OrValue(both) => {
            let [of, instead] = &**both;
            let Type::Optional(of) = type_of(of, scope)? else {
                return Err(wrong(of, "this is there or an error: orValue is for what .? or [? looks for"));
            };
            let instead_is = type_of(instead, scope)?;
            if *of == Type::Annotations && matches!(instead.kind, Kind::EmptyMap) {
                return Ok(Type::Annotations);
            }
            if !of.fits(&instead_is) {
                return Err(wrong(instead, &format!("expected {}", of.name())));
            }
            *of
        }
        Kind::HasValue(of) => {
            let Type::Optional(_) = type_of(of, scope)? else {
                return Err(wrong(of, "this is there or an error: hasValue is for what .? or [? looks for"));
            };
            Type::Bool
        }
        Kind::Loop(_, both) => {
            let [over, body] = &**both;
            let scope = &scope.at(item_of(over, scope)?);
            expect(body, scope, &Type::Bool)?;
            Type::Bool
        }
        Kind::Collect(collect) => {
            let scope = &scope.at(item_of(&collect.over, scope)?);
            if let Some(only) = &collect.only {
                expect(only, scope, &Type::Bool)?;
            }
            let of = match &collect.into {
                Some(into) => {
                    let of = type_of(into, scope)?;
                    comparable(into, &of)?;
                    of
                }
                None => scope.item.clone(),
            };
            Type::List(Box::new(of))
        }
    })
}

/// What a loop over this is at.
fn item_of(over: &Expr, scope: &Scope<'_>) -> Result<Type, Mistake> {
    match type_of(over, scope)? {
        Type::Any => Ok(Type::Any),
        Type::Map => Ok(Type::Text),
        Type::List(items) => Ok(*items),
        Type::Annotations => Err(wrong(over, NAME_IT)),
        other => Err(wrong(over, &format!("{} has no items", other.name()))),
    }
}

fn operand(expr: &Expr, scope: &Scope<'_>) -> Result<Type, Mistake> {
    if matches!(&expr.kind, Kind::List(items) if items.is_empty()) {
        return Err(wrong(expr, "an empty list adds nothing"));
    }
    let of = type_of(expr, scope)?;
    comparable(expr, &of)?;
    Ok(of)
}

fn expect(expr: &Expr, scope: &Scope<'_>, wanted: &Type) -> Result<(), Mistake> {
    let found = type_of(expr, scope)?;
    if found == *wanted || found == Type::Any {
        return Ok(());
    }
    if let Type::Optional(_) = found {
        return Err(wrong(expr, "this may be missing: give it a value with orValue"));
    }
    Err(wrong(expr, &format!("expected {}, and this is {}", wanted.name(), found.name())))
}

fn comparable(expr: &Expr, of: &Type) -> Result<(), Mistake> {
    match of {
        Type::Optional(_) => Err(wrong(expr, "this may be missing: give it a value with orValue")),
        Type::Object(fields) => Err(wrong(expr, &format!("expected a field of {}", fields.what))),
        Type::Annotations => Err(wrong(expr, NAME_IT)),
        _ => Ok(()),
    }
}

fn looked_up(get: &Get, scope: &Scope<'_>) -> Result<Type, Mistake> {
    let (of, was_optional) = match type_of(&get.of, scope)? {
        Type::Optional(of) => (*of, true),
        of => (of, false),
    };
    let key = type_of(&get.key, scope)?;
    let found = match (&of, &get.key.kind) {
        (Type::Object(fields), Kind::Text(name)) if get.is_field => {
            let found = fields.fields.iter().find(|(field, _)| field == name);
            let Some((_, of)) = found else {
                let known: Vec<&str> = fields.fields.iter().map(|(field, _)| *field).collect();
                let message = format!(
                    "{}.{name} is not available here, only {}: {}",
                    fields.what,
                    known.join(", "),
                    fields.others
                );
                return Err(wrong(&get.key, &message));
            };
            of()
        }
        (Type::Object(fields), _) => {
            return Err(wrong(&get.key, &format!("expected a field of {} behind a dot", fields.what)));
        }
        (Type::Annotations, Kind::Text(name)) => {
            scope.annotations.borrow_mut().insert(name.clone());
            Type::Text
        }
        (Type::Annotations, _) => return Err(wrong(&get.key, NAME_IT)),
        (Type::Any, Kind::Text(_) | Kind::Int(0..) | Kind::Item) => Type::Any,
        (Type::List(items), Kind::Int(0..)) => (**items).clone(),
        (Type::Map, Kind::Text(_) | Kind::Item) if key.fits(&Type::Text) => Type::Text,
        (Type::Any | Type::List(_) | Type::Map, _) => {
            return Err(wrong(
                &get.key,
                "expected a key in quotes, or a number from 0 on for an item of a list",
            ));
        }
        (other, _) => return Err(wrong(&get.of, &format!("{} has no fields", other.name()))),
    };
    let is_optional = was_optional || get.is_optional;
    Ok(if is_optional { Type::Optional(Box::new(found)) } else { found })
}

impl Type {
    fn fits(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::List(one), Type::List(other)) => one.fits(other),
            (one, other) => one == other,
        }
    }

    /// What comes of two values, as an API server sees it.
    fn calculated(&self, operator: Operator, other: &Type) -> Result<Type, String> {
        match (self, other) {
            (Type::Any, Type::Any) => Ok(Type::Any),
            (Type::Any, of) | (of, Type::Any) if of.takes(operator) => Ok(of.clone()),
            (Type::List(one), Type::List(of)) if operator == Operator::Add && one.fits(of) => {
                Ok(Type::List(Box::new(one.or(of))))
            }
            (Type::Int, Type::Double) | (Type::Double, Type::Int) => {
                Err("whole numbers and numbers with a fraction do not go together: write 2.0 for 2"
                    .to_owned())
            }
            (one, of) if one == of && of.takes(operator) => Ok(of.clone()),
            (one, of) => Err(format!("{} {} {} means nothing", one.name(), operator.sign(), of.name())),
        }
    }

    /// What both are, where one fits the other.
    fn or(&self, other: &Type) -> Type {
        match (self, other) {
            (Type::List(one), Type::List(other)) => Type::List(Box::new(one.or(other))),
            (Type::Any, _) => Type::Any,
            (_, other) => other.clone(),
        }
    }

    fn takes(&self, operator: Operator) -> bool {
        match self {
            Type::Int => true,
            Type::Double => operator != Operator::Remainder,
            Type::Text | Type::List(_) => operator == Operator::Add,
            _ => false,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Type::Any => "any value",
            Type::Null => "null",
            Type::Bool => "true or false",
            Type::Int => "a whole number",
            Type::Double => "a number with a fraction",
            Type::Text => "text",
            Type::List(_) => "a list",
            Type::Map | Type::Annotations => "a map",
            Type::Object(_) => "an object",
            Type::Optional(_) => "something that may be missing",
        }
    }
}
