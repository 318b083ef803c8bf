//! A stack, and legs on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::sip::{
    Counts, EndedBy, Failure, Hop, Invite, Leg, LegEvent, Network, Party, Reason, Recorder, Stack,
    StackSettings,
};
use model::{Clock, Timestamp, cdr};

use crate::far::Far;

/// A tenth of the protocol's own, so that its ends come in seconds.
pub(crate) const T1: Duration = Duration::from_millis(50);
pub(crate) const OFFER: &str = "v=0\r\no=us 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0 8\r\n";
pub(crate) const NEXT: Duration = Duration::from_secs(15);

/// The time since a start.
struct Since(Instant);

impl Clock for Since {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.0.elapsed().as_millis()).expect("a while"))
    }
}

pub(crate) fn settings() -> StackSettings {
    let loopback = Network { address: Ipv4Addr::LOCALHOST.into(), bits: 8 };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let domain = "callslip.test".to_owned();
    StackSettings { t1: T1, domain, ..StackSettings::new(any, vec![loopback]) }
}

pub(crate) async fn start(settings: StackSettings) -> Stack {
    Stack::start(settings, Arc::new(Since(Instant::now()))).await.expect("a stack")
}

pub(crate) async fn stack() -> Stack {
    start(settings()).await
}

pub(crate) fn party() -> Party {
    Party { display: Some("Click, \"Call\"".to_owned()), uri: "sip:+4930@callslip.test".to_owned() }
}

pub(crate) fn invite(hop: Hop) -> Invite {
    Invite {
        to: format!("sip:+4940@{}:{}", hop.host, hop.port.unwrap_or(5060)),
        from: party(),
        headers: vec![("P-Asserted-Identity".to_owned(), "<sip:+4930@callslip.test>".to_owned())],
        hop,
        credentials: None,
        offer: OFFER.into(),
        session: None,
        recorder: Recorder::default(),
        leg: cdr::Leg::A,
    }
}

/// What a leg tells next.
pub(crate) async fn next(leg: &mut Leg) -> LegEvent {
    let event = tokio::time::timeout(NEXT, leg.next()).await.expect("an event in time");
    event.expect("an event")
}

/// What a leg tells next, beyond that it is under way.
pub(crate) async fn outcome(leg: &mut Leg) -> LegEvent {
    loop {
        match next(leg).await {
            LegEvent::Trying | LegEvent::Ringing { .. } => {}
            event => return event,
        }
    }
}

pub(crate) async fn rings(leg: &mut Leg) {
    while !matches!(next(leg).await, LegEvent::Ringing { .. }) {}
}

pub(crate) async fn failure(leg: &mut Leg) -> Failure {
    match outcome(leg).await {
        LegEvent::Failed(failure) => failure,
        event => panic!("{event:?}"),
    }
}

/// The SDP of the answer, and the dialog.
pub(crate) async fn answer(leg: &mut Leg) -> (String, Vec<u8>) {
    match outcome(leg).await {
        LegEvent::Answered { sdp, dialog } => (String::from_utf8(sdp).expect("SDP"), dialog),
        event => panic!("{event:?}"),
    }
}

/// How it ends, and the cause.
pub(crate) async fn end(leg: &mut Leg) -> (EndedBy, Option<u8>) {
    match next(leg).await {
        LegEvent::Ended { by, release, .. } => (by, release.cause),
        event => panic!("{event:?}"),
    }
}

pub(crate) async fn hang_up(leg: &mut Leg) {
    leg.hang_up(Reason::q850(16));
    assert_eq!(end(leg).await.0, EndedBy::Us);
    assert!(leg.next().await.is_none());
}

/// A leg that is up, at a far end.
pub(crate) async fn connected(stack: &Stack, far: &Far) -> Leg {
    let mut leg = stack.invite(invite(far.hop()));
    answer(&mut leg).await;
    leg
}

/// No leg may be left, soon.
pub(crate) async fn settles(stack: &Stack) {
    let started = Instant::now();
    while stack.counts().legs > 0 {
        assert!(started.elapsed() < T1 * 64 * 2 + NEXT, "{:?}", stack.counts());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stack.counts().dialogs, 0);
}

/// Everything must come to its end within the time of a transaction.
pub(crate) async fn drains(stack: &Stack) {
    let started = Instant::now();
    while stack.counts() != Counts::default() {
        assert!(started.elapsed() < T1 * 64 * 2 + NEXT, "{:?}", stack.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
