//! Questions that people answer about traces: what is asked, and what may be the answer.

use serde::{Deserialize, Serialize};

use crate::error::Error;

#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) id: i64,
    pub(crate) schema_id: String,
    /// The experiment's row.
    pub(crate) experiment: i64,
    /// The experiment's number.
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) kind: LabelKind,
    pub(crate) input: LabelInput,
    pub(crate) instruction: Option<String>,
    pub(crate) has_comment: bool,
    /// The one that every experiment has, and that stays as it is.
    pub(crate) is_default: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelKind {
    Feedback,
    Expectation,
}

impl LabelKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Feedback => "FEEDBACK",
            Self::Expectation => "EXPECTATION",
        }
    }

    /// By its name, or by its number on the wire.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "FEEDBACK" | "1" => Ok(Self::Feedback),
            "EXPECTATION" | "2" => Ok(Self::Expectation),
            _ => Err(Error::invalid("Label schema `type` must be one of FEEDBACK or EXPECTATION.")),
        }
    }
}

/// What an answer looks like. Kept, and answered, as this makes it JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabelInput {
    PassFail {
        positive_label: String,
        negative_label: String,
    },
    Categorical {
        options: Vec<String>,
        multi_select: bool,
    },
    Numeric {
        #[serde(skip_serializing_if = "Option::is_none")]
        min_value: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_value: Option<f64>,
    },
    Text {
        #[serde(skip_serializing_if = "Option::is_none")]
        max_length: Option<i64>,
    },
}

/// The name of the question that every experiment has, which no other may take.
pub(crate) const DEFAULT_LABEL: &str = "Feedback";
pub(crate) const DEFAULT_INSTRUCTION: &str = "Share any feedback on this trace.";

const NAME_CHARS_MAX: usize = 250;
const INSTRUCTION_CHARS_MAX: usize = 1_000;
const OPTION_CHARS_MAX: usize = 64;
const OPTIONS_MAX: usize = 10;

fn check_text(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    if text.contains('\0') || text.chars().count() > chars_max {
        return Err(Error::invalid(format!(
            "{what} must have at most {chars_max} characters, and no NUL; it has {}.",
            text.chars().count()
        )));
    }
    Ok(())
}

fn check_filled(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{what} must be a non-empty string.")));
    }
    check_text(what, text, chars_max)
}

pub(crate) fn check_label_name(name: &str) -> Result<(), Error> {
    check_filled("Label schema `name`", name, NAME_CHARS_MAX)?;
    if name.trim().eq_ignore_ascii_case(DEFAULT_LABEL) {
        return Err(Error::invalid(format!(
            "`{name}` is reserved for the experiment's default question and cannot be used for another label schema."
        )));
    }
    Ok(())
}

pub(crate) fn check_instruction(text: &str) -> Result<(), Error> {
    check_text("Label schema `instruction`", text, INSTRUCTION_CHARS_MAX)
}

impl LabelInput {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::PassFail { positive_label, negative_label } => {
                for (name, label) in [("positive_label", positive_label), ("negative_label", negative_label)]
                {
                    check_filled(&format!("`InputPassFail.{name}`"), label, OPTION_CHARS_MAX)?;
                }
                if positive_label == negative_label {
                    return Err(Error::invalid(
                        "`InputPassFail.positive_label` and `negative_label` must be distinct.",
                    ));
                }
            }
            Self::Categorical { options, .. } => {
                if options.is_empty() || options.len() > OPTIONS_MAX {
                    return Err(Error::invalid(format!(
                        "`InputCategorical.options` must be a list of 1 to {OPTIONS_MAX} entries; it has {}.",
                        options.len()
                    )));
                }
                for (at, option) in options.iter().enumerate() {
                    check_filled("An entry of `InputCategorical.options`", option, OPTION_CHARS_MAX)?;
                    if options[..at].contains(option) {
                        return Err(Error::invalid(format!(
                            "`InputCategorical.options` must be deduplicated; '{option}' appears twice."
                        )));
                    }
                }
            }
            Self::Numeric { min_value, max_value } => {
                if [min_value, max_value].into_iter().flatten().any(|bound| !bound.is_finite()) {
                    return Err(Error::invalid("The bounds of `InputNumeric` must be finite numbers."));
                }
                if let (Some(min), Some(max)) = (min_value, max_value)
                    && min >= max
                {
                    return Err(Error::invalid(format!(
                        "`InputNumeric.min_value` must be strictly less than `max_value`; got min={min}, max={max}."
                    )));
                }
            }
            Self::Text { max_length } => {
                if max_length.is_some_and(|length| length < 1) {
                    return Err(Error::invalid("`InputText.max_length` must be at least 1."));
                }
            }
        }
        Ok(())
    }

    /// What answers look like does not change: those that are there would no longer fit. Their choices may.
    pub(crate) fn check_change(&self, to: &Self) -> Result<(), Error> {
        if std::mem::discriminant(self) != std::mem::discriminant(to) {
            return Err(Error::invalid("A label schema's input type cannot be changed after creation."));
        }
        if let (Self::Categorical { multi_select, .. }, Self::Categorical { multi_select: now, .. }) =
            (self, to)
            && multi_select != now
        {
            return Err(Error::invalid("`InputCategorical.multi_select` cannot be changed after creation."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categorical(options: &[&str], multi_select: bool) -> LabelInput {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        LabelInput::Categorical { options, multi_select }
    }

    fn pass_fail(positive: &str, negative: &str) -> LabelInput {
        LabelInput::PassFail { positive_label: positive.to_owned(), negative_label: negative.to_owned() }
    }

    fn numeric(min_value: Option<f64>, max_value: Option<f64>) -> LabelInput {
        LabelInput::Numeric { min_value, max_value }
    }

    #[test]
    fn inputs_are_checked() {
        let check = |input: LabelInput, fine: bool| assert_eq!(input.check().is_ok(), fine, "{input:?}");
        check(pass_fail("yes", "no"), true);
        check(pass_fail("yes", "yes"), false);
        check(pass_fail("", "no"), false);
        check(pass_fail("yes", &"n".repeat(65)), false);
        check(categorical(&["a", "b"], true), true);
        check(categorical(&[], false), false);
        check(categorical(&["a", "a"], false), false);
        check(categorical(&["a", ""], false), false);
        check(categorical(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"], false), false);
        check(numeric(None, Some(1.5)), true);
        check(numeric(Some(0.0), Some(0.0)), false);
        check(numeric(Some(f64::NAN), None), false);
        check(LabelInput::Text { max_length: None }, true);
        check(LabelInput::Text { max_length: Some(0) }, false);
    }

    #[test]
    fn answers_keep_their_form() {
        let check = |from: &LabelInput, to: &LabelInput, fine: bool| {
            assert_eq!(from.check_change(to).is_ok(), fine, "{from:?} {to:?}");
        };
        check(&pass_fail("a", "b"), &pass_fail("c", "d"), true);
        check(&pass_fail("a", "b"), &numeric(None, None), false);
        check(&categorical(&["a"], false), &categorical(&["b", "c"], false), true);
        check(&categorical(&["a"], false), &categorical(&["a"], true), false);
    }

    #[test]
    fn names_are_free_but_for_one() {
        for (name, fine) in [("Is it right?", true), ("", false), ("feedback ", false), ("a\0", false)] {
            assert_eq!(check_label_name(name).is_ok(), fine, "{name:?}");
        }
        assert!(check_label_name(&"é".repeat(250)).is_ok() && check_label_name(&"é".repeat(251)).is_err());
        assert!(check_instruction("").is_ok() && check_instruction(&"x".repeat(1_001)).is_err());
    }
}
