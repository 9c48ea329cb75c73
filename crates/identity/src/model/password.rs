use super::Email;

/// Characters (Unicode scalar values) of a password.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// A password that an attacker would find among this many first guesses is refused.
const GUESSES_MIN: u64 = 3_000;

/// The part of the rule that needs neither the account nor time.
pub(crate) fn refuse_length(password: &str) -> Option<&'static str> {
    // By bytes first: the text may be of any length.
    let fine =
        password.len() <= 4 * PASSWORD_CHARS.end() && PASSWORD_CHARS.contains(&password.chars().count());
    (!fine).then_some("must have 8 to 128 characters")
}

/// Why a new password is refused; `None` when it may be used. There are no rules of composition (NIST SP 800-63B
/// §3.1.1.2): length, not the account's own address, not among the commonest by zxcvbn's frequency lists.
///
/// Takes up to some milliseconds: not for an async thread.
pub(crate) fn refuse_password(password: &str, email: &Email) -> Option<&'static str> {
    if let Some(reason) = refuse_length(password) {
        return Some(reason);
    }
    let shape = Email::parse(password);
    if shape.is_some_and(|typed| typed.key() == email.key()) {
        return Some("must not be the e-mail address");
    }
    let local = email.key().split('@').next().unwrap_or("");
    let guesses = zxcvbn::zxcvbn(password, &[email.key(), local]).guesses();
    (guesses <= GUESSES_MIN).then_some("is among the first that would be guessed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_length_and_commonness_count() {
        let email = Email::parse("ada.lovelace@example.org").unwrap();
        let check = |password: &str, fine: bool| {
            assert_eq!(refuse_password(password, &email).is_none(), fine, "{password:?}");
        };
        check("correct horse battery", true);
        check("tr0ub4dor&3", true);
        check("ÿØû Ünïcödé", true);
        check(&"7h".repeat(64), true);
        check("short7!", false);
        check(&"xkcd 936 ".repeat(15), false);
        check(&"é".repeat(1_000_000), false);
        for common in
            ["password", "12345678", "qwertyuiop", "iloveyou", "sunshine", "princess", "football", "baseball"]
        {
            check(common, false);
        }
        check("PASSWORD", false);
        check("aaaaaaaa", false);
        check("Ada.Lovelace@Example.org", false);
        check("ada.lovelace", false);
    }
}
