//! What a settings type takes, found by deserializing it from nothing: `Deserialize` is the one description there is.

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
        value::Error,
    },
    forward_to_deserialize_any,
};

/// The name under which `kernel::Secret` asks for its value.
const SECRET: &str = "Secret";

/// What can stand at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A section: its keys.
    Section(Vec<(&'static str, Shape)>),
    List(Box<Shape>),
    /// Names that the user chooses, each with a value.
    Table(Box<Shape>),
    Value(Kind),
}

/// A single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A text that is never shown, and may stand elsewhere (`file:…`, `env:…`, `vault:…`).
    Secret,
    Whole {
        min: i128,
        max: i128,
    },
    Number,
    Truth,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of several forms.
    Any,
}

/// A step into a type.
#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Item,
    Entry,
}

/// What a type asks for at the end of a path.
enum Asked {
    Section(&'static [&'static str]),
    List,
    Table,
    Value(Kind),
}

impl Shape {
    pub fn of<T: DeserializeOwned>() -> Self {
        look::<T>(&mut Vec::new())
    }

    /// The keys of a section.
    pub fn keys(&self) -> &[(&'static str, Self)] {
        match self {
            Self::Section(keys) => keys,
            _ => &[],
        }
    }

    /// What stands at a dotted place: `jobs.queues.default`, `http.trusted_proxies[0]`.
    pub fn find(&self, place: &str) -> Option<&Self> {
        if place.is_empty() {
            return Some(self);
        }
        let (part, rest) = place.split_once('.').unwrap_or((place, ""));
        let (name, items) =
            part.split_once('[').map_or((part, 0), |(name, more)| (name, more.matches(']').count()));
        let mut found = match self {
            Self::Section(keys) => keys.iter().find(|(key, _)| *key == name).map(|(_, shape)| shape)?,
            Self::Table(inner) => inner,
            _ => return None,
        };
        for _ in 0..items {
            let Self::List(inner) = found else { return None };
            found = inner;
        }
        found.find(rest)
    }

    /// Every place that takes a value: `server.listen`, `limits.rules[].burst`, `jobs.queues.*`.
    pub fn places(&self) -> Vec<(String, Kind)> {
        let mut places = Vec::new();
        self.collect("", &mut places);
        places
    }

    fn collect(&self, place: &str, into: &mut Vec<(String, Kind)>) {
        match self {
            Self::Section(keys) => {
                for (key, shape) in keys {
                    let dot = if place.is_empty() { "" } else { "." };
                    shape.collect(&format!("{place}{dot}{key}"), into);
                }
            }
            Self::List(inner) => inner.collect(&format!("{place}[]"), into),
            Self::Table(inner) => inner.collect(&format!("{place}.*"), into),
            Self::Value(kind) => into.push((place.to_owned(), kind.clone())),
        }
    }

    /// In words, for somebody who writes TOML.
    pub fn words(&self) -> String {
        match self {
            Self::Section(_) => "a section".to_owned(),
            Self::List(inner) => format!("a list, each item {}", inner.words()),
            Self::Table(_) => "a table".to_owned(),
            Self::Value(Kind::Text) => "a text in quotes".to_owned(),
            Self::Value(Kind::Secret) => {
                "a text in quotes, or where it stands (file:…, env:…, vault:…)".to_owned()
            }
            Self::Value(Kind::Whole { min, max }) if *max >= i128::from(i64::MAX) => match min {
                0 => "a whole number, 0 or more".to_owned(),
                _ => "a whole number".to_owned(),
            },
            Self::Value(Kind::Whole { min, max }) => format!("a whole number from {min} to {max}"),
            Self::Value(Kind::Number) => "a number".to_owned(),
            Self::Value(Kind::Truth) => "true or false".to_owned(),
            Self::Value(Kind::Choice(words)) => format!("one of \"{}\"", words.join("\", \"")),
            Self::Value(Kind::Any) => "of another form".to_owned(),
        }
    }
}

fn look<T: DeserializeOwned>(path: &mut Vec<Step>) -> Shape {
    let mut asked = None;
    // Always an error, or a value of no interest: what counts is what was asked for.
    drop(T::deserialize(Probe { path, asked: &mut asked }));
    let mut inside = |step| {
        path.push(step);
        let shape = look::<T>(path);
        path.pop();
        shape
    };
    match asked {
        Some(Asked::Section(keys)) => {
            Shape::Section(keys.iter().map(|key| (*key, inside(Step::Key(key)))).collect())
        }
        Some(Asked::List) => Shape::List(Box::new(inside(Step::Item))),
        Some(Asked::Table) => Shape::Table(Box::new(inside(Step::Entry))),
        Some(Asked::Value(kind)) => Shape::Value(kind),
        None => Shape::Value(Kind::Any),
    }
}

struct Probe<'a> {
    path: &'a [Step],
    asked: &'a mut Option<Asked>,
}

impl Probe<'_> {
    fn note(self, asked: Asked) -> Error {
        // A type that tries several forms asks several times; the first is as good as any, and makes it `Any` below.
        if self.path.is_empty() {
            self.asked.get_or_insert(asked);
        }
        Error::custom("a probe has no value")
    }
}

macro_rules! whole {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.note(Asked::Value(Kind::Whole { min: <$type>::MIN as i128, max: <$type>::MAX as i128 })))
        }
    )*};
}

macro_rules! noted {
    ($($method:ident: $kind:expr),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.note(Asked::Value($kind)))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    whole! {
        deserialize_i8: i8, deserialize_i16: i16, deserialize_i32: i32, deserialize_i64: i64,
        deserialize_u8: u8, deserialize_u16: u16, deserialize_u32: u32, deserialize_u64: u64,
    }

    noted! {
        deserialize_any: Kind::Any, deserialize_bool: Kind::Truth, deserialize_f32: Kind::Number,
        deserialize_f64: Kind::Number, deserialize_char: Kind::Text, deserialize_str: Kind::Text,
        deserialize_string: Kind::Text,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == SECRET {
            return Err(self.note(Asked::Value(Kind::Secret)));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.path {
            [Step::Key(key), rest @ ..] => {
                visitor.visit_map(One { name: Some(key), rest, asked: self.asked })
            }
            _ => Err(self.note(Asked::Section(fields))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.path {
            [Step::Entry, rest @ ..] => {
                visitor.visit_map(One { name: Some("name"), rest, asked: self.asked })
            }
            _ => Err(self.note(Asked::Table)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.path {
            [Step::Item, rest @ ..] => visitor.visit_seq(One { name: None, rest, asked: self.asked }),
            _ => Err(self.note(Asked::List)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(self.note(Asked::Value(Kind::Choice(variants))))
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// One entry, or one item: the way on.
struct One<'a> {
    name: Option<&'static str>,
    rest: &'a [Step],
    asked: &'a mut Option<Asked>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        match self.name.take() {
            Some(name) => seed.deserialize(serde::de::value::StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe { path: self.rest, asked: self.asked })
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        seed.deserialize(Probe { path: self.rest, asked: self.asked }).map(Some)
    }
}
