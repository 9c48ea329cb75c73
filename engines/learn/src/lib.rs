//! Trained models: an ONNX file in, then rows in and predictions out. No I/O, nothing of Socle.
//!
//! [`Model::load`] reads the file ([`proto`]) and looks which operators it is made of. What scikit-learn's models become
//! (trees, linear models, scalers: the operators of `ai.onnx.ml`, with the few plain ones between them) is run by
//! `tables`, a small evaluator of our own; everything else, which is neural networks, by `rten` (`dense`). Why there are
//! two: docs/decisions/0008-serving.md.
//!
//! ```
//! # fn predict(file: bytes::Bytes) -> Result<(), Box<dyn std::error::Error>> {
//! use learn::{Data, Model, Tensor};
//! let model = Model::load(file, &Default::default())?;
//! let rows = Tensor::new(vec![2, 3], Data::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))?;
//! let predictions = model.run(vec![rows])?;
//! # Ok(()) }
//! ```
//!
//! Files come from people: a fault in them, or in the engine, is an error and no panic.

mod dense;
pub mod proto;
mod tables;
mod tensor;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use prost::Message as _;
use proto::{GraphProto, ModelProto, ValueProto};

pub use tensor::{Data, Kind, Label, Tensor, Value};

/// Why a file is no model that can be asked.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the file is no ONNX model: {0}")]
    NotOnnx(String),
    #[error("the model is broken: {0}")]
    Broken(String),
    /// An operator or type that this server cannot run.
    #[error("{0}")]
    Unsupported(String),
    #[error("the model's weights are in the file {0:?} beside it, which is not there")]
    Weights(String),
}

/// Why a model could not say anything about these inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunError(pub String);

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    /// `None` where the file names no type, and of outputs that are no tensors.
    pub kind: Option<Kind>,
    /// Open dimensions are `None`; the whole is where the file tells none.
    pub shape: Option<Vec<Option<usize>>>,
}

#[derive(Debug)]
pub struct Model {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// About how much memory it holds while it is loaded.
    pub bytes: usize,
    /// It was trained to go on where a value is missing (NaN).
    pub takes_missing: bool,
    runner: Runner,
}

#[derive(Debug)]
enum Runner {
    Tables(tables::Graph),
    Dense(Box<dense::Session>),
}

/// Nodes of a graph with all graphs below it.
const NODES_MAX: usize = 100_000;

impl Model {
    /// `beside` are the files of weights that lie next to the model, by name: see [`Model::weights_beside`].
    ///
    /// # Errors
    ///
    /// What is no model, a broken one, or one with an operator that is not known here.
    pub fn load(file: Bytes, beside: &HashMap<String, Bytes>) -> Result<Self, LoadError> {
        let proto = decode(&file)?;
        let graph = proto.graph.as_ref().ok_or_else(|| LoadError::NotOnnx("it has no graph".to_owned()))?;
        let mut operators = Operators::default();
        operators.look(graph)?;
        let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs: Vec<Port> =
            graph.input.iter().filter(|value| !constants.contains(value.name.as_str())).map(port).collect();
        let outputs: Vec<Port> = graph.output.iter().map(port).collect();
        if inputs.is_empty() || outputs.is_empty() {
            return Err(LoadError::Broken("it has no inputs or no outputs".to_owned()));
        }
        if let Some(port) = inputs.iter().find(|port| port.kind.is_none()) {
            return Err(LoadError::Unsupported(format!(
                "input {:?} is no tensor of floats, whole numbers, booleans or texts",
                port.name
            )));
        }
        let size = file.len() + beside.values().map(Bytes::len).sum::<usize>();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            if operators.of_tables {
                tables::Graph::load(graph, &inputs, beside).map(Runner::Tables)
            } else {
                dense::Session::load(file.clone(), beside, &inputs, &outputs)
                    .map(|session| Runner::Dense(Box::new(session)))
            }
        }));
        let runner = caught.map_err(|_| LoadError::Broken("the engine gave up on it".to_owned()))??;
        // What is built of a file is larger than it: trees by their nodes, matrices by their packed copies.
        let bytes = size.saturating_mul(2) + (64 << 10);
        Ok(Self { inputs, outputs, bytes, takes_missing: operators.take_missing, runner })
    }

    /// The files that the model's weights are in, besides its own.
    ///
    /// # Errors
    ///
    /// What is no model.
    pub fn weights_beside(file: &Bytes) -> Result<BTreeSet<String>, LoadError> {
        let mut names = BTreeSet::new();
        if let Some(graph) = decode(file)?.graph {
            for tensor in graph.initializer.iter().filter(|tensor| tensor.data_location == 1) {
                let location = tensor.external_data.iter().find(|entry| entry.key == "location");
                names.extend(location.map(|entry| entry.value.clone()));
            }
        }
        Ok(names)
    }

    /// Blocks for as long as it takes. Inputs stand in the order of [`Model::inputs`]; the values come in that of
    /// [`Model::outputs`].
    ///
    /// # Errors
    ///
    /// Inputs of another type or shape than the model takes, and what it cannot compute.
    pub fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Value>, RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError(format!("{} inputs are given, {} taken", inputs.len(), self.inputs.len())));
        }
        for (tensor, port) in inputs.iter().zip(&self.inputs) {
            port.check(tensor.shape())?;
        }
        let caught = catch_unwind(AssertUnwindSafe(|| match &self.runner {
            Runner::Tables(graph) => graph.run(inputs),
            Runner::Dense(session) => session.run(inputs),
        }));
        caught.map_err(|_| RunError("the engine gave up on these inputs".to_owned()))?
    }
}

impl Port {
    /// Whether a tensor of this shape goes in.
    fn check(&self, shape: &[usize]) -> Result<(), RunError> {
        let Some(expected) = &self.shape else { return Ok(()) };
        let fits = expected.len() == shape.len()
            && expected.iter().zip(shape).all(|(expected, given)| expected.is_none_or(|dim| dim == *given));
        if fits {
            return Ok(());
        }
        Err(RunError(format!("input {:?} takes the shape {}, not {shape:?}", self.name, self.shown())))
    }

    /// The shape for people: `[?, 4]`.
    pub fn shown(&self) -> String {
        let dims = self.shape.iter().flatten();
        let dims: Vec<_> = dims.map(|dim| dim.map_or("?".to_owned(), |dim| dim.to_string())).collect();
        format!("[{}]", dims.join(", "))
    }
}

/// Bounded in depth by the decoder, which rten's own is not.
fn decode(file: &Bytes) -> Result<ModelProto, LoadError> {
    ModelProto::decode(file.clone()).map_err(|error| LoadError::NotOnnx(error.to_string()))
}

#[derive(Default)]
struct Operators {
    count: usize,
    of_tables: bool,
    take_missing: bool,
}

impl Operators {
    fn look(&mut self, graph: &GraphProto) -> Result<(), LoadError> {
        self.count += graph.node.len();
        if self.count > NODES_MAX {
            return Err(LoadError::Unsupported(format!("the model has more than {NODES_MAX} operators")));
        }
        for node in &graph.node {
            self.of_tables |= node.domain == tables::DOMAIN;
            if node.op_type == "Loop" || node.op_type == "Scan" {
                return Err(LoadError::Unsupported(format!(
                    "operator {} is refused: nobody could say when it ends",
                    node.op_type
                )));
            }
            self.take_missing |= matches!(node.op_type.as_str(), "Imputer" | "IsNaN");
            for attribute in &node.attribute {
                self.take_missing |=
                    attribute.name == "nodes_missing_value_tracks_true" && attribute.ints.contains(&1);
                for below in attribute.g.iter().chain(&attribute.graphs) {
                    self.look(below)?;
                }
            }
        }
        Ok(())
    }
}

fn port(value: &ValueProto) -> Port {
    let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| {
        let dims = shape.dim.iter();
        dims.map(|dim| dim.dim_value.and_then(|size| usize::try_from(size).ok())).collect()
    });
    Port {
        name: value.name.clone(),
        kind: tensor.and_then(|tensor| Kind::of(tensor.elem_type)),
        // skl2onnx writes 0 for a dimension that it does not know.
        shape: shape.map(|dims: Vec<Option<usize>>| {
            dims.into_iter().map(|dim| dim.filter(|size| *size > 0)).collect()
        }),
    }
}
