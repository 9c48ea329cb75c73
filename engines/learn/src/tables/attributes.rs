use std::collections::HashMap;

use crate::{
    Data, LoadError, Tensor,
    proto::{AttributeProto, NodeProto},
};

/// What a node's file says about it, by name.
pub(super) struct Attributes<'a> {
    node: &'a NodeProto,
    by_name: HashMap<&'a str, &'a AttributeProto>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(node: &'a NodeProto) -> Self {
        Self { node, by_name: node.attribute.iter().map(|attribute| (&*attribute.name, attribute)).collect() }
    }

    pub(super) fn broken(&self, what: impl std::fmt::Display) -> LoadError {
        LoadError::Broken(format!("{}: {what}", self.node.op_type))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.by_name.get(name)?.i
    }

    pub(super) fn float(&self, name: &str) -> Option<f32> {
        self.by_name.get(name)?.f
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.by_name.get(name)?.s.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn ints(&self, name: &str) -> &'a [i64] {
        self.by_name.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    pub(super) fn floats(&self, name: &str) -> &'a [f32] {
        self.by_name.get(name).map_or(&[], |attribute| &attribute.floats)
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.by_name.get(name).map_or(&[][..], |attribute| &attribute.strings);
        texts.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor>, LoadError> {
        let tensor = self.by_name.get(name).and_then(|attribute| attribute.t.as_ref());
        tensor.map(|tensor| Tensor::read(tensor, &HashMap::new())).transpose()
    }

    /// Numbers, and whether they have 64 bits: `name`, or `name_as_tensor` of models with double precision.
    pub(super) fn numbers(&self, name: &str) -> Result<(Vec<f64>, bool), LoadError> {
        match self.tensor(&format!("{name}_as_tensor"))? {
            Some(tensor) => {
                let is_double = matches!(tensor.data(), Data::F64(_));
                Ok((tensor.doubles().map_err(|error| self.broken(error))?, is_double))
            }
            None => Ok((self.floats(name).iter().map(|value| f64::from(*value)).collect(), false)),
        }
    }

    /// A list of numbers that must not be negative.
    pub(super) fn indices(&self, name: &str) -> Result<Vec<usize>, LoadError> {
        let read = |value: &i64| usize::try_from(*value);
        let read: Result<_, _> = self.ints(name).iter().map(read).collect();
        read.map_err(|_| self.broken(format_args!("{name} has a negative number")))
    }
}
