//! `socle user import` and `socle user export`.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    hash::{BuildHasher as _, RandomState},
    io::{self, BufRead, BufReader, BufWriter, Read as _, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use kernel::Locale;
use serde_json::{Map, Value, json};

use super::{allow, say, text};
use crate::{
    model::{BETWEEN_ROLES, COLUMNS, Exported, ImportRow, RowFault, Workspace},
    permissions::{ReadUsers, WriteUsers},
    service::{Identity, Imported},
};

/// Accounts in one transaction.
const BATCH: usize = 500;
/// Of one line of JSON.
const LINE_BYTES_MAX: u64 = 64 * 1024;

pub(super) fn import_shape() -> clap::Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    clap::Command::new("import")
        .about("Create accounts from a file: CSV with a header row, or one JSON object a line (.jsonl)")
        .after_help(
            "Columns: email, first_name, last_name, role, password_hash or password, is_active, is_verified, locale.\n\
             Several roles are written role|role. Hashes: Argon2, bcrypt, PBKDF2-HMAC-SHA256 (Django, passlib, PHC).\n\
             Faults are told with their lines; with any, nothing is imported unless --skip-faulty says so.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("UTF-8, with or without a byte order mark"),
        )
        .arg(flag("dry-run", "Only tell what would happen"))
        .arg(flag("update", "Change accounts that are there already too; never their passwords"))
        .arg(flag("skip-faulty", "Import the lines without faults"))
}

pub(super) fn export_shape() -> clap::Command {
    clap::Command::new("export")
        .about("Write the accounts of the workspace as import takes them")
        .arg(
            Arg::new("format")
                .long("format")
                .value_parser(["csv", "jsonl"])
                .help("How to write them [default: csv, or jsonl with --json]"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where to; nobody else can read the file [default: standard output]"),
        )
        .arg(
            Arg::new("with-hashes")
                .long("with-hashes")
                .action(ArgAction::SetTrue)
                .help("The hashes of the passwords too: keep the file as you would keep the passwords"),
        )
}

/// The rows of a file, one after the other.
enum Rows {
    Csv { reader: csv::Reader<BufReader<File>>, columns: Vec<String>, record: csv::ByteRecord },
    Json { reader: BufReader<File>, line: u64 },
}

impl Rows {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let told = || format!("could not read {}", path.display());
        let mut reader = BufReader::new(File::open(path).with_context(told)?);
        if reader.fill_buf().with_context(told)?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let is_json = path.extension().is_some_and(|end| end == "jsonl" || end == "ndjson" || end == "json");
        if is_json {
            return Ok(Self::Json { reader, line: 0 });
        }
        // Lengths are looked at here, so that one wrong line does not end the file.
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let columns = reader.headers().context("line 1: the header row cannot be read")?;
        let columns: Vec<_> = columns.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        if let Some(unknown) = columns.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            bail!("line 1: {unknown:.60?} is no column of accounts; those are {}", COLUMNS.join(", "));
        }
        let doubled = columns.iter().enumerate().find(|(i, name)| columns[..*i].contains(name));
        if let Some((_, doubled)) = doubled {
            bail!("line 1: the column {doubled} is there twice");
        }
        if !columns.iter().any(|name| name == "email") {
            bail!("line 1: the header row must name the columns, email among them");
        }
        Ok(Self::Csv { reader, columns, record: csv::ByteRecord::new() })
    }

    /// `None` at the end.
    fn next(&mut self) -> anyhow::Result<Option<Result<ImportRow, Vec<RowFault>>>> {
        match self {
            Self::Csv { reader, columns, record } => {
                if !reader.read_byte_record(record).context("the file cannot be read")? {
                    return Ok(None);
                }
                let line = record.position().map_or(0, csv::Position::line);
                Ok(Some(from_csv(line, columns, record).and_then(|fields| ImportRow::parse(line, &fields))))
            }
            Self::Json { reader, line } => loop {
                let mut bytes = Vec::new();
                let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
                if read == 0 {
                    return Ok(None);
                }
                *line += 1;
                if !bytes.ends_with(b"\n") && read as u64 == LINE_BYTES_MAX {
                    bail!("line {line}: is longer than {LINE_BYTES_MAX} bytes; nothing behind it was read");
                }
                if bytes.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(
                    from_json(*line, &bytes).and_then(|fields| ImportRow::parse(*line, &fields)),
                ));
            },
        }
    }
}

type Fields = BTreeMap<String, String>;

fn from_csv(line: u64, columns: &[String], record: &csv::ByteRecord) -> Result<Fields, Vec<RowFault>> {
    let one = |reason: String| vec![RowFault::new(line, reason)];
    if record.len() != columns.len() {
        return Err(one(format!("has {} fields, the header row {}", record.len(), columns.len())));
    }
    let mut fields = Fields::new();
    for (name, bytes) in columns.iter().zip(record) {
        let text = std::str::from_utf8(bytes).map_err(|_| one(format!("{name}: is not UTF-8")))?;
        fields.insert(name.clone(), text.to_owned());
    }
    Ok(fields)
}

fn from_json(line: u64, bytes: &[u8]) -> Result<Fields, Vec<RowFault>> {
    let one = |reason: String| vec![RowFault::new(line, reason)];
    let object: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| one(format!("is no JSON object: {error}")))?;
    let mut fields = Fields::new();
    for (name, value) in object {
        let text = match value {
            Value::Null => continue,
            Value::Bool(truth) => truth.to_string(),
            Value::String(text) => text,
            _ => return Err(one(format!("{name:.60}: must be a text, true, false or null"))),
        };
        fields.insert(name, text);
    }
    Ok(fields)
}

/// One walk through the file: batches of sound rows, and every fault as it is found. An address that is there twice is a
/// fault of the second line: of each one only a hash is kept.
struct Walk {
    rows: Rows,
    hasher: RandomState,
    seen: HashMap<u64, u64>,
    faults: u64,
}

impl Walk {
    fn begin(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { rows: Rows::open(path)?, hasher: RandomState::new(), seen: HashMap::new(), faults: 0 })
    }

    /// Empty at the end.
    fn batch(&mut self, mut tell: impl FnMut(&RowFault)) -> anyhow::Result<Vec<ImportRow>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let Some(row) = self.rows.next()? else { break };
            let row = row.and_then(|row| match self.seen.get(&self.hasher.hash_one(row.email.key())) {
                Some(line) => {
                    Err(vec![RowFault::new(row.line, format!("email: is that of line {line} too"))])
                }
                None => Ok(row),
            });
            match row {
                Ok(row) => {
                    self.seen.insert(self.hasher.hash_one(row.email.key()), row.line);
                    batch.push(row);
                }
                Err(faults) => {
                    self.faults += 1;
                    faults.iter().for_each(&mut tell);
                }
            }
        }
        Ok(batch)
    }
}

fn tell(fault: &RowFault) {
    eprintln!("line {}: {}", fault.line, fault.reason);
}

pub(super) async fn import(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let path = matches.get_one::<PathBuf>("file").context("which file?")?;
    let flag = |name: &str| matches.get_flag(name);
    let (update, dry_run, skip) = (flag("update"), flag("dry-run"), flag("skip-faulty"));
    let mut walk = Walk::begin(path)?;
    let mut found = Imported::default();
    loop {
        let batch = walk.batch(tell)?;
        if batch.is_empty() {
            break;
        }
        let (some, faults) =
            identity.check_import(&allow::<WriteUsers>(identity, workspace), &batch, update).await?;
        found.add(some);
        walk.faults += faults.len() as u64;
        faults.iter().for_each(tell);
    }
    let faulty = walk.faults;
    if dry_run {
        report("would be", found, faulty, as_json)?;
        return if faulty > 0 && !skip { Err(refused(faulty)) } else { Ok(()) };
    }
    if faulty > 0 && !skip {
        return Err(refused(faulty));
    }
    let mut walk = Walk::begin(path)?;
    let mut done = Imported::default();
    loop {
        let batch = walk.batch(|_| ())?;
        if batch.is_empty() {
            break;
        }
        let allow = allow::<WriteUsers>(identity, workspace);
        let (some, faults) = identity.import(&allow, &batch, update).await?;
        done.add(some);
        walk.faults += faults.len() as u64;
        if !skip {
            // They came up between the look and the writing.
            faults.iter().for_each(tell);
        }
    }
    report("were", done, walk.faults, as_json)?;
    if walk.faults > 0 && !skip {
        bail!("{} lines could not be imported", walk.faults);
    }
    Ok(())
}

fn refused(faulty: u64) -> anyhow::Error {
    anyhow::anyhow!("{faulty} lines have faults, so nothing is imported; --skip-faulty imports the others")
}

fn report(verb: &str, counts: Imported, faulty: u64, as_json: bool) -> anyhow::Result<()> {
    let Imported { created, updated, unchanged } = counts;
    if as_json {
        let counts =
            json!({ "created": created, "updated": updated, "unchanged": unchanged, "faulty": faulty });
        return say(&counts.to_string());
    }
    say(&format!(
        "{created} accounts {verb} created, {updated} updated, {unchanged} left as they are; {faulty} lines faulty"
    ))
}

pub(super) async fn export(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let as_lines = as_json || text(matches, "format") == Some("jsonl");
    let with_hashes = matches.get_flag("with-hashes");
    let output: Box<dyn Write + Send> = match matches.get_one::<PathBuf>("output") {
        None => Box::new(io::stdout()),
        Some(path) => {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
            Box::new(file.with_context(|| format!("could not write {}", path.display()))?)
        }
    };
    let mut output = BufWriter::new(output);
    let columns: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|name| *name != "password" && (with_hashes || *name != "password_hash"))
        .collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    if !as_lines {
        csv.write_record(&columns)?;
    }
    let mut after = None;
    loop {
        let allow = allow::<ReadUsers>(identity, workspace);
        let some = identity.export(&allow, after, i64::try_from(BATCH)?).await?;
        for exported in &some {
            let fields = columns.iter().map(|name| field(name, exported));
            if as_lines {
                let object: Map<_, _> =
                    columns.iter().map(|name| (*name).to_owned()).zip(fields.map(Value::from)).collect();
                writeln!(output, "{}", Value::Object(object))?;
            } else {
                csv.write_record(fields)?;
            }
        }
        csv.flush()?;
        output.write_all(csv.get_ref())?;
        csv = csv::Writer::from_writer(Vec::new());
        after = some.last().map(|exported| exported.member.user.id);
        if some.len() < BATCH {
            break;
        }
    }
    match output.flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("could not write the accounts"),
    }
}

fn field(name: &str, exported: &Exported) -> String {
    let user = &exported.member.user;
    match name {
        "email" => user.email.clone(),
        "first_name" => user.first_name.clone(),
        "last_name" => user.last_name.clone(),
        "role" => exported.member.roles.join(&BETWEEN_ROLES.to_string()),
        "password_hash" => exported.password_hash.clone().unwrap_or_default(),
        "is_active" => user.is_active.to_string(),
        "is_verified" => user.is_verified.to_string(),
        "locale" => user.locale.map(Locale::tag).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
