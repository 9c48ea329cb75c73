//! Words that read alike.

/// The known words that `word` may have meant, best first, three at most.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let most = 1 + word.chars().count() / 4;
    let mut near: Vec<_> = known
        .into_iter()
        .filter_map(|known| {
            let distance = strsim::damerau_levenshtein(word, known);
            // A part of the name is as good as a slip of the finger: `timeout` for `timeout_s`.
            let part = word.len() >= 3 && known.split('_').any(|piece| piece == word);
            (distance <= most || part).then_some((distance, known))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn alternatives(words: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}
