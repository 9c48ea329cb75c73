//! The boundary to inference engines: one loaded model that turns an input into outputs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{
    DataType, Dimension, LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value,
    ValueOrView, ValueType, ValueView,
};

use super::{DetectError, ModelError};

/// One dimension of an input.
pub(super) type Dim = Option<usize>;

/// A model input: name, shape (open dimensions are `None`) and whether it takes integers.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) shape: Vec<Dim>,
    pub(super) integer: bool,
    id: NodeId,
}

/// A model output of one run, made flat.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<f32>,
}

/// The inference engine at work behind a detector. Another engine becomes another variant.
#[derive(Clone)]
pub(super) enum Session {
    Rten(RtenSession),
}

impl Session {
    pub(super) fn load(bytes: &[u8], threads: usize) -> Result<Self, ModelError> {
        RtenSession::load(bytes, threads).map(Self::Rten)
    }

    pub(super) fn inputs(&self) -> &[Input] {
        match self {
            Self::Rten(session) => &session.inputs,
        }
    }

    /// Runs the model on `picture` (its first input) of this shape; a second, integer input gets `size` as
    /// `[1, 2]`.
    pub(super) fn run(
        &self,
        picture: &[f32],
        shape: &[usize; 4],
        size: [i32; 2],
    ) -> Result<Vec<Output>, DetectError> {
        match self {
            Self::Rten(session) => session.run(picture, shape, size),
        }
    }
}

/// A model in the pure-Rust engine. Clones share the weights and have threads of their own.
pub(super) struct RtenSession {
    model: Arc<Model>,
    pool: Arc<ThreadPool>,
    threads: usize,
    inputs: Vec<Input>,
    outputs: Vec<(NodeId, String)>,
}

impl Clone for RtenSession {
    fn clone(&self) -> Self {
        Self {
            model: self.model.clone(),
            pool: Arc::new(ThreadPool::with_num_threads(self.threads)),
            threads: self.threads,
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
        }
    }
}

impl RtenSession {
    fn load(bytes: &[u8], threads: usize) -> Result<Self, ModelError> {
        // The bytes come from people: a fault in the loader must not take the caller down.
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            ModelOptions::with_all_ops().prepack_weights(true).load(bytes.to_vec())
        }));
        let model = loaded.map_err(|_| ModelError::Broken("the loader gave up".into()))?.map_err(|e| {
            let text = e.to_string();
            match e.kind() {
                LoadErrorKind::OperatorInvalid => ModelError::Operator(text),
                LoadErrorKind::ExternalDataError => ModelError::ExternalData,
                LoadErrorKind::ParseError | LoadErrorKind::UnknownFileType => ModelError::NotOnnx(text),
                _ => ModelError::Broken(text),
            }
        })?;
        let inputs = model.input_ids().iter().map(|&id| describe(&model, id)).collect();
        let name = |id| model.node_info(id).and_then(|n| n.name().map(String::from)).unwrap_or_default();
        let outputs = model.output_ids().iter().map(|&id| (id, name(id))).collect();
        let threads = threads.clamp(1, 64);
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Self { model: Arc::new(model), pool, threads, inputs, outputs })
    }

    fn run(&self, picture: &[f32], shape: &[usize; 4], size: [i32; 2]) -> Result<Vec<Output>, DetectError> {
        let run = |text: String| DetectError::Run(text);
        let first = self.inputs.first().ok_or_else(|| run("the model has no input".into()))?;
        let view = ValueView::from_shape(shape, picture).map_err(|e| run(e.to_string()))?;
        let mut values: Vec<(NodeId, ValueOrView)> = vec![(first.id, view.into())];
        for input in &self.inputs[1..] {
            let value = Value::from_shape([1, 2], size.to_vec()).map_err(|e| run(e.to_string()))?;
            values.push((input.id, value.into()));
        }
        let ids: Vec<NodeId> = self.outputs.iter().map(|(id, _)| *id).collect();
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let ran = catch_unwind(AssertUnwindSafe(|| self.model.run(values, &ids, Some(options))));
        let results = ran.map_err(|_| run("the engine gave up".into()))?.map_err(|e| run(e.to_string()))?;
        results.into_iter().zip(&self.outputs).map(|(value, (_, name))| flatten(value, name)).collect()
    }
}

fn describe(model: &Model, id: NodeId) -> Input {
    let info = model.node_info(id);
    let shape = info.as_ref().and_then(|n| n.shape()).unwrap_or_default();
    let dtype = info.as_ref().and_then(|n| n.dtype());
    Input {
        name: info.and_then(|n| n.name().map(String::from)).unwrap_or_default(),
        shape: shape.into_iter().map(|d| if let Dimension::Fixed(n) = d { Some(n) } else { None }).collect(),
        integer: matches!(dtype, Some(ValueType::Tensor(t)) if t != DataType::Float),
        id,
    }
}

fn flatten(value: Value, name: &str) -> Result<Output, DetectError> {
    fn take<const N: usize>(value: &Value) -> Option<(Vec<usize>, Vec<f32>)> {
        match value {
            Value::FloatTensor(_) => {
                let (shape, data) = value.clone().into_shape_vec::<f32, N>().ok()?;
                Some((shape.to_vec(), data))
            }
            Value::Int32Tensor(_) => {
                let (shape, data) = value.clone().into_shape_vec::<i32, N>().ok()?;
                Some((shape.to_vec(), data.into_iter().map(|v| v as f32).collect()))
            }
            _ => None,
        }
    }
    let (shape, data) = take::<3>(&value)
        .or_else(|| take::<2>(&value))
        .or_else(|| take::<4>(&value))
        .or_else(|| take::<1>(&value))
        .ok_or_else(|| DetectError::Run(format!("output {name:?} is no tensor of 1 to 4 dimensions")))?;
    Ok(Output { name: name.to_owned(), shape, data })
}
