//! What comes of two values and a sign between them. What grows is paid for by its size.

use super::steps::{Fault, Steps};
use super::syntax::Operator;
use super::value::{List, Text, Value};

/// So many steps an item costs of a list that is made; a byte of text that is made costs one.
pub(crate) const ITEM: usize = 16;

/// The fault says why nothing comes of it.
pub(crate) fn calculated<'a>(
    left: &Value<'a>,
    operator: Operator,
    right: &Value<'a>,
    steps: &Steps<'_>,
) -> Result<Value<'a>, Fault> {
    steps.go(1)?;
    match (left, operator, right) {
        (Value::Int(left), _, Value::Int(right)) => whole(*left, operator, *right),
        (Value::Double(left), Operator::Add, Value::Double(right)) => Ok(Value::Double(left + right)),
        (Value::Double(left), Operator::Subtract, Value::Double(right)) => Ok(Value::Double(left - right)),
        (Value::Double(left), Operator::Multiply, Value::Double(right)) => Ok(Value::Double(left * right)),
        (Value::Double(left), Operator::Divide, Value::Double(right)) => Ok(Value::Double(left / right)),
        (Value::Text(left), Operator::Add, Value::Text(right)) => {
            steps.go(left.len() + right.len())?;
            Ok(Value::Text(Text::Made([&**left, &**right].concat().into())))
        }
        (Value::List(left), Operator::Add, Value::List(right)) => {
            let (left, right) = (left.items(steps)?, right.items(steps)?);
            steps.go(ITEM * (left.len() + right.len()))?;
            let items: Result<Vec<Value<'a>>, Fault> =
                left.into_iter().chain(right).map(|item| item.value(steps)).collect();
            Ok(Value::List(List::Made(items?.into())))
        }
        _ => Err(Fault::from(format!("{} {} {} means nothing", left.kind(), operator.sign(), right.kind()))),
    }
}

fn whole<'a>(left: i64, operator: Operator, right: i64) -> Result<Value<'a>, Fault> {
    if right == 0 && matches!(operator, Operator::Divide | Operator::Remainder) {
        return Err(Fault::new("nothing can be divided by zero"));
    }
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder => left.checked_rem(right),
    };
    result.map(Value::Int).ok_or_else(|| Fault::new("the number is too large"))
}
