//! What the metrics page tells of the trunks, of SIP and of media.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::counted;
use crate::trunk::{Fitness, MediaFigures, SipFigures, TrunkFigures};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TrunkLabels {
    trunk: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailureLabels {
    trunk: String,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WayLabels {
    way: &'static str,
}

pub(super) fn register(sip: &SipFigures, r: &mut Registry) {
    trunks(&sip.trunks, r);
    r.register("sip_legs", "Legs that are not over", gauge(sip.legs));
    r.register("sip_dialogs", "Legs that are up", gauge(sip.dialogs));
    r.register("sip_transactions", "Requests and answers not done with", gauge(sip.transactions));
    media(&sip.media, r);
}

fn trunks(trunks: &[TrunkFigures], r: &mut Registry) {
    let (up, registered, legs) =
        <(Family<TrunkLabels, Gauge>, Family<_, Gauge>, Family<_, Gauge>)>::default();
    let answered = Family::<TrunkLabels, Counter>::default();
    let failures = Family::<FailureLabels, Counter>::default();
    for trunk in trunks {
        let labels = TrunkLabels { trunk: trunk.name.clone() };
        up.get_or_create(&labels).set(i64::from(trunk.fitness() == Fitness::Up));
        legs.get_or_create(&labels).set(i64::try_from(trunk.legs).unwrap_or(i64::MAX));
        if let Some(is_registered) = trunk.registered {
            registered.get_or_create(&labels).set(i64::from(is_registered));
        }
        answered.get_or_create(&labels).inc_by(trunk.answered);
        for (class, count) in trunk.failures() {
            let labels = FailureLabels { trunk: trunk.name.clone(), class };
            failures.get_or_create(&labels).inc_by(count);
        }
    }
    r.register("trunk_up", "1 while a destination of the trunk should take a call", up);
    r.register("trunk_registered", "1 while we are registered with the trunk", registered);
    r.register("trunk_legs", "Legs that go through the trunk", legs);
    r.register("trunk_answered", "Legs through the trunk that were answered", answered);
    r.register("trunk_failures", "Legs through the trunk that were not, by their code", failures);
}

fn media(media: &MediaFigures, r: &mut Registry) {
    let packets = Family::<WayLabels, Counter>::default();
    packets.get_or_create(&WayLabels { way: "in" }).inc_by(media.received);
    packets.get_or_create(&WayLabels { way: "out" }).inc_by(media.sent);
    r.register("media_ports", "Pairs of ports in use", gauge(media.ports));
    r.register("media_packets", "RTP packets of legs", packets);
    for (name, help, count) in [
        ("media_packets_unsent", "RTP packets that the system did not take", media.unsent),
        ("media_packets_foreign", "Packets from strangers, dropped", media.foreign),
        ("media_packets_unfit", "Packets of legs that were no good, dropped", media.unfit),
        ("media_late_ticks", "Ticks that came late by a whole one", media.late_ticks),
        ("media_broken", "Calls whose media was given up for a defect", media.broken),
    ] {
        r.register(name, help, counted(&count));
    }
}

fn gauge(value: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}
