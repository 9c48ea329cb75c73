use std::{fmt, net::IpAddr};

/// An address range, `address/bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?),
            None => {
                let address = text.trim().parse::<IpAddr>().ok()?;
                (address, if address.is_ipv4() { 32 } else { 128 })
            }
        };
        let max = if address.is_ipv4() { 32 } else { 128 };
        (bits <= max).then_some(Self { address, bits })
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let mask = |value: u128, width: u32| value >> (width - u32::from(self.bits)).min(127);
        match (self.address, address) {
            _ if self.bits == 0 => self.address.is_ipv4() == address.is_ipv4(),
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                mask(u128::from(a.to_bits()), 32) == mask(u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => mask(a.to_bits(), 128) == mask(b.to_bits(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}
