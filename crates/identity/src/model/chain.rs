use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::WorkspaceId;
use sha2::{Digest as _, Sha256};

use super::{AuditEntry, Hash};

/// What proves the audit log: nobody without the installation's secret can make a row, an end or an anchor that fits.
pub(crate) struct ChainKey {
    rows: [u8; 32],
    ends: [u8; 32],
}

/// The last row of a workspace's chain, or the last one that retention took away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChainEnd {
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

impl ChainEnd {
    /// Where a chain begins: number 0, a hash of zeros.
    pub(crate) fn start() -> Self {
        Self { seq: 0, hash: Hash::from_bytes(&[0; 32]).expect("32 bytes") }
    }

    /// As people keep it outside: `seq:hash`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seq, hex) = text.split_once(':')?;
        let digits = (hex.len() == 64 && hex.is_ascii()).then_some(hex)?;
        let bytes: Option<Vec<u8>> =
            (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()).collect();
        Some(Self { seq: seq.parse().ok().filter(|seq| *seq >= 0)?, hash: Hash::from_bytes(&bytes?)? })
    }
}

impl std::fmt::Display for ChainEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash.bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What an end proves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    Head,
    Anchor,
}

impl ChainKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        let derived = |label: &[u8]| {
            let mut mac = hmac(secret);
            mac.update(label);
            mac.finalize().into_bytes().into()
        };
        Self { rows: derived(b"socle audit rows"), ends: derived(b"socle audit ends") }
    }

    /// HMAC-SHA-256 over the hash before and every field.
    pub(crate) fn row(&self, before: &Hash, entry: &AuditEntry) -> Hash {
        let mut mac = hmac(&self.rows);
        mac.update(before.bytes());
        entry.fields(|bytes| mac.update(bytes));
        Hash::from_bytes(&mac.finalize().into_bytes()).expect("SHA-256 gives 32 bytes")
    }

    pub(crate) fn end(&self, what: Ending, workspace: WorkspaceId, end: &ChainEnd) -> Hash {
        let mut mac = hmac(&self.ends);
        mac.update(match what {
            Ending::Head => b"head",
            Ending::Anchor => b"anch",
        });
        mac.update(workspace.uuid().as_bytes());
        mac.update(&end.seq.to_be_bytes());
        mac.update(end.hash.bytes());
        Hash::from_bytes(&mac.finalize().into_bytes()).expect("SHA-256 gives 32 bytes")
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl AuditEntry {
    /// Every field, each behind its length, so that no two rows read the same.
    fn fields(&self, mut update: impl FnMut(&[u8])) {
        let mut field = |text: Option<&str>| match text {
            None => update(&[0]),
            Some(text) => {
                update(&[1]);
                update(&(text.len() as u64).to_be_bytes());
                update(text.as_bytes());
            }
        };
        field(Some(&self.id.to_string()));
        field(Some(&self.workspace.to_string()));
        field(Some(&self.seq.to_string()));
        field(Some(&self.at.as_microsecond().to_string()));
        field(self.actor.map(|id| id.to_string()).as_deref());
        field(self.actor_email.as_deref());
        field(Some(&self.action));
        field(self.target.as_deref());
        field(self.address.as_deref());
        field(Some(&self.request_id));
        field(Some(&self.detail));
    }

    /// As rows of earlier releases are chained: SHA-256 without a key.
    pub(crate) fn plain_hash(&self, before: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(before.bytes());
        self.fields(|bytes| hasher.update(bytes));
        Hash::from_bytes(&hasher.finalize()).expect("SHA-256 gives 32 bytes")
    }
}

/// A row with what chains it.
#[derive(Debug, Clone)]
pub(crate) struct ChainedEntry {
    pub(crate) entry: AuditEntry,
    pub(crate) before: Hash,
    pub(crate) hash: Hash,
}

/// The first thing that is wrong with a chain, and at which row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) seq: i64,
    pub(crate) what: &'static str,
}

/// A walk along a chain, row by row.
pub(crate) struct Walk<'k> {
    key: &'k ChainKey,
    /// The last row that was found in order.
    pub(crate) at: ChainEnd,
    pub(crate) checked: u64,
    /// A keyed row, or an anchor, was seen: no plain one counts from there on.
    is_keyed: bool,
    /// A row that somebody kept outside.
    kept: Option<ChainEnd>,
}

impl<'k> Walk<'k> {
    /// From the beginning, or from an anchor that was found genuine.
    pub(crate) fn new(
        key: &'k ChainKey,
        anchor: Option<ChainEnd>,
        kept: Option<ChainEnd>,
    ) -> Result<Self, Fault> {
        let at = anchor.unwrap_or_else(ChainEnd::start);
        let walk = Self { key, at, checked: 0, is_keyed: anchor.is_some(), kept };
        if kept.is_some_and(|kept| kept.seq < at.seq) {
            let what = "the row that was kept outside is older than the oldest one that is left";
            return Err(Fault { seq: at.seq, what });
        }
        walk.compare_with_kept()?;
        Ok(walk)
    }

    pub(crate) fn step(&mut self, row: &ChainedEntry) -> Result<(), Fault> {
        let expected = self.at.seq + 1;
        let fault = |seq, what| Err(Fault { seq, what });
        if row.entry.seq != expected {
            return fault(expected, "the row is missing");
        }
        if row.before != self.at.hash {
            return fault(expected, "the row does not follow the one before");
        }
        if self.key.row(&row.before, &row.entry) == row.hash {
            self.is_keyed = true;
        } else if row.entry.plain_hash(&row.before) != row.hash {
            return fault(expected, "the row was changed");
        } else if self.is_keyed {
            return fault(expected, "the row was made without the installation's key");
        }
        self.at = ChainEnd { seq: expected, hash: row.hash };
        self.checked += 1;
        self.compare_with_kept()
    }

    fn compare_with_kept(&self) -> Result<(), Fault> {
        match self.kept {
            Some(kept) if kept.seq == self.at.seq && kept.hash != self.at.hash => {
                Err(Fault { seq: kept.seq, what: "the row is not the one that was kept outside" })
            }
            _ => Ok(()),
        }
    }

    /// At the end: does the chain reach what its head says, and what was kept?
    pub(crate) fn finish(&self, head: &ChainEnd) -> Result<(), Fault> {
        let at = self.at;
        if at.seq < head.seq {
            return Err(Fault { seq: at.seq + 1, what: "the row is missing: the log ended later" });
        }
        if at != *head {
            return Err(Fault { seq: head.seq, what: "the end of the log is another than was noted" });
        }
        match self.kept.filter(|kept| kept.seq > at.seq) {
            Some(kept) => Err(Fault { seq: kept.seq, what: "the row that was kept outside is missing" }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;
    use crate::model::AuditId;

    fn entry(seq: i64) -> AuditEntry {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        AuditEntry {
            id: AuditId::new(now),
            workspace: WorkspaceId::new(now),
            seq,
            at: now,
            actor: None,
            actor_email: Some("a".into()),
            action: "b".into(),
            target: None,
            address: None,
            request_id: "r".into(),
            detail: "{}".into(),
        }
    }

    #[test]
    fn every_field_counts_and_none_runs_into_the_next() {
        let key = ChainKey::new(b"secret");
        let entry = entry(1);
        let start = ChainEnd::start().hash;
        type Hashing = fn(&AuditEntry, &ChainKey, &Hash) -> Hash;
        let ways: [Hashing; 2] =
            [|entry, key, hash| key.row(hash, entry), |entry, _, hash| entry.plain_hash(hash)];
        for hash in ways {
            let own = hash(&entry, &key, &start);
            let others = [
                AuditEntry { seq: 2, ..entry.clone() },
                AuditEntry { actor_email: Some("ab".into()), action: String::new(), ..entry.clone() },
                AuditEntry { target: Some(String::new()), ..entry.clone() },
                AuditEntry { detail: "{ }".into(), ..entry.clone() },
            ];
            for other in others {
                assert!(hash(&other, &key, &start) != own, "{other:?}");
            }
            assert!(hash(&entry, &key, &own) != own);
            assert!(hash(&entry, &key, &start) == own);
        }
        assert!(ChainKey::new(b"other").row(&start, &entry) != key.row(&start, &entry));
    }

    fn chain(key: &ChainKey, plain: i64, keyed: i64) -> Vec<ChainedEntry> {
        let mut before = ChainEnd::start().hash;
        let row = |seq| {
            let entry = entry(seq);
            let hash = if seq <= plain { entry.plain_hash(&before) } else { key.row(&before, &entry) };
            let row = ChainedEntry { entry, before, hash };
            before = hash;
            row
        };
        (1..=plain + keyed).map(row).collect()
    }

    fn walk(
        key: &ChainKey,
        rows: &[ChainedEntry],
        kept: Option<ChainEnd>,
    ) -> Result<(), (i64, &'static str)> {
        let told = |fault: Fault| (fault.seq, fault.what);
        let mut walk = Walk::new(key, None, kept).map_err(told)?;
        rows.iter().try_for_each(|row| walk.step(row)).map_err(told)
    }

    #[test]
    fn plain_rows_count_before_keyed_ones_only() {
        let key = ChainKey::new(b"secret");
        assert_eq!(walk(&key, &chain(&key, 3, 3), None), Ok(()));
        let mut rows = chain(&key, 0, 3);
        let entry = entry(4);
        let before = rows[2].hash;
        rows.push(ChainedEntry { hash: entry.plain_hash(&before), entry, before });
        assert_eq!(walk(&key, &rows, None), Err((4, "the row was made without the installation's key")));
        assert_eq!(walk(&ChainKey::new(b"other"), &chain(&key, 0, 2), None), Err((1, "the row was changed")));
    }

    #[test]
    fn what_was_kept_outside_is_looked_for() {
        let key = ChainKey::new(b"secret");
        let rows = chain(&key, 0, 3);
        let kept = ChainEnd { seq: 2, hash: rows[1].hash };
        assert_eq!(ChainEnd::parse(&kept.to_string()), Some(kept));
        assert_eq!(walk(&key, &rows, Some(kept)), Ok(()));
        let other = ChainEnd { seq: 2, hash: rows[2].hash };
        assert_eq!(walk(&key, &rows, Some(other)).unwrap_err().0, 2);
        for text in [
            "",
            "1",
            "1:",
            "1:zz",
            "-1:00",
            &format!("x:{}", "0".repeat(64)),
            &format!("1:{}", "é".repeat(32)),
        ] {
            assert_eq!(ChainEnd::parse(text), None, "{text:?}");
        }
    }
}
