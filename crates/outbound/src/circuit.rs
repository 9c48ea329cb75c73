//! A breaker and a bulkhead for each upstream.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::{
    BreakerInfo, BreakerState, Policy,
    breaker::{Breaker, Pass},
    error::{Error, Result},
};

/// Hosts of one installation that are remembered apart; beyond, closed and idle ones are forgotten first.
const CIRCUITS_MAX: usize = 2_000;

type Key = (&'static str, Option<Arc<str>>);

#[derive(Default)]
pub(crate) struct Circuits(Mutex<BTreeMap<Key, Arc<Circuit>>>);

pub(crate) struct Circuit {
    name: &'static str,
    key: Option<Arc<str>>,
    breaker: Mutex<Breaker>,
    places: Arc<Semaphore>,
}

/// Leave to make one attempt. Dropped without a verdict, it says nothing about the upstream.
pub(crate) struct Leave<'c> {
    circuits: &'c Circuits,
    circuit: Arc<Circuit>,
    pass: Option<Pass>,
    place: Option<OwnedSemaphorePermit>,
}

impl Circuits {
    pub(crate) fn of(&self, name: &'static str, key: Option<Arc<str>>, policy: &Policy) -> Arc<Circuit> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = all.get(&(name, key.clone())) {
            return circuit.clone();
        }
        if all.len() >= CIRCUITS_MAX {
            // Nobody calls it and nothing speaks against it: a new one is the same.
            all.retain(|_, circuit| {
                Arc::strong_count(circuit) > 1 || circuit.state() != BreakerState::Closed
            });
        }
        // An installation in which that many fail lets the rest share one.
        let key = key.filter(|_| all.len() < CIRCUITS_MAX);
        let circuit = all.entry((name, key.clone())).or_insert_with(|| {
            Arc::new(Circuit {
                name,
                key,
                breaker: Mutex::new(Breaker::new(policy.breaker_failures, policy.breaker_open)),
                places: Arc::new(Semaphore::new(policy.concurrency_max)),
            })
        });
        let circuit = circuit.clone();
        drop(all);
        self.show(name);
        circuit
    }

    pub(crate) fn list(&self) -> Vec<BreakerInfo> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values()
            .map(|circuit| {
                let breaker = circuit.breaker.lock().unwrap_or_else(PoisonError::into_inner);
                BreakerInfo {
                    name: circuit.shown(),
                    is_one_of_many: circuit.key.is_some(),
                    state: breaker.state(),
                    failures: breaker.failures(),
                    opened_ago: breaker.opened().map(|opened| opened.elapsed()),
                }
            })
            .collect()
    }

    /// The gauge tells the worst of all that share a name, and how many are not closed.
    fn show(&self, name: &'static str) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let states: Vec<_> =
            all.iter().filter(|((other, _), _)| *other == name).map(|(_, circuit)| circuit.state()).collect();
        drop(all);
        let worst = match states.iter().max() {
            None | Some(BreakerState::Closed) => 0.0,
            Some(BreakerState::HalfOpen) => 1.0,
            Some(BreakerState::Open) => 2.0,
        };
        let open = states.iter().filter(|state| **state != BreakerState::Closed).count();
        metrics::gauge!("outbound_breaker_state", "upstream" => name).set(worst);
        metrics::gauge!("outbound_breakers_open", "upstream" => name).set(open as f64);
    }

    /// A place in the bulkhead and leave of the breaker.
    pub(crate) async fn enter(&self, circuit: &Arc<Circuit>, policy: &Policy) -> Result<Leave<'_>> {
        let busy = || Error::Busy { upstream: circuit.shown() };
        // An open breaker answers at once, however many wait.
        circuit.refuse_if_open()?;
        let place = timeout(policy.queue_timeout, circuit.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(|_| busy())?;
        let (pass, changed) = circuit.admit()?;
        if changed {
            self.show(circuit.name);
        }
        Ok(Leave { circuits: self, circuit: circuit.clone(), pass: Some(pass), place: Some(place) })
    }
}

impl Circuit {
    pub(crate) fn shown(&self) -> String {
        match &self.key {
            Some(key) => format!("{}/{key}", self.name),
            None => self.name.to_owned(),
        }
    }

    fn state(&self) -> BreakerState {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).state()
    }

    fn refuse_if_open(&self) -> Result<()> {
        let breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match breaker.refusal(Instant::now()) {
            Some(retry_in) => Err(Error::Open { upstream: self.shown(), retry_in }),
            None => Ok(()),
        }
    }

    fn admit(&self) -> Result<(Pass, bool)> {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.state();
        match breaker.admit(Instant::now()) {
            Ok(pass) => Ok((pass, breaker.state() != before)),
            Err(retry_in) => Err(Error::Open { upstream: self.shown(), retry_in }),
        }
    }

    /// Whether the breaker changed.
    fn settle(&self, pass: Pass, failed: Option<bool>) -> bool {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.state();
        breaker.settle(pass, failed, Instant::now());
        let after = breaker.state();
        if after != before {
            let (upstream, failures) = (self.shown(), breaker.failures());
            if after == BreakerState::Open {
                tracing::warn!(upstream, failures, "breaker opened: calls are refused for a while");
            } else {
                tracing::info!(upstream, state = after.name(), "breaker changed");
            }
        }
        after != before
    }
}

impl Leave<'_> {
    /// How the attempt ended; the place is kept until this is dropped.
    pub(crate) fn verdict(&mut self, failed: bool) {
        if let Some(pass) = self.pass.take()
            && self.circuit.settle(pass, Some(failed))
        {
            self.circuits.show(self.circuit.name);
        }
    }

    /// The place in the bulkhead, for an answer that is still read.
    pub(crate) fn keep_place(mut self) -> Option<OwnedSemaphorePermit> {
        self.place.take()
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.circuit.settle(pass, None);
        }
    }
}
