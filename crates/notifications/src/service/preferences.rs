use db::Tx;
use kernel::{Ctx, Locale, UserId};
use rand::{Rng as _, distr::Alphanumeric};

use super::{Notifications, person};
use crate::{
    error::Error,
    model::{Channels, Preferences, TopicChoice},
    store,
};

/// A person's choices, with every topic that there is.
#[derive(Debug)]
pub(crate) struct PreferencesView {
    pub(crate) preferences: Preferences,
    /// With what it is called in the person's language.
    pub(crate) topics: Vec<(TopicChoice, &'static str)>,
}

/// Says who it is in links of mails: 43 letters and digits are more than 250 bits.
fn fresh_token() -> String {
    rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect()
}

impl Notifications {
    pub(crate) async fn preferences(&self, ctx: &Ctx) -> Result<PreferencesView, Error> {
        let user = person(ctx)?;
        let mut tx = self.db.read().await?;
        let kept = store::preferences::find(&mut tx, user).await?;
        Ok(self.view(kept.map(|kept| kept.preferences).unwrap_or_default(), ctx.locale))
    }

    /// All of them anew; topics that `choices` leaves out follow their defaults.
    pub(crate) async fn save_preferences(
        &self,
        ctx: &Ctx,
        mut preferences: Preferences,
        choices: Vec<TopicChoice>,
    ) -> Result<PreferencesView, Error> {
        let user = person(ctx)?;
        preferences.topics.clear();
        for (place, choice) in choices.into_iter().enumerate() {
            let pointer = format!("/topics/{place}/topic");
            let notice = self.notice(&choice.topic);
            let notice = notice.ok_or_else(|| Error::invalid(&pointer, "there is no such topic"))?;
            if choice.channels != (Channels { in_app: notice.in_app, email: notice.email }) {
                preferences.topics.insert(choice.topic, choice.channels);
            }
        }
        let mut tx = self.db.begin().await?;
        store::preferences::save(&mut tx, user, &preferences, &fresh_token(), ctx.now).await?;
        tx.commit().await?;
        Ok(self.view(preferences, ctx.locale))
    }

    fn view(&self, preferences: Preferences, locale: Locale) -> PreferencesView {
        let topics = self.notices().map(|notice| {
            let choice = TopicChoice {
                topic: notice.topic.to_owned(),
                channels: preferences.channels(notice.topic, Some(notice)),
            };
            let label = match locale {
                Locale::English => notice.label[0],
                Locale::French => notice.label[1],
            };
            (choice, label)
        });
        let topics = topics.collect();
        PreferencesView { preferences, topics }
    }

    /// The token that a person's mails carry; made at the first mail.
    pub(super) async fn unsubscribe_token(&self, tx: &mut Tx, user: UserId) -> Result<String, Error> {
        if let Some(kept) = store::preferences::find(tx, user).await? {
            return Ok(kept.unsubscribe_token);
        }
        let now = self.clock.now();
        store::preferences::save(tx, user, &Preferences::default(), &fresh_token(), now).await?;
        let kept = store::preferences::find(tx, user).await?;
        Ok(kept.ok_or(db::Error::NoRow)?.unsubscribe_token)
    }

    /// Whether the link of a mail leads to anybody.
    pub(crate) async fn check_unsubscribe(&self, token: &str) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        let kept = store::preferences::find_by_token(&mut tx, token).await?;
        kept.map(drop).ok_or(Error::UnsubscribeLink)
    }

    /// No more mails of this topic; without one, no more notifications by mail at all.
    pub(crate) async fn unsubscribe(&self, token: &str, topic: Option<&str>) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let kept = store::preferences::find_by_token(&mut tx, token).await?.ok_or(Error::UnsubscribeLink)?;
        let mut preferences = kept.preferences;
        for notice in self.notices().filter(|notice| topic.is_none_or(|topic| topic == notice.topic)) {
            let channels = preferences.channels(notice.topic, Some(notice));
            preferences.topics.insert(notice.topic.to_owned(), Channels { email: false, ..channels });
        }
        store::preferences::save(&mut tx, kept.user, &preferences, token, self.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
