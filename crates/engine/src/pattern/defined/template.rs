//! The parts of a definition in which params decide something: a value of the types that the built-in patterns build, read
//! once with something in the place of each hole, and the holes. One filler serves all of them.

use std::borrow::Cow;

use serde_json::Value;

use crate::pattern::container::{Env, Mount, Port, Text, Volume, VolumeSource};

use super::phrase::{Phrase, Values};

/// A value with holes.
#[derive(Clone, Debug)]
pub(super) struct Template<T> {
    value: T,
    holes: Vec<Hole>,
}

/// Where in a value a hole is, as a JSON pointer into what the file says there, and what fills it.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    pub(super) pointer: String,
    pub(super) phrase: Phrase,
}

/// A value that has places for holes, and takes at each what the type of the place allows.
pub(super) trait Slots: Clone {
    /// None where there is no such place, which the table of places rules out.
    fn set(&mut self, pointer: &str, phrase: &Phrase, values: &Values) -> Option<()>;
}

impl<T: Slots> Template<T> {
    pub(super) fn new(value: T, holes: Vec<Hole>) -> Self {
        Template { value, holes }
    }

    /// What the file says, with something in the place of each hole.
    pub(super) fn unfilled(&self) -> &T {
        &self.value
    }

    /// Whether no param decides anything of it.
    pub(super) fn is_fixed(&self) -> bool {
        self.holes.is_empty()
    }

    /// The value for one pod; none where a param of it was not given.
    pub(super) fn fill(&self, values: &Values) -> Option<T> {
        if !self.holes.iter().all(|hole| hole.phrase.is_given(values)) {
            return None;
        }
        let mut value = self.value.clone();
        for hole in &self.holes {
            value.set(&hole.pointer, &hole.phrase, values)?;
        }
        Some(value)
    }
}

impl Slots for Text {
    fn set(&mut self, _: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        *self = Cow::Owned(phrase.expanded_text(values)?);
        Some(())
    }
}

impl Slots for Env {
    fn set(&mut self, pointer: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        match pointer.strip_prefix("/valueFrom") {
            Some(pointer) => self.value_from.as_mut()?.set(pointer, phrase, values),
            None => self.value.as_mut()?.set(pointer, phrase, values),
        }
    }
}

impl Slots for Port {
    fn set(&mut self, _: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        self.container_port = port(phrase, values)?;
        Some(())
    }
}

/// A port that only the pod itself can reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoopbackPort {
    pub(super) port: u16,
    pub(super) udp: bool,
}

impl Slots for LoopbackPort {
    fn set(&mut self, _: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        self.port = port(phrase, values)?;
        Some(())
    }
}

impl Slots for Mount {
    fn set(&mut self, _: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        self.mount_path = Cow::Owned(phrase.text(values)?);
        Some(())
    }
}

impl Slots for Volume {
    fn set(&mut self, pointer: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        match &mut self.source {
            VolumeSource::Other(source) => source.set(pointer, phrase, values),
            _ => None,
        }
    }
}

/// An annotation that the pod gets.
#[derive(Clone, Debug)]
pub(super) struct Annotation {
    pub(super) name: String,
    pub(super) value: String,
}

impl Slots for Annotation {
    fn set(&mut self, _: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        self.value = phrase.text(values)?;
        Some(())
    }
}

/// A field that is kept as it was written: of the param's own type where it is nothing but one hole.
impl Slots for Value {
    fn set(&mut self, pointer: &str, phrase: &Phrase, values: &Values) -> Option<()> {
        *self.pointer_mut(pointer)? = phrase.value(values)?;
        Some(())
    }
}

fn port(phrase: &Phrase, values: &Values) -> Option<u16> {
    u16::try_from(phrase.value(values)?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::defined::params::{Param, Type};
    use serde_json::json;

    #[test]
    fn a_hole_is_filled_where_it_is_and_a_value_without_its_param_is_left_out() {
        let param = |name: &str, kind| Param {
            name: name.to_owned(),
            kind,
            default: None,
            optional: true,
            description: String::new(),
        };
        let params = [param("port", Type::Port), param("text", Type::String)];
        let hole = |pointer: &str, text: &str| Hole {
            pointer: pointer.to_owned(),
            phrase: Phrase::parse(text, &params).unwrap(),
        };
        let probe = json!({"httpGet": {"path": "", "port": 1}, "periodSeconds": 30});
        let holes = vec![hole("/httpGet/path", "/a$(params.text)"), hole("/httpGet/port", "$(params.port)")];
        let probe = Template::new(probe, holes);
        assert_eq!(
            probe.fill(&[Some(json!(80)), Some(json!("b"))]),
            Some(json!({"httpGet": {"path": "/ab", "port": 80}, "periodSeconds": 30}))
        );
        assert_eq!(probe.fill(&[Some(json!(80)), None]), None);
        assert_eq!(Template::new(json!([1]), Vec::new()).fill(&[]), Some(json!([1])));
    }
}
