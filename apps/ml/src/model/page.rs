//! Page tokens. What they hold is bound to the query that they came from.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A value of a row by which lists are ordered. Floats are their bits: decimal digits could lose the last of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// No value: NULL, NaN, or none at all, by its rank.
    Absent(i64),
    Int(i64),
    Bits(u64),
    Text(String),
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Of the query.
    hash: String,
    pub(crate) places: Vec<Place>,
}

impl Page {
    /// `query` is everything that makes up the list, but the size of the page.
    pub(crate) fn token(query: &[&str], places: Vec<Place>) -> String {
        let page = Self { hash: hash(query), places };
        BASE64.encode(serde_json::to_vec(&page).unwrap_or_default())
    }

    /// # Errors
    ///
    /// A text that is no token, and a token of another query.
    pub(crate) fn parse(query: &[&str], token: &str) -> Result<Self, Error> {
        let bytes = decode(token)?;
        let page: Self = serde_json::from_slice(&bytes).map_err(|_| Error::invalid("Invalid page token"))?;
        if page.hash != hash(query) {
            return Err(Error::invalid(
                "Invalid page token: it belongs to a search with another filter, order or experiments",
            ));
        }
        Ok(page)
    }
}

fn decode(token: &str) -> Result<Vec<u8>, Error> {
    let plain: String = token.chars().map(|letter| if letter == ' ' { '+' } else { letter }).collect();
    BASE64.decode(plain).map_err(|_| Error::invalid("Invalid page token, could not base64-decode"))
}

fn hash(query: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in query {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[derive(Serialize, Deserialize)]
struct Offset {
    offset: usize,
}

/// MLflow's own form, for lists whose rows never change their places.
pub(crate) fn offset_token(offset: usize) -> String {
    BASE64.encode(serde_json::to_vec(&Offset { offset }).unwrap_or_default())
}

pub(crate) fn offset_of(token: Option<&str>) -> Result<usize, Error> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(0) };
    let offset: Offset =
        serde_json::from_slice(&decode(token)?).map_err(|_| Error::invalid("Invalid page token"))?;
    Ok(offset.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_belong_to_their_query() {
        let places = vec![
            Place::Bits(0.1_f64.to_bits()),
            Place::Text("a'b".to_owned()),
            Place::Absent(2),
            Place::Int(-1),
        ];
        let token = Page::token(&["a", "b"], places.clone());
        assert_eq!(Page::parse(&["a", "b"], &token).unwrap().places, places);
        for other in [&["ab", ""][..], &["a"], &["b", "a"]] {
            assert!(Page::parse(other, &token).is_err());
        }
        for garbage in ["garbage!", "bm90IGpzb24=", "", "e30="] {
            assert!(Page::parse(&["a", "b"], garbage).is_err(), "{garbage}");
        }
        assert_eq!(offset_of(Some(&offset_token(7))).unwrap(), 7);
        assert_eq!(offset_of(None).unwrap(), 0);
        assert!(offset_of(Some("???")).is_err());
    }
}
