use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::Request, response::Response};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// A server on this machine that is gone at the end of the test.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

impl Upstream {
    /// Answers each request with what `answer` makes of its number (from 1) and itself.
    pub(crate) async fn http<F: Future<Output = Response> + Send>(
        answer: impl Fn(usize, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (answer, counted) = (answer.clone(), counted.clone());
            async move { answer(counted.fetch_add(1, Ordering::SeqCst) + 1, request).await }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, calls, _task: task }
    }

    /// Does with each connection what `serve` says.
    pub(crate) async fn tcp<F: Future<Output = ()> + Send>(
        serve: impl Fn(tokio::net::TcpStream) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = serve.clone();
                open.spawn(async move { serve(stream).await });
            }
        });
        Self { address, calls, _task: task }
    }

    /// Takes connections and says nothing.
    pub(crate) async fn hanging() -> Self {
        Self::tcp(|stream| async move {
            let _open = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Requests, or connections, so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[expect(clippy::disallowed_methods, reason = "the handle ends the task with the test")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}
