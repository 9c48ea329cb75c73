//! The search grammar: one parser for all of MLflow's dialects. Text in, clauses out; nothing here knows SQL.
//!
//! `filter := clause (AND clause)*`, `clause := name operator value | name IS [NOT] NULL | name [NOT] IN ('a', 'b')`.
//! There is no OR and there are no parentheses, so a filter is a list, however hostile its text.

mod dialect;
mod lexer;
mod order;
mod parser;

pub(crate) use dialect::Dialect;
pub(crate) use order::{Order, parse_order};
pub(crate) use parser::parse;

/// What a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    Attribute,
    Metric,
    Param,
    Tag,
    Dataset,
    /// What a trace's program says of it.
    Metadata,
    Span,
    Feedback,
    Expectation,
}

impl Entity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Metric => "metric",
            Self::Param => "parameter",
            Self::Tag => "tag",
            Self::Dataset => "dataset",
            Self::Metadata => "request_metadata",
            Self::Span => "span",
            Self::Feedback => "feedback",
            Self::Expectation => "expectation",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    /// As `Like`, whatever the case.
    ILike,
    /// By a regular expression; of traces only.
    RLike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

impl Op {
    /// Those with a sign or a word between a name and one value.
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            word if word.eq_ignore_ascii_case("like") => Self::Like,
            word if word.eq_ignore_ascii_case("ilike") => Self::ILike,
            word if word.eq_ignore_ascii_case("rlike") => Self::RLike,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Int(i64),
    Float(f64),
    List(Vec<String>),
    /// Of `IS NULL` and `IS NOT NULL`.
    None,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) entity: Entity,
    /// For attributes the name in full: aliases are resolved.
    pub(crate) key: String,
    pub(crate) op: Op,
    pub(crate) operand: Operand,
}

/// Clauses of one filter at most. The genuine server breaks at 64, where its database joins no more tables.
pub(crate) const CLAUSES_MAX: usize = 200;
/// Values of one list at most.
pub(crate) const LIST_MAX: usize = 5_000;
/// Bytes of one filter at most.
pub(crate) const FILTER_BYTES_MAX: usize = 1 << 20;
/// Bytes of a pattern at most; SQLite takes 50,000.
pub(crate) const PATTERN_BYTES_MAX: usize = 10_000;
/// Bytes of a regular expression at most.
pub(crate) const REGEX_BYTES_MAX: usize = 1_000;
