use serde::{Deserialize, Serialize};

/// Section `[realtime]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a client may be away and still get what it missed, in seconds. Default 900.
    pub keep_s: u64,
    /// Connections that this process holds at most, WebSocket and Socket.IO together; more are answered 503. Default 20000.
    pub connections_max: u32,
    /// Connections that one user holds at most to this process; more are answered 429. Default 200.
    pub connections_per_user_max: u32,
    /// Largest message from a client, in bytes. Default 65536.
    pub message_bytes_max: u32,
    /// Messages a second that a client may send for long; ten times as many in a burst. Default 50.
    pub messages_per_s: u32,
    /// How often the server pings, in seconds; a client that is silent for three times as long is given up. Default 20.
    pub ping_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keep_s: 900,
            connections_max: 20_000,
            connections_per_user_max: 200,
            message_bytes_max: 64 * 1024,
            messages_per_s: 50,
            ping_s: 20,
        }
    }
}

impl Config {
    /// Faults as `key: reason`.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |key: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                faults.push(format!("{key}: must be from {low} to {high}"));
            }
        };
        check("keep_s", self.keep_s, 300, 86_400);
        check("connections_max", self.connections_max.into(), 1, 1_000_000);
        check("connections_per_user_max", self.connections_per_user_max.into(), 1, 1_000_000);
        check("message_bytes_max", self.message_bytes_max.into(), 1_024, 1_048_576);
        check("messages_per_s", self.messages_per_s.into(), 1, 10_000);
        check("ping_s", self.ping_s.into(), 1, 300);
        faults
    }
}
