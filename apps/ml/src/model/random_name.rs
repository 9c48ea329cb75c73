use rand::{Rng, seq::IndexedRandom as _};

const FIRST: [&str; 48] = [
    "able", "amber", "ample", "bold", "brave", "brisk", "calm", "clear", "clever", "crisp", "dapper", "deft",
    "eager", "early", "fair", "fleet", "fond", "free", "gentle", "glad", "golden", "grand", "handy", "hardy",
    "keen", "kind", "light", "lively", "lucky", "mellow", "merry", "mild", "neat", "nimble", "noble", "open",
    "proud", "quick", "quiet", "rare", "ready", "sharp", "silver", "sunny", "sure", "swift", "true", "warm",
];
const SECOND: [&str; 48] = [
    "adder", "badger", "bear", "beaver", "bee", "bison", "carp", "cat", "colt", "crab", "crane", "crow",
    "deer", "dove", "eagle", "elk", "falcon", "finch", "fox", "frog", "goat", "goose", "hare", "hawk",
    "heron", "horse", "ibis", "jay", "kite", "lark", "lion", "lynx", "mole", "moth", "newt", "otter", "owl",
    "perch", "puma", "rook", "seal", "shrew", "snail", "stork", "swan", "trout", "wolf", "wren",
];

/// A name for a run that was given none: `swift-otter-417`.
pub(crate) fn random_name(rng: &mut impl Rng) -> String {
    let (first, second) = (FIRST.choose(rng).unwrap_or(&"plain"), SECOND.choose(rng).unwrap_or(&"run"));
    format!("{first}-{second}-{}", rng.random_range(0..1_000))
}
