use db::{Error, FromRow, Result, Row, Tx};
use kernel::Timestamp;

use crate::model::{KeyAlgorithm, SigningKey};

impl FromRow for SigningKey {
    fn from_row(row: &Row) -> Result<Self> {
        let algorithm: String = row.get("algorithm")?;
        let unknown = || Error::Column { column: "algorithm".to_owned(), source: algorithm.clone().into() };
        Ok(Self {
            id: row.get("id")?,
            algorithm: KeyAlgorithm::parse(&algorithm).ok_or_else(unknown)?,
            number: row.get("number")?,
            public: row.get("public_key")?,
            created_at: row.get("created_at")?,
            active_from: row.get("active_from")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

/// A key with its private part, sealed.
pub(crate) struct Sealed {
    pub(crate) key: SigningKey,
    pub(crate) private: Vec<u8>,
}

impl FromRow for Sealed {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { key: SigningKey::from_row(row)?, private: row.get("private_key")? })
    }
}

/// The keys of each algorithm, in the order of their numbers.
pub(crate) async fn list(tx: &mut Tx) -> Result<Vec<Sealed>> {
    tx.query("SELECT * FROM identity_signing_keys ORDER BY algorithm, number").all().await
}

/// False when somebody else made the key of this number.
pub(crate) async fn insert(tx: &mut Tx, key: &SigningKey, private: &[u8]) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_signing_keys (id, algorithm, number, public_key, private_key, created_at, active_from)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (algorithm, number) DO NOTHING",
        )
        .bind(&key.id)
        .bind(key.algorithm.name())
        .bind(key.number)
        .bind(&key.public)
        .bind(private)
        .bind(key.created_at)
        .bind(key.active_from)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Keys of the algorithm before this number count no more.
pub(crate) async fn revoke_before(
    tx: &mut Tx,
    algorithm: KeyAlgorithm,
    number: i64,
    now: Timestamp,
) -> Result<u64> {
    tx.query(
        "UPDATE identity_signing_keys SET revoked_at = $3
         WHERE algorithm = $1 AND number < $2 AND revoked_at IS NULL",
    )
    .bind(algorithm.name())
    .bind(number)
    .bind(now)
    .execute()
    .await
}

/// A key whose tokens are all over leaves nothing behind but its number, which the newest keeps counting from.
pub(crate) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.query("DELETE FROM identity_signing_keys WHERE id = $1").bind(id).execute().await.map(drop)
}
