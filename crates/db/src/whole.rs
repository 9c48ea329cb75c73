use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;

/// A future that runs to its end even when who waits for it goes away: then in the background, and its result is dropped.
///
/// For the BEGIN of a PostgreSQL transaction. sqlx 0.9 counts a transaction once the server has answered; given up before
/// that, the connection went back to the pool with a transaction open that nobody ended, and the next caller's writes
/// failed in it, or its reads saw the past.
pub(crate) struct Whole<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Whole<T> {
    pub(crate) fn new(future: BoxFuture<'static, T>) -> Self {
        Self(Some(future))
    }
}

impl<T: Send + 'static> Future for Whole<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Whole<T> {
    fn drop(&mut self) {
        let (Some(future), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        // One answer of the server away from its end; at shutdown closing the pool waits for the connection.
        runtime.spawn(future);
    }
}
