//! The process that a model computes in. ONNX files come from people: one may ask for more memory than there is, for more
//! time than anybody has, or for more stack than a thread has, and none of these can be caught within the server. So every
//! model that is ready for predictions has a process of its own: this same program, with a limit to its memory, an empty
//! environment and one socket. What a model does wrong ends that process and nothing else.
//!
//! A process's life: [`Process::start`] begins it; it is told the model's files and then asked, several calls at once,
//! each with its number ([`wire`]); [`work`] is its side. It ends when the socket closes, which is when nobody holds the
//! [`Process`] any more, or the server is gone.

mod process;
mod wire;

use std::{
    collections::HashMap,
    ffi::OsString,
    io::BufReader,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use learn::Model;
use rustix::process::{Resource, Rlimit, setrlimit};

pub(crate) use process::Process;
pub(crate) use wire::{Ask, Form, Port, Ready, Told};

use crate::model::scoring::{Described, ServingError, answer, feed, read_csv, read_json};

/// How a process is begun that calls [`work`].
#[derive(Debug, Clone)]
pub struct Worker {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

const ARGUMENT: &str = "ml-worker";

impl Worker {
    /// This same program, also where a newer one lies in its place by now.
    pub fn this_program() -> Self {
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() { own } else { std::env::current_exe().unwrap_or(own) };
        Self { program, arguments: vec![ARGUMENT.into()] }
    }

    /// Whether this process was begun so.
    pub fn is_asked_for() -> bool {
        std::env::args_os().nth(1).is_some_and(|first| first == ARGUMENT)
    }
}

/// Room for a graph's longest chain of operators: the engine for networks follows it call by call.
const STACK_BYTES: usize = 64 << 20;
/// What the program takes without a model, and with the stacks of some calls.
const OWN_BYTES: u64 = 512 << 20;

/// The process itself: answers at its standard input, which must be a socket, until that closes.
pub fn work() -> ExitCode {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let Some(socket) = socket.ok().filter(|socket| socket.peer_addr().is_ok()) else {
        eprintln!("socle: {ARGUMENT} is begun by the server, to compute predictions in");
        return ExitCode::FAILURE;
    };
    let Ok(answers) = socket.try_clone() else { return ExitCode::FAILURE };
    let working =
        Arc::new(Working { answers: Mutex::new(answers), files: Mutex::default(), loaded: OnceLock::new() });
    let mut asked = BufReader::new(socket);
    // When the socket closes, the process ends with whatever is computed in it.
    while let Ok((id, ask, body)) = wire::read::<Ask>(&mut asked, u64::MAX) {
        let working = working.clone();
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        if thread.spawn(move || working.answer(id, ask, body.into())).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

struct Working {
    answers: Mutex<UnixStream>,
    /// The model's own file and those beside it, until it is loaded.
    files: Mutex<(Bytes, HashMap<String, Bytes>)>,
    loaded: OnceLock<Loaded>,
}

struct Loaded {
    described: Described,
    model: Model,
    rows_max: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Working {
    fn answer(&self, id: u64, ask: Ask, body: Bytes) {
        let (told, body) = match self.told(ask, body) {
            Ok((told, body)) => (told, body),
            Err(error) => (Told::Error(error), Vec::new()),
        };
        let mut answers = locked(&self.answers);
        // Who asked may be gone; then so is this process.
        let _ = wire::write(&mut *answers, id, &told, &body);
    }

    fn told(&self, ask: Ask, body: Bytes) -> Result<(Told, Vec<u8>), ServingError> {
        match ask {
            Ask::Read { title, memory_bytes } => {
                limit(memory_bytes);
                let names = Model::weights_beside(&body).map_err(|error| unfit(&title, &error))?;
                locked(&self.files).0 = body;
                Ok((Told::Files(names.into_iter().collect()), Vec::new()))
            }
            Ask::Beside { name } => {
                locked(&self.files).1.insert(name, body);
                Ok((Told::Done, Vec::new()))
            }
            Ask::Load { title, mlmodel, rows_max } => {
                let described = Described::read(&mlmodel, &title)?;
                let (file, beside) = std::mem::take(&mut *locked(&self.files));
                let model = Model::load(file, &beside).map_err(|error| unfit(&title, &error))?;
                let ready = Ready::of(&model);
                let _ = self.loaded.set(Loaded { described, model, rows_max });
                Ok((Told::Ready(ready), Vec::new()))
            }
            Ask::Run(form) => {
                let loaded = self.loaded.get();
                let loaded = loaded.ok_or_else(|| ServingError::Failed("no model is loaded".to_owned()))?;
                Ok((Told::Done, loaded.predict(form, &body)?))
            }
        }
    }
}

impl Loaded {
    fn predict(&self, form: Form, body: &[u8]) -> Result<Vec<u8>, ServingError> {
        let asked = match form {
            Form::Json => read_json(body)?,
            Form::Csv => read_csv(body, &self.described.inputs)?,
        };
        self.described.check_params(&asked.params)?;
        let fed = feed(asked, &self.described.inputs, &self.model, self.rows_max)?;
        let outputs = self.model.run(fed.tensors).map_err(|error| ServingError::Failed(error.0))?;
        let answer = answer(&self.model.outputs, outputs, fed.as_records);
        serde_json::to_vec(&answer).map_err(|error| ServingError::Failed(error.to_string()))
    }
}

fn unfit(title: &str, error: &learn::LoadError) -> ServingError {
    ServingError::NotServable(format!("{title} cannot be served: {error}"))
}

/// Memory beyond this ends the process, and it leaves no image of itself. Where the system knows no such limit, the
/// model is trusted.
fn limit(memory_bytes: u64) {
    let at_most = |bytes: u64| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    let _ = setrlimit(Resource::Core, at_most(0));
    let _ = setrlimit(Resource::Data, at_most(memory_bytes.saturating_add(OWN_BYTES)));
}
