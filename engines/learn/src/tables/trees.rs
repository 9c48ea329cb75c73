use std::collections::{BTreeSet, HashMap};

use super::{
    Given,
    attributes::Attributes,
    scores::{Classes, Transform, as_floats, greatest, logistic},
};
use crate::{Data, LoadError, RunError, Value};

/// `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.
#[derive(Debug)]
pub(super) struct Trees {
    nodes: Vec<Node>,
    roots: Vec<usize>,
    /// What leaves add: target, weight. A leaf has a range of them.
    leaves: Vec<(usize, f64)>,
    /// Greatest column that a node asks.
    columns: usize,
    targets: usize,
    base: Vec<f64>,
    transform: Transform,
    aggregate: Aggregate,
    /// Sums are made with 64 bits; else they are rounded to 32 after every tree, which decides ties as it does elsewhere.
    is_double: bool,
    classes: Option<Binary>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    test: Test,
    column: usize,
    threshold: f64,
    yes: usize,
    no: usize,
    missing_is_yes: bool,
    leaves: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    AtMost,
    Less,
    AtLeast,
    Greater,
    Equal,
    Unequal,
    Leaf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// Classes, and what is needed to tell two of them apart by one sum.
#[derive(Debug)]
struct Binary {
    classes: Classes,
    /// Two classes, and all leaves speak of one.
    by_one_sum: bool,
    all_positive: bool,
}

impl Trees {
    pub(super) fn classifier(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        let classes = Classes::read(attributes, "classlabels_int64s", "classlabels_strings");
        let ids: BTreeSet<i64> = attributes.ints("class_ids").iter().copied().collect();
        let (weights, _) = attributes.numbers("class_weights")?;
        let binary = Binary {
            by_one_sum: classes.len() == 2 && ids.len() == 1,
            all_positive: weights.iter().all(|weight| *weight >= 0.0),
            classes,
        };
        let targets = binary.classes.len();
        Self::read(attributes, "class", targets, Aggregate::Sum, Some(binary))
    }

    pub(super) fn regressor(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        let targets = usize::try_from(attributes.int("n_targets").unwrap_or(1)).unwrap_or(0);
        let aggregate = match attributes.text("aggregate_function").as_deref() {
            None | Some("SUM") => Aggregate::Sum,
            Some("AVERAGE") => Aggregate::Average,
            Some("MIN") => Aggregate::Min,
            Some("MAX") => Aggregate::Max,
            Some(other) => return Err(attributes.broken(format_args!("there is no aggregate {other}"))),
        };
        Self::read(attributes, "target", targets, aggregate, None)
    }

    fn read(
        attributes: &Attributes<'_>,
        kind: &str,
        targets: usize,
        aggregate: Aggregate,
        classes: Option<Binary>,
    ) -> Result<Self, LoadError> {
        let (thresholds, is_double) = attributes.numbers("nodes_values")?;
        let trees = attributes.ints("nodes_treeids");
        let numbers = attributes.ints("nodes_nodeids");
        let columns = attributes.indices("nodes_featureids")?;
        let modes = attributes.texts("nodes_modes");
        let yes = attributes.ints("nodes_truenodeids");
        let no = attributes.ints("nodes_falsenodeids");
        let missing = attributes.ints("nodes_missing_value_tracks_true");
        let count = trees.len();
        let lengths = [thresholds.len(), numbers.len(), columns.len(), modes.len(), yes.len(), no.len()];
        if count == 0 || targets == 0 || targets > 1 << 20 || lengths.iter().any(|length| *length != count) {
            return Err(attributes.broken("its lists of nodes are of different lengths, or empty"));
        }
        let places: HashMap<(i64, i64), usize> =
            trees.iter().copied().zip(numbers.iter().copied()).zip(0..).collect();
        let leaves = Leaves::read(attributes, kind, targets, &places)?;
        let mut nodes = Vec::with_capacity(count);
        let mut parents = vec![0_u8; count];
        for at in 0..count {
            let test = Test::read(&modes[at])
                .ok_or_else(|| attributes.broken(format_args!("there is no test {}", modes[at])))?;
            let mut node = Node {
                test,
                column: columns[at],
                threshold: thresholds[at],
                yes: 0,
                no: 0,
                missing_is_yes: missing.get(at) == Some(&1),
                leaves: leaves.ranges.get(&at).copied().unwrap_or((0, 0)),
            };
            if test != Test::Leaf {
                let child = |number: i64| places.get(&(trees[at], number)).copied();
                let (Some(yes), Some(no)) = (child(yes[at]), child(no[at])) else {
                    return Err(attributes.broken("a node leads to one that is not there"));
                };
                (node.yes, node.no) = (yes, no);
                for below in BTreeSet::from([yes, no]) {
                    parents[below] = parents[below].saturating_add(1);
                }
            }
            nodes.push(node);
        }
        // Invariant: one parent at most for each, and none for roots, so that every way down ends.
        if parents.iter().any(|count| *count > 1) {
            return Err(attributes.broken("two nodes lead to the same one"));
        }
        let roots: Vec<usize> = (0..count).filter(|at| parents[*at] == 0).collect();
        let (base, _) = attributes.numbers("base_values")?;
        let columns = nodes
            .iter()
            .filter(|node| node.test != Test::Leaf)
            .map(|node| node.column + 1)
            .max()
            .unwrap_or(0);
        Ok(Self {
            nodes,
            roots,
            leaves: leaves.weights,
            columns,
            targets,
            base,
            transform: Transform::read(attributes)?,
            aggregate,
            is_double,
            classes,
        })
    }

    pub(super) fn run(&self, given: &Given<'_>) -> Result<Vec<Value>, RunError> {
        let tensor = given.tensor(0)?;
        let (rows, columns) = tensor.table()?;
        if columns < self.columns {
            return Err(RunError(format!("{} columns are expected, and there are {columns}", self.columns)));
        }
        let values = match tensor.data() {
            Data::F64(_) => tensor.doubles()?,
            // As the columns are compared with the model's 32 bits.
            _ => tensor.floats()?.into_iter().map(f64::from).collect(),
        };
        let mut winners = Vec::with_capacity(rows);
        let mut all = Vec::with_capacity(rows * self.targets);
        for row in 0..rows {
            let sums = self.sums(&values[row * columns..(row + 1) * columns]);
            match &self.classes {
                Some(binary) => {
                    let (winner, scores) = self.decide(binary, sums);
                    winners.push(winner);
                    all.extend(scores);
                }
                None => all.extend(self.finish(sums)),
            }
        }
        match &self.classes {
            Some(binary) => {
                let width = all.len().checked_div(rows).unwrap_or(self.targets);
                Ok(vec![binary.classes.chosen(&winners)?, as_floats(vec![rows, width], all)?])
            }
            None => Ok(vec![as_floats(vec![rows, self.targets], all)?]),
        }
    }

    fn leaf(&self, root: usize, row: &[f64]) -> &[(usize, f64)] {
        let mut node = &self.nodes[root];
        while node.test != Test::Leaf {
            let value = row[node.column];
            let is_yes = node.test.holds(value, node.threshold) || node.missing_is_yes && value.is_nan();
            node = &self.nodes[if is_yes { node.yes } else { node.no }];
        }
        &self.leaves[node.leaves.0..node.leaves.1]
    }

    /// For each target what the trees say together; `None` where none says anything.
    fn sums(&self, row: &[f64]) -> Vec<Option<f64>> {
        let mut sums = vec![None; self.targets];
        for root in &self.roots {
            for (target, weight) in self.leaf(*root, row) {
                let sum: &mut Option<f64> = &mut sums[*target];
                *sum = Some(match (*sum, self.aggregate) {
                    (None, _) => *weight,
                    (Some(sum), Aggregate::Min) => sum.min(*weight),
                    (Some(sum), Aggregate::Max) => sum.max(*weight),
                    (Some(sum), _) => self.rounded(sum + weight),
                });
            }
        }
        sums
    }

    fn rounded(&self, value: f64) -> f64 {
        if self.is_double { value } else { f64::from(value as f32) }
    }

    fn finish(&self, sums: Vec<Option<f64>>) -> Vec<f64> {
        let has_base = self.base.len() == self.targets;
        let mut scores: Vec<f64> = sums
            .into_iter()
            .enumerate()
            .map(|(at, sum)| {
                let sum = sum.unwrap_or(0.0);
                let sum = match self.aggregate {
                    Aggregate::Average => self.rounded(sum / self.roots.len() as f64),
                    _ => sum,
                };
                if has_base { self.rounded(sum + self.base[at]) } else { sum }
            })
            .collect();
        if scores.len() > 1 {
            self.transform.apply(&mut scores);
        }
        scores
    }

    /// Which class wins, and the classes' scores. Where two classes are told by one sum, ONNX leaves open what is meant;
    /// this is what ONNX Runtime makes of it.
    fn decide(&self, binary: &Binary, mut sums: Vec<Option<f64>>) -> (usize, Vec<f64>) {
        if self.targets != 2 {
            for (sum, base) in sums.iter_mut().zip(&self.base) {
                *sum = Some(self.rounded(sum.unwrap_or(0.0) + base));
            }
            // A class of which no tree speaks cannot win.
            let known: Vec<f64> = sums.iter().map(|sum| sum.unwrap_or(f64::NEG_INFINITY)).collect();
            let mut scores: Vec<f64> = sums.iter().map(|sum| sum.unwrap_or(0.0)).collect();
            self.transform.apply(&mut scores);
            return (greatest(&known), scores);
        }
        let mut scores = [sums[0].unwrap_or(0.0), sums[1].unwrap_or(0.0)];
        let mut is_one = sums[1].is_none();
        let mut decisive = if is_one { scores[0] } else { scores[1] };
        match (self.base[..].len(), is_one) {
            (2, false) => {
                decisive = self.rounded(self.base[1] + scores[0]);
                scores = [-decisive, decisive];
            }
            (2, true) => {
                scores = [self.rounded(scores[0] + self.base[0]), self.base[1]];
                decisive = scores[0];
                is_one = false;
            }
            (1, _) => {
                scores[0] = self.rounded(scores[0] + self.base[0]);
                if is_one {
                    decisive = scores[0];
                }
            }
            _ => {}
        }
        let bound = if binary.by_one_sum && binary.all_positive { 0.5 } else { 0.0 };
        let winner = usize::from(decisive > bound);
        if !is_one {
            self.transform.apply(&mut scores);
            return (winner, scores.to_vec());
        }
        let sum = scores[0];
        let scores = if binary.by_one_sum && binary.all_positive {
            [1.0 - sum, sum]
        } else if self.transform == Transform::Logistic {
            [logistic(-sum), logistic(sum)]
        } else if winner == 1 {
            [-sum, sum]
        } else {
            [sum, -sum]
        };
        (winner, scores.to_vec())
    }
}

impl Test {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "BRANCH_LEQ" => Self::AtMost,
            "BRANCH_LT" => Self::Less,
            "BRANCH_GTE" => Self::AtLeast,
            "BRANCH_GT" => Self::Greater,
            "BRANCH_EQ" => Self::Equal,
            "BRANCH_NEQ" => Self::Unequal,
            "LEAF" => Self::Leaf,
            _ => return None,
        })
    }

    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::AtMost => value <= threshold,
            Self::Less => value < threshold,
            Self::AtLeast => value >= threshold,
            Self::Greater => value > threshold,
            Self::Equal => value == threshold,
            Self::Unequal => value != threshold,
            Self::Leaf => false,
        }
    }
}

/// What the leaves say, those of one node side by side.
struct Leaves {
    weights: Vec<(usize, f64)>,
    ranges: HashMap<usize, (usize, usize)>,
}

impl Leaves {
    fn read(
        attributes: &Attributes<'_>,
        kind: &str,
        targets: usize,
        places: &HashMap<(i64, i64), usize>,
    ) -> Result<Self, LoadError> {
        let trees = attributes.ints(&format!("{kind}_treeids"));
        let numbers = attributes.ints(&format!("{kind}_nodeids"));
        let ids = attributes.indices(&format!("{kind}_ids"))?;
        let (weights, _) = attributes.numbers(&format!("{kind}_weights"))?;
        let lengths = [numbers.len(), ids.len(), weights.len()];
        if lengths.iter().any(|length| *length != trees.len()) || ids.iter().any(|id| *id >= targets) {
            return Err(attributes.broken("its lists of leaves do not fit"));
        }
        let mut by_node: Vec<(usize, usize, f64)> = Vec::with_capacity(weights.len());
        for at in 0..weights.len() {
            let place = places.get(&(trees[at], numbers[at]));
            let place = place.ok_or_else(|| attributes.broken("a leaf is of a node that is not there"))?;
            by_node.push((*place, ids[at], weights[at]));
        }
        // Stable: those of a node keep their order.
        by_node.sort_by_key(|(place, ..)| *place);
        let mut ranges: HashMap<usize, (usize, usize)> = HashMap::new();
        for (at, (place, ..)) in by_node.iter().enumerate() {
            ranges.entry(*place).or_insert((at, at)).1 = at + 1;
        }
        Ok(Self { weights: by_node.into_iter().map(|(_, id, weight)| (id, weight)).collect(), ranges })
    }
}
