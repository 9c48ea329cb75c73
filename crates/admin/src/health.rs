use std::{error::Error as _, time::Duration};

use platform::{Check, Platform};

/// A component that does not answer within this time counts as down.
const LIMIT: Duration = Duration::from_secs(3);

/// One component's state.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) outcome: Result<String, String>,
}

/// `Some` if the future ends well and in time.
pub(crate) async fn within_limit<T, E>(future: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(LIMIT, future).await.ok()?.ok()
}

/// Asks every component.
pub(crate) async fn examine(platform: &Platform, checks: &[Check]) -> Vec<Component> {
    let mut components = vec![
        Component { name: "database", required: true, outcome: database(platform).await },
        Component { name: "storage", required: true, outcome: storage(platform).await },
    ];
    if platform.redis.is_configured() {
        // Without it each process goes on by itself.
        components.push(Component { name: "redis", required: false, outcome: redis(platform).await });
    }
    components.push(Component { name: "outbound", required: false, outcome: outbound(platform) });
    for check in checks {
        let outcome = match tokio::time::timeout(LIMIT, check.run()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(no_answer()),
        };
        components.push(Component { name: check.name, required: check.required, outcome });
    }
    components
}

async fn database(platform: &Platform) -> Result<String, String> {
    // Not ready while its disk is full, although reads go on: `/health` tells those.
    match tokio::time::timeout(LIMIT, platform.db.check()).await {
        Ok(Ok(())) => Ok(platform.db.engine().name().to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(no_answer()),
    }
}

async fn storage(platform: &Platform) -> Result<String, String> {
    match tokio::time::timeout(LIMIT, platform.storage.ping()).await {
        Ok(Ok(())) => Ok(platform.storage.place().to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(no_answer()),
    }
}

async fn redis(platform: &Platform) -> Result<String, String> {
    match platform.redis.check().await {
        Ok(()) => Ok("shared by all nodes".to_owned()),
        Err(error) => {
            let cause = error.source().map(|cause| format!(" ({cause})")).unwrap_or_default();
            Err(format!("{error}{cause}: each process goes on by itself with cache and limits"))
        }
    }
}

/// Hosts that users chose are their own matter; what the installation calls is not.
fn outbound(platform: &Platform) -> Result<String, String> {
    let breakers = platform.outbound.breakers();
    let closed = |breaker: &&outbound::BreakerInfo| breaker.state == outbound::BreakerState::Closed;
    let own = breakers.iter().filter(|breaker| !breaker.is_one_of_many);
    let open: Vec<_> = own.filter(|breaker| !closed(breaker)).map(|breaker| breaker.name.as_str()).collect();
    if open.is_empty() {
        Ok("no breaker is open".to_owned())
    } else {
        Err(format!("not called for now, since they failed: {}", open.join(", ")))
    }
}

fn no_answer() -> String {
    format!("no answer within {} s", LIMIT.as_secs())
}
