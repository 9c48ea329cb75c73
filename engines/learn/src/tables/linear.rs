use super::{
    Given,
    attributes::Attributes,
    scores::{Classes, Transform, as_floats, greatest, logistic},
};
use crate::{LoadError, RunError, Value};

/// `LinearClassifier` and `LinearRegressor`: one sum of weighted columns for each class or target.
#[derive(Debug)]
pub(super) struct Linear {
    /// Row-major, one row a target.
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    targets: usize,
    transform: Transform,
    /// Of a classifier.
    classes: Option<Classes>,
}

impl Linear {
    pub(super) fn classifier(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        let classes = Classes::read(attributes, "classlabels_ints", "classlabels_strings");
        let targets = attributes.floats("intercepts").len();
        if targets == 0 || !(classes.len() == targets || targets == 1 && classes.len() == 2) {
            return Err(attributes.broken("its classes do not fit its intercepts"));
        }
        Self::read(attributes, targets, Some(classes))
    }

    pub(super) fn regressor(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        let targets = usize::try_from(attributes.int("targets").unwrap_or(1)).unwrap_or(0);
        Self::read(attributes, targets, None)
    }

    fn read(
        attributes: &Attributes<'_>,
        targets: usize,
        classes: Option<Classes>,
    ) -> Result<Self, LoadError> {
        let coefficients = attributes.floats("coefficients").to_vec();
        let mut intercepts = attributes.floats("intercepts").to_vec();
        if intercepts.is_empty() && targets <= coefficients.len() {
            intercepts = vec![0.0; targets];
        }
        let is_whole = targets > 0
            && intercepts.len() == targets
            && coefficients.len().is_multiple_of(targets)
            && !coefficients.is_empty();
        if !is_whole {
            return Err(attributes.broken("its coefficients, intercepts and targets do not fit"));
        }
        Ok(Self { coefficients, intercepts, targets, transform: Transform::read(attributes)?, classes })
    }

    pub(super) fn run(&self, given: &Given<'_>) -> Result<Vec<Value>, RunError> {
        let tensor = given.tensor(0)?;
        let (rows, columns) = tensor.table()?;
        if columns * self.targets != self.coefficients.len() {
            let expected = self.coefficients.len() / self.targets;
            return Err(RunError(format!("{expected} columns are expected, and there are {columns}")));
        }
        let floats = tensor.floats()?;
        let mut winners = Vec::with_capacity(rows);
        let mut all = Vec::with_capacity(rows * self.targets);
        for row in floats.chunks_exact(columns) {
            let targets = self.coefficients.chunks_exact(columns).zip(&self.intercepts);
            let sum = |(weights, intercept): (&[f32], &f32)| {
                f64::from(
                    weights.iter().zip(row).map(|(weight, value)| weight * value).sum::<f32>() + intercept,
                )
            };
            let mut scores: Vec<f64> = targets.map(sum).collect();
            match &self.classes {
                // One sum for two classes: for or against the second.
                Some(classes) if self.targets == 1 && classes.len() == 2 => {
                    winners.push(usize::from(scores[0] > 0.0));
                    let second = match self.transform {
                        Transform::Logistic => logistic(scores[0]),
                        _ => scores[0],
                    };
                    scores = vec![1.0 - second, second];
                }
                _ => {
                    winners.push(greatest(&scores));
                    self.transform.apply(&mut scores);
                }
            }
            all.extend(scores);
        }
        match &self.classes {
            Some(classes) => {
                let columns = classes.len();
                Ok(vec![classes.chosen(&winners)?, as_floats(vec![rows, columns], all)?])
            }
            None => Ok(vec![as_floats(vec![rows, self.targets], all)?]),
        }
    }
}
