//! What the engine makes of `[sip]`, `[media]` and `[amd]`.

use std::net::IpAddr;
use std::time::Duration;

use engine::media::{Latching, MediaSettings, amd, tone};
use engine::sip::{self, SipSettings};
use model::cdr::Verdict;

use super::sip::{Amd, Media, Recording, Who};
use super::{BadSettings, Settings};

impl Settings {
    /// What the SIP carrier is made of.
    ///
    /// # Errors
    /// A file cannot be read, or a name has no address any more.
    pub fn carrier(&self) -> Result<SipSettings, BadSettings> {
        let mut stack = self.stack(Vec::new())?;
        if stack.udp.ip().is_unspecified() {
            let own = || sip::own_address(stack.udp.ip());
            stack.advertised = Some(stack.advertised.unwrap_or_else(own));
        }
        Ok(SipSettings {
            stack,
            media: self.media.engine(self.sip.advertised, self.amd.engine()),
            latching: Latching::default(),
            recording: match self.media.recording {
                Recording::None => sip::Recording::None,
                Recording::Asked => sip::Recording::Asked,
                Recording::All => sip::Recording::All,
            },
            seed: fastrand::u64(..),
        })
    }
}

impl Media {
    fn engine(&self, sip_advertised: Option<IpAddr>, detection: amd::Settings) -> MediaSettings {
        let same_kind = |address: &IpAddr| address.is_ipv4() == self.bind.is_ipv4();
        // Who listens on every address tells far ends the one that the way to them begins at.
        let own = || self.bind.is_unspecified().then(|| sip::own_address(self.bind));
        let advertised = self.advertised.or(sip_advertised.filter(same_kind)).or_else(own);
        MediaSettings {
            bind: self.bind,
            advertised,
            ports: self.port_min..=self.port_max,
            threads: self.threads,
            silence: Duration::from_secs(self.rtp_timeout_s),
            tones: tone::Plan::of(&self.ringback),
            detection,
        }
    }
}

impl Amd {
    fn engine(&self) -> amd::Settings {
        let who = |who| match who {
            Who::Human => Verdict::Human,
            Who::Machine => Verdict::Machine,
        };
        amd::Settings {
            initial_silence: Duration::from_millis(self.initial_silence_ms),
            greeting: Duration::from_millis(self.greeting_ms),
            after_greeting_silence: Duration::from_millis(self.after_greeting_silence_ms),
            total: Duration::from_millis(self.total_ms),
            word_min: Duration::from_millis(self.word_min_ms),
            between_words: Duration::from_millis(self.between_words_ms),
            words: self.machine_words,
            word_max: Duration::from_millis(self.word_max_ms),
            silence_threshold: self.silence_threshold,
            on_silence: who(self.on_silence),
            on_time_out: who(self.on_time_out),
        }
    }
}
