//! Neural networks, by `rten`: 32-bit floats and whole numbers, one thread a call.

use std::{collections::HashMap, fmt, sync::Arc};

use bytes::Bytes;
use rten::{
    DataType, LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value as Theirs,
    ValueOrView, ValueType,
};
use rten_tensor::prelude::*;

use crate::{Data, Kind, LoadError, Port, RunError, Tensor, Value};

pub(crate) struct Session {
    model: Model,
    pool: Arc<ThreadPool>,
    inputs: Vec<NodeId>,
    outputs: Vec<(NodeId, Option<Kind>)>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("inputs", &self.inputs.len()).finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn load(
        file: Bytes,
        beside: &HashMap<String, Bytes>,
        inputs: &[Port],
        outputs: &[Port],
    ) -> Result<Self, LoadError> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        for (name, bytes) in beside {
            options.external_data(name, bytes.to_vec());
        }
        let model = options.load(file.into()).map_err(|error| {
            let text = error.to_string();
            match error.kind() {
                LoadErrorKind::OperatorInvalid => LoadError::Unsupported(text),
                LoadErrorKind::ParseError | LoadErrorKind::UnknownFileType => LoadError::NotOnnx(text),
                _ => LoadError::Broken(text),
            }
        })?;
        let find = |name: &str| {
            model.find_node(name).ok_or_else(|| LoadError::Broken(format!("there is no value {name:?}")))
        };
        if let Some(port) = inputs.iter().find(|port| port.kind == Some(Kind::Text)) {
            return Err(LoadError::Unsupported(format!("input {:?} is of texts", port.name)));
        }
        Ok(Self {
            inputs: inputs.iter().map(|port| find(&port.name)).collect::<Result<_, _>>()?,
            outputs: outputs
                .iter()
                .map(|port| Ok((find(&port.name)?, port.kind)))
                .collect::<Result<_, LoadError>>()?,
            // Many calls run at once: one thread for each serves them better than all for one.
            pool: Arc::new(ThreadPool::with_num_threads(1)),
            model,
        })
    }

    pub(crate) fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Value>, RunError> {
        let mut given: Vec<(NodeId, ValueOrView)> = Vec::with_capacity(inputs.len());
        for (tensor, id) in inputs.into_iter().zip(&self.inputs) {
            let expected = self.model.node_info(*id).and_then(|info| info.dtype());
            given.push((*id, theirs(tensor, expected)?.into()));
        }
        let ids: Vec<NodeId> = self.outputs.iter().map(|(id, _)| *id).collect();
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let ran = self.model.run(given, &ids, Some(options)).map_err(|error| RunError(error.to_string()))?;
        ran.into_iter().zip(&self.outputs).map(|(value, (_, kind))| ours(&value, *kind)).collect()
    }
}

fn theirs(tensor: Tensor, expected: Option<ValueType>) -> Result<Theirs, RunError> {
    let shape = tensor.shape().to_vec();
    let whole = |what: &str| RunError(format!("the model takes {what}, and a value lies outside"));
    let made = match expected {
        Some(ValueType::Tensor(DataType::Int32)) => {
            let ints = tensor.ints()?;
            let ints: Result<Vec<i32>, _> = ints.into_iter().map(i32::try_from).collect();
            Theirs::from_shape(shape, ints.map_err(|_| whole("whole numbers of 32 bits here"))?).map_err(text)
        }
        Some(ValueType::Tensor(DataType::UInt8)) => {
            let ints: Result<Vec<u8>, _> = tensor.ints()?.into_iter().map(u8::try_from).collect();
            Theirs::from_shape(shape, ints.map_err(|_| whole("0 to 255"))?).map_err(text)
        }
        Some(ValueType::Tensor(DataType::Int8)) => {
            let ints: Result<Vec<i8>, _> = tensor.ints()?.into_iter().map(i8::try_from).collect();
            Theirs::from_shape(shape, ints.map_err(|_| whole("-128 to 127"))?).map_err(text)
        }
        _ => match tensor.into_data() {
            Data::F32(floats) => Theirs::from_shape(shape, floats).map_err(text),
            other => {
                let length = other.len();
                let floats = Tensor::new(vec![length], other)?.floats()?;
                Theirs::from_shape(shape, floats).map_err(text)
            }
        },
    };
    made.map_err(RunError)
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}

fn ours(value: &Theirs, kind: Option<Kind>) -> Result<Value, RunError> {
    let (shape, data) = if let Some(view) = value.as_tensor_view::<f32>() {
        let floats: Vec<f32> = view.iter().copied().collect();
        let data = match kind {
            // It was computed with 32 bits all the same.
            Some(Kind::F64) => Data::F64(floats.into_iter().map(f64::from).collect()),
            _ => Data::F32(floats),
        };
        (view.shape().to_vec(), data)
    } else if let Some(view) = value.as_tensor_view::<i32>() {
        let data = match kind {
            Some(Kind::Bool) => Data::Bool(view.iter().map(|value| *value != 0).collect()),
            _ => Data::I64(view.iter().map(|value| i64::from(*value)).collect()),
        };
        (view.shape().to_vec(), data)
    } else if let Some(view) = value.as_tensor_view::<u8>() {
        (view.shape().to_vec(), Data::I64(view.iter().map(|value| i64::from(*value)).collect()))
    } else if let Some(view) = value.as_tensor_view::<i8>() {
        (view.shape().to_vec(), Data::I64(view.iter().map(|value| i64::from(*value)).collect()))
    } else {
        return Err(RunError("an output is no tensor".to_owned()));
    };
    Ok(Value::Tensor(Tensor::new(shape, data)?))
}
