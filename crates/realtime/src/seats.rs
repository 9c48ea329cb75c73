use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{Problem, UserId};

use crate::Config;

/// How many connections there are, in all and of each user.
#[derive(Clone)]
pub(crate) struct Seats(Arc<Inner>);

struct Inner {
    taken: Mutex<Taken>,
    max: usize,
    per_user_max: usize,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_user: HashMap<UserId, usize>,
}

/// One connection's place; given back when dropped.
pub(crate) struct Seat {
    seats: Seats,
    user: Option<UserId>,
    gauge: metrics::Gauge,
}

impl Seats {
    pub(crate) fn new(config: &Config) -> Self {
        Self(Arc::new(Inner {
            taken: Mutex::default(),
            max: config.connections_max as usize,
            per_user_max: config.connections_per_user_max as usize,
        }))
    }

    /// Whether another connection would find a place, before it is known whose.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.lock().all < self.0.max { Ok(()) } else { Err(full()) }
    }

    /// `transport`: `websocket` or `socket.io`.
    pub(crate) fn take(&self, user: Option<UserId>, transport: &'static str) -> Result<Seat, Problem> {
        let mut taken = self.lock();
        if taken.all >= self.0.max {
            return Err(full());
        }
        if let Some(user) = user {
            let own = taken.by_user.entry(user).or_default();
            if *own >= self.0.per_user_max {
                metrics::counter!("realtime_refused_total", "reason" => "user").increment(1);
                let detail = format!("one user holds {} realtime connections at most", self.0.per_user_max);
                return Err(
                    Problem::too_many_requests("realtime.too-many-connections", detail).retry_after_s(10)
                );
            }
            *own += 1;
        }
        taken.all += 1;
        drop(taken);
        let gauge = metrics::gauge!("realtime_connections", "transport" => transport);
        gauge.increment(1.0);
        Ok(Seat { seats: self.clone(), user, gauge })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn full() -> Problem {
    metrics::counter!("realtime_refused_total", "reason" => "full").increment(1);
    Problem::unavailable("realtime.full", "this node holds as many realtime connections as it may")
        .retry_after_s(10)
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all -= 1;
        if let Some(user) = self.user
            && let Some(own) = taken.by_user.get_mut(&user)
        {
            *own -= 1;
            if *own == 0 {
                taken.by_user.remove(&user);
            }
        }
        drop(taken);
        self.gauge.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let config = Config { connections_max: 3, connections_per_user_max: 2, ..Config::default() };
        let seats = Seats::new(&config);
        let user = Some(UserId::new(kernel::Timestamp::UNIX_EPOCH));
        let take = |user| seats.take(user, "test").map_err(|problem| problem.status);
        let first = take(user).unwrap();
        let _second = take(user).unwrap();
        assert_eq!(take(user).err(), Some(429));
        let _third = take(None).unwrap();
        assert_eq!(take(None).err(), Some(503));
        assert!(seats.check().is_err());
        drop(first);
        assert!(take(user).is_ok());
    }
}
