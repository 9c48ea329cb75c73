use std::collections::BTreeMap;

use kernel::{Locale, Secret};

use super::{Email, PersonName, StoredHash, refuse_length, role_name};

/// The columns of a file of accounts. `email` must be there; of the others, those that are not leave things as they are.
pub(crate) const COLUMNS: [&str; 9] = [
    "email",
    "first_name",
    "last_name",
    "role",
    "password_hash",
    "password",
    "is_active",
    "is_verified",
    "locale",
];

/// Between the roles of one account.
pub(crate) const BETWEEN_ROLES: char = '|';

/// The role of who has none in the file.
const ROLE_DEFAULT: &str = "user";

/// One account of a file. No `Debug`: hashes stay out of logs.
pub(crate) struct ImportRow {
    pub(crate) line: u64,
    pub(crate) email: Email,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    /// Sorted, without doubles; by their own names.
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) password_hash: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) is_verified: Option<bool>,
    pub(crate) locale: Option<Locale>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowFault {
    pub(crate) line: u64,
    pub(crate) reason: String,
}

impl RowFault {
    pub(crate) fn new(line: u64, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

impl ImportRow {
    /// From the fields by column; every fault at once. An empty field is one that is not there.
    ///
    /// A password in clear takes up to some milliseconds to look at.
    pub(crate) fn parse(line: u64, fields: &BTreeMap<String, String>) -> Result<Self, Vec<RowFault>> {
        let mut faults = Vec::new();
        let mut fault = |reason: String| faults.push(RowFault::new(line, reason));
        let field = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        for name in fields.keys().filter(|name| !COLUMNS.contains(&name.as_str())) {
            fault(format!("{name}: is no field of an account"));
        }
        let email = field("email").and_then(Email::parse);
        if email.is_none() {
            let shown: String = field("email").unwrap_or("").chars().take(80).collect();
            fault(format!("email: {shown:?} is no e-mail address"));
        }
        let mut name_of = |name: &str| {
            let text = fields.get(name)?;
            let parsed = PersonName::parse(text);
            if parsed.is_none() {
                fault(format!("{name}: must be one line of at most 100 characters"));
            }
            parsed.map(|parsed| parsed.as_str().to_owned())
        };
        let (first_name, last_name) = (name_of("first_name"), name_of("last_name"));
        let mut truth = |name: &str| match field(name).map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("true" | "1" | "yes") => Some(true),
            Some("false" | "0" | "no") => Some(false),
            Some(other) => {
                fault(format!("{name}: {:.20?} is neither true nor false", other));
                None
            }
        };
        let (is_active, is_verified) = (truth("is_active"), truth("is_verified"));
        let locale = field("locale").and_then(|tag| {
            let known = ["en", "fr"].contains(&tag).then(|| Locale::parse(tag)).flatten();
            if known.is_none() {
                fault(format!("locale: {tag:.20?} is neither en nor fr"));
            }
            known
        });
        let password_hash = field("password_hash").map(str::to_owned);
        if let Some(Err(reason)) = password_hash.as_deref().map(StoredHash::import) {
            fault(format!("password_hash: {reason}"));
        }
        // Not trimmed: spaces may belong to it.
        let password = fields.get("password").filter(|text| !text.is_empty());
        if password.is_some() && password_hash.is_some() {
            fault("password: not beside password_hash".to_owned());
        }
        if let Some(reason) = password.and_then(|password| refuse_length(password)) {
            fault(format!("password: {reason}"));
        }
        let roles = field("role").map(|text| {
            let mut roles: Vec<_> =
                text.split(BETWEEN_ROLES).map(|role| role_name(role.trim()).to_owned()).collect();
            roles.sort_unstable();
            roles.dedup();
            roles
        });
        match (email, faults.is_empty()) {
            (Some(email), true) => Ok(Self {
                line,
                email,
                first_name,
                last_name,
                roles,
                password: password.cloned().map(Secret::new),
                password_hash,
                is_active,
                is_verified,
                locale,
            }),
            _ => Err(faults),
        }
    }

    /// What it is to hold, if it is made.
    pub(crate) fn roles_or_default(&self) -> Vec<String> {
        self.roles.clone().unwrap_or_else(|| vec![ROLE_DEFAULT.to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<ImportRow, Vec<RowFault>> {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        ImportRow::parse(7, &fields)
    }

    #[test]
    fn every_fault_of_a_line_is_told() {
        let faults = parse(&[
            ("email", "nobody"),
            ("first_name", "a\nb"),
            ("password_hash", "x"),
            ("password", "secret"),
            ("is_active", "maybe"),
            ("locale", "de"),
            ("salary", "1"),
        ])
        .err()
        .unwrap();
        assert_eq!(faults.len(), 8, "{faults:#?}");
        assert!(faults.iter().all(|fault| fault.line == 7));
    }

    #[test]
    fn what_is_not_there_is_left_alone() {
        let row = parse(&[
            ("email", " Ada@Example.org "),
            ("first_name", ""),
            ("role", "teacher | user|enseignant"),
            ("password", " a fine pass phrase "),
            ("is_active", "FALSE"),
            ("is_verified", ""),
        ])
        .unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!((row.email.shown(), row.email.key()), ("Ada@Example.org", "ada@example.org"));
        assert_eq!((row.first_name.as_deref(), row.last_name.as_deref()), (Some(""), None));
        assert_eq!(row.roles_or_default(), ["teacher", "user"]);
        assert_eq!(row.password.unwrap().expose(), " a fine pass phrase ");
        assert_eq!((row.is_active, row.is_verified, row.locale), (Some(false), None, None));
        assert_eq!(parse(&[("email", "a@b")]).ok().unwrap().roles_or_default(), ["user"]);
    }
}
