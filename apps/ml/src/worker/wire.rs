//! What the server and the process of a model say to each other: messages with a number, a head (JSON) and a body.

use std::io::{self, Error, ErrorKind, Read, Write};

use learn::{Kind, Model};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::scoring::ServingError;

/// What the server asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// The body is the model's file. First of all.
    Read { title: String, memory_bytes: u64 },
    /// The body is one of the files that the answer to `Read` named.
    Beside { name: String },
    /// Everything is there.
    Load { title: String, mlmodel: String, rows_max: usize },
    /// The body is rows; the answer's body is predictions.
    Run(Form),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Form {
    Json,
    Csv,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// Files with weights that lie beside the model's own.
    Files(Vec<String>),
    Ready(Ready),
    Done,
    Error(ServingError),
}

impl Told {
    pub(crate) fn files(self) -> Vec<String> {
        match self {
            Self::Files(names) => names,
            _ => Vec::new(),
        }
    }

    pub(crate) fn ready(self) -> Result<Ready, ServingError> {
        match self {
            Self::Ready(ready) => Ok(ready),
            Self::Error(error) => Err(error),
            Self::Files(_) | Self::Done => Err(ServingError::Failed("it was not loaded".to_owned())),
        }
    }
}

/// A model that was loaded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) takes_missing: bool,
    /// About how much memory it takes.
    pub(crate) size_bytes: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Port {
    pub(crate) name: String,
    /// As numpy calls it; `map` for what `ZipMap` gives: for every row what each class got.
    pub(crate) type_name: String,
    pub(crate) shape: Option<Vec<Option<usize>>>,
}

impl Ready {
    pub(super) fn of(model: &Model) -> Self {
        let ports = |ports: &[learn::Port]| ports.iter().map(Port::of).collect();
        Self {
            inputs: ports(&model.inputs),
            outputs: ports(&model.outputs),
            takes_missing: model.takes_missing,
            size_bytes: model.bytes,
        }
    }
}

impl Port {
    fn of(port: &learn::Port) -> Self {
        Self {
            name: port.name.clone(),
            type_name: port.kind.map_or("map", Kind::name).to_owned(),
            shape: port.shape.clone(),
        }
    }
}

/// Largest head: names of ports, faults with their places.
const HEAD_BYTES_MAX: u64 = 16 << 20;

pub(super) fn write<T: Serialize>(to: &mut impl Write, id: u64, head: &T, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let mut begin = Vec::with_capacity(24 + head.len());
    for number in [id, head.len() as u64, body.len() as u64] {
        begin.extend_from_slice(&number.to_le_bytes());
    }
    begin.extend_from_slice(&head);
    to.write_all(&begin)?;
    to.write_all(body)
}

/// # Errors
///
/// The end of it, and messages with a body larger than `body_bytes_max`.
pub(super) fn read<T: DeserializeOwned>(
    from: &mut impl Read,
    body_bytes_max: u64,
) -> io::Result<(u64, T, Vec<u8>)> {
    let mut number = || -> io::Result<u64> {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    };
    let (id, head_bytes, body_bytes) = (number()?, number()?, number()?);
    let mut part = |length: u64, max: u64| -> io::Result<Vec<u8>> {
        if length > max {
            return Err(Error::new(ErrorKind::InvalidData, format!("a message of {length} bytes")));
        }
        let mut bytes = Vec::new();
        from.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
    };
    let head = part(head_bytes, HEAD_BYTES_MAX)?;
    let body = part(body_bytes, body_bytes_max)?;
    Ok((id, serde_json::from_slice(&head)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_they_went() {
        let mut sent = Vec::new();
        write(&mut sent, 7, &Ask::Run(Form::Csv), b"a,b\n1,2\n").unwrap();
        write(&mut sent, 8, &Ask::Beside { name: "w.data".to_owned() }, b"").unwrap();
        let mut from = &sent[..];
        let (id, ask, body) = read::<Ask>(&mut from, 8).unwrap();
        assert!(matches!((id, ask, &body[..]), (7, Ask::Run(Form::Csv), b"a,b\n1,2\n")));
        let (id, ask, body) = read::<Ask>(&mut from, 8).unwrap();
        assert!(matches!((id, ask, body.len()), (8, Ask::Beside { name }, 0) if name == "w.data"));
        assert!(read::<Ask>(&mut from, 8).is_err(), "there is no more");
        assert!(read::<Ask>(&mut &sent[..], 7).is_err(), "a body that is too large");
        assert!(read::<Ask>(&mut &sent[..sent.len() - 40], 8).is_ok());
        for cut in 0..30 {
            assert!(read::<Ask>(&mut &sent[..cut], 8).is_err(), "{cut}");
        }
    }
}
