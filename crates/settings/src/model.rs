use std::{marker::PhantomData, ops::RangeInclusive};

use kernel::{Locale, Timestamp, id_kind};
use serde_json::Value;

id_kind! {
    /// One entry of the history.
    pub HistoryEntry = "chg" => ChangeId
}

/// A text in each language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    pub en: &'static str,
    pub fr: &'static str,
}

impl Text {
    pub fn in_language(self, locale: Locale) -> &'static str {
        match locale {
            Locale::English => self.en,
            Locale::French => self.fr,
        }
    }
}

/// What a setting takes, and what it is when nobody has set it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Boolean { default: bool },
    Integer { min: i64, max: i64, default: i64 },
    Number { min: f64, max: f64, default: f64 },
    Text { chars_max: usize, default: &'static str },
    Choice { choices: &'static [&'static str], default: &'static str },
    DurationS { min: i64, max: i64, default: i64 },
}

/// A setting as data: what stands in a module's manifest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettingSpec {
    /// `module.name`; stable.
    pub key: &'static str,
    /// Settings of one group stand together in the console.
    pub group: &'static str,
    pub title: Text,
    pub description: Text,
    pub unit: Option<&'static str>,
    pub kind: Kind,
}

/// A setting whose value is read as `T`.
#[derive(Debug)]
pub struct Setting<T> {
    pub spec: SettingSpec,
    read_as: PhantomData<fn() -> T>,
}

const NOTHING: Text = Text { en: "", fr: "" };

impl<T> Setting<T> {
    const fn new(key: &'static str, kind: Kind) -> Self {
        let spec = SettingSpec { key, group: "", title: NOTHING, description: NOTHING, unit: None, kind };
        Self { spec, read_as: PhantomData }
    }

    pub const fn group(mut self, group: &'static str) -> Self {
        self.spec.group = group;
        self
    }

    pub const fn title(mut self, en: &'static str, fr: &'static str) -> Self {
        self.spec.title = Text { en, fr };
        self
    }

    pub const fn description(mut self, en: &'static str, fr: &'static str) -> Self {
        self.spec.description = Text { en, fr };
        self
    }

    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.spec.unit = Some(unit);
        self
    }
}

impl Setting<bool> {
    pub const fn boolean(key: &'static str, default: bool) -> Self {
        Self::new(key, Kind::Boolean { default })
    }
}

impl Setting<i64> {
    pub const fn integer(key: &'static str, range: RangeInclusive<i64>, default: i64) -> Self {
        Self::new(key, Kind::Integer { min: *range.start(), max: *range.end(), default })
    }

    /// In seconds.
    pub const fn duration_s(key: &'static str, range: RangeInclusive<i64>, default: i64) -> Self {
        let kind = Kind::DurationS { min: *range.start(), max: *range.end(), default };
        Self::new(key, kind).unit("s")
    }
}

impl Setting<f64> {
    pub const fn number(key: &'static str, range: RangeInclusive<f64>, default: f64) -> Self {
        Self::new(key, Kind::Number { min: *range.start(), max: *range.end(), default })
    }
}

impl Setting<String> {
    pub const fn text(key: &'static str, chars_max: usize, default: &'static str) -> Self {
        Self::new(key, Kind::Text { chars_max, default })
    }

    pub const fn choice(key: &'static str, choices: &'static [&'static str], default: &'static str) -> Self {
        Self::new(key, Kind::Choice { choices, default })
    }
}

/// A type that settings are read as.
pub trait SettingType: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl SettingType for bool {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl SettingType for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl SettingType for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl SettingType for String {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Kind {
    /// As the API names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boolean { .. } => "boolean",
            Self::Integer { .. } => "integer",
            Self::Number { .. } => "number",
            Self::Text { .. } => "text",
            Self::Choice { .. } => "choice",
            Self::DurationS { .. } => "duration_s",
        }
    }

    pub fn default_value(&self) -> Value {
        match self {
            Self::Boolean { default } => Value::from(*default),
            Self::Integer { default, .. } | Self::DurationS { default, .. } => Value::from(*default),
            Self::Number { default, .. } => Value::from(*default),
            Self::Text { default, .. } | Self::Choice { default, .. } => Value::from(*default),
        }
    }

    /// Smallest value; for texts none.
    pub fn min(&self) -> Option<f64> {
        match self {
            Self::Integer { min, .. } | Self::DurationS { min, .. } => Some(*min as f64),
            Self::Number { min, .. } => Some(*min),
            _ => None,
        }
    }

    /// Largest value; for texts the most characters.
    pub fn max(&self) -> Option<f64> {
        match self {
            Self::Integer { max, .. } | Self::DurationS { max, .. } => Some(*max as f64),
            Self::Number { max, .. } => Some(*max),
            Self::Text { chars_max, .. } => Some(*chars_max as f64),
            _ => None,
        }
    }

    pub fn choices(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Choice { choices, .. } => Some(choices),
            _ => None,
        }
    }

    /// The value as it is kept, or what is allowed instead.
    pub fn check(&self, value: &Value) -> Result<Value, String> {
        let fits = match self {
            Self::Boolean { .. } => value.is_boolean(),
            Self::Integer { min, max, .. } | Self::DurationS { min, max, .. } => {
                whole(value).is_some_and(|number| (*min..=*max).contains(&number))
            }
            Self::Number { min, max, .. } => {
                value.as_f64().is_some_and(|number| number >= *min && number <= *max)
            }
            Self::Text { chars_max, .. } => value.as_str().is_some_and(|text| {
                text.chars().count() <= *chars_max && !text.chars().any(|c| c.is_control() && c != '\n')
            }),
            Self::Choice { choices, .. } => value.as_str().is_some_and(|text| choices.contains(&text)),
        };
        match (fits, whole(value)) {
            (false, _) => Err(self.allowed()),
            // 5.0 and 5 are one number in JSON.
            (true, Some(number)) if !matches!(self, Self::Number { .. }) => Ok(Value::from(number)),
            (true, _) => Ok(value.clone()),
        }
    }

    /// What the setting takes, in words.
    pub fn allowed(&self) -> String {
        match self {
            Self::Boolean { .. } => "must be true or false".to_owned(),
            Self::Integer { min, max, .. } => format!("must be a whole number from {min} to {max}"),
            Self::DurationS { min, max, .. } => {
                format!("must be a whole number of seconds from {min} to {max}")
            }
            Self::Number { min, max, .. } => format!("must be a number from {min} to {max}"),
            Self::Text { chars_max, .. } => {
                format!("must be a text of at most {chars_max} characters without control characters")
            }
            Self::Choice { choices, .. } => format!("must be one of {}", choices.join(", ")),
        }
    }

    /// A value from a command line: JSON where it is needed, the text itself where a text is.
    pub fn parse(&self, text: &str) -> Value {
        match self {
            Self::Text { .. } | Self::Choice { .. } => Value::from(text),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        // Every whole number up to 2^53 is exact.
        (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// A setting and what it is now.
#[derive(Debug, Clone)]
pub struct Item {
    pub spec: &'static SettingSpec,
    /// What holds when nobody has set it: the declaration's, or what `socle.toml` says.
    pub default: Value,
    pub value: Value,
    pub is_default: bool,
    pub updated_at: Option<Timestamp>,
    pub updated_by: Option<String>,
}

/// One entry of the history. `None` stands for the default.
#[derive(Debug, Clone)]
pub struct Change {
    pub id: ChangeId,
    pub position: i64,
    pub key: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
    pub by: String,
    pub at: Timestamp,
    pub undo_of: Option<ChangeId>,
    pub is_undone: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_checked_against_the_declaration() {
        let check = |kind: Kind, value: Value, expected: Option<Value>| {
            assert_eq!(kind.check(&value).ok(), expected, "{kind:?} {value}");
        };
        let integer = Kind::Integer { min: 1, max: 9, default: 1 };
        check(integer, json!(9), Some(json!(9)));
        check(integer, json!(9.0), Some(json!(9)));
        check(integer, json!(10), None);
        check(integer, json!(1.5), None);
        check(integer, json!("5"), None);
        check(integer, json!(u64::MAX), None);
        check(integer, Value::Null, None);
        let number = Kind::Number { min: 0.0, max: 1.0, default: 0.5 };
        check(number, json!(1), Some(json!(1)));
        check(number, json!(1.01), None);
        let text = Kind::Text { chars_max: 3, default: "" };
        check(text, json!("äöü"), Some(json!("äöü")));
        check(text, json!("four"), None);
        check(text, json!("a\u{0}"), None);
        let choice = Kind::Choice { choices: &["en", "fr"], default: "en" };
        check(choice, json!("fr"), Some(json!("fr")));
        check(choice, json!("de"), None);
        check(Kind::Boolean { default: true }, json!(0), None);
    }

    #[test]
    fn the_command_line_needs_no_quotes() {
        let check = |kind: Kind, text: &str, expected: Value| assert_eq!(kind.parse(text), expected);
        check(Kind::Text { chars_max: 9, default: "" }, "12", json!("12"));
        check(Kind::Integer { min: 0, max: 99, default: 1 }, "12", json!(12));
        check(Kind::Boolean { default: true }, "false", json!(false));
        check(Kind::Integer { min: 0, max: 99, default: 1 }, "many", json!("many"));
    }
}
