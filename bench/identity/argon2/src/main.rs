//! `bench-argon2 THREADS SECONDS`: verifications per second of one Argon2id hash with the server's default parameters
//! (19 MiB, two passes, one lane) by the library that the server uses, and nothing around them. It is what log-ins per
//! second can be at most.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version};

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let (threads, seconds) = (args.next().expect("THREADS"), args.next().expect("SECONDS"));
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn(move || {
                let params = Params::new(19_456, 2, 1, None).expect("the parameters are fine");
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut out = [0; 32];
                let mut done = 0_u64;
                while Instant::now() < end {
                    argon2
                        .hash_password_into(b"correct-horse-battery-staple", b"sixteen salt byt", &mut out)
                        .expect("it hashes");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let done: u64 = workers.into_iter().map(|worker| worker.join().expect("no thread panics")).sum();
    println!("{:.1}", done as f64 / start.elapsed().as_secs_f64());
}
