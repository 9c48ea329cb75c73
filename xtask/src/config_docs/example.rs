//! `socle.example.toml`: every setting at its default, behind a comment sign.

use std::fmt::Write as _;

use super::read::Section;

/// Characters of a comment line.
const WIDTH: usize = 110;

pub(super) fn render(sections: &[Section]) -> anyhow::Result<String> {
    let mut text = String::from(
        "# Every setting of Socle at its default; take the sign away before what you want to change.\n\
         # Generated from the sources by `make gen`; `socle config example` prints it. See docs/settings.md.\n",
    );
    for section in sections {
        let name = &section.name;
        let head = if section.is_list { format!("# [[{name}]]") } else { format!("[{name}]") };
        write!(text, "\n{head}\n")?;
        for field in &section.fields {
            let unit = if field.unit.is_empty() { String::new() } else { format!(" Unit: {}.", field.unit) };
            wrap(&mut text, &format!("{}{unit}", field.doc))?;
            match &field.default {
                Some(value) if !section.is_list => writeln!(text, "#{} = {value}", field.name)?,
                Some(value) => writeln!(text, "# {} = {value}", field.name)?,
                None => writeln!(text, "# {}: by default {}", field.name, field.default_words)?,
            }
        }
    }
    Ok(text)
}

fn wrap(text: &mut String, doc: &str) -> anyhow::Result<()> {
    let mut line = String::from("#");
    for word in doc.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(text, "{line}")?;
            line = String::from("#");
        }
        write!(line, " {word}")?;
    }
    if line.len() > 1 {
        writeln!(text, "{line}")?;
    }
    Ok(())
}
