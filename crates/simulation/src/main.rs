//! Runs the simulation by hand: `cargo run --release -p simulation -- --seed 7 --messages 100000`.

use std::hash::{BuildHasher, Hasher, RandomState};

use clap::Parser;
use simulation::{Engine, Plan, run};

/// The whole of Callslip in one process, in virtual time and by a seed.
#[derive(Parser)]
struct Arguments {
    /// The seed; a fresh one if none is given. It is printed either way.
    #[arg(long)]
    seed: Option<u64>,
    /// Messages to submit, over all customers.
    #[arg(long, default_value_t = 5_000)]
    messages: u64,
    /// Deaths of the process on the way.
    #[arg(long, default_value_t = 20)]
    deaths: u32,
    /// On a PostgreSQL of its own, which it starts, in place of a directory.
    #[arg(long)]
    shared: bool,
}

fn main() {
    let Arguments { seed, messages, deaths, shared } = Arguments::parse();
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 16);
    let engine = if shared { Engine::Shared } else { Engine::Embedded };
    let plan = Plan { engine, seed, messages, deaths };
    println!("{plan}");
    println!("{}", run(&plan));
}
