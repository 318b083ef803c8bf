//! Messages that are lost, and floods of messages that nobody asked for: calls go on, nothing breaks,
//! and nothing is left.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::board::{Board, ids, trunk_to};
use super::far_end::FarEnd;
use super::script::Script;
use super::strangers::request;
use crate::phones::click;

/// What a process has of something, by `/proc/PID/status`.
fn status(board: &Board, key: &str) -> u64 {
    let pid = board.phones.process.child.id();
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// Sockets for datagrams that the server has open: one for SIP, and two for each leg.
fn datagram_sockets(board: &Board) -> usize {
    let pid = board.phones.process.child.id();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|link| {
            Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())
        })
        .collect();
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    let open = table.lines().filter_map(|line| line.split_whitespace().nth(9));
    open.filter(|inode| inodes.iter().any(|own| own == inode)).count()
}

/// Nothing is under way, no leg has sockets, and a stop has nothing to wait for.
#[track_caller]
fn leaves_nothing(mut board: Board) {
    assert_eq!(board.metric("callslip_calls_under_way"), 0);
    assert_eq!(board.metric("callslip_calls_due"), 0);
    crate::server::wait_for("every leg to be over", || datagram_sockets(&board) == 1);
    let said = board.phones.process.said().join("\n");
    assert!(!said.contains("panicked") && !said.contains("ERROR"), "{said}");
    let stopping = Instant::now();
    assert_eq!(board.phones.process.stop(), Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(4), "legs were left");
}

/// Calls that end by themselves after a second.
fn calls(count: usize) -> Vec<Value> {
    let of = |n: usize| {
        let mut call = click(&format!("m-{n}"), &format!("38598100{n:03}"));
        call["maxDuration"] = 1.into();
        call
    };
    (0..count).map(of).collect()
}

#[test]
fn a_tenth_of_all_messages_is_lost_and_every_call_has_its_report() {
    let far = FarEnd::with(&[("", Script::insists().released())], &["-lost", "10"]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    for burst in calls(100).chunks(10) {
        board.phones.call(burst);
        std::thread::sleep(Duration::from_millis(50));
    }
    let reports = board.phones.take(100);
    let answered = reports.values().filter(|report| ids(report) == (5, 5000)).count();
    // sipp sends nothing again that is not an answer; what it "loses" there is none.
    assert!(answered >= 90, "{answered}: {reports:#?}");
    let heard: usize = far.invites().len();
    assert_eq!(heard, 101, "each number, and that of B");
    leaves_nothing(board);
}

#[test]
fn floods_of_strangers_and_of_nonsense_cost_no_call() {
    let far = FarEnd::new(&[("", Script::answers().released())]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    let before = status(&board, "VmRSS");
    let is_over = AtomicBool::new(false);
    let flood = |from: &str, pause: Duration| {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        let us = socket.local_addr().unwrap();
        let mut chance = fastrand::Rng::with_seed(7);
        let mut sent = 0;
        while !is_over.load(Ordering::Relaxed) {
            for method in ["INVITE", "OPTIONS", "BYE", "REGISTER", "\0"] {
                let mut message = request(method, us, board.port).into_bytes();
                for _ in 0..chance.usize(0..4) {
                    let at = chance.usize(0..message.len());
                    message[at] = chance.u8(..);
                }
                message.truncate(chance.usize(1..2 * message.len()));
                // A buffer that is full is as good as a message that is lost.
                let _ = socket.send_to(&message, ("127.0.0.1", board.port));
                sent += 1;
            }
            std::thread::sleep(pause);
        }
        sent
    };
    let (strange, own) = std::thread::scope(|scope| {
        let strangers = scope.spawn(|| flood("127.0.0.2", Duration::from_millis(1)));
        let trunk = scope.spawn(|| flood("127.0.0.1", Duration::from_millis(10)));
        for burst in calls(50).chunks(5) {
            board.phones.call(burst);
            std::thread::sleep(Duration::from_millis(100));
        }
        let reports = board.phones.take(50);
        is_over.store(true, Ordering::Relaxed);
        for report in reports.values() {
            assert_eq!(ids(report), (5, 5000), "{report:#}");
        }
        (strangers.join().unwrap(), trunk.join().unwrap())
    });
    assert!(strange > 3_000 && own > 300, "a flood of {strange} and {own}");
    let grown = status(&board, "VmRSS").saturating_sub(before);
    assert!(grown < 150_000, "{grown} kB for {strange} and {own} messages");
    far.ends_well();
    leaves_nothing(board);
}
