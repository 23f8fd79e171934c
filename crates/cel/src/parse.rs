//! From words to a tree. What recurs here is bounded by [`DEEPEST`], and the whole tree by [`MOST`].

use std::ops::Range;

use super::lex::{Placed, Word, words};
use super::mistake::Mistake;
use super::pattern;
use super::syntax::{Collect, Comparison, Expr, Get, Kind, Loop, Operator, Test};

/// So many brackets in each other.
const DEEPEST: usize = 8;
/// So many fields in a row.
const LONGEST_CHAIN: usize = 16;
/// So many parts in all.
const MOST: usize = 256;

const ARGUMENT: &str = "expected one argument in brackets";
/// CEL keeps them for itself.
const RESERVED: [&str; 18] = [
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let",
    "loop", "null", "package", "return", "true", "var",
];

pub(crate) fn parse(text: &str) -> Result<Expr, Mistake> {
    let words = words(text)?;
    if let [(Word::End, at)] = &words[..] {
        return Err(Mistake::at(
            at.clone(),
            "expected a condition, such as object.metadata.namespace == \"shop\"",
        ));
    }
    let mut parser = Parser { words, at: 0, depth: 0, parts: 0, item: None };
    let expr = parser.expression()?;
    match parser.next() {
        (Word::End, _) => Ok(expr),
        (_, at) => Err(Mistake::at(at, "expected the end, or && or || in front of this")),
    }
}

struct Parser {
    words: Vec<Placed>,
    at: usize,
    depth: usize,
    parts: usize,
    /// What a loop calls its item.
    item: Option<String>,
}

/// What stands between two things.
enum Relation {
    In,
    Compare(Comparison),
}

impl Parser {
    fn peek(&self) -> &Word {
        self.words.get(self.at).map_or(&Word::End, |(word, _)| word)
    }

    fn next(&mut self) -> Placed {
        let last = self.words.last().map_or(0, |(_, at)| at.end);
        let word = self.words.get(self.at).cloned().unwrap_or((Word::End, last..last));
        self.at += 1;
        word
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Word::Sign(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<Range<usize>, Mistake> {
        match self.next() {
            (Word::Sign(found), at) if found == sign => Ok(at),
            (_, at) => Err(Mistake::at(at, format!("expected {sign}"))),
        }
    }

    fn part(&mut self, at: Range<usize>, kind: Kind) -> Result<Expr, Mistake> {
        self.parts += 1;
        if self.parts > MOST {
            return Err(Mistake::at(
                at,
                format!("the condition has more than {MOST} parts: make several of it"),
            ));
        }
        Ok(Expr { kind, at })
    }

    fn expression(&mut self) -> Result<Expr, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let (_, at) = self.next();
            return Err(Mistake::at(at, format!("more than {DEEPEST} brackets stand in each other here")));
        }
        let first =
            self.several("||", |parser| parser.several("&&", Parser::relation, Kind::All), Kind::Any)?;
        let expr = if self.takes("?") {
            let yes =
                self.several("||", |parser| parser.several("&&", Parser::relation, Kind::All), Kind::Any)?;
            self.expect(":")?;
            let no = self.expression()?;
            let at = first.at.start..no.at.end;
            self.part(at, Kind::If(Box::new([first, yes, no])))?
        } else {
            first
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn several(
        &mut self,
        sign: &'static str,
        operand: impl Fn(&mut Parser) -> Result<Expr, Mistake>,
        kind: fn(Vec<Expr>) -> Kind,
    ) -> Result<Expr, Mistake> {
        let first = operand(self)?;
        if *self.peek() != Word::Sign(sign) {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.takes(sign) {
            all.push(operand(self)?);
        }
        let at = all.first().map_or(0, |first| first.at.start)..all.last().map_or(0, |last| last.at.end);
        self.part(at, kind(all))
    }

    fn relation(&mut self) -> Result<Expr, Mistake> {
        let left = self.sum()?;
        let Some(relation) = self.relation_sign() else { return Ok(left) };
        let right = self.sum()?;
        let at = left.at.start..right.at.end;
        if self.relation_sign().is_some() {
            return Err(Mistake::at(at, "three things cannot be compared at once: put brackets around two"));
        }
        let both = Box::new([left, right]);
        let kind = match relation {
            Relation::In => Kind::In(both),
            Relation::Compare(comparison) => Kind::Compare(comparison, both),
        };
        self.part(at, kind)
    }

    fn relation_sign(&mut self) -> Option<Relation> {
        let found = match self.peek() {
            Word::Sign("==") => Relation::Compare(Comparison::Equal),
            Word::Sign("!=") => Relation::Compare(Comparison::Unequal),
            Word::Sign("<") => Relation::Compare(Comparison::Less),
            Word::Sign("<=") => Relation::Compare(Comparison::AtMost),
            Word::Sign(">") => Relation::Compare(Comparison::More),
            Word::Sign(">=") => Relation::Compare(Comparison::AtLeast),
            Word::Name(name) if name == "in" => Relation::In,
            _ => return None,
        };
        self.at += 1;
        Some(found)
    }

    fn sum(&mut self) -> Result<Expr, Mistake> {
        self.calculated(&[Operator::Add, Operator::Subtract], |parser| {
            let signs = [Operator::Multiply, Operator::Divide, Operator::Remainder];
            parser.calculated(&signs, Parser::unary)
        })
    }

    fn calculated(
        &mut self,
        operators: &[Operator],
        operand: impl Fn(&mut Parser) -> Result<Expr, Mistake>,
    ) -> Result<Expr, Mistake> {
        let first = operand(self)?;
        let mut others = Vec::new();
        while let Some(operator) = operators.iter().find(|operator| self.takes(operator.sign())) {
            others.push((*operator, operand(self)?));
        }
        let Some((_, last)) = others.last() else { return Ok(first) };
        let at = first.at.start..last.at.end;
        self.part(at, Kind::Calculate(Box::new(first), others))
    }

    fn unary(&mut self) -> Result<Expr, Mistake> {
        match self.peek() {
            Word::Sign("!") => {
                let (_, sign) = self.next();
                if *self.peek() == Word::Sign("!") {
                    return Err(Mistake::at(sign, "!! says nothing"));
                }
                let of = self.member()?;
                self.part(sign.start..of.at.end, Kind::Not(Box::new(of)))
            }
            Word::Sign("-") => {
                let (_, sign) = self.next();
                if *self.peek() == Word::Sign("-") {
                    return Err(Mistake::at(sign, "-- says nothing"));
                }
                let Expr { kind, at } = self.member()?;
                let end = at.end;
                let kind = match kind {
                    Kind::Int(number) => Kind::Int(-number),
                    Kind::Double(number) => Kind::Double(-number),
                    kind => Kind::Negate(Box::new(Expr { kind, at })),
                };
                self.part(sign.start..end, kind)
            }
            _ => self.member(),
        }
    }

    fn member(&mut self) -> Result<Expr, Mistake> {
        let mut expr = self.primary()?;
        for _ in 0..LONGEST_CHAIN {
            if self.takes(".") {
                let is_optional = self.takes("?");
                let (word, at) = self.next();
                let Word::Name(name) = word else {
                    return Err(Mistake::at(at, "expected the name of a field"));
                };
                if ["in", "true", "false", "null"].contains(&&*name) {
                    return Err(Mistake::at(at, format!("{name} can be no field: write [\"{name}\"]")));
                }
                if !is_optional && *self.peek() == Word::Sign("(") {
                    expr = self.method(expr, &name, at)?;
                    continue;
                }
                let key = self.part(at.clone(), Kind::Text(name))?;
                expr = self.get(expr, key, at.end, true, is_optional)?;
            } else if self.takes("[") {
                let is_optional = self.takes("?");
                let key = self.expression()?;
                let end = self.expect("]")?.end;
                expr = self.get(expr, key, end, false, is_optional)?;
            } else {
                return Ok(expr);
            }
        }
        let at = expr.at.clone();
        Err(Mistake::at(at, format!("more than {LONGEST_CHAIN} fields stand in a row here")))
    }

    fn get(
        &mut self,
        of: Expr,
        key: Expr,
        end: usize,
        is_field: bool,
        is_optional: bool,
    ) -> Result<Expr, Mistake> {
        let at = of.at.start..end;
        self.part(at, Kind::Get(Box::new(Get { of, key, is_field, is_optional })))
    }

    fn arguments(&mut self) -> Result<(Vec<Expr>, usize), Mistake> {
        self.expect("(")?;
        let mut all = Vec::new();
        if *self.peek() != Word::Sign(")") {
            all.push(self.expression()?);
            while self.takes(",") {
                all.push(self.expression()?);
            }
        }
        let end = self.expect(")")?.end;
        Ok((all, end))
    }

    fn method(&mut self, of: Expr, name: &str, name_at: Range<usize>) -> Result<Expr, Mistake> {
        let kind = match name {
            "exists" => return self.looped(of, Loop::Exists),
            "all" => return self.looped(of, Loop::All),
            "exists_one" | "existsOne" => return self.looped(of, Loop::ExistsOne),
            "filter" | "map" => return self.collected(of, name),
            _ => name,
        };
        let start = of.at.start;
        let (arguments, end) = self.arguments()?;
        let at = start..end;
        let mut arguments = arguments.into_iter();
        let kind = match (kind, arguments.next(), arguments.next()) {
            ("size", None, None) => Kind::Size(Box::new(of)),
            ("hasValue", None, None) => Kind::HasValue(Box::new(of)),
            ("orValue", Some(value), None) => Kind::OrValue(Box::new([of, value])),
            ("startsWith", Some(with), None) => Kind::Test(Test::StartsWith, Box::new([of, with])),
            ("endsWith", Some(with), None) => Kind::Test(Test::EndsWith, Box::new([of, with])),
            ("contains", Some(with), None) => Kind::Test(Test::Contains, Box::new([of, with])),
            ("matches", Some(regex), None) => matches(of, &regex)?,
            ("size" | "hasValue", ..) => return Err(Mistake::at(at, "expected no arguments")),
            ("orValue" | "startsWith" | "endsWith" | "contains" | "matches", ..) => {
                return Err(Mistake::at(at, ARGUMENT));
            }
            (name, ..) => {
                let message = format!(
                    "{name} is not available here, only size, startsWith, endsWith, contains, matches, exists, all, \
                     exists_one, filter, map, orValue and hasValue"
                );
                return Err(Mistake::at(name_at, message));
            }
        };
        self.part(at, kind)
    }

    fn looped(&mut self, over: Expr, kind: Loop) -> Result<Expr, Mistake> {
        self.item(&over)?;
        let body = self.expression()?;
        let at = over.at.start..self.after_loop()?;
        self.part(at, Kind::Loop(kind, Box::new([over, body])))
    }

    fn collected(&mut self, over: Expr, name: &str) -> Result<Expr, Mistake> {
        self.item(&over)?;
        let first = self.expression()?;
        let (only, into) = match name {
            "filter" => (Some(first), None),
            _ if self.takes(",") => (Some(first), Some(self.expression()?)),
            _ => (None, Some(first)),
        };
        let at = over.at.start..self.after_loop()?;
        self.part(at, Kind::Collect(Box::new(Collect { over, only, into })))
    }

    /// Behind the bracket that ends a loop.
    fn after_loop(&mut self) -> Result<usize, Mistake> {
        self.item = None;
        Ok(self.expect(")")?.end)
    }

    /// `(name,` at the beginning of a loop.
    fn item(&mut self, over: &Expr) -> Result<(), Mistake> {
        self.expect("(")?;
        let (name, at) = match self.next() {
            (Word::Name(name), at) => (name, at),
            (_, at) => return Err(Mistake::at(at, "expected a name for the item")),
        };
        let taken = ["object", "namespaceObject", "namespace", "void", "while"];
        if RESERVED.contains(&&*name) || taken.contains(&&*name) || name.starts_with("__") {
            return Err(Mistake::at(at, format!("{name} cannot be the name of an item")));
        }
        if self.item.is_some() {
            return Err(Mistake::at(over.at.start..at.end, "a loop cannot stand in another one"));
        }
        self.item = Some(name);
        self.expect(",")?;
        Ok(())
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        let (word, at) = self.next();
        let kind = match word {
            Word::Int(number) => Kind::Int(number),
            Word::Double(number) => Kind::Double(number),
            Word::Text(text) => Kind::Text(text),
            Word::Sign("(") => {
                let inside = self.expression()?;
                self.expect(")")?;
                return Ok(inside);
            }
            Word::Sign("[") => return self.list(at.start),
            Word::Sign("{") => {
                let end =
                    self.expect("}").map_err(|_| Mistake::at(at.clone(), "of maps only {} is available"))?;
                return self.part(at.start..end.end, Kind::EmptyMap);
            }
            Word::Name(name) => return self.named(&name, at),
            Word::End => return Err(Mistake::at(at, "the condition ends before something is compared")),
            Word::Sign(_) => return Err(Mistake::at(at, "expected a value")),
        };
        self.part(at, kind)
    }

    fn list(&mut self, start: usize) -> Result<Expr, Mistake> {
        let mut items = Vec::new();
        while *self.peek() != Word::Sign("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.expression()?);
        }
        let end = self.expect("]")?.end;
        self.part(start..end, Kind::List(items))
    }

    fn named(&mut self, name: &str, at: Range<usize>) -> Result<Expr, Mistake> {
        let kind = match name {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            "object" => Kind::Object,
            "namespaceObject" => Kind::Namespace,
            _ if self.item.as_deref() == Some(name) => Kind::Item,
            _ if *self.peek() == Word::Sign("(") => return self.function(name, at),
            _ => {
                let item = self.item.as_ref().map(|item| format!(" or {item}")).unwrap_or_default();
                let message = format!(
                    "{name} is nothing here: expected object, namespaceObject{item}, or text in quotes"
                );
                return Err(Mistake::at(at, message));
            }
        };
        self.part(at, kind)
    }

    fn function(&mut self, name: &str, name_at: Range<usize>) -> Result<Expr, Mistake> {
        if !["has", "size", "matches"].contains(&name) {
            let message = format!("{name} is not available here, only has, size and matches");
            return Err(Mistake::at(name_at, message));
        }
        let (arguments, end) = self.arguments()?;
        let at = name_at.start..end;
        let mut arguments = arguments.into_iter();
        let kind = match (name, arguments.next(), arguments.next(), arguments.next()) {
            ("size", Some(of), None, None) => Kind::Size(Box::new(of)),
            ("matches", Some(of), Some(regex), None) => matches(of, &regex)?,
            ("has", Some(Expr { kind: Kind::Get(get), .. }), None, None)
                if get.is_field && !get.is_optional =>
            {
                Kind::Has(get)
            }
            ("has", ..) => {
                return Err(Mistake::at(at, "has takes a field, such as has(object.metadata.labels)"));
            }
            _ => return Err(Mistake::at(at, "this takes another number of arguments")),
        };
        self.part(at, kind)
    }
}

fn matches(of: Expr, regex: &Expr) -> Result<Kind, Mistake> {
    let Kind::Text(text) = &regex.kind else {
        return Err(Mistake::at(regex.at.clone(), "expected a regular expression in quotes"));
    };
    let regex = pattern::regex(text).map_err(|message| Mistake::at(regex.at.clone(), message))?;
    Ok(Kind::Matches(Box::new(of), regex))
}
