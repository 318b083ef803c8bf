//! The trunks, in the edge's words.

use api::{Destination, Fitness, MediaFigures, SipFigures, Trial, Tried, TrunkFigures, Untried};
use engine::sip::{NoWay, SipCarrier, route};

/// What the trunks do.
pub(super) fn figures(carrier: &SipCarrier) -> SipFigures {
    let counts = carrier.counts();
    let media = carrier.media();
    SipFigures {
        trunks: carrier.figures().into_iter().map(trunk).collect(),
        legs: counts.legs as u64,
        dialogs: counts.dialogs as u64,
        transactions: counts.transactions as u64,
        media: MediaFigures {
            ports: media.ports,
            received: media.received,
            sent: media.sent,
            unsent: media.unsent,
            foreign: media.foreign,
            unfit: media.unfit,
            late_ticks: media.late_ticks,
            broken: media.broken,
        },
    }
}

fn trunk(trunk: engine::sip::TrunkFigures) -> TrunkFigures {
    let [redirected, refused, failed, declined] = trunk.failures.by_class;
    let places = trunk.destinations.into_iter().map(|there| Destination {
        address: there.address,
        fitness: match there.fitness {
            route::Fitness::Up => Fitness::Up,
            route::Fitness::Down => Fitness::Down,
            route::Fitness::Resting => Fitness::Resting,
        },
    });
    TrunkFigures {
        name: trunk.name,
        destinations: places.collect(),
        registered: trunk.registered,
        legs: trunk.legs.into(),
        legs_max: trunk.caps.concurrent_calls.into(),
        last_second: trunk.last_second,
        last_second_max: trunk.caps.calls_per_second.into(),
        answered: trunk.answered,
        failed: [redirected, refused, failed, declined, trunk.failures.nothing],
    }
}

/// Tries the trunk of that name.
pub(super) async fn try_one(
    carrier: &SipCarrier,
    name: &str,
    trial: Trial,
) -> Result<Vec<Tried>, Untried> {
    let trials = match trial {
        Trial::Options => carrier.try_options(name).await.ok_or(Untried::Unknown)?,
        Trial::Call { number, from } => {
            let called = carrier.try_call(name, &number, &from).await.ok_or(Untried::Unknown)?;
            vec![called.map_err(|none| match none {
                NoWay::NotServed => Untried::Unknown,
                NoWay::Full(_) => Untried::Full,
                NoWay::Resting(_) => Untried::Resting,
            })?]
        }
    };
    Ok(trials.into_iter().map(tried).collect())
}

fn tried(trial: engine::sip::Trial) -> Tried {
    let engine::sip::Trial { to, worked, said, took, ladder } = trial;
    Tried { to, worked, said, took, ladder }
}
