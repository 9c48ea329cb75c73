use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sha1::{Digest as _, Sha1};

/// Passwords known from breaches, in a file: a line each, its SHA-1 in hexadecimal with or without `:COUNT` behind it, sorted by hash. It
/// is what "Have I Been Pwned" lets one download, "ordered by hash". Some 40 GB may stay on disk: a look takes about 35 reads.
///
/// Not for an async thread.
pub(super) struct Breached(PathBuf);

/// As long as a hash in hexadecimal.
const HASH_CHARS: usize = 40;
/// A longer line is none of such a file.
const LINE_BYTES_MAX: u64 = 100;

impl Breached {
    /// An error when it cannot be read, or does not begin like such a file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let told = || format!("identity.breached_passwords: {}", path.display());
        let mut reader = BufReader::new(File::open(path).with_context(told)?);
        let first = line(&mut reader).with_context(told)?;
        let fine =
            first.get(..HASH_CHARS).is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        anyhow::ensure!(fine, "{}: the first line must begin with a SHA-1 in hexadecimal", told());
        Ok(Self(path.to_owned()))
    }

    pub(super) fn contains(&self, password: &str) -> io::Result<bool> {
        let wanted =
            Sha1::digest(password.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let file = File::open(&self.0)?;
        // Invariant: a line that begins before `low` is below the wanted one, a line that begins at or after `high` is not.
        let (mut low, mut high) = (0, file.metadata()?.len());
        let mut reader = BufReader::with_capacity(256, file);
        while low < high {
            let middle = low.midpoint(high);
            // The first line that begins at or after the middle.
            if middle > 0 {
                reader.seek(SeekFrom::Start(middle - 1))?;
                line(&mut reader)?;
            } else {
                reader.seek(SeekFrom::Start(0))?;
            }
            let found = line(&mut reader)?;
            match found.get(..HASH_CHARS).map(str::to_ascii_uppercase) {
                Some(hash) if hash == wanted => return Ok(true),
                Some(hash) if hash < wanted => low = middle + 1,
                // Above it, or past the last line.
                _ => high = middle,
            }
        }
        Ok(false)
    }
}

/// The next line without its end; empty at the end of the file.
fn line(reader: &mut BufReader<File>) -> io::Result<String> {
    let mut bytes = Vec::new();
    io::Read::take(reader, LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pwned.txt");
        for count in [1, 2, 3, 100] {
            let hash = |n: i32| {
                let digest = Sha1::digest(format!("password {n}").as_bytes());
                digest.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
            };
            let mut lines: Vec<_> = (0..count).map(|n| format!("{}:{}", hash(n), n * n)).collect();
            lines.sort();
            for end in ["\r\n", "\n"] {
                std::fs::write(&file, lines.join(end) + end).unwrap();
                let breached = Breached::open(&file).unwrap();
                for n in 0..count {
                    assert!(breached.contains(&format!("password {n}")).unwrap(), "{n} of {count}");
                }
                for n in count..count + 100 {
                    assert!(!breached.contains(&format!("password {n}")).unwrap(), "{n} of {count}");
                }
            }
        }
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords.txt");
        assert!(Breached::open(&file).is_err());
        for text in ["", "password\n", "é".repeat(50).as_str()] {
            std::fs::write(&file, text).unwrap();
            assert!(Breached::open(&file).is_err(), "{text:?}");
        }
    }
}
