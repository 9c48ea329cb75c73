//! Just enough of the ONNX file format (protobuf wire format; `onnx.proto3` of the ONNX project) to open the
//! fixed height and width of a model's input, so that convolutional models run at any size.

/// A field of a protobuf message: its number, its value (for varints) or bytes, and the whole field as written.
struct Field<'a> {
    number: u64,
    varint: Option<u64>,
    bytes: &'a [u8],
    raw: &'a [u8],
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Splits a message into its fields; `None` when it is not one.
fn fields(bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let key = varint(bytes, &mut at)?;
        let (mut value, mut content): (Option<u64>, &[u8]) = (None, &[]);
        match key & 7 {
            0 => value = Some(varint(bytes, &mut at)?),
            1 => at = at.checked_add(8)?,
            5 => at = at.checked_add(4)?,
            2 => {
                let length = usize::try_from(varint(bytes, &mut at)?).ok()?;
                let end = at.checked_add(length)?;
                content = bytes.get(at..end)?;
                at = end;
            }
            _ => return None,
        }
        let raw = bytes.get(start..at)?;
        found.push(Field { number: key >> 3, varint: value, bytes: content, raw });
    }
    Some(found)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Copies a message, replacing the content of every field `number` by what `edit` makes of it; `edit` returning
/// an empty vector drops the field.
fn rewrite(bytes: &[u8], mut edit: impl FnMut(&Field<'_>) -> Option<Edit>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    for field in fields(bytes)? {
        match edit(&field)? {
            Edit::Keep => out.extend_from_slice(field.raw),
            Edit::Drop => {}
            Edit::Replace(content) => put_bytes(&mut out, field.number, &content),
        }
    }
    Some(out)
}

enum Edit {
    Keep,
    Drop,
    Replace(Vec<u8>),
}

// Field numbers of onnx.proto3.
const MODEL_GRAPH: u64 = 7;
const GRAPH_INPUT: u64 = 11;
const GRAPH_OUTPUT: u64 = 12;
const GRAPH_VALUE_INFO: u64 = 13;
const VALUE_NAME: u64 = 1;
const VALUE_TYPE: u64 = 2;
const TYPE_TENSOR: u64 = 1;
const TENSOR_SHAPE: u64 = 2;
const SHAPE_DIM: u64 = 1;
const DIM_VALUE: u64 = 1;
const DIM_PARAM: u64 = 2;

/// Whether the bytes are a protobuf message that holds a graph, as an ONNX model does.
pub(super) fn looks_like_onnx(bytes: &[u8]) -> bool {
    fields(bytes).is_some_and(|all| {
        all.iter().any(|f| f.number == MODEL_GRAPH && fields(f.bytes).is_some_and(|graph| !graph.is_empty()))
    })
}

/// The same model with the dimensions `axes` of its input `name` left open. The written shapes of outputs and
/// of values in between are dropped, since they no longer hold. `None` when the file cannot be read or has no
/// such input; whether the graph itself works at another size only a run can tell.
pub(super) fn open_input(bytes: &[u8], name: &str, axes: &[usize]) -> Option<Vec<u8>> {
    let mut opened = false;
    let model = rewrite(bytes, |field| {
        if field.number != MODEL_GRAPH {
            return Some(Edit::Keep);
        }
        let graph = rewrite(field.bytes, |field| match field.number {
            GRAPH_VALUE_INFO => Some(Edit::Drop),
            GRAPH_OUTPUT => Some(Edit::Replace(forget_shape(field.bytes)?)),
            GRAPH_INPUT if value_name(field.bytes)? == name.as_bytes() => {
                opened = true;
                Some(Edit::Replace(open_dims(field.bytes, axes)?))
            }
            _ => Some(Edit::Keep),
        })?;
        Some(Edit::Replace(graph))
    })?;
    opened.then_some(model)
}

fn value_name(value: &[u8]) -> Option<Vec<u8>> {
    Some(fields(value)?.iter().find(|f| f.number == VALUE_NAME)?.bytes.to_vec())
}

/// A ValueInfoProto with `edit` applied to its tensor type.
fn edit_tensor(value: &[u8], mut edit: impl FnMut(&Field<'_>) -> Option<Edit>) -> Option<Vec<u8>> {
    rewrite(value, |field| {
        if field.number != VALUE_TYPE {
            return Some(Edit::Keep);
        }
        let kind = rewrite(field.bytes, |field| {
            if field.number != TYPE_TENSOR {
                return Some(Edit::Keep);
            }
            Some(Edit::Replace(rewrite(field.bytes, &mut edit)?))
        })?;
        Some(Edit::Replace(kind))
    })
}

fn forget_shape(value: &[u8]) -> Option<Vec<u8>> {
    edit_tensor(value, |field| Some(if field.number == TENSOR_SHAPE { Edit::Drop } else { Edit::Keep }))
}

fn open_dims(value: &[u8], axes: &[usize]) -> Option<Vec<u8>> {
    edit_tensor(value, |field| {
        if field.number != TENSOR_SHAPE {
            return Some(Edit::Keep);
        }
        let mut axis = 0;
        let shape = rewrite(field.bytes, |dim| {
            if dim.number != SHAPE_DIM {
                return Some(Edit::Keep);
            }
            axis += 1;
            if !axes.contains(&(axis - 1)) {
                return Some(Edit::Keep);
            }
            let fixed = fields(dim.bytes)?.iter().any(|f| f.number == DIM_VALUE && f.varint.is_some());
            let mut open = Vec::new();
            put_bytes(&mut open, DIM_PARAM, format!("open_{}", axis - 1).as_bytes());
            Some(if fixed { Edit::Replace(open) } else { Edit::Keep })
        })?;
        Some(Edit::Replace(shape))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field holding nested fields.
    fn message(number: u64, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(&mut out, number, &parts.concat());
        out
    }

    fn dim(value: u64) -> Vec<u8> {
        let mut content = vec![(DIM_VALUE << 3) as u8];
        put_varint(&mut content, value);
        message(SHAPE_DIM, &[content])
    }

    fn value(field: u64, name: &str, dims: &[u64]) -> Vec<u8> {
        let shape = message(TENSOR_SHAPE, &dims.iter().map(|&d| dim(d)).collect::<Vec<_>>());
        let kind = message(VALUE_TYPE, &[message(TYPE_TENSOR, &[vec![8, 1], shape])]);
        message(field, &[message(VALUE_NAME, &[name.as_bytes().to_vec()]), kind])
    }

    fn model(input: &str) -> Vec<u8> {
        let graph =
            [value(GRAPH_INPUT, input, &[1, 3, 416, 416]), value(GRAPH_OUTPUT, "out", &[1, 3549, 85])];
        [vec![8, 7], message(MODEL_GRAPH, &graph)].concat()
    }

    #[test]
    fn only_the_named_axes_open() {
        let opened = open_input(&model("images"), "images", &[2, 3]).unwrap();
        let mut dims = [dim(1), dim(3), Vec::new(), Vec::new()];
        for axis in [2, 3] {
            dims[axis] = message(SHAPE_DIM, &[message(DIM_PARAM, &[format!("open_{axis}").into_bytes()])]);
        }
        let expected = message(TENSOR_SHAPE, &dims);
        assert!(opened.windows(expected.len()).any(|w| w == expected));
        let output_shape = [dim(1), dim(3549), dim(85)].concat();
        assert!(!opened.windows(output_shape.len()).any(|w| w == output_shape));
        assert!(looks_like_onnx(&opened));
        assert_eq!(open_input(&model("images"), "other", &[2]), None);
    }

    proptest! {
        #[test]
        fn junk_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..100) {
            let _ = open_input(&bytes, "images", &[2, 3]);
            let mut broken = model("images");
            broken.truncate(broken.len().saturating_sub(cut + 1));
            prop_assert!(!looks_like_onnx(&broken) || fields(&broken).is_some());
        }
    }
}
