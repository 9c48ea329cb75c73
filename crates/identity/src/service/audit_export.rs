//! The audit log as a file.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::AuditEntry;

/// How an export is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AuditFormat {
    Csv,
    Json,
}

/// One piece of the file; the last one is without rows.
pub(crate) fn written(format: AuditFormat, rows: Vec<AuditEntry>, is_first: bool, is_last: bool) -> Bytes {
    match format {
        AuditFormat::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            if is_first {
                let head = [
                    "at",
                    "actor_id",
                    "actor_email",
                    "action",
                    "target",
                    "address",
                    "request_id",
                    "detail",
                    "seq",
                    "id",
                ];
                drop(writer.write_record(head));
            }
            for row in rows {
                let record = [
                    row.at.to_string(),
                    row.actor.map(|id| id.to_string()).unwrap_or_default(),
                    row.actor_email.unwrap_or_default(),
                    row.action,
                    row.target.unwrap_or_default(),
                    row.address.unwrap_or_default(),
                    row.request_id,
                    row.detail,
                    row.seq.to_string(),
                    row.id.to_string(),
                ];
                // Into memory, with as many fields as the head has: it does not fail.
                drop(writer.write_record(record.map(defused)));
            }
            writer.into_inner().unwrap_or_default().into()
        }
        AuditFormat::Json => {
            let mut text = if is_first { "[" } else { "" }.to_owned();
            for (at, row) in rows.into_iter().enumerate() {
                text.push_str(if is_first && at == 0 { "\n" } else { ",\n" });
                text.push_str(&shown(row).to_string());
            }
            if is_last {
                text.push_str("\n]\n");
            }
            text.into()
        }
    }
}

/// What a spreadsheet would take for a formula becomes a text (OWASP, CSV Injection).
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// With the names of the API.
fn shown(entry: AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "seq": entry.seq,
        "at": entry.at,
        "actor_id": entry.actor,
        "actor_email": entry.actor_email,
        "action": entry.action,
        "target": entry.target,
        "address": entry.address,
        "request_id": entry.request_id,
        "detail": serde_json::from_str::<Value>(&entry.detail).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts() {
        for (cell, expected) in
            [("=1+1", "'=1+1"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"), ("a=1", "a=1"), ("", "")]
        {
            assert_eq!(defused(cell.to_owned()), expected);
        }
    }
}
