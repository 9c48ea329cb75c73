//! Holds many clients in one room and times what they are told: the load of bench/ws/run.sh, on one core.
//!
//!     load socle    URL TOKEN ROOM   CLIENTS EVENTS RATE SERVER_PID     `/ws`; an event is a changed setting
//!     load socketio URL -     -      CLIENTS EVENTS RATE SERVER_PID     Socket.IO; an event is POST /tick of the peer
//!
//! EVENTS_AT=URL makes the events at another node of the installation than the one that the clients are on.
//!
//! A delivery's time runs from just before the request that makes the event until a client has read its message, so it
//! holds the request, the server's transaction and this program's own work. Prints one line of JSON; exits with 1 when a
//! message was lost or came twice.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

type Failure = Box<dyn std::error::Error>;

struct Plan {
    is_socketio: bool,
    host: String,
    token: String,
    room: String,
    clients: usize,
    events: usize,
    rate: f64,
    pid: u32,
}

#[derive(Default)]
struct Book {
    joined: usize,
    lost_connections: usize,
    /// When each event was sent for.
    sent: Vec<Instant>,
    delays_ms: Vec<f64>,
    doubles: usize,
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("see the head of this file for the arguments");
    let plan = Plan {
        is_socketio: next()? == "socketio",
        host: next()?.trim_start_matches("http://").to_owned(),
        token: next()?,
        room: next()?,
        clients: next()?.parse()?,
        events: next()?.parse()?,
        rate: next()?.parse()?,
        pid: next()?.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, run(Rc::new(plan)))
}

async fn run(plan: Rc<Plan>) -> Result<(), Failure> {
    let book = Rc::new(RefCell::new(Book::default()));
    let before = memory(plan.pid, "VmRSS")?;
    let start = Instant::now();
    for number in 0..plan.clients {
        let (plan, mine) = (plan.clone(), book.clone());
        tokio::task::spawn_local(async move {
            if let Err(error) = client(&plan, &mine).await {
                let mut book = mine.borrow_mut();
                if book.lost_connections == 0 {
                    eprintln!("a client ended: {error}");
                }
                book.lost_connections += 1;
            }
        });
        if number % 20 == 19 {
            // No more than 20 at a time on their way in: the backlog of a listener is short.
            wait_until(Duration::from_secs(20), || {
                let book = book.borrow();
                book.joined + book.lost_connections + 20 > number
            })
            .await;
        }
    }
    wait_until(Duration::from_secs(120), || {
        let book = book.borrow();
        book.joined + book.lost_connections >= plan.clients
    })
    .await;
    let (joined, joined_s) = (book.borrow().joined, start.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = memory(plan.pid, "VmRSS")?;

    let at = std::env::var("EVENTS_AT").unwrap_or_else(|_| plan.host.clone());
    let mut events = TcpStream::connect(at.trim_start_matches("http://")).await?;
    let first = Instant::now();
    for number in 0..plan.events {
        let due = first + Duration::from_secs_f64(number as f64 / plan.rate);
        tokio::time::sleep_until(due.into()).await;
        book.borrow_mut().sent.push(Instant::now());
        make_event(&mut events, &plan, number).await?;
    }
    let expected = joined * plan.events;
    wait_until(Duration::from_secs(60), || book.borrow().delays_ms.len() >= expected).await;
    tokio::time::sleep(Duration::from_millis(500)).await; // a second copy of the last message would come now

    let mut book = book.borrow_mut();
    book.delays_ms.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (book.delays_ms.len() as f64 * share) as usize;
        book.delays_ms
            .get(index.min(book.delays_ms.len().saturating_sub(1)))
            .map(|ms| (ms * 10.0).round() / 10.0)
    };
    let lost = expected.saturating_sub(book.delays_ms.len());
    let per_client_kb = idle.saturating_sub(before) as f64 / joined.max(1) as f64;
    println!(
        "{}",
        json!({
            "clients": plan.clients, "joined": joined, "joined_s": (joined_s * 100.0).round() / 100.0,
            "memory_before_mb": before / 1024, "memory_idle_mb": idle / 1024,
            "per_client_kb": (per_client_kb * 10.0).round() / 10.0, "memory_peak_mb": memory(plan.pid, "VmHWM")? / 1024,
            "events": plan.events, "delivered": book.delays_ms.len(), "lost": lost, "double": book.doubles,
            "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
        })
    );
    if lost > 0 || book.doubles > 0 || joined < plan.clients {
        return Err("not everybody was told everything once".into());
    }
    Ok(())
}

async fn client(plan: &Plan, book: &RefCell<Book>) -> Result<(), Failure> {
    let path = if plan.is_socketio { "/socket.io/?EIO=4&transport=websocket" } else { "/ws" };
    let mut request = format!("ws://{}{path}", plan.host).into_client_request()?;
    if !plan.is_socketio {
        request.headers_mut().insert("authorization", format!("Bearer {}", plan.token).parse()?);
    }
    let stream = TcpStream::connect(&plan.host).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    let join = if plan.is_socketio {
        "40".to_owned()
    } else {
        json!({"type": "join", "room": plan.room}).to_string()
    };
    socket.send(Message::text(join)).await?;
    let mut heard = 0;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let now = Instant::now();
        match what(plan.is_socketio, &text) {
            What::Joined => book.borrow_mut().joined += 1,
            What::Event => {
                let mut book = book.borrow_mut();
                // One connection hears events in their order.
                match book.sent.get(heard).copied() {
                    Some(sent) => book.delays_ms.push((now - sent).as_secs_f64() * 1000.0),
                    None => book.doubles += 1,
                }
                heard += 1;
            }
            What::Ping => socket.send(Message::text("3")).await?,
            What::Other => {}
        }
    }
    Err("the server closed the connection".into())
}

enum What {
    Joined,
    Event,
    Ping,
    Other,
}

/// Told apart by their beginnings: reading JSON would be most of this program's work.
fn what(is_socketio: bool, text: &str) -> What {
    if is_socketio {
        return match text {
            text if text.starts_with("40") => What::Joined,
            text if text.starts_with("42[\"tick\"") => What::Event,
            "2" => What::Ping,
            _ => What::Other,
        };
    }
    if text.starts_with(r#"{"type":"event""#) && text.contains(r#""topic":"settings.changed""#) {
        What::Event
    } else if text.starts_with(r#"{"type":"joined""#) {
        What::Joined
    } else {
        What::Other
    }
}

async fn make_event(stream: &mut TcpStream, plan: &Plan, number: usize) -> Result<(), Failure> {
    let (method, path, body) = if plan.is_socketio {
        ("POST", "/tick", json!({"number": number}))
    } else {
        ("PUT", "/api/v1/settings/jobs.keep_h", json!({"value": 100 + number}))
    };
    let body = body.to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        plan.host,
        plan.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    // Both answer small bodies in one piece, with their length.
    let mut answer = vec![0; 16 * 1024];
    let mut length = 0;
    loop {
        let read = stream.read(&mut answer[length..]).await?;
        if read == 0 {
            return Err("the server closed the connection that makes events".into());
        }
        length += read;
        let text = String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("http/1.1 200") {
            return Err(format!("an event was refused: {text}").into());
        }
        let wanted =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if wanted.is_none_or(|wanted| body.len() >= wanted) {
            return Ok(());
        }
    }
}

async fn wait_until(patience: Duration, mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() && start.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Kilobytes, of a line of `/proc/PID/status`.
fn memory(pid: u32, line: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().nth(1));
    Ok(value.ok_or("no such line")?.parse()?)
}
