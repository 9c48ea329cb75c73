use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::eventually;

/// A program of `scripts/` that prints a line of JSON for each thing that it saw.
pub struct Program {
    child: Child,
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    /// Removed with it.
    pub folder: tempfile::TempDir,
}

impl Program {
    /// # Panics
    ///
    /// When it does not start.
    ///
    /// `None`, with a plain line, where Python with what it needs is not there; in a pipeline that is a failure.
    pub fn start(script: &str, arguments: impl Fn(&Path) -> Vec<String>) -> Option<Self> {
        let Some(python) = std::env::var_os("SOCLE_TEST_PYTHON") else {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "SOCLE_TEST_PYTHON is not set");
            eprintln!("skipped: SOCLE_TEST_PYTHON is not set (scripts/venv.sh makes one)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(script);
        let mut child = Command::new(python)
            .arg(script)
            .args(arguments(folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts and says its port");
        let mut reader = BufReader::new(child.stdout.take().expect("the program starts and says its port"));
        let mut first = String::new();
        reader.read_line(&mut first).expect("the program starts and says its port");
        let first: Value = serde_json::from_str(&first).expect("the program says its port");
        let lines = Arc::<Mutex<Vec<Value>>>::default();
        let sink = lines.clone();
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                eprintln!("program | {line:.400}");
                let value = serde_json::from_str(&line).expect("every line is JSON");
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(value);
            }
        });
        let port = u16::try_from(first["port"].as_u64().expect("the program starts and says its port"))
            .expect("the program starts and says its port");
        Some(Self { child, port, lines, folder })
    }

    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for this many lines.
    pub async fn seen(&self, count: usize) -> Vec<Value> {
        eventually("the program saw enough", async || {
            let lines = self.lines();
            (lines.len() >= count).then_some(lines)
        })
        .await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
