use url::Url;

use super::Email;

/// Characters (Unicode scalar values) of a password.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// A password that an attacker would find among this many first guesses is refused.
const GUESSES_MIN: u64 = 3_000;

/// For what is no longer than the words of zxcvbn's list of common passwords. An attacker would go through that list from its
/// top, leaving out what is too short for us: the 3,000th of the others (ASVS 5.0, 6.2.4) stands at place 8,949, and a
/// guess of zxcvbn is the place and one.
const GUESSES_MIN_OF_WORDS: u64 = 8_950;
const WORD_CHARS_MAX: usize = 20;

/// The part of the rule that needs neither the account nor time.
pub(crate) fn refuse_length(password: &str) -> Option<&'static str> {
    // By bytes first: the text may be of any length.
    let fine =
        password.len() <= 4 * PASSWORD_CHARS.end() && PASSWORD_CHARS.contains(&password.chars().count());
    (!fine).then_some("must have 8 to 128 characters")
}

/// Why a new password is refused; `None` when it may be used. There are no rules of composition (NIST SP 800-63B
/// §3.1.1.2): length, not the account's own address, not made of names that are known here, not among the commonest by
/// zxcvbn's frequency lists.
///
/// Takes up to some milliseconds: not for an async thread.
pub(crate) fn refuse_password(password: &str, email: &Email, place: &PlaceWords) -> Option<&'static str> {
    refuse_length(password)
        .or_else(|| refuse_names(password, Some(email), place))
        .or_else(|| is_common(password, &estimate(password, Some(email), place)).then_some(IS_COMMON))
}

const IS_ADDRESS: &str = "must not be the e-mail address";
const IS_NAMES: &str =
    "is hardly more than a name that is known here: of the product, its host or the account";
const IS_COMMON: &str = "is among the first that would be guessed";

fn is_common(password: &str, entropy: &zxcvbn::Entropy) -> bool {
    let is_word = password.chars().count() <= WORD_CHARS_MAX;
    entropy.guesses() <= if is_word { GUESSES_MIN_OF_WORDS } else { GUESSES_MIN }
}

fn is_address(password: &str, email: &Email) -> bool {
    Email::parse(password).is_some_and(|typed| typed.key() == email.key())
}

fn refuse_names(password: &str, email: Option<&Email>, place: &PlaceWords) -> Option<&'static str> {
    if email.is_some_and(|email| is_address(password, email)) {
        return Some(IS_ADDRESS);
    }
    let plain = plain(password);
    let mut rest = plain.clone();
    for word in words(email, place) {
        rest = rest.replace(&word, "");
    }
    (rest.len() < plain.len() && rest.chars().count() < BESIDE_NAMES_MIN).then_some(IS_NAMES)
}

fn estimate(password: &str, email: Option<&Email>, place: &PlaceWords) -> zxcvbn::Entropy {
    let mut known: Vec<_> = words(email, place).collect();
    known.extend(email.map(|email| email.key().to_owned()));
    zxcvbn::zxcvbn(password, &known.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Names of the product and of the host at which it is found: what somebody who attacks this place would try (ASVS 5.0,
/// 6.1.2 and 6.2.11). The account's own names come with its address.
#[derive(Debug)]
pub(crate) struct PlaceWords(Vec<String>);

const PRODUCT: [&str; 5] = ["socle", "sentinel", "smartexam", "lofi", "studio"];
/// Shorter names are in too many words.
const NAME_CHARS_MIN: usize = 4;
/// Characters that a password must have beside such names.
const BESIDE_NAMES_MIN: usize = 6;

impl PlaceWords {
    pub(crate) fn new(public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let domain = url.as_ref().and_then(Url::domain).unwrap_or("");
        Self(PRODUCT.into_iter().chain(domain.split('.')).map(plain).collect())
    }
}

/// The longest first, so that what is left of one is not taken for another.
fn words(email: Option<&Email>, place: &PlaceWords) -> impl Iterator<Item = String> {
    let address = email.map(Email::key).unwrap_or_default();
    let local = address.split('@').next().unwrap_or("");
    let own = address.split(|char: char| !char.is_alphanumeric()).chain([local]).map(plain);
    let mut words: Vec<_> = place.0.iter().cloned().chain(own).collect();
    words.retain(|word| word.chars().count() >= NAME_CHARS_MIN);
    words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    words.into_iter()
}

/// Without case, signs and the usual digits for letters.
fn plain(text: &str) -> String {
    let letter = |char| match char {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.to_lowercase().chars().map(letter).filter(|char| char.is_alphanumeric()).collect()
}

/// What can be said of a password while it is typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strength {
    /// 0 (would be guessed at once) to 4.
    pub(crate) score: u8,
    /// Guesses that it would take, as a power of ten.
    pub(crate) guesses_log10: f64,
    pub(crate) warning: Option<String>,
    pub(crate) suggestions: Vec<String>,
    /// Why it would be refused.
    pub(crate) refused: Option<&'static str>,
}

/// As zxcvbn sees it. What is too long is not looked at. Takes up to some milliseconds: not for an async thread.
pub(crate) fn strength(password: &str, email: Option<&Email>, place: &PlaceWords) -> Strength {
    let refused = refuse_length(password);
    if password.is_empty() || (refused.is_some() && password.len() > *PASSWORD_CHARS.end()) {
        return Strength { score: 0, guesses_log10: 0.0, warning: None, suggestions: Vec::new(), refused };
    }
    let entropy = estimate(password, email, place);
    let common = is_common(password, &entropy).then_some(IS_COMMON);
    let feedback = entropy.feedback();
    Strength {
        score: entropy.score().into(),
        guesses_log10: entropy.guesses_log10(),
        warning: feedback.and_then(|said| said.warning()).map(|warning| warning.to_string()),
        suggestions: feedback.iter().flat_map(|said| said.suggestions()).map(ToString::to_string).collect(),
        refused: refused.or_else(|| refuse_names(password, email, place)).or(common),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> PlaceWords {
        PlaceWords::new("https://cameras.north-school.example:8443")
    }

    /// The list itself, from the sources of the library that cargo has at hand.
    fn common_passwords() -> Vec<String> {
        let cargo = |arguments: &[&str]| {
            let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let output = std::process::Command::new(program).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let about = cargo(&["-vV"]);
        let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        // What other platforms need was never fetched on a machine that is new.
        let here = ["--offline", "--filter-platform", host, "--manifest-path", manifest];
        let metadata = cargo(&[&["metadata", "--format-version", "1"], &here[..]].concat());
        let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
        let zxcvbn =
            metadata["packages"].as_array().unwrap().iter().find(|one| one["name"] == "zxcvbn").unwrap();
        let folder = std::path::Path::new(zxcvbn["manifest_path"].as_str().unwrap()).parent().unwrap();
        let source = std::fs::read_to_string(folder.join("src/frequency_lists.rs")).unwrap();
        let list = source.split("PASSWORDS").nth(1).unwrap().split('"').nth(1).unwrap();
        list.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn the_commonest_three_thousand_are_refused() {
        let email = Email::parse("ada.lovelace@example.org").unwrap();
        let list = common_passwords();
        assert!(list.len() >= 10_000 && list[0] == "123456", "{} {}", list.len(), list[0]);
        let long_enough = list.iter().filter(|word| refuse_length(word).is_none()).take(3_000);
        let passed: Vec<_> =
            long_enough.filter(|word| refuse_password(word, &email, &place()).is_none()).collect();
        assert_eq!(passed, Vec::<&String>::new());
    }

    #[test]
    fn strength_is_told_as_the_rule_sees_it() {
        let email = Email::parse("ada@example.org").unwrap();
        let weak = strength("password", Some(&email), &place());
        assert!(weak.score == 0 && weak.refused == Some(IS_COMMON) && weak.warning.is_some(), "{weak:?}");
        let fine = strength("correct horse battery", Some(&email), &place());
        assert!(fine.score == 4 && fine.refused.is_none() && fine.guesses_log10 > 9.0, "{fine:?}");
        assert_eq!(strength("ada@example.org", Some(&email), &place()).refused, Some(IS_ADDRESS));
        assert!(strength("ada@example.org", None, &place()).refused.is_none());
        assert!(strength("short", None, &place()).refused.is_some());
        assert!(strength(&"x1y2".repeat(100_000), None, &place()).refused.is_some());
        assert_eq!(strength("", None, &place()).score, 0);
    }

    #[test]
    fn only_length_and_commonness_count() {
        let email = Email::parse("ada.lovelace@example.org").unwrap();
        let check = |password: &str, fine: bool| {
            assert_eq!(refuse_password(password, &email, &place()).is_none(), fine, "{password:?}");
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

    #[test]
    fn names_of_the_place_and_of_the_account_are_refused() {
        let email = Email::parse("ada.lovelace@engine.example.org").unwrap();
        for (password, refused) in [
            ("socle2026", true),
            ("S0cle-S0cle!", true),
            ("$ENTINEL123", true),
            ("Lofi Studio 1", true),
            ("northschool", true),
            ("north-school", true),
            ("Cameras2026!", true),
            ("Lovel4ce1815", true),
            ("engine-1843", true),
            ("the socle below the column", false),
            ("cameras in the long corridor", false),
            ("north of the old school", false),
        ] {
            let reason = refuse_password(password, &email, &place());
            assert_eq!(reason == Some(IS_NAMES), refused, "{password:?}: {reason:?}");
            let told = strength(password, Some(&email), &place());
            assert_eq!(told.refused == Some(IS_NAMES), refused, "{told:?}");
        }
        let nowhere = PlaceWords::new("http://127.0.0.1:8000");
        assert!(refuse_password("127.0.0.1:8000", &email, &nowhere).is_none());
        assert!(refuse_password("localhost!", &email, &PlaceWords::new("http://localhost:8000")).is_some());
    }
}
