use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use kernel::Secret;
use rand::RngCore as _;

use crate::config::{Config, SECRET_BYTES_MIN};

/// The secret of the settings, else that of `secrets/identity.key`, which is made at the first start.
pub(super) fn secret(config: &Config, data: &Path) -> anyhow::Result<Secret<String>> {
    if !config.secret.expose().is_empty() {
        return Ok(config.secret.clone());
    }
    let file = data.join("secrets").join("identity.key");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&file)?,
        Err(error) => return Err(error).with_context(|| format!("could not read {}", file.display())),
    };
    let text = text.trim().to_owned();
    ensure!(
        text.len() >= SECRET_BYTES_MIN,
        "{} holds fewer than {SECRET_BYTES_MIN} characters; delete it to get a new one, which signs everybody out",
        file.display()
    );
    close(&file)?;
    Ok(Secret::new(text))
}

/// Complete or not there at all, and never over one that another process just made.
fn make(file: &Path) -> anyhow::Result<String> {
    let folder = file.parent().context("the key file has no folder")?;
    let context = || format!("could not write {}", file.display());
    fs::create_dir_all(folder).with_context(context)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(context)?;
    let mut random = [0; 40];
    rand::rng().fill_bytes(&mut random);
    let (name, secret) = random.split_at(8);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let draft = folder.join(format!("identity.key.{}", hex(name)));
    let mut writer =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).with_context(context)?;
    writer.write_all(hex(secret).as_bytes()).and_then(|()| writer.sync_all()).with_context(context)?;
    // A hard link fails where a file stands; a rename would replace it.
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft).with_context(context)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).with_context(context),
        _ => fs::read_to_string(file).with_context(context),
    }
}

/// Takes the file from the eyes of others, if it was left open to them.
fn close(file: &Path) -> anyhow::Result<()> {
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "the signing key was readable by others; its mode is 0600 now");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
            .with_context(|| format!("could not change the mode of {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept_from_others() {
        let data = tempfile::tempdir().unwrap();
        let first = secret(&Config::default(), data.path()).unwrap();
        assert_eq!(first.expose().len(), 64);
        let file = data.path().join("secrets/identity.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(data.path().join("secrets")).unwrap().count(), 1);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(secret(&Config::default(), data.path()).unwrap() == first);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "short").unwrap();
        assert!(secret(&Config::default(), data.path()).is_err());
    }
}
