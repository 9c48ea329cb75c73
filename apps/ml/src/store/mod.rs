//! SQL and nothing else. What belongs to runs and models is found by their rows' own numbers, which only look-ups within a
//! workspace give.

pub(crate) mod columns;
pub(crate) mod evaluation;
pub(crate) mod experiments;
pub(crate) mod files;
pub(crate) mod inputs;
pub(crate) mod labels;
pub(crate) mod logged;
pub(crate) mod metrics;
pub(crate) mod mlflow;
pub(crate) mod pairs;
pub(crate) mod purges;
pub(crate) mod registry;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod scorers;
pub(crate) mod search;
pub(crate) mod traces;
pub(crate) mod versions;
pub(crate) mod webhooks;
