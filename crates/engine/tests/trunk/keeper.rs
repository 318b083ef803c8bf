//! The keeper against a peer on the network.

use std::sync::Arc;
use std::time::Duration;

use engine::sip::route::Fitness;
use engine::sip::{
    Credentials, Destination, Hop, Keeper, Stack, StackSettings, Trunk, TrunkFigures, Trunks,
};
use engine::time::Time;
use model::{Clock, ManualClock};

use crate::START;
use crate::peer::Peer;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

struct House {
    trunks: Trunks,
    keeper: Keeper,
    stack: Stack,
    clock: ManualClock,
}

impl House {
    async fn with(trunks: Vec<Trunk>) -> Self {
        let clock = ManualClock::at(START);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut settings = StackSettings::new("127.0.0.1:0".parse().unwrap(), Vec::new());
        settings.t1 = Duration::from_millis(50);
        let stack = Stack::start(settings, shared.clone()).await.unwrap();
        let trunks = Trunks::new(trunks, START);
        let chance = fastrand::Rng::with_seed(1);
        // The clock stands until it is moved; what waits for it looks often.
        let time = Time::new(shared, 1000);
        let keeper = Keeper::start(stack.clone(), &trunks, time, "us.example", chance);
        Self { trunks, keeper, stack, clock }
    }

    fn figures(&self) -> TrunkFigures {
        self.trunks.figures(self.clock.now()).remove(0)
    }

    async fn until(&self, what: &str, is_so: impl Fn(&TrunkFigures) -> bool) {
        let seen = async {
            while !is_so(&self.figures()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "not {what}: {:?}", self.figures());
    }

    /// The same, while time goes on by half a minute again and again.
    async fn in_time(&self, what: &str, is_so: impl Fn(&TrunkFigures) -> bool) {
        let seen = async {
            while !is_so(&self.figures()) {
                self.clock.advance(Duration::from_secs(30));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "not {what}: {:?}", self.figures());
    }

    async fn stop(self) {
        self.keeper.stop().await;
        self.stack.stop().await;
    }
}

fn trunk_at(peer: &Peer) -> Trunk {
    let mut trunk = Trunk::new("peer", vec![Destination::new(Hop::udp(peer.address()))]);
    trunk.no_reply = Duration::from_millis(60);
    trunk
}

fn registering(peer: &Peer) -> Trunk {
    let mut trunk = trunk_at(peer);
    trunk.ping = None;
    trunk.register = Some(Duration::from_secs(600));
    trunk.credentials = Some(Credentials { username: "100".into(), password: "hush".into() });
    trunk
}

#[tokio::test]
async fn a_trunk_that_stops_answering_is_down_until_it_answers_again() {
    let peer = Peer::start().await;
    peer.answer("OPTIONS", Some(404));
    let house = House::with(vec![trunk_at(&peer)]).await;
    peer.heard("OPTIONS", 1, PATIENCE).await;
    assert!(peer.last("OPTIONS").contains("From: <sip:callslip@us.example>"));
    house.until("up", TrunkFigures::is_up).await;
    peer.answer("OPTIONS", None);
    let before = peer.count("OPTIONS");
    house.in_time("down", |figures| figures.destinations[0].fitness == Fitness::Down).await;
    assert!(peer.count("OPTIONS") >= before + 3, "down too soon");
    peer.answer("OPTIONS", Some(405));
    house.in_time("up again", TrunkFigures::is_up).await;
    house.stop().await;
}

#[tokio::test]
async fn a_registration_is_refreshed_and_taken_back() {
    let peer = Peer::start().await;
    peer.answer("REGISTER", Some(200));
    let house = House::with(vec![registering(&peer)]).await;
    house.until("registered", |figures| figures.registered == Some(true)).await;
    assert!(peer.last("REGISTER").contains("Expires: 600\r\n"));
    assert!(peer.last("REGISTER").starts_with("REGISTER sip:127.0.0.1 "));
    assert_eq!(peer.count("REGISTER"), 1);
    house.clock.advance(Duration::from_secs(300));
    peer.heard("REGISTER", 2, PATIENCE).await;
    house.until("still registered", |figures| figures.registered == Some(true)).await;
    house.stop().await;
    assert_eq!(peer.count("REGISTER"), 3);
    assert!(peer.last("REGISTER").contains("Expires: 0\r\n"));
}

#[tokio::test]
async fn a_refused_registration_takes_the_trunk_down_and_is_not_repeated_at_once() {
    let peer = Peer::start().await;
    peer.answer("REGISTER", Some(403));
    let house = House::with(vec![registering(&peer)]).await;
    peer.heard("REGISTER", 1, PATIENCE).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((house.figures().registered, house.figures().is_up()), (Some(false), false));
    house.clock.advance(Duration::from_secs(149));
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(peer.count("REGISTER"), 1);
    peer.answer("REGISTER", Some(200));
    house.in_time("registered", |figures| figures.registered == Some(true)).await;
    house.stop().await;
}

#[tokio::test]
async fn a_reload_is_followed() {
    let (first, second) = (Peer::start().await, Peer::start().await);
    first.answer("REGISTER", Some(200));
    second.answer("REGISTER", Some(200));
    let house = House::with(vec![registering(&first)]).await;
    house.until("registered", |figures| figures.registered == Some(true)).await;
    let mut same = registering(&first);
    same.caps.concurrent_calls = 7;
    house.trunks.reload(vec![same], START);
    house.until("registered all the while", |figures| figures.registered == Some(true)).await;
    house.trunks.reload(vec![registering(&second)], START);
    second.heard("REGISTER", 1, PATIENCE).await;
    assert_eq!(first.count("REGISTER"), 2, "taken back there, and nothing in between");
    assert!(first.last("REGISTER").contains("Expires: 0\r\n"));
    house.trunks.reload(Vec::new(), START);
    second.heard("REGISTER", 2, PATIENCE).await;
    assert!(second.last("REGISTER").contains("Expires: 0\r\n"));
    house.trunks.reload(vec![registering(&first)], START);
    first.heard("REGISTER", 3, PATIENCE).await;
    house.stop().await;
}
