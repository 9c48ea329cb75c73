use db::{OnConstraint as _, Tx};
use kernel::{Timestamp, UserId};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::{
    super::{
        BrowserSession, Identity, SignedIn,
        login::{Opening, Proven},
        notices::Change,
    },
    Provider,
    client::Claims,
    depart::Trip,
};
use crate::{
    error::Error,
    model::{Account, Email, Hash, NewEntry, PersonName, SessionKind, Token, User, UserKind, Visit, methods},
    store::{self, challenges::Purpose, providers::NewLink, sessions::Proof},
};

/// What a provider sent the browser back with.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    pub(crate) code: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) error: Option<String>,
    /// RFC 9207.
    pub(crate) iss: Option<String>,
}

/// What became of it.
pub(crate) enum Arrival {
    SignedIn { session: BrowserSession, next: Option<String> },
    Linked { next: Option<String> },
}

/// What went wrong, and for whom.
pub(crate) struct Stranded {
    pub(crate) error: Error,
    /// They were about to link, not to sign in.
    pub(crate) was_link: bool,
    pub(crate) next: Option<String>,
}

impl Identity {
    pub(crate) async fn return_from_provider(
        &self,
        visit: &Visit,
        id: &str,
        returned: Returned,
        cookie: Option<&str>,
        signed_in: Option<&SignedIn>,
    ) -> Result<Arrival, Stranded> {
        if let Err(error) = self.0.providers.find(id) {
            return Err(Stranded { error, was_link: false, next: None });
        }
        let trip = cookie.and_then(|cookie| self.trip(cookie, visit.now)).filter(|trip| trip.provider == id);
        let Some(trip) = trip else {
            return Err(Stranded { error: Error::ProviderState, was_link: false, next: None });
        };
        let (was_link, next) = (trip.link.is_some(), trip.next.clone());
        let arrived = self.arrive(visit, id, returned, trip, signed_in).await;
        arrived.map_err(|error| Stranded { error, was_link, next })
    }

    async fn arrive(
        &self,
        visit: &Visit,
        id: &str,
        returned: Returned,
        trip: Trip,
        signed_in: Option<&SignedIn>,
    ) -> Result<Arrival, Error> {
        let provider = self.0.providers.find(id)?;
        // Before anything else: an answer to somebody else's question is none.
        let state = returned.state.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(trip.state.as_bytes())) {
            return Err(Error::ProviderState);
        }
        if returned.iss.is_some_and(|iss| iss != provider.client.issuer()) {
            return Err(Error::ProviderFailed);
        }
        if let Some(error) = returned.error {
            tracing::info!(provider.id = id, %error, "a provider let nobody in");
            return Err(Error::ProviderRefused);
        }
        let code = returned.code.ok_or(Error::ProviderRefused)?;
        self.0.throttle.take_address(visit.address).await?;
        let claims = provider.client.claims(code, trip.verifier, trip.nonce, visit.now).await.map_err(|error| {
            tracing::warn!(provider.id = id, error = %format!("{error:#}"), "a provider's answer was refused");
            Error::ProviderFailed
        })?;
        self.use_up(&trip.state, trip.expires_at, visit.now).await?;
        self.0.throttle.give_address_back(visit.address).await;
        match trip.link {
            Some(user) => {
                // Still the one who set out.
                if signed_in.is_none_or(|signed_in| signed_in.user.id != user) {
                    return Err(Error::ProviderState);
                }
                self.link_own(visit, &provider, &claims, user).await?;
                Ok(Arrival::Linked { next: trip.next })
            }
            None => {
                let account = self.whose(visit, &provider, &claims).await?;
                let mut shown = vec![methods::OTHER_PROVIDER.to_owned()];
                if provider.config.trust_mfa && claims.methods.iter().any(|method| method == methods::SEVERAL)
                {
                    shown.push(methods::SEVERAL.to_owned());
                }
                let proven = Proven { account, attempt: None, rehashed: None, methods: shown, shown: None };
                let cookie = Token::random(&mut rand::rng());
                let proof = Proof::Cookie(cookie.hash());
                let opening =
                    Opening { kind: SessionKind::Browser, scopes: Vec::new(), proof, challenge: None };
                let (session, _) = self.open(visit, proven, opening).await?;
                Ok(Arrival::SignedIn { session: BrowserSession { id: session.id, cookie }, next: trip.next })
            }
        }
    }

    /// A return counts once, also where a provider would take its code twice.
    async fn use_up(&self, state: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), Error> {
        let hash = Hash::of(state.as_bytes());
        let mut tx = self.0.db.begin().await?;
        let is_first =
            store::challenges::insert_used(&mut tx, &hash, Purpose::Provider, None, now, expires_at).await?;
        tx.commit().await?;
        if is_first { Ok(()) } else { Err(Error::ProviderState) }
    }

    /// The account that these claims sign in to: linked before, linked now by an address that both sides verified, or new.
    async fn whose(&self, visit: &Visit, provider: &Provider, claims: &Claims) -> Result<Account, Error> {
        let id = provider.config.id.as_str();
        let mut tx = self.0.db.begin().await?;
        let linked = store::providers::find(&mut tx, id, &claims.issuer, &claims.subject).await?;
        if let Some(link) = linked {
            let account = store::users::find_account_by_id(&mut tx, link.user).await?;
            let account = account.filter(Account::may_sign_in).ok_or(Error::ProviderNoAccount)?;
            store::providers::save_use(&mut tx, id, &claims.issuer, &claims.subject, visit.now).await?;
            tx.commit().await?;
            return Ok(account);
        }
        let email = claims.email.as_deref().and_then(Email::parse).ok_or(Error::ProviderNoAccount)?;
        if !claims.email_verified {
            return Err(Error::ProviderUnverified);
        }
        let account = match store::users::find_account(&mut tx, &email).await? {
            Some(account) => {
                if !account.may_sign_in() || account.user.kind != UserKind::Person {
                    return Err(Error::ProviderNoAccount);
                }
                // Else whoever made an account with somebody's address would be let into what its owner does with it.
                if !account.user.is_verified {
                    return Err(Error::ProviderUnverified);
                }
                account
            }
            None if provider.config.allow_sign_up => {
                self.sign_up(&mut tx, visit, provider, claims, &email).await?
            }
            None => return Err(Error::ProviderNoAccount),
        };
        self.link(&mut tx, visit, provider, claims, &account.user, "address").await?;
        tx.commit().await?;
        Ok(account)
    }

    async fn sign_up(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        provider: &Provider,
        claims: &Claims,
        email: &Email,
    ) -> Result<Account, Error> {
        let workspace = store::workspaces::find_first(tx).await?.ok_or(Error::NoWorkspace)?;
        store::workspaces::lock(tx, workspace.id).await?;
        let role = store::roles::find(tx, workspace.id, &provider.config.role).await?;
        let role = role.ok_or_else(|| {
            tracing::error!(
                provider.id = provider.config.id,
                role = provider.config.role,
                "the provider's role does not exist"
            );
            Error::ProviderFailed
        })?;
        let name =
            |text: &str| PersonName::parse(text).map(|name| name.as_str().to_owned()).unwrap_or_default();
        let user = User {
            id: UserId::new(visit.now),
            kind: UserKind::Person,
            home: workspace.id,
            email: email.shown().to_owned(),
            first_name: name(&claims.first_name),
            last_name: name(&claims.last_name),
            locale: None,
            is_active: true,
            // The provider says so.
            is_verified: true,
            created_at: visit.now,
            updated_at: visit.now,
            last_login_at: None,
            deleted_at: None,
            pending_email: None,
        };
        store::users::insert(tx, &user, email, None)
            .await
            .on_constraint("identity_users_email_key_key", || Error::ProviderNoAccount)?;
        store::workspaces::insert_membership(tx, workspace.id, user.id, &role.name, visit.now).await?;
        let entry = NewEntry::during(visit, workspace.id, "identity.user-created")
            .actor(user.id)
            .target(user.id)
            .detail(json!({ "email": user.email, "roles": [role.name], "provider": provider.config.id }));
        self.write_down(tx, entry).await?;
        store::users::find_account_by_id(tx, user.id).await?.ok_or(Error::UserNotFound(user.id))
    }

    async fn link_own(
        &self,
        visit: &Visit,
        provider: &Provider,
        claims: &Claims,
        user: UserId,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let account =
            store::users::find_account_by_id(&mut tx, user).await?.ok_or(Error::UserNotFound(user))?;
        let known =
            store::providers::find(&mut tx, &provider.config.id, &claims.issuer, &claims.subject).await?;
        match known {
            Some(link) if link.user == user => return Ok(()),
            Some(_) => return Err(Error::ProviderTaken),
            None => {}
        }
        self.link(&mut tx, visit, provider, claims, &account.user, "owner").await?;
        tx.commit().await?;
        Ok(())
    }

    async fn link(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        provider: &Provider,
        claims: &Claims,
        user: &User,
        by: &str,
    ) -> Result<(), Error> {
        let new = NewLink {
            provider: &provider.config.id,
            issuer: &claims.issuer,
            subject: &claims.subject,
            user: user.id,
            email: claims.email.as_deref(),
            now: visit.now,
        };
        // One account there for each account here.
        store::providers::insert(tx, new)
            .await
            .on_constraint("identity_provider_links_user_id_provider_key", || Error::ProviderTaken)?;
        self.tell_owner(tx, visit, user, &Change::ProviderLinked(provider.config.name.clone())).await?;
        let entry = NewEntry::during(visit, user.home, "identity.provider-linked")
            .actor(user.id)
            .target(user.id)
            .detail(json!({ "provider": provider.config.id, "by": by }));
        self.write_down(tx, entry).await?;
        Ok(())
    }
}
