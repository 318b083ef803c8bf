//! Who is listened to: the networks of the trunks, and whoever we have called ourselves.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use super::settings::Network;

/// Who is listened to.
#[derive(Debug, Default)]
pub(super) struct Peers(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    networks: Vec<Network>,
    /// Where our requests went, such as the addresses behind a trunk's name, or a party behind a
    /// trunk that answers for itself.
    called: HashSet<IpAddr>,
}

/// More addresses than any set of trunks has; what is called beyond is listened to only if it is
/// in a network of the trunks.
const CALLED_MAX: usize = 4096;

impl Peers {
    pub(super) fn new(networks: Vec<Network>) -> Self {
        Self(RwLock::new(Known { networks, called: HashSet::new() }))
    }

    pub(super) fn set(&self, networks: Vec<Network>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).networks = networks;
    }

    /// We call that address.
    pub(super) fn call(&self, address: IpAddr) {
        let address = address.to_canonical();
        if self.are_heard(address) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.called.len() < CALLED_MAX {
            known.called.insert(address);
        }
    }

    /// Whether what comes from there is listened to.
    pub(super) fn are_heard(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.networks.iter().any(|network| network.contains(address))
            || known.called.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn trunks_and_the_called_are_heard() {
        let network = Network { address: address("10.1.2.0"), bits: 23 };
        let peers = Peers::new(vec![network, address("2001:db8::1").into()]);
        for heard in ["10.1.2.1", "10.1.3.255", "::ffff:10.1.2.1", "2001:db8::1"] {
            assert!(peers.are_heard(address(heard)), "{heard}");
        }
        for stranger in ["10.1.4.0", "10.1.1.255", "2001:db8::2", "::1"] {
            assert!(!peers.are_heard(address(stranger)), "{stranger}");
        }
        peers.call(address("192.0.2.1"));
        peers.set(Vec::new());
        assert!(peers.are_heard(address("192.0.2.1")) && !peers.are_heard(address("10.1.2.1")));
        assert!(Network { address: address("0.0.0.0"), bits: 0 }.contains(address("9.9.9.9")));
    }
}
