//! `socle serve`: from settings to a server that answers, and to one that has ended.

use std::{io::IsTerminal as _, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use platform::{Assembled, Platform, Role};
use tokio::net::TcpListener;

use crate::{
    boot::{self, Schema},
    console, http, meanings, modules,
    settings::Settings,
};

pub(crate) async fn serve(settings: Settings) -> anyhow::Result<()> {
    boot::tls();
    let telemetry = telemetry::start(&settings.log, &settings.traces)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let outcome = serve_until_told(settings).await;
    telemetry.stop().await;
    outcome
}

async fn serve_until_told(settings: Settings) -> anyhow::Result<()> {
    let metrics = telemetry::Metrics::start(settings.server.data.clone())?;
    metrics.describe(meanings::ALL);
    metrics::gauge!("socle_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    boot::data_folder(&settings.server.data)?;
    let listener = bind(&settings.server.listen).await?;
    let address = listener.local_addr()?;
    let _lock = boot::lock_data_folder(&settings.server.data)?;

    let platform = boot::platform(&settings, public_url(&settings, address), Schema::Upgrade).await?;
    let roles = settings.server.roles.roles();
    let render = metrics.clone();
    let built = modules::build_all(&platform, &settings, roles.clone(), Arc::new(move || render.render()))?;
    let assembled = platform::assemble(
        &platform,
        &settings.http,
        built.identity.authenticator(),
        built.parts,
        modules::aliases(),
        console::pages(),
    );
    let Assembled { router, handlers, services, .. } = assembled;

    let spawner = platform.spawner.clone();
    spawner.spawn("settings", platform.settings.clone().run(::settings::REFRESH, spawner.token()));
    spawner.spawn("outbox", platform.events.clone().run(spawner.token()));
    spawner.spawn("wake-ups", platform.jobs.clone().wake_others(spawner.token()));
    if roles.contains(&Role::Worker) {
        spawner.spawn("jobs", platform.jobs.clone().run(handlers, spawner.token()));
    }
    for service in services.into_iter().filter(|service| roles.contains(&service.role)) {
        spawner.spawn(service.name, service.start(spawner.token()));
    }
    spawner.spawn("node", platform::nodes::run(platform.clone(), env!("CARGO_PKG_VERSION"), roles.clone()));
    spawner.spawn("metrics upkeep", keep_up(metrics, spawner.token()));

    announce(&platform, &built.identity).await?;
    let stop = spawner.token();
    let header_timeout = Duration::from_secs(settings.http.header_timeout_s);
    let mut server = std::pin::pin!(http::serve(listener, router, header_timeout, &spawner));
    let grace = Duration::from_secs(settings.server.shutdown_s);
    tokio::select! {
        () = &mut server => anyhow::bail!("the server ended by itself"),
        signal = stop_signal() => {
            tracing::info!(signal, "stopping: no new requests, open ones and jobs may end");
            stop.cancel();
            let rest = async {
                // Requests first: they may still need what the services give.
                server.await;
                spawner.stop().await;
            };
            if tokio::time::timeout(grace, rest).await.is_err() {
                tracing::warn!(grace_s = grace.as_secs(), "not everything ended in time; what was acknowledged is kept");
            }
        }
    }
    platform.db.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| match listen.rsplit_once(':') {
        Some((_, port)) => format!(
            "cannot listen on {listen}: see who holds port {port} (`ss -ltnp`), or choose another with --listen"
        ),
        None => format!("cannot listen on {listen}"),
    })
}

/// The address for links: as set, or where we listen (a wildcard address reads as this machine).
fn public_url(settings: &Settings, address: SocketAddr) -> String {
    if !settings.server.public_url.is_empty() {
        return settings.server.public_url.trim_end_matches('/').to_owned();
    }
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Says where to go: for people on a terminal in plain lines, in logs as an event.
async fn announce(platform: &Platform, identity: &identity::Identity) -> anyhow::Result<()> {
    let link = identity.first_run_link(&platform.public_url).await?;
    tracing::info!(url = platform.public_url, "listening");
    if std::io::stderr().is_terminal() || link.is_some() {
        eprintln!("\n  Socle is ready at {}", platform.public_url);
        if let Some(link) = link {
            eprintln!("  Create the administrator (one-time link): {link}");
        }
        eprintln!();
    }
    Ok(())
}

async fn keep_up(metrics: telemetry::Metrics, stop: tokio_util::sync::CancellationToken) {
    let mut tick = tokio::time::interval(telemetry::Metrics::UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => metrics.upkeep(),
        }
    }
}

/// Which signal asked the server to stop.
async fn stop_signal() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the default action of a signal ends the process anyway.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
