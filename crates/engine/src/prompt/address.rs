//! Which addresses belong to the public internet, and are therefore nobody's neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, such as `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An IPv4 address stands as the IPv6 address that it is mapped to.
    address: u128,
    bits: u32,
}

/// The text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network, such as 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl Network {
    /// Every address there is.
    pub const EVERYTHING: Self = Self { address: 0, bits: 0 };

    const fn v4(address: [u8; 4], bits: u32) -> Self {
        let [a, b, c, d] = address;
        let address = Ipv4Addr::new(a, b, c, d).to_ipv6_mapped().to_bits();
        Self { address, bits: bits + 96 }
    }

    const fn v6(start: [u16; 4], bits: u32) -> Self {
        let [a, b, c, d] = start;
        Self { address: Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits(), bits }
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        let differing = mapped(address).to_bits() ^ self.address;
        differing.checked_shr(128 - self.bits).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| refused())?;
        if bits > width {
            return Err(refused());
        }
        Ok(Self { address: mapped(address).to_bits(), bits: 128 - width + bits })
    }
}

const fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// What IANA's IPv4 special-purpose registry (RFC 6890) holds back, multicast and the reserved end.
const NOT_PUBLIC_V4: [Network; 16] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([192, 0, 2, 0], 24),
    Network::v4([192, 88, 99, 0], 24),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([198, 51, 100, 0], 24),
    Network::v4([203, 0, 113, 0], 24),
    Network::v4([224, 0, 0, 0], 4),
    Network::v4([240, 0, 0, 0], 4),
    // Azure's host agent answers here, on an address that looks public.
    Network::v4([168, 63, 129, 16], 32),
];
/// All that is handed out of IPv6 so far; what is not in it is local, mapped or nothing.
const GLOBAL_UNICAST: Network = Network::v6([0x2000, 0, 0, 0], 3);
/// Of that: protocols' own with Teredo, documentation twice, and 6to4, which holds an IPv4 address.
const NOT_PUBLIC_V6: [Network; 4] = [
    Network::v6([0x2001, 0, 0, 0], 23),
    Network::v6([0x2001, 0x0DB8, 0, 0], 32),
    Network::v6([0x2002, 0, 0, 0], 16),
    Network::v6([0x3FFF, 0, 0, 0], 20),
];
/// IPv4 as a network without it sees it (RFC 6052); the address is in the last four bytes.
const NAT64: Network = Network::v6([0x0064, 0xFF9B, 0, 0], 96);

/// Whether the address is one of the public internet, not of this machine or its neighbourhood.
pub(super) fn is_public(address: IpAddr) -> bool {
    let is_in = |network: &Network| network.contains(address);
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC_V4.iter().any(is_in),
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public(v4.into());
            }
            if NAT64.contains(address) {
                let [.., a, b, c, d] = v6.octets();
                return is_public(Ipv4Addr::new(a, b, c, d).into());
            }
            GLOBAL_UNICAST.contains(address) && !NOT_PUBLIC_V6.iter().any(is_in)
        }
    }
}
