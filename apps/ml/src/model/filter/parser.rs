use super::{
    CLAUSES_MAX, Clause, Dialect, Entity, FILTER_BYTES_MAX, LIST_MAX, Op, Operand, PATTERN_BYTES_MAX,
    REGEX_BYTES_MAX,
    lexer::{Kind, Token, cut},
};
use crate::error::Error;

/// The clauses of a filter, all of which must hold.
///
/// # Errors
///
/// [`Error::Invalid`] with MLflow's words for it.
pub(crate) fn parse(dialect: Dialect, filter: &str) -> Result<Vec<Clause>, Error> {
    if filter.len() > FILTER_BYTES_MAX {
        return Err(Error::invalid(format!("A filter string may have {FILTER_BYTES_MAX} bytes at most.")));
    }
    let tokens = cut(filter);
    let mut rest = &tokens[..];
    let mut clauses = Vec::new();
    while let Some(first) = rest.first() {
        // As the genuine parser does, which only leaves the words out: a leading, doubled or trailing AND is no fault.
        if is_word(first, "AND") {
            rest = &rest[1..];
            continue;
        }
        if clauses.len() == CLAUSES_MAX {
            return Err(Error::invalid(format!("A filter string may have {CLAUSES_MAX} clauses at most.")));
        }
        clauses.push(clause(dialect, &mut rest)?);
        match rest.first() {
            None => {}
            Some(token) if is_word(token, "AND") => rest = &rest[1..],
            Some(token) => return Err(invalid_clause(token)),
        }
    }
    Ok(clauses)
}

fn is_word(token: &Token<'_>, word: &str) -> bool {
    token.kind == Kind::Name && token.text.eq_ignore_ascii_case(word)
}

fn invalid_clause(token: &Token<'_>) -> Error {
    Error::invalid(format!("Invalid clause(s) in filter string: '{}'", shown(token.text)))
}

/// A piece of a caller's text for a message.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let mut shown: String = text.chars().take(CHARS_MAX).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn clause(dialect: Dialect, rest: &mut &[Token<'_>]) -> Result<Clause, Error> {
    let first = rest[0];
    if first.kind != Kind::Name {
        return Err(invalid_clause(&first));
    }
    let (entity, key) = identifier(dialect, first.text)?;
    let following = rest.get(1).ok_or_else(|| invalid_clause(&first))?;
    let word_at = |at: usize, word: &str| rest.get(at).is_some_and(|token| is_word(token, word));
    if is_word(following, "IS") {
        let (op, length) = match () {
            () if word_at(2, "NULL") => (Op::IsNull, 3),
            () if word_at(2, "NOT") && word_at(3, "NULL") => (Op::IsNotNull, 4),
            () => return Err(invalid_clause(&first)),
        };
        if !dialect.takes_null(entity) {
            let what = match dialect {
                Dialect::Experiments => "tags",
                Dialect::Traces => "tags, metadata and assessments",
                _ => "tags and params",
            };
            return Err(Error::invalid(format!(
                "IS NULL / IS NOT NULL is only supported for {what}, not for '{}' '{key}'",
                entity.name()
            )));
        }
        *rest = &rest[length..];
        return Ok(Clause { entity, key, op, operand: Operand::None });
    }
    if is_word(following, "IN") || (is_word(following, "NOT") && word_at(2, "IN")) {
        let (op, begin) = if is_word(following, "IN") { (Op::In, 2) } else { (Op::NotIn, 3) };
        if rest.get(begin).is_none_or(|token| token.kind != Kind::Open) {
            return Err(invalid_clause(&first));
        }
        if !dialect.takes_list(entity, &key) {
            return Err(Error::invalid(format!(
                "'{}' '{key}' does not support comparison with a list of quoted string values.",
                entity.name()
            )));
        }
        let (values, length) = list(&rest[begin + 1..])?;
        *rest = &rest[begin + 1 + length..];
        return Ok(Clause { entity, key, op, operand: Operand::List(values) });
    }
    let is_sign = following.kind == Kind::Sign;
    let op = Op::parse(following.text);
    let Some(op) = op else {
        return Err(if is_sign {
            Error::invalid(format!("Invalid comparator '{}'", shown(following.text)))
        } else {
            invalid_clause(following)
        });
    };
    let value = rest.get(2).ok_or_else(|| invalid_clause(&first))?;
    let operand = operand(dialect, entity, &key, value)?;
    check_op(dialect, entity, &key, op, following.text)?;
    if matches!(op, Op::Like | Op::ILike)
        && matches!(&operand, Operand::Text(text) if text.len() > PATTERN_BYTES_MAX)
    {
        return Err(Error::invalid(format!("A pattern may have {PATTERN_BYTES_MAX} bytes at most.")));
    }
    if op == Op::RLike
        && let Operand::Text(pattern) = &operand
    {
        check_regex(pattern)?;
    }
    *rest = &rest[3..];
    Ok(Clause { entity, key, op, operand })
}

/// `metrics.loss` to its entity and key; a name without a dot is an attribute.
pub(super) fn identifier(dialect: Dialect, text: &str) -> Result<(Entity, String), Error> {
    let begins_quoted = text.starts_with('"');
    let (entity, key) = match text.split_once('.').filter(|_| !begins_quoted) {
        Some((word, key)) => (dialect.entity(bare(word))?, key),
        None => (Entity::Attribute, text),
    };
    let key = bare(key);
    if key.contains('\0') {
        return Err(Error::invalid("A key must not hold a NUL character."));
    }
    let key = match entity {
        Entity::Attribute => dialect.attribute(key)?,
        Entity::Dataset if !matches!(key, "name" | "digest" | "context") => {
            return Err(Error::invalid(format!(
                "Invalid dataset key '{}' specified. Valid keys are '{{'name', 'digest', 'context'}}'",
                shown(key)
            )));
        }
        Entity::Span => return Ok((entity, span_key(key)?)),
        _ => key,
    };
    Ok((entity, key.to_owned()))
}

/// The name of an attribute may stand in quotes by itself.
fn span_key(key: &str) -> Result<String, Error> {
    if matches!(key, "name" | "type" | "status" | "content") {
        return Ok(key.to_owned());
    }
    if let Some(name) = key.strip_prefix("attributes.").map(bare).filter(|name| !name.is_empty()) {
        return Ok(format!("attributes.{name}"));
    }
    Err(Error::invalid(format!(
        "Invalid span attribute '{}'. Supported attributes: name, status, type, attributes.<attribute_name>.",
        shown(key)
    )))
}

/// Without its quotes, then without its backticks.
pub(super) fn bare(text: &str) -> &str {
    let strip = |text: &'_ str, quote: char| -> Option<(usize, usize)> {
        (text.len() >= 2 && text.starts_with(quote) && text.ends_with(quote)).then(|| (1, text.len() - 1))
    };
    let inner = ['\'', '"']
        .into_iter()
        .find_map(|quote| strip(text, quote))
        .map_or(text, |(from, to)| &text[from..to]);
    strip(inner, '`').map_or(inner, |(from, to)| &inner[from..to])
}

fn quoted(token: &Token<'_>) -> Option<String> {
    let is_text = token.kind == Kind::Text || (token.kind == Kind::Name && token.text.starts_with('"'));
    let fine = is_text && token.text.len() >= 2 && token.text.ends_with(['\'', '"']);
    fine.then(|| token.text[1..token.text.len() - 1].to_owned())
}

fn operand(dialect: Dialect, entity: Entity, key: &str, token: &Token<'_>) -> Result<Operand, Error> {
    let text = shown(token.text);
    if entity == Entity::Metric || (entity == Entity::Attribute && dialect.is_number(key)) {
        // The logged-model parser of MLflow takes a quoted number too; the others do not, and neither do we.
        let wrong = || match entity {
            Entity::Metric => Error::invalid(format!("Expected numeric value type for metric. Found {text}")),
            _ => Error::invalid(format!(
                "Expected numeric value type for numeric attribute: {key}. Found {text}"
            )),
        };
        if !matches!(token.kind, Kind::Int | Kind::Float) {
            return Err(wrong());
        }
        if entity == Entity::Attribute && token.kind == Kind::Int {
            return token.text.parse().map(Operand::Int).map_err(|_| wrong());
        }
        return token.text.parse().map(Operand::Float).map_err(|_| wrong());
    }
    // An assessment may be a number.
    if matches!(entity, Entity::Feedback | Entity::Expectation)
        && matches!(token.kind, Kind::Int | Kind::Float)
        && let Ok(number) = token.text.parse()
    {
        return Ok(Operand::Float(number));
    }
    let value = quoted(token).ok_or_else(|| match entity {
        Entity::Attribute => {
            Error::invalid(format!("Expected a quoted string value for attributes. Got value {text}"))
        }
        Entity::Dataset => {
            Error::invalid(format!("Expected a quoted string value for dataset attributes. Got value {text}"))
        }
        _ => Error::invalid(format!(
            "Expected a quoted string value for {} (e.g. 'my-value'). Got value {text}",
            entity.name()
        )),
    })?;
    if value.contains('\0') {
        return Err(Error::invalid("A value must not hold a NUL character."));
    }
    let parts: Vec<_> = value.split('/').collect();
    if is_prompt(dialect, entity, key) && (parts.len() != 2 || parts.contains(&"")) {
        return Err(Error::invalid(format!(
            "Invalid prompts filter value '{}'. Expected format: prompt = \"name/version\"",
            shown(&value)
        )));
    }
    Ok(Operand::Text(value))
}

/// What a regular expression may become at most.
const REGEX_PROGRAM_BYTES_MAX: usize = 1 << 20;

/// What takes time without bound on some texts (look-around, references back) is refused here, whatever the database takes.
fn check_regex(pattern: &str) -> Result<(), Error> {
    if pattern.len() > REGEX_BYTES_MAX {
        return Err(Error::invalid(format!(
            "A regular expression may have {REGEX_BYTES_MAX} bytes at most."
        )));
    }
    regex::RegexBuilder::new(pattern).size_limit(REGEX_PROGRAM_BYTES_MAX).build().map(drop).map_err(|error| {
        Error::invalid(format!("'{}' is no regular expression that is taken: {error}", shown(pattern)))
    })
}

fn is_prompt(dialect: Dialect, entity: Entity, key: &str) -> bool {
    dialect == Dialect::Traces && entity == Entity::Attribute && key == "prompt"
}

fn check_op(dialect: Dialect, entity: Entity, key: &str, op: Op, text: &str) -> Result<(), Error> {
    let is_number = entity == Entity::Metric || (entity == Entity::Attribute && dialect.is_number(key));
    if is_prompt(dialect, entity, key) && op != Op::Equal {
        return Err(Error::invalid(format!(
            "Invalid comparator '{}' for prompts filter. Only '=' is supported with format: prompt = \"name/version\"",
            shown(text)
        )));
    }
    let is_nominal = dialect == Dialect::Experiments && entity == Entity::Attribute && key == "experiment_id";
    let is_content = dialect == Dialect::Traces
        && matches!((entity, key), (Entity::Attribute, "text") | (Entity::Span, "content"));
    let is_assessment = matches!(entity, Entity::Feedback | Entity::Expectation);
    let fine = match op {
        Op::Equal | Op::NotEqual => !is_content,
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => is_number || is_assessment,
        Op::Like | Op::ILike => !is_number && !is_nominal,
        Op::RLike => dialect == Dialect::Traces && !is_number && !is_content,
        _ => false,
    };
    if fine {
        return Ok(());
    }
    let valid = if is_number { "'>', '>=', '!=', '=', '<', '<='" } else { "'!=', '=', 'LIKE', 'ILIKE'" };
    Err(Error::invalid(format!("Invalid comparator '{}' not one of {{{valid}}}", shown(text))))
}

/// The quoted texts up to the closing parenthesis, and how many tokens they take with it.
fn list(tokens: &[Token<'_>]) -> Result<(Vec<String>, usize), Error> {
    let ill = || {
        Error::invalid(
            "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.",
        )
    };
    let mut values = Vec::new();
    let mut at = 0;
    loop {
        let token = tokens.get(at).ok_or_else(ill)?;
        match token.kind {
            Kind::Close if values.is_empty() => {
                return Err(Error::invalid(
                    "While parsing a list in the query, expected a non-empty list of string values, but got empty list",
                ));
            }
            Kind::Close => return Ok((values, at + 1)),
            Kind::Int | Kind::Float => {
                return Err(Error::invalid(
                    "While parsing a list in the query, expected string value, punctuation, or whitespace, but got \
                     different type in list",
                ));
            }
            _ => {
                let value = unescaped(&quoted(token).ok_or_else(ill)?);
                if value.contains('\0') {
                    return Err(ill());
                }
                values.push(value);
            }
        }
        if values.len() > LIST_MAX {
            return Err(Error::invalid(format!("A list may have {LIST_MAX} values at most.")));
        }
        at += 1;
        match tokens.get(at).map(|token| token.kind) {
            Some(Kind::Comma) => at += 1,
            Some(Kind::Close) => {}
            _ => return Err(ill()),
        }
    }
}

/// MLflow reads lists as Python does: a backslash keeps the quote that follows.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek().is_some_and(|next| "\\'\"".contains(*next)) => {
                plain.extend(letters.next())
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(filter: &str) -> Result<Vec<Clause>, String> {
        parse(Dialect::Runs, filter).map_err(|error| error.to_string())
    }

    #[test]
    fn clauses_are_read() {
        let check = |filter: &str, entity, key: &str, op, operand| {
            let expected = Clause { entity, key: key.to_owned(), op, operand };
            assert_eq!(runs(filter), Ok(vec![expected]), "{filter}");
        };
        let text = |text: &str| Operand::Text(text.to_owned());
        check("metrics.loss < 0.5", Entity::Metric, "loss", Op::Less, Operand::Float(0.5));
        check("metric.`a b` >= -1", Entity::Metric, "a b", Op::GreaterOrEqual, Operand::Float(-1.0));
        check("metrics.a.b != 1e3", Entity::Metric, "a.b", Op::NotEqual, Operand::Float(1e3));
        check("params.lr = '0.1'", Entity::Param, "lr", Op::Equal, text("0.1"));
        check("parameter.\"x y\" ilike \"%A_\"", Entity::Param, "x y", Op::ILike, text("%A_"));
        check("tags.`mlflow.user` LIKE 'a%'", Entity::Tag, "mlflow.user", Op::Like, text("a%"));
        check("tag.x IS NOT NULL", Entity::Tag, "x", Op::IsNotNull, Operand::None);
        check("params.x is null", Entity::Param, "x", Op::IsNull, Operand::None);
        check("status = 'RUNNING'", Entity::Attribute, "status", Op::Equal, text("RUNNING"));
        check("attributes.`run name` = 'x'", Entity::Attribute, "run_name", Op::Equal, text("x"));
        check("run.created > 7", Entity::Attribute, "start_time", Op::Greater, Operand::Int(7));
        let list = Operand::List(vec!["a".to_owned(), "b'c".to_owned()]);
        check("run_id IN ('a', \"b'c\",)", Entity::Attribute, "run_id", Op::In, list.clone());
        check("attr.run_id not in ('a', 'b\\'c')", Entity::Attribute, "run_id", Op::NotIn, list);
        check("dataset.name = 'iris'", Entity::Dataset, "name", Op::Equal, text("iris"));
        assert_eq!(runs("").unwrap(), []);
        assert_eq!(runs("metrics.a > 1 and params.b = 'x' AND tags.c != ''").unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let check = |filter: &str, part: &str| {
            let message = runs(filter).expect_err(filter);
            assert!(message.contains(part), "{filter}: {message}");
        };
        check("metrics.a > 'x'", "Expected numeric value type for metric. Found 'x'");
        check("params.a = 1", "Expected a quoted string value for parameter");
        check("params.a > '1'", "Invalid comparator '>'");
        check("metrics.a LIKE 1", "Invalid comparator 'LIKE'");
        check("model.a = 'x'", "Invalid entity type 'model'");
        check("attribute.lr = 'x'", "Invalid attribute key 'lr'");
        check("dataset.size = 'x'", "Invalid dataset key");
        check("metrics.a > 1 OR metrics.b > 2", "Invalid clause(s)");
        check("(metrics.a > 1)", "Invalid clause(s)");
        check("metrics.a > 1; DROP TABLE ml_runs", "Invalid clause(s)");
        check("metrics.a", "Invalid clause(s)");
        check("metrics.a >", "Invalid clause(s)");
        check("metrics.a == 1", "Invalid comparator '=='");
        check("status IN ('a')", "does not support comparison with a list");
        check("run_id IN ()", "empty list");
        check("run_id IN (1)", "different type");
        check("run_id IN ('a'", "ill-formed");
        check("metrics.a IS NULL", "only supported for tags and params");
        check("params.a = 'open", "Expected a quoted string value");
        check("params.a RLIKE 'x'", "Invalid comparator 'RLIKE'");
        check(&vec!["metrics.a > 1"; 10_000].join(" AND "), "200 clauses at most");
        check(&format!("params.a = {}", "'".repeat(100_001)), "quoted");
        check(&"(".repeat(100_000), "Invalid clause(s)");
    }

    #[test]
    fn dialects_differ() {
        let check = |dialect, filter: &str, fine: bool| {
            assert_eq!(parse(dialect, filter).is_ok(), fine, "{dialect:?} {filter}");
        };
        check(Dialect::Experiments, "experiment_id IN ('1')", true);
        check(Dialect::Experiments, "experiment_id LIKE '1'", false);
        check(Dialect::Experiments, "metrics.a > 1", false);
        check(Dialect::Experiments, "creation_time > 1", true);
        check(Dialect::RegisteredModels, "name IN ('a')", true);
        check(Dialect::RegisteredModels, "creation_timestamp > 1", false);
        check(Dialect::ModelVersions, "version_number > 1", true);
        check(Dialect::ModelVersions, "source_path LIKE 'x%'", true);
        check(Dialect::LoggedModels, "metrics.a > 1 AND params.b = 'x' AND name = 'y'", true);
        check(Dialect::LoggedModels, "tag.a = 'x'", false);
        check(
            Dialect::Traces,
            "tags.a RLIKE '^x+$' AND span.name rlike 'a|b' AND feedback.f RLIKE '\\d'",
            true,
        );
        check(Dialect::Traces, "name RLIKE '[a-z]{2,3}'", true);
        for name in ["mlflow.spanType", "`mlflow.spanType`"] {
            let clauses = parse(Dialect::Traces, &format!("span.attributes.{name} = 'TOOL'")).unwrap();
            assert_eq!(clauses[0].key, "attributes.mlflow.spanType");
        }
        check(Dialect::Traces, "span.attributes.`` = 'x'", false);
        check(Dialect::Traces, "timestamp_ms RLIKE '1'", false);
        check(Dialect::Traces, "trace.text RLIKE '1'", false);
        for wrong in ["(", "[z-a]", "a{9999999}", "(?=x)", "(a)\\1", &"a".repeat(1_001)] {
            check(Dialect::Traces, &format!("tags.a RLIKE '{wrong}'"), false);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_an_error(text in ".{0,200}") {
            let _ = runs(&text);
        }

        #[test]
        fn any_value_comes_through(value in "[^'\\\\\0]{0,50}") {
            let clauses = runs(&format!("params.a = '{value}'")).unwrap();
            prop_assert_eq!(&clauses[0].operand, &Operand::Text(value));
        }
    }
}
