//! The part of the OTLP protobuf that the tests look at, read by hand: no second copy of what wrote it.
#![allow(unreachable_pub)]

/// The number of the kind of spans that answer requests.
pub const SERVER: u64 = 2;

#[derive(Debug, Default)]
pub struct Span {
    pub trace: u128,
    pub parent: u64,
    pub name: String,
    pub kind: u64,
    pub begun: u64,
    pub ended: u64,
    pub is_error: bool,
    attributes: Vec<(String, Value)>,
    resource: Vec<(String, Value)>,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(u64),
}

impl Span {
    pub fn text(&self, name: &str) -> &str {
        match self.attribute(name) {
            Value::Text(text) => text,
            Value::Number(_) => panic!("{name} is a number"),
        }
    }

    pub fn number(&self, name: &str) -> u64 {
        match self.attribute(name) {
            Value::Number(number) => *number,
            Value::Text(text) => panic!("{name} is {text}"),
        }
    }

    pub fn resource(&self, name: &str) -> Option<&str> {
        self.resource.iter().find_map(|(key, value)| match value {
            Value::Text(text) if key == name => Some(&**text),
            _ => None,
        })
    }

    fn attribute(&self, name: &str) -> &Value {
        let whole = format!("multipod.{name}");
        let found = self.attributes.iter().find(|(key, _)| *key == whole);
        &found.unwrap_or_else(|| panic!("{name}: {self:?}")).1
    }
}

/// Every span of an `ExportTraceServiceRequest`.
pub fn spans(request: &[u8]) -> Vec<Span> {
    let mut found = Vec::new();
    for group in messages(request, 1) {
        let resource = messages(group, 1).flat_map(|resource| attributes(resource, 1)).collect::<Vec<_>>();
        for span in messages(group, 2).flat_map(|scope| messages(scope, 2)) {
            found.push(Span { resource: resource.clone(), ..read(span) });
        }
    }
    found
}

fn read(message: &[u8]) -> Span {
    let mut span = Span { attributes: attributes(message, 9).collect(), ..Span::default() };
    for (number, field) in Fields(message) {
        match (number, field) {
            (1, Field::Bytes(bytes)) => span.trace = u128::from_be_bytes(bytes.try_into().unwrap()),
            // Empty where there is none.
            (4, Field::Bytes(bytes)) => span.parent = bytes.try_into().map_or(0, u64::from_be_bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(time)) => span.begun = time,
            (8, Field::Number(time)) => span.ended = time,
            (15, Field::Bytes(status)) => {
                span.is_error =
                    Fields(status).any(|(number, field)| number == 3 && field == Field::Number(2));
            }
            _ => {}
        }
    }
    span
}

fn attributes(message: &[u8], number: u64) -> impl Iterator<Item = (String, Value)> {
    messages(message, number).map(|pair| {
        let key = text(messages(pair, 1).next().unwrap());
        let value = Fields(messages(pair, 2).next().unwrap()).next().map(|(_, field)| match field {
            Field::Bytes(bytes) => Value::Text(text(bytes)),
            Field::Number(number) => Value::Number(number),
        });
        (key, value.unwrap())
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn messages(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    Fields(message).filter_map(move |(number, field)| match field {
        Field::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    })
}

/// The fields of a message, with their numbers.
struct Fields<'a>(&'a [u8]);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let tag = self.varint();
        let field = match tag & 7 {
            0 => Field::Number(self.varint()),
            1 => Field::Number(u64::from_le_bytes(self.take(8).try_into().unwrap())),
            2 => {
                let length = self.varint();
                Field::Bytes(self.take(usize::try_from(length).unwrap()))
            }
            5 => Field::Number(u32::from_le_bytes(self.take(4).try_into().unwrap()).into()),
            other => panic!("no such type on the wire: {other}"),
        };
        Some((tag >> 3, field))
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }
}
