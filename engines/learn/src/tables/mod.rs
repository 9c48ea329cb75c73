//! The evaluator of graphs for tables: the operators of `ai.onnx.ml`, and the plain ones that stand between them.
//!
//! A graph is a list of steps in the order of the file; values lie in numbered slots. Results are those of ONNX Runtime,
//! down to which class wins a tie; sums are made in the precision that it makes them in.

mod arrange;
mod attributes;
mod linear;
mod plain;
mod prepare;
mod scores;
mod trees;

use std::collections::HashMap;

use attributes::Attributes;
use bytes::Bytes;

use crate::{LoadError, Port, RunError, Tensor, Value, proto::GraphProto};

/// Of scikit-learn's operators.
pub(crate) const DOMAIN: &str = "ai.onnx.ml";

#[derive(Debug)]
pub(crate) struct Graph {
    constants: Vec<(usize, Value)>,
    steps: Vec<Step>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    slots: usize,
}

#[derive(Debug)]
struct Step {
    operator: Operator,
    /// As the file calls it, for errors.
    title: String,
    /// `None` where one is left out.
    inputs: Vec<Option<usize>>,
    outputs: Vec<Option<usize>>,
}

#[derive(Debug)]
enum Operator {
    Trees(trees::Trees),
    Linear(linear::Linear),
    Prepare(prepare::Prepare),
    Plain(plain::Plain),
}

/// The values that a step takes.
struct Given<'a>(Vec<Option<&'a Value>>);

impl<'a> Given<'a> {
    fn maybe(&self, at: usize) -> Result<Option<&'a Tensor>, RunError> {
        match self.0.get(at).copied().flatten() {
            None => Ok(None),
            Some(Value::Tensor(tensor)) => Ok(Some(tensor)),
            Some(Value::Maps(_)) => Err(RunError("a tensor is expected, and there are maps".to_owned())),
        }
    }

    fn tensor(&self, at: usize) -> Result<&'a Tensor, RunError> {
        self.maybe(at)?.ok_or_else(|| RunError(format!("input {at} is missing")))
    }

    fn tensors(&self) -> Result<Vec<&'a Tensor>, RunError> {
        (0..self.0.len()).map(|at| self.tensor(at)).collect()
    }
}

impl Graph {
    pub(crate) fn load(
        graph: &GraphProto,
        ports: &[Port],
        beside: &HashMap<String, Bytes>,
    ) -> Result<Self, LoadError> {
        let mut slots: HashMap<&str, usize> = HashMap::new();
        let mut constants = Vec::new();
        for tensor in &graph.initializer {
            let slot = slots.len();
            if slots.insert(&tensor.name, slot).is_some() {
                return Err(LoadError::Broken(format!("{:?} is given twice", tensor.name)));
            }
            constants.push((slot, Value::Tensor(Tensor::read(tensor, beside)?)));
        }
        let mut inputs = Vec::new();
        for port in ports {
            let next = slots.len();
            inputs.push(*slots.entry(&port.name).or_insert(next));
        }
        let mut steps = Vec::new();
        for node in &graph.node {
            let title = match node.name.as_str() {
                "" => node.op_type.clone(),
                name => format!("{} ({name})", node.op_type),
            };
            let attributes = Attributes::new(node);
            let operator = match node.domain.as_str() {
                DOMAIN => operator(&node.op_type, &attributes)?,
                "" | "ai.onnx" => plain::Plain::read(&node.op_type, &attributes)?.map(Operator::Plain),
                _ => None,
            };
            let operator = operator.ok_or_else(|| {
                let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
                LoadError::Unsupported(format!(
                    "operator {} of {domain} is not among those that this server runs in models for tables",
                    node.op_type
                ))
            })?;
            let mut taken = Vec::with_capacity(node.input.len());
            for name in &node.input {
                let unknown = || LoadError::Broken(format!("{title} takes {name:?}, which nothing gives"));
                taken.push(match name.as_str() {
                    "" => None,
                    name => Some(*slots.get(name).ok_or_else(unknown)?),
                });
            }
            let mut given = Vec::with_capacity(node.output.len());
            for name in &node.output {
                let slot = slots.len();
                if !name.is_empty() && slots.insert(name, slot).is_some() {
                    return Err(LoadError::Broken(format!("{name:?} is given twice")));
                }
                given.push((!name.is_empty()).then_some(slot));
            }
            steps.push(Step { operator, title, inputs: taken, outputs: given });
        }
        let found = |value: &crate::proto::ValueProto| {
            let unknown = || LoadError::Broken(format!("nothing gives the output {:?}", value.name));
            slots.get(value.name.as_str()).copied().ok_or_else(unknown)
        };
        let outputs = graph.output.iter().map(found).collect::<Result<_, _>>()?;
        Ok(Self { constants, steps, inputs, outputs, slots: slots.len() })
    }

    pub(crate) fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Value>, RunError> {
        let constants: HashMap<usize, &Value> =
            self.constants.iter().map(|(slot, value)| (*slot, value)).collect();
        let mut slots: Vec<Option<Value>> = vec![None; self.slots];
        for (slot, tensor) in self.inputs.iter().zip(inputs) {
            slots[*slot] = Some(Value::Tensor(tensor));
        }
        for step in &self.steps {
            let value = |slot: &Option<usize>| {
                let slot = (*slot)?;
                slots[slot].as_ref().or_else(|| constants.get(&slot).copied())
            };
            let given = Given(step.inputs.iter().map(value).collect());
            let made = match &step.operator {
                Operator::Trees(trees) => trees.run(&given),
                Operator::Linear(linear) => linear.run(&given),
                Operator::Prepare(prepare) => prepare.run(&given),
                Operator::Plain(plain) => plain.run(&given).map(|tensor| vec![Value::Tensor(tensor)]),
            };
            let made = made.map_err(|error| RunError(format!("{}: {error}", step.title)))?;
            for (slot, value) in step.outputs.iter().zip(made) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(value);
                }
            }
        }
        let mut values = Vec::with_capacity(self.outputs.len());
        for slot in &self.outputs {
            let value = slots[*slot].clone().or_else(|| constants.get(slot).map(|value| (*value).clone()));
            values.push(value.ok_or_else(|| RunError("an output was not computed".to_owned()))?);
        }
        Ok(values)
    }
}

fn operator(name: &str, attributes: &Attributes<'_>) -> Result<Option<Operator>, LoadError> {
    Ok(match name {
        "TreeEnsembleClassifier" => Some(Operator::Trees(trees::Trees::classifier(attributes)?)),
        "TreeEnsembleRegressor" => Some(Operator::Trees(trees::Trees::regressor(attributes)?)),
        "LinearClassifier" => Some(Operator::Linear(linear::Linear::classifier(attributes)?)),
        "LinearRegressor" => Some(Operator::Linear(linear::Linear::regressor(attributes)?)),
        other => prepare::Prepare::read(other, attributes)?.map(Operator::Prepare),
    })
}
