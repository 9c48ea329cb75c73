//! What was sent, held against the signature and the model's own inputs, becomes tensors. As MLflow does it: extra columns
//! are ignored, a missing one is an error; a model logged with columns is asked with a table whatever form came, one
//! logged with tensors with tensors, and one without a signature with what was sent.

use kernel::FieldError;
use learn::{Kind, Model, Port, Tensor};
use serde_json::Value;

use super::{
    Asked, Field, Schema, ServingError,
    cells::{Reader, check_shape, escaped, expects, flat, is_of, place_within, shape_text},
    request::{Frame, Order, Rows, frame, records, shown},
};

/// What a model is run with.
#[derive(Debug)]
pub(crate) struct Fed {
    pub(crate) tensors: Vec<Tensor>,
    /// The answer is one object a row; else one list for each output.
    pub(crate) as_records: bool,
}

/// What is in a column that may be left out, and is.
static NULL: Value = Value::Null;

/// So many faults are told at once.
const FAULTS_MAX: usize = 10;

pub(crate) fn feed(
    asked: Asked,
    schema: &Schema,
    model: &Model,
    rows_max: usize,
) -> Result<Fed, ServingError> {
    let feeder = Feeder { model, key: asked.key, rows_max };
    match (schema, asked.rows) {
        (Schema::Columns(fields), rows) => {
            let table = feeder.table(rows, fields)?;
            feeder.columns(&table, fields)
        }
        (Schema::Tensors(fields), rows) => feeder.tensors(rows, fields),
        (Schema::Nothing, Rows::Frame(table)) => feeder.unsigned_table(&table),
        (Schema::Nothing, Rows::List(list)) => feeder.one(list, None),
        (Schema::Nothing, Rows::Named(named)) => feeder.unsigned(&named),
    }
}

struct Feeder<'a> {
    model: &'a Model,
    key: &'static str,
    rows_max: usize,
}

/// Cells that become one tensor, and how to say where each is.
struct Cells<'a> {
    shape: Vec<usize>,
    cells: Vec<&'a Value>,
    place: &'a dyn Fn(usize) -> (String, String),
}

impl Feeder<'_> {
    fn fault(&self, below: &str, detail: impl std::fmt::Display) -> ServingError {
        ServingError::input(format!("{}{below}", self.key), detail)
    }

    fn count(&self, rows: usize) -> Result<(), ServingError> {
        match rows {
            0 => Err(self.fault("", "there are no rows")),
            rows if rows > self.rows_max => Err(ServingError::Rows { rows, max: self.rows_max }),
            _ => Ok(()),
        }
    }

    /// As pandas makes a table of lists and of columns.
    fn table(&self, rows: Rows, fields: &[Field]) -> Result<Frame, ServingError> {
        let table = match rows {
            Rows::Frame(table) => table,
            Rows::List(list) if list.first().is_some_and(Value::is_object) => {
                records(Value::Array(list), self.key)?
            }
            Rows::List(list) => {
                let rows: Vec<Vec<Value>> = list
                    .into_iter()
                    .map(|row| match row {
                        Value::Array(cells) => cells,
                        scalar => vec![scalar],
                    })
                    .collect();
                let width = rows.first().map_or(0, Vec::len);
                if let Some(at) = rows.iter().position(|row| row.len() != width) {
                    let detail = format!("row {at} has {} values, and row 0 has {width}", rows[at].len());
                    return Err(self.fault(&format!("/{at}"), detail));
                }
                // Without names they are those of the signature, by their places.
                let name = |at: usize| fields.get(at).and_then(|field| field.name.clone());
                let columns = (0..width).map(|at| name(at).unwrap_or_else(|| at.to_string())).collect();
                frame(columns, rows, Order::Places)?
            }
            Rows::Named(named) => {
                let columns: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
                let lists: Vec<Vec<Value>> = named
                    .into_iter()
                    .map(|(_, value)| match value {
                        Value::Array(list) => list,
                        scalar => vec![scalar],
                    })
                    .collect();
                let count = lists.first().map_or(0, Vec::len);
                if let Some(at) = lists.iter().position(|list| list.len() != count) {
                    let detail = format!(
                        "column {:?} has {} values, and {:?} has {count}",
                        columns[at],
                        lists[at].len(),
                        columns[0]
                    );
                    return Err(self.fault(&format!("/{}", columns[at]), detail));
                }
                let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
                let row = |_: usize| -> Vec<Value> { lists.iter_mut().filter_map(Iterator::next).collect() };
                let rows = (0..count).map(row).collect();
                let order = if self.key == "/instances" { Order::Names } else { Order::Columns };
                frame(columns, rows, order)?
            }
        };
        self.count(table.rows.len())?;
        Ok(table)
    }

    /// Where the signature's columns stand in the table.
    fn found(&self, table: &Frame, fields: &[Field]) -> Result<Vec<Option<usize>>, ServingError> {
        if fields.iter().all(|field| field.name.is_none()) {
            if table.columns.len() < fields.len() {
                let detail = format!(
                    "the model takes {} columns, and there are {}",
                    fields.len(),
                    table.columns.len()
                );
                return Err(self.fault("", detail));
            }
            return Ok((0..fields.len()).map(Some).collect());
        }
        let find = |field: &Field| {
            let name = field.name.as_deref()?;
            table.columns.iter().position(|column| column == name)
        };
        let found: Vec<Option<usize>> = fields.iter().map(find).collect();
        let missing: Vec<&str> = fields
            .iter()
            .zip(&found)
            .filter(|(field, at)| field.required && at.is_none())
            .filter_map(|(field, _)| field.name.as_deref())
            .collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let extra: Vec<&str> = table
            .columns
            .iter()
            .map(String::as_str)
            .filter(|column| !fields.iter().any(|field| field.name.as_deref() == Some(column)))
            .collect();
        let mut detail = format!("the model is missing the columns {missing:?}");
        if !extra.is_empty() {
            detail.push_str(&format!("; it was given {extra:?} besides, which it does not know"));
        }
        Err(self.fault("", detail))
    }

    fn cell_place(&self, table: &Frame, row: usize, column: usize) -> (String, String) {
        let name = &table.columns[column];
        let pointer = match table.order {
            Order::Places => format!("{}/{row}/{column}", self.key),
            Order::Names => format!("{}/{row}/{}", self.key, escaped(name)),
            Order::Columns => format!("{}/{}/{row}", self.key, escaped(name)),
        };
        (pointer, format!("row {row}, column {name:?}"))
    }

    /// A model that was logged with columns: one matrix for its one input, or a column for each.
    fn columns(&self, table: &Frame, fields: &[Field]) -> Result<Fed, ServingError> {
        let found = self.found(table, fields)?;
        let rows = table.rows.len();
        let tensors = if let [port] = &self.model.inputs[..] {
            let width = fields.len();
            let cells = (0..rows).flat_map(|row| {
                found.iter().map(move |column| column.map_or(&NULL, |column| &table.rows[row][column]))
            });
            let place = |at: usize| match found[at % width] {
                Some(column) => self.cell_place(table, at / width, column),
                None => (self.key.to_owned(), format!("row {}", at / width)),
            };
            let is_list = port.shape.as_ref().is_some_and(|shape| shape.len() == 1) && width == 1;
            let shape = if is_list { vec![rows] } else { vec![rows, width] };
            let cells = Cells { shape, cells: cells.collect(), place: &place };
            vec![self.tensor(port, &cells, |at| fields.get(at % width))?]
        } else {
            let mut tensors = Vec::with_capacity(self.model.inputs.len());
            for port in &self.model.inputs {
                let named = |field: &Field| field.name.as_deref() == Some(port.name.as_str());
                let index = fields.iter().position(named).ok_or_else(|| {
                    ServingError::NotServable(format!(
                        "the model's input {:?} is no column of its signature: log it with one that has it",
                        port.name
                    ))
                })?;
                tensors.push(self.column(table, found[index], port, Some(&fields[index]))?);
            }
            tensors
        };
        Ok(Fed { tensors, as_records: true })
    }

    /// One column for one input: `[rows, 1]`, or `[rows]` where the input has one dimension.
    fn column(
        &self,
        table: &Frame,
        column: Option<usize>,
        port: &Port,
        field: Option<&Field>,
    ) -> Result<Tensor, ServingError> {
        let rows = table.rows.len();
        let is_list = port.shape.as_ref().is_some_and(|shape| shape.len() == 1);
        let shape = if is_list { vec![rows] } else { vec![rows, 1] };
        let place = |row: usize| match column {
            Some(column) => self.cell_place(table, row, column),
            None => (self.key.to_owned(), format!("row {row}, column {:?}", port.name)),
        };
        let cell = |row: &Vec<Value>| column.map(|column| row[column].clone());
        let given: Vec<Value> = table.rows.iter().map(|row| cell(row).unwrap_or_default()).collect();
        self.tensor(port, &Cells { shape, cells: given.iter().collect(), place: &place }, |_| field)
    }

    fn unsigned_table(&self, table: &Frame) -> Result<Fed, ServingError> {
        let rows = table.rows.len();
        self.count(rows)?;
        let tensors = if let [port] = &self.model.inputs[..] {
            let width = table.columns.len();
            let place = |at: usize| self.cell_place(table, at / width, at % width);
            let cells = table.rows.iter().flatten().collect();
            vec![self.tensor(port, &Cells { shape: vec![rows, width], cells, place: &place }, |_| None)?]
        } else {
            let mut tensors = Vec::with_capacity(self.model.inputs.len());
            for port in &self.model.inputs {
                let at = table.columns.iter().position(|column| *column == port.name);
                let at = at.ok_or_else(|| {
                    self.fault("", format!("the model is missing the column {:?}", port.name))
                })?;
                tensors.push(self.column(table, Some(at), port, None)?);
            }
            tensors
        };
        Ok(Fed { tensors, as_records: true })
    }

    fn unsigned(&self, named: &[(String, Value)]) -> Result<Fed, ServingError> {
        if let Some((name, _)) =
            named.iter().find(|(name, _)| !self.model.inputs.iter().any(|port| port.name == *name))
        {
            let known: Vec<&str> = self.model.inputs.iter().map(|port| port.name.as_str()).collect();
            return Err(self.fault("", format!("the model has no input {name:?}; it takes {known:?}")));
        }
        let mut tensors = Vec::with_capacity(self.model.inputs.len());
        for port in &self.model.inputs {
            let value = named.iter().find(|(name, _)| *name == port.name).map(|(_, value)| value);
            let value = value
                .ok_or_else(|| self.fault("", format!("the model is missing the input {:?}", port.name)))?;
            tensors.push(self.nested(port, None, value, &format!("{}/{}", self.key, escaped(&port.name)))?);
        }
        self.fed(tensors)
    }

    /// A list of any depth for a model's one input.
    fn one(&self, list: Vec<Value>, field: Option<&Field>) -> Result<Fed, ServingError> {
        let [port] = &self.model.inputs[..] else {
            let known: Vec<&str> = self.model.inputs.iter().map(|port| port.name.as_str()).collect();
            return Err(
                self.fault("", format!("the model takes {known:?}: give an object with a list for each"))
            );
        };
        let tensor = self.nested(port, field, &Value::Array(list), self.key)?;
        self.fed(vec![tensor])
    }

    fn fed(&self, tensors: Vec<Tensor>) -> Result<Fed, ServingError> {
        let rows =
            tensors.iter().map(|tensor| tensor.shape().first().copied().unwrap_or(1)).max().unwrap_or(0);
        self.count(rows)?;
        Ok(Fed { tensors, as_records: false })
    }

    /// A model that was logged with tensors.
    fn tensors(&self, rows: Rows, fields: &[Field]) -> Result<Fed, ServingError> {
        let names: Vec<&str> = fields.iter().filter_map(|field| field.name.as_deref()).collect();
        if names.is_empty() && fields.len() != 1 || !names.is_empty() && names.len() != fields.len() {
            return Err(ServingError::NotServable(
                "the tensors of the model's signature have no names".to_owned(),
            ));
        }
        if let (Rows::List(list), [field]) = (&rows, fields) {
            return self.one(list.clone(), Some(field));
        }
        let mut tensors = Vec::with_capacity(self.model.inputs.len());
        for port in &self.model.inputs {
            let is_it = |field: &&Field| field.name.as_deref() == Some(port.name.as_str());
            let field = match fields {
                [field] if self.model.inputs.len() == 1 => field,
                fields => fields.iter().find(is_it).ok_or_else(|| {
                    ServingError::NotServable(format!(
                        "the model's input {:?} is no tensor of its signature",
                        port.name
                    ))
                })?,
            };
            tensors.push(match &rows {
                Rows::List(_) => {
                    return Err(self.fault(
                        "",
                        format!("the model takes {names:?}: give an object with a list for each"),
                    ));
                }
                Rows::Named(named) => {
                    let Some(name) = field.name.as_deref() else {
                        return Err(self.fault("", "the model takes one tensor without a name: give a list"));
                    };
                    let value = named.iter().find(|(given, _)| given == name).map(|(_, value)| value);
                    let value = value.ok_or_else(|| {
                        self.fault("", format!("the model is missing the inputs [{name:?}]"))
                    })?;
                    self.nested(port, Some(field), value, &format!("{}/{}", self.key, escaped(name)))?
                }
                Rows::Frame(table) => self.tensor_of_table(table, port, field)?,
            });
        }
        self.fed(tensors)
    }

    /// A column of numbers or of lists, or all columns for the one tensor without a name.
    fn tensor_of_table(&self, table: &Frame, port: &Port, field: &Field) -> Result<Tensor, ServingError> {
        self.count(table.rows.len())?;
        let width = table.columns.len();
        if field.name.is_none() && width != 1 {
            let shape = vec![table.rows.len(), width];
            check_shape(field, &shape).map_err(|detail| self.fault("", detail))?;
            let place = |at: usize| self.cell_place(table, at / width, at % width);
            let cells = Cells { shape, cells: table.rows.iter().flatten().collect(), place: &place };
            return self.tensor(port, &cells, |_| Some(field));
        }
        let column = match field.name.as_deref() {
            None => Some(0),
            Some(name) => table.columns.iter().position(|column| column == name),
        };
        let column = column
            .ok_or_else(|| self.fault("", format!("the model is missing the columns [{:?}]", port.name)))?;
        let mut all = Vec::new();
        let mut within = Vec::new();
        for (row, cells) in table.rows.iter().enumerate() {
            let (pointer, text) = self.cell_place(table, row, column);
            let (shape, cells) = flat(&cells[column], &pointer)?;
            if row > 0 && shape != within {
                let detail = format!("{text}: a list of shape {shape:?}, and row 0 has {within:?}");
                return Err(ServingError::input(pointer, detail));
            }
            within = shape;
            all.extend(cells);
        }
        let rows = table.rows.len();
        let per_row = all.len() / rows;
        let plain = [&[rows][..], &within].concat();
        // A list of numbers stands for a tensor of any shape of so many.
        let fixed: Option<Vec<usize>> = field.shape.iter().skip(1).copied().collect();
        let shape = match (check_shape(field, &plain), fixed) {
            (Ok(()), _) => plain,
            (Err(_), Some(fixed))
                if !field.shape.is_empty() && fixed.iter().product::<usize>() == per_row =>
            {
                [&[rows][..], &fixed].concat()
            }
            (Err(detail), _) => return Err(self.fault("", detail)),
        };
        let place = |at: usize| self.cell_place(table, at / per_row.max(1), column);
        self.tensor(port, &Cells { shape, cells: all, place: &place }, |_| Some(field))
    }

    fn nested(
        &self,
        port: &Port,
        field: Option<&Field>,
        value: &Value,
        at: &str,
    ) -> Result<Tensor, ServingError> {
        let (shape, cells) = flat(value, at)?;
        if let Some(field) = field {
            check_shape(field, &shape).map_err(|detail| ServingError::input(at, detail))?;
        }
        let sizes = shape.clone();
        let place = |index: usize| place_within(&sizes, index, at);
        self.tensor(port, &Cells { shape, cells, place: &place }, |_| field)
    }

    /// Reads every cell as the signature has it, and then as the model takes it.
    fn tensor<'f>(
        &self,
        port: &Port,
        cells: &Cells<'_>,
        field: impl Fn(usize) -> Option<&'f Field>,
    ) -> Result<Tensor, ServingError> {
        let kind = port.kind.unwrap_or(Kind::F32);
        let mut reader = Reader::new(kind, cells.cells.len());
        let mut faults = Vec::new();
        for (at, value) in cells.cells.iter().enumerate() {
            let field = field(at);
            let may_miss = self.model.takes_missing || field.is_some_and(|field| !field.required);
            if reader.read(value, field.map(|field| field.kind), may_miss) {
                continue;
            }
            let (pointer, place) = (cells.place)(at);
            let expected = match field {
                Some(field) if !is_of(value, field.kind) => expects(field.kind),
                _ => expects(kind),
            };
            let of = field.map(|field| format!(" ({})", field.type_name)).unwrap_or_default();
            let detail = format!("{place}: {}, where {expected} is expected{of}", shown(value));
            faults.push(FieldError::new(pointer, detail));
            if faults.len() == FAULTS_MAX {
                break;
            }
        }
        if !faults.is_empty() {
            return Err(ServingError::Input(faults));
        }
        let fits = |expected: &[Option<usize>]| {
            expected.len() == cells.shape.len()
                && expected.iter().zip(&cells.shape).all(|(dim, given)| dim.is_none_or(|dim| dim == *given))
        };
        if let Some(expected) = port.shape.as_deref().filter(|expected| !fits(expected)) {
            let detail = format!(
                "the model's input {:?} takes the shape {}, and what was sent has {:?}",
                port.name,
                shape_text(expected),
                cells.shape
            );
            return Err(self.fault("", detail));
        }
        Tensor::new(cells.shape.clone(), reader.data).map_err(|error| self.fault("", error))
    }
}
