/// A piece of a filter, with its text as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `name`, `metrics.loss`, ``params.`a b` ``, `"quoted"`: parts with dots between.
    Name,
    /// `'…'`
    Text,
    Int,
    Float,
    /// A run of `< > = ! ~`.
    Sign,
    Open,
    Close,
    Comma,
    /// What stands in no filter.
    Other,
}

/// Cuts a filter into its pieces. Never fails: what is no piece becomes [`Kind::Other`], to be told of by the parser.
pub(super) fn cut(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match letter {
            _ if letter.is_whitespace() => {
                at += letter.len_utf8();
                continue;
            }
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            '<' | '>' | '=' | '!' | '~' => {
                (Kind::Sign, rest.find(|letter| !"<>=!~".contains(letter)).unwrap_or(rest.len()))
            }
            '\'' => match quoted(rest, '\'') {
                Some(length) => (Kind::Text, length),
                None => (Kind::Other, rest.len()),
            },
            '0'..='9' | '-' | '.' => number(rest).unwrap_or((Kind::Other, 1)),
            '"' | '`' => name(rest).map_or((Kind::Other, rest.len()), |length| (Kind::Name, length)),
            _ if is_name_start(letter) => match name(rest) {
                Some(length) => (Kind::Name, length),
                None => (Kind::Other, rest.len()),
            },
            _ => (Kind::Other, letter.len_utf8()),
        };
        debug_assert!(length > 0 && at + length <= bytes.len(), "every piece has a length");
        tokens.push(Token { kind, text: &text[at..at + length] });
        at += length;
    }
    tokens
}

fn is_name_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

/// Parts with dots between; `None` for a quote without an end.
fn name(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        match rest.chars().next() {
            Some(quote @ ('"' | '`')) => at += quoted(rest, quote)?,
            _ => {
                at +=
                    rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len())
            }
        }
        // A dot goes on only before another part.
        let mut after = text[at..].chars();
        let goes_on = after.next() == Some('.')
            && after.next().is_some_and(|letter| letter.is_alphanumeric() || "_\"`".contains(letter));
        if !goes_on {
            return Some(at);
        }
        at += 1;
    }
}

/// The length of a quoted text; the quote doubled or behind a backslash does not end it.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && quote != '`' {
            // Only before the quote itself, and only where the text still ends afterwards.
            if letters.peek().is_some_and(|(_, next)| *next == quote) && text[at + 2..].contains(quote) {
                letters.next();
            }
        } else if letter == quote {
            if letters.peek().is_some_and(|(_, next)| *next == quote) {
                letters.next();
                continue;
            }
            return Some(at + quote.len_utf8());
        }
    }
    None
}

/// A number that nothing of a name follows.
fn number(text: &str) -> Option<(Kind, usize)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes[0] == b'-');
    let mut is_float = false;
    let whole = digits(at);
    at += whole;
    let mut part = 0;
    if bytes.get(at) == Some(&b'.') {
        part = digits(at + 1);
        if whole + part == 0 {
            return None;
        }
        at += 1 + part;
        is_float = true;
    }
    if whole + part == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
            is_float = true;
        }
    }
    let ends = !text[at..].chars().next().is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    ends.then_some((if is_float { Kind::Float } else { Kind::Int }, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_apart() {
        let check = |text: &str, expected: &[(Kind, &str)]| {
            let found: Vec<_> = cut(text).into_iter().map(|token| (token.kind, token.text)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("metrics.loss<=0.5", &[(Kind::Name, "metrics.loss"), (Kind::Sign, "<="), (Kind::Float, "0.5")]);
        check(
            "params.`a b`.c = 'it''s'",
            &[(Kind::Name, "params.`a b`.c"), (Kind::Sign, "="), (Kind::Text, "'it''s'")],
        );
        check(
            "tags.\"a'b\" LIKE 'x'",
            &[(Kind::Name, "tags.\"a'b\""), (Kind::Name, "LIKE"), (Kind::Text, "'x'")],
        );
        check(
            "-1e-3 .5 7. -",
            &[(Kind::Float, "-1e-3"), (Kind::Float, ".5"), (Kind::Float, "7."), (Kind::Other, "-")],
        );
        check("'a\\'b'", &[(Kind::Text, "'a\\'b'")]);
        check("'a\\'", &[(Kind::Text, "'a\\'")]);
        check("'open", &[(Kind::Other, "'open")]);
        check("a; b", &[(Kind::Name, "a"), (Kind::Other, ";"), (Kind::Name, "b")]);
        check("metrics.é = 1", &[(Kind::Name, "metrics.é"), (Kind::Sign, "="), (Kind::Int, "1")]);
    }
}
