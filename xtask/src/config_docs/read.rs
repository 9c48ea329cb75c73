//! Sections and their fields out of a source file.

/// A struct of settings.
pub(super) struct Section {
    /// Dotted: `limits.rules`.
    pub(super) name: String,
    /// Whether it stands in the file as `[[name]]`.
    pub(super) is_list: bool,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// `s`, `bytes`; empty for none.
    pub(super) unit: &'static str,
    /// As TOML, where the doc tells a value.
    pub(super) default: Option<String>,
    /// As the doc tells it.
    pub(super) default_words: String,
    pub(super) doc: String,
}

pub(super) enum Kind {
    Text,
    TextOrList,
    Secret,
    Truth,
    Whole,
    Number,
    Choice(Vec<String>),
    List(Box<Kind>),
    Table,
}

impl Kind {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::TextOrList => "text or list of text".to_owned(),
            Self::Secret => "secret text".to_owned(),
            Self::Truth => "true or false".to_owned(),
            Self::Whole => "whole number".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Choice(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            }
            Self::List(inner) => format!("list of {}", inner.words()),
            Self::Table => "table".to_owned(),
        }
    }
}

pub(super) fn sections_of(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut doc = String::new();
    let (mut inside, mut skipped) = (false, false);
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            if !doc.is_empty() {
                doc.push(' ');
            }
            doc.push_str(more.trim());
            continue;
        }
        if line.starts_with("#[") {
            skipped |= line.starts_with("#[serde(skip");
            continue;
        }
        if let Some((name, is_list)) = section_name(&doc)
            && (line.starts_with("pub struct") || line.starts_with("pub(crate) struct"))
        {
            sections.push(Section { name, is_list, fields: Vec::new() });
            inside = true;
        } else if inside && line.starts_with('}') {
            inside = false;
        } else if inside
            && !skipped
            && let Some((name, kind)) = declaration(line)
            && let Some(section) = sections.last_mut()
        {
            section.fields.push(field(name, kind, &doc, text));
        }
        skipped = false;
        doc.clear();
    }
    sections
}

/// ``Section `[name]`.`` or ``Section `[[name]]`.``
fn section_name(doc: &str) -> Option<(String, bool)> {
    let rest = doc.strip_prefix("Section `[")?;
    let is_list = rest.starts_with('[');
    Some((rest.trim_start_matches('[').split(']').next()?.to_owned(), is_list))
}

/// `pub name: Kind,` or `pub(crate) name: Kind,`.
fn declaration(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub "))?;
    rest.trim_end_matches(',').split_once(": ")
}

fn field(name: &str, rust: &str, doc: &str, text: &str) -> Field {
    let kind = kind_of(rust, text);
    let (default_words, doc) = split_default(doc);
    let default = literal(&default_words, &kind);
    // What is no value keeps its sentence in the text.
    let unit = unit_of(name, &doc, &kind);
    Field { name: name.to_owned(), unit, default, default_words, doc, kind }
}

fn kind_of(rust: &str, text: &str) -> Kind {
    let rust = rust.trim();
    for open in ["Option<", "Box<"] {
        if let Some(inner) = rust.strip_prefix(open) {
            return kind_of(inner.strip_suffix('>').unwrap_or(inner), text);
        }
    }
    if let Some(inner) = rust.strip_prefix("Vec<") {
        return Kind::List(Box::new(kind_of(inner.strip_suffix('>').unwrap_or(inner), text)));
    }
    match rust {
        "bool" => Kind::Truth,
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => Kind::Whole,
        "f32" | "f64" => Kind::Number,
        _ if rust.starts_with("Secret<") => Kind::Secret,
        _ if rust.starts_with("BTreeMap<") || rust.starts_with("HashMap<") => Kind::Table,
        _ if text.contains(&format!("struct {rust} {{")) => Kind::Table,
        "String" | "PathBuf" | "IpAddr" => Kind::Text,
        _ => variants(rust, text).map_or(Kind::TextOrList, Kind::Choice),
    }
}

/// The words of an enum of plain variants in the same file, as serde writes them.
fn variants(name: &str, text: &str) -> Option<Vec<String>> {
    let at = text.find(&format!("enum {name} {{"))?;
    let head = &text[..at];
    let head = &head[head.rfind("\n\n").unwrap_or(0)..];
    let snake = head.contains("rename_all = \"snake_case\"");
    let kebab = head.contains("rename_all = \"kebab-case\"");
    let body = text[at..].split_once('{')?.1.split_once("\n}")?.0;
    let mut words = Vec::new();
    let mut renamed = None;
    for line in body.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
            renamed = name.split('"').next();
        }
        if line.is_empty() || line.starts_with("//") || line.starts_with("#[") {
            continue;
        }
        let variant = line.trim_end_matches(',');
        if !variant.chars().all(char::is_alphanumeric) {
            return None;
        }
        if let Some(name) = renamed.take() {
            words.push(name.to_owned());
            continue;
        }
        let mut word = String::new();
        for letter in variant.chars() {
            if letter.is_uppercase() && !word.is_empty() && (snake || kebab) {
                word.push(if snake { '_' } else { '-' });
            }
            word.extend(letter.to_lowercase());
        }
        words.push(word);
    }
    (!words.is_empty()).then_some(words)
}

/// The default as the doc tells it, and the doc without that sentence where it is one of its own.
fn split_default(doc: &str) -> (String, String) {
    if let Some(at) = doc.rfind("Default") {
        let words = doc[at + "Default".len()..].trim_start_matches(':').trim().trim_end_matches('.');
        return (words.to_owned(), doc[..at].trim_end().to_owned());
    }
    let lowercase = |mark: &str| doc.rfind(mark).map(|at| doc[at + mark.len()..].to_owned());
    if let Some(rest) = lowercase(", default ") {
        return (rest.trim_end_matches('.').to_owned(), doc.to_owned());
    }
    if let Some(at) = doc.rfind(" (the default)") {
        let before = doc[..at].rsplit([' ', ';']).next().unwrap_or("");
        let words = if before.eq_ignore_ascii_case("empty") { "empty" } else { before };
        return (words.to_owned(), doc.to_owned());
    }
    (String::new(), doc.to_owned())
}

/// The default as TOML, if the words are a value.
fn literal(words: &str, kind: &Kind) -> Option<String> {
    let quoted = words.strip_prefix('`').and_then(|rest| rest.split('`').next());
    // "none but …" is more than a value.
    let nothing = matches!(words, "none" | "empty" | "nothing");
    match kind {
        Kind::Whole | Kind::Number => {
            let digits = quoted.unwrap_or(words).split([' ', ',', ';']).next()?;
            digits.parse::<f64>().is_ok().then(|| digits.to_owned())
        }
        Kind::Truth => {
            let word = quoted.unwrap_or(words).split(' ').next()?;
            matches!(word, "true" | "false").then(|| word.to_owned())
        }
        Kind::List(_) if nothing => Some("[]".to_owned()),
        Kind::List(_) => quoted.filter(|text| text.starts_with('[')).map(str::to_owned),
        Kind::Table => quoted.filter(|text| text.contains('=')).map(|text| format!("{{ {text} }}")),
        _ if nothing => Some("\"\"".to_owned()),
        _ => {
            let text = quoted?;
            // A value with more words after it is a rule, not a value.
            (words.len() == text.len() + 2).then(|| format!("\"{text}\""))
        }
    }
}

fn unit_of(name: &str, doc: &str, kind: &Kind) -> &'static str {
    if !matches!(kind, Kind::Whole | Kind::Number) {
        return "";
    }
    const BY_DOC: [(&str, &str); 8] = [
        ("in milliseconds", "ms"),
        ("in seconds", "s"),
        ("in minutes", "min"),
        ("in hours", "h"),
        ("in days", "days"),
        ("in bytes", "bytes"),
        ("in KiB", "KiB"),
        ("in pixels", "pixels"),
    ];
    const BY_NAME: [(&str, &str); 7] = [
        ("_ms", "ms"),
        ("_s", "s"),
        ("_h", "h"),
        ("_days", "days"),
        ("_bytes", "bytes"),
        ("_bytes_max", "bytes"),
        ("_kib", "KiB"),
    ];
    let by_name = BY_NAME.iter().find(|(end, _)| name.ends_with(end));
    by_name
        .or_else(|| BY_DOC.iter().find(|(words, _)| doc.to_lowercase().contains(&words.to_lowercase())))
        .map_or("", |(_, unit)| unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_from_the_doc() {
        let check = |doc: &str, kind: Kind, expected: Option<&str>| {
            let (words, _) = split_default(doc);
            assert!(!words.is_empty(), "{doc}");
            assert_eq!(literal(&words, &kind).as_deref(), expected, "{doc}");
        };
        check("Time, in seconds. Default 30.", Kind::Whole, Some("30"));
        check("Largest. Default 1048576; uploads differ.", Kind::Whole, Some("1048576"));
        check("At most 10000, default 5000.", Kind::Whole, Some("5000"));
        check("Threads; 0 (the default) for all.", Kind::Whole, Some("0"));
        check("Marks cookies. Default false.", Kind::Truth, Some("false"));
        check("The folder. Default `data`.", Kind::Text, Some("\"data\""));
        check("Program. Default: `ffmpeg` as found in `PATH`.", Kind::Text, None);
        check("Empty (the default): none.", Kind::Secret, Some("\"\""));
        check("`auto` (the default): pretty.", Kind::Text, Some("\"auto\""));
        check("Proxies. Default none.", Kind::List(Box::new(Kind::Text)), Some("[]"));
        check("Networks. Default: the private ones.", Kind::List(Box::new(Kind::Text)), None);
        check("Queues. Default `default = 8`.", Kind::Table, Some("{ default = 8 }"));
    }

    #[test]
    fn fields_and_enums_are_found() {
        let text = "/// Section `[log]`.\n#[derive(Debug)]\npub struct Config {\n    /// Form. `auto` (the default): pretty.\n    \
                    pub format: Format,\n    #[serde(skip)]\n    pub hidden: bool,\n}\n\n#[serde(rename_all = \"snake_case\")]\n\
                    pub enum Format {\n    #[default]\n    Auto,\n    /// Lines.\n    JsonLines,\n    #[serde(rename = \"EdDSA\")]\n    \
                    Named,\n}\n";
        let sections = sections_of(text);
        assert_eq!((sections.len(), sections[0].fields.len()), (1, 1));
        assert_eq!(sections[0].fields[0].kind.words(), "`auto`, `json_lines`, `EdDSA`");
    }
}
