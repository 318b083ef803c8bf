//! Who carries this process's calls, as the settings have it.

use std::sync::Arc;

use anyhow::Context;
use engine::carrier::Carrier;
use engine::sip::SipCarrier;
use engine::time::Time;

use crate::clock::Pace;
use crate::settings::{self, Settings};

/// Who carries calls.
pub(crate) enum Carriers {
    /// Nobody.
    None,
    /// The sandbox.
    Sandbox,
    /// Trunks.
    Sip(SipCarrier),
}

impl Carriers {
    /// Opens what they need.
    pub(crate) async fn start(settings: &Settings, pace: &Pace) -> anyhow::Result<Self> {
        Ok(match settings.calls.carrier {
            settings::Carrier::None => Self::None,
            settings::Carrier::Sandbox => Self::Sandbox,
            settings::Carrier::Sip => {
                let (made_of, trunks) = (settings.carrier()?, settings.trunks()?);
                let time = Time::new(pace.clock.clone(), pace.speed);
                let carrier = SipCarrier::start(made_of, trunks, pace.clock.clone(), time);
                let carrier = carrier.await.with_context(|| {
                    format!("cannot speak SIP on {}, or receive media", settings.sip.udp)
                })?;
                Self::Sip(carrier)
            }
        })
    }

    /// What places the calls. With nobody to carry them none is leased; the sandbox stands in.
    pub(crate) fn carrier(&self, settings: &Settings) -> Arc<dyn Carrier> {
        match self {
            Self::None | Self::Sandbox => Arc::new(settings.calls.sandbox()),
            Self::Sip(carrier) => Arc::new(carrier.clone()),
        }
    }

    /// The trunks, if calls go through trunks.
    pub(crate) fn sip(&self) -> Option<&SipCarrier> {
        match self {
            Self::Sip(carrier) => Some(carrier),
            Self::None | Self::Sandbox => None,
        }
    }

    /// Reads the trunks again, all of them or, if anything is wrong, none; and says what came of it.
    pub(crate) fn reload(&self, settings: &Settings) {
        let Some(carrier) = self.sip() else { return };
        match settings.trunks() {
            Ok(trunks) => {
                let reloaded = carrier.reload(trunks);
                tracing::info!(
                    added = ?reloaded.added,
                    changed = ?reloaded.changed,
                    removed = ?reloaded.removed,
                    "The trunks were read again; calls under way go on as they began.",
                );
            }
            Err(error) => {
                tracing::error!(%error, "The trunks were not read again; the old ones still hold.");
            }
        }
    }

    /// Stops, once the calls are over.
    pub(crate) async fn stop(self) {
        if let Self::Sip(carrier) = self {
            carrier.stop().await;
        }
    }
}
