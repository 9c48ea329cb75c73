use std::io::{IsTerminal as _, Write as _};

use kernel::Timestamp;

/// Columns as wide as what is in them; states in colour on a terminal (`NO_COLOR` is heeded).
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.chars().count());
            match colour(cell).filter(|_| coloured) {
                Some(code) => line += &format!("\u{1b}[{code}m{cell}\u{1b}[0m"),
                None => line += cell,
            }
            if at + 1 < cells.len() {
                line += &space;
                line += "  ";
            }
        }
        line + "\n"
    };
    let head: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    line(&head) + &rows.iter().map(|row| line(row)).collect::<String>()
}

fn colour(cell: &str) -> Option<u8> {
    match cell {
        "succeeded" => Some(32),
        "failed" => Some(31),
        "running" => Some(36),
        "retrying" | "paused" => Some(33),
        "cancelled" => Some(90),
        _ => None,
    }
}

/// To the second; a dash for none.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or("-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// To standard output; a reader that closes the pipe early is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

pub(super) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}
