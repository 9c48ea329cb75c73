use super::catalog::Table;
use crate::{Result, Tx, Value};

/// How many rows a table has, and a sum over all of them that does not depend on their order or on the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digest {
    pub(super) rows: u64,
    sum: [u64; 4],
}

impl Digest {
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut hasher = blake3::Hasher::new();
        for value in row {
            let (tag, bytes): (u8, &[u8]) = match value {
                Value::Bool(None)
                | Value::Int(None)
                | Value::Float(None)
                | Value::Text(None)
                | Value::Bytes(None) => (0, &[]),
                Value::Bool(Some(value)) => (1, &[u8::from(*value)]),
                Value::Int(Some(value)) => (2, &value.to_le_bytes()),
                // SQLite stores -0.0 as 0.0.
                Value::Float(Some(value)) => (3, &(value + 0.0).to_bits().to_le_bytes()),
                Value::Text(Some(value)) => (4, value.as_bytes()),
                Value::Bytes(Some(value)) => (5, value),
            };
            hasher.update(&[tag]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        let hash = hasher.finalize();
        // A sum, not an exclusive or: two equal rows must not cancel each other out.
        for (lane, bytes) in self.sum.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *lane = lane.wrapping_add(u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes")));
        }
        self.rows += 1;
    }

    /// Reads the whole table.
    pub(super) async fn of(tx: &mut Tx, table: &Table) -> Result<Self> {
        let mut digest = Self::default();
        let sql = format!("SELECT {} FROM {}", table.column_list(), table.quoted());
        tx.query_built(sql)
            .each(|row| {
                digest.add(&table.read(row)?);
                Ok(())
            })
            .await?;
        Ok(digest)
    }

    pub(super) fn hex(&self) -> String {
        self.sum.iter().map(|lane| format!("{lane:016x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> Digest {
        let mut digest = Digest::default();
        for row in rows {
            digest.add(row);
        }
        digest
    }

    #[test]
    fn order_does_not_count_and_content_does() {
        let (a, b) = ([Value::from("a"), Value::from(1_i64)], [Value::from("b"), Value::from(2_i64)]);
        assert_eq!(digest(&[&a, &b]), digest(&[&b, &a]));
        assert_ne!(digest(&[&a, &b]), digest(&[&a, &a]));
        assert_ne!(digest(&[&a, &a]), digest(&[]), "equal rows do not cancel out");
        let shifted: [&[Value]; 2] =
            [&[Value::from("ab"), Value::from("")], &[Value::from("a"), Value::from("b")]];
        assert_ne!(digest(&shifted[..1]), digest(&shifted[1..]), "columns have borders");
        assert_ne!(digest(&[&[Value::Text(None)]]), digest(&[&[Value::from("")]]));
        assert_eq!(digest(&[&[Value::from(-0.0)]]), digest(&[&[Value::from(0.0)]]));
    }
}
