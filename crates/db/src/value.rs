use kernel::{Id, IdKind, Timestamp};

/// A bound parameter. The variants are what both engines store alike.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(Option<bool>),
    Int(Option<i64>),
    Float(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($type:ty => $variant:ident, $convert:expr;)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some($convert(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map($convert))
            }
        }
    )*};
}

value_from! {
    bool => Bool, |value| value;
    i64 => Int, |value| value;
    i32 => Int, i64::from;
    u32 => Int, i64::from;
    u16 => Int, i64::from;
    u8 => Int, i64::from;
    f64 => Float, |value| value;
    f32 => Float, f64::from;
    String => Text, |value| value;
    &str => Text, |value: &str| value.to_owned();
    Vec<u8> => Bytes, |value| value;
    &[u8] => Bytes, |value: &[u8]| value.to_owned();
    Timestamp => Int, |value: Timestamp| value.as_microsecond();
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl<K: IdKind> From<Id<K>> for Value {
    fn from(value: Id<K>) -> Self {
        Self::Text(Some(value.to_string()))
    }
}

impl<K: IdKind> From<Option<Id<K>>> for Value {
    fn from(value: Option<Id<K>>) -> Self {
        Self::Text(value.map(|id| id.to_string()))
    }
}
