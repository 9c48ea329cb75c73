use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use kernel::{FieldError, Problem};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// A numbered page of a list, with its count.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: u64,
    pub page: u32,
    pub page_size: u32,
    pub total_pages: u64,
}

/// Which page: `page` from 1, `page_size` 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageQuery {
    pub page: u32,
    pub page_size: u32,
}

impl PageQuery {
    /// Checks what the caller sent; 1 and 20 where nothing came.
    pub fn parse(page: Option<u32>, page_size: Option<u32>) -> Result<Self, Problem> {
        let (page, page_size) = (page.unwrap_or(1), page_size.unwrap_or(20));
        let mut faults = Vec::new();
        if page == 0 || page > 1_000_000 {
            faults.push(FieldError::new("page", "must be from 1 to 1000000"));
        }
        if !(1..=100).contains(&page_size) {
            faults.push(FieldError::new("page_size", "must be from 1 to 100"));
        }
        if faults.is_empty() {
            Ok(Self { page, page_size })
        } else {
            Err(Problem::bad_request("invalid-query", "page or page_size is out of bounds")
                .with_errors(faults))
        }
    }

    pub fn limit(self) -> i64 {
        i64::from(self.page_size)
    }

    pub fn offset(self) -> i64 {
        (i64::from(self.page) - 1) * i64::from(self.page_size)
    }

    pub fn of<T>(self, items: Vec<T>, total: u64) -> Page<T> {
        let size = u64::from(self.page_size);
        Page { items, total, page: self.page, page_size: self.page_size, total_pages: total.div_ceil(size) }
    }
}

impl<T> Page<T> {
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
            page: self.page,
            page_size: self.page_size,
            total_pages: self.total_pages,
        }
    }
}

/// A stretch of an endless list. Never counts; `next_cursor` asks for what follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct Feed<T> {
    pub items: Vec<T>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Feed<T> {
    /// From `limit + 1` rows: the extra one says that there is more, and the cursor is made from the last one shown.
    pub fn new<C: Serialize>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = more.then(|| items.last().map(|last| Cursor::encode(&key(last)))).flatten();
        Self { items, next_cursor }
    }

    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Feed<U> {
        Feed { items: self.items.into_iter().map(convert).collect(), next_cursor: self.next_cursor }
    }
}

/// Opaque to callers: base64url of the sort key as JSON.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub fn encode<C: Serialize>(key: &C) -> String {
        BASE64.encode(serde_json::to_vec(key).unwrap_or_default())
    }

    pub fn decode<C: DeserializeOwned>(&self) -> Result<C, Problem> {
        let fault = || {
            Problem::bad_request("invalid-query", "cursor is not one that this list gave")
                .with_errors(vec![FieldError::new("cursor", "use next_cursor of the answer before")])
        };
        let bytes = BASE64.decode(&self.0).map_err(|_| fault())?;
        serde_json::from_slice(&bytes).map_err(|_| fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded() {
        assert_eq!(PageQuery::parse(None, None), Ok(PageQuery { page: 1, page_size: 20 }));
        for (page, size) in [(Some(0), None), (None, Some(0)), (None, Some(101)), (Some(u32::MAX), None)] {
            assert!(PageQuery::parse(page, size).is_err(), "{page:?} {size:?}");
        }
        let page = PageQuery { page: 3, page_size: 10 };
        assert_eq!((page.limit(), page.offset()), (10, 20));
        assert_eq!(page.of(vec![(); 5], 25).total_pages, 3);
    }

    #[test]
    fn a_feed_ends_where_the_rows_end() {
        let feed = Feed::new(vec![1, 2, 3], 2, |n| *n);
        assert_eq!(feed.items, [1, 2]);
        let cursor = Cursor(feed.next_cursor.unwrap());
        assert_eq!(cursor.decode::<i32>().unwrap(), 2);
        assert!(cursor.decode::<Vec<String>>().is_err());
        assert!(Feed::new(vec![1, 2], 2, |n| *n).next_cursor.is_none());
    }
}
