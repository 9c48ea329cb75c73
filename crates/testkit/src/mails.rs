use db::{FromRow, Json, Row};
use jobs::Job as _;
use platform::Mail;
use serde_json::Value;

use crate::{App, eventually};

/// A mail that was ordered, whether a server takes it or not.
#[derive(Debug, Clone)]
pub struct SentMail {
    pub to: String,
    pub template: String,
    pub locale: String,
    pub params: Value,
}

impl SentMail {
    /// The token of its link.
    ///
    /// # Panics
    ///
    /// When there is no link in it.
    #[track_caller]
    pub fn token(&self) -> String {
        let url = self.params["url"].as_str().unwrap_or_else(|| panic!("no link: {self:?}"));
        url.split("token=").nth(1).unwrap_or_else(|| panic!("no token: {url}")).to_owned()
    }
}

struct Args(Value);

impl FromRow for Args {
    fn from_row(row: &Row) -> db::Result<Self> {
        let Json(args) = row.get("value")?;
        Ok(Self(args))
    }
}

impl App {
    /// All mails that were ordered so far, the oldest first; waits for what strangers asked for to be answered.
    ///
    /// # Panics
    ///
    /// When the tasks cannot be read.
    pub async fn mails(&self) -> Vec<SentMail> {
        eventually("what strangers asked for is done", async || {
            let mut tx = self.platform.db.read().await.ok()?;
            let open: i64 = tx
                .query(
                    "SELECT COUNT(*) AS value FROM jobs_tasks
                     WHERE kind = 'identity.answer_by_mail' AND finished_at IS NULL",
                )
                .one()
                .await
                .ok()?;
            (open == 0).then_some(())
        })
        .await;
        let mut tx = self.platform.db.read().await.expect("the tasks can be read");
        let rows: Vec<Args> = tx
            .query("SELECT args AS value FROM jobs_tasks WHERE kind = $1 ORDER BY id")
            .bind(Mail::KIND)
            .all()
            .await
            .expect("the tasks can be read");
        // Tasks of one instant have no order among themselves: what is ordered from now on is later.
        self.clock.advance(std::time::Duration::from_millis(1));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.into_iter()
            .map(|Args(args)| SentMail {
                to: text(&args["to"]),
                template: text(&args["template"]),
                locale: text(&args["locale"]),
                params: args["params"].clone(),
            })
            .collect()
    }

    /// Those to one address.
    pub async fn mails_to(&self, address: &str) -> Vec<SentMail> {
        let mut mails = self.mails().await;
        mails.retain(|mail| mail.to == address);
        mails
    }
}
