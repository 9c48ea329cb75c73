use std::{fmt, str::FromStr, sync::Arc};

/// Where a request, job or call stands in a distributed trace: the `traceparent` header of W3C Trace Context, with the
/// `tracestate` that came with it.
///
/// The text form is the header's, without the state: `00-{trace id}-{parent id}-{flags}`.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
    state: Option<Arc<str>>,
}

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct NotTraceParent;

/// What callers may hang on, at most; the standard asks for 512 bytes.
const STATE_BYTES_MAX: usize = 512;

impl TraceParent {
    /// `None` when either id is zero, which the standard forbids.
    pub fn new(trace_id: u128, parent_id: u64, flags: u8) -> Option<Self> {
        (trace_id != 0 && parent_id != 0).then_some(Self { trace_id, parent_id, flags, state: None })
    }

    /// The same, with a `tracestate`; one that is too long or not printable is left out, as the standard allows.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        let fine = !state.is_empty()
            && state.len() <= STATE_BYTES_MAX
            && state.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        self.state = fine.then(|| state.into());
        self
    }

    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    pub fn parent_id(&self) -> u64 {
        self.parent_id
    }

    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// `tracestate`, for the next in line.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The trace id as logs and tools show it: 32 hexadecimal digits.
    pub fn trace_id_text(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl FromStr for TraceParent {
    type Err = NotTraceParent;

    /// Later versions may have more parts at the end; version `ff` is forbidden, version `00` has four parts.
    fn from_str(text: &str) -> Result<Self, NotTraceParent> {
        let mut parts = text.split('-');
        let mut next = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
        };
        let (Some(version), Some(trace), Some(parent), Some(flags)) = (next(2), next(32), next(16), next(2))
        else {
            return Err(NotTraceParent);
        };
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(NotTraceParent);
        }
        let read = || {
            let trace = u128::from_str_radix(trace, 16).ok()?;
            let parent = u64::from_str_radix(parent, 16).ok()?;
            Self::new(trace, parent, u8::from_str_radix(flags, 16).ok()?)
        };
        read().ok_or(NotTraceParent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_allows_is_read() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<TraceParent>().is_ok(), expected, "{text:?}")
        };
        let fine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        check(fine, true);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false);
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false);
        check("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("", false);
        assert_eq!(fine.parse::<TraceParent>().unwrap().to_string(), fine);
    }

    #[test]
    fn a_state_that_cannot_be_a_header_is_left_out() {
        let parent = TraceParent::new(1, 2, 1).unwrap();
        assert_eq!(parent.clone().with_state("a=b,c=d").state(), Some("a=b,c=d"));
        for wrong in ["", "a=b\r\nx: y", &"x".repeat(513)] {
            assert_eq!(parent.clone().with_state(wrong).state(), None);
        }
    }
}
