//! Fair shares: how many due calls of which account are leased next. Pure.
//!
//! Round robin, one call at a time, beginning after the account that was served last. So of two
//! accounts that both have due calls and room under their caps throughout a time, in however many
//! rounds it is handed out, neither is handed more than one call more than the other.

use model::AccountId;
use store::Share;

/// What an account could be given now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The account.
    pub account: AccountId,
    /// Calls of it that are due and have room under its own caps.
    pub calls: u64,
    /// How many of its calls may be under way at once.
    pub under_way_max: u64,
}

/// What a round gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// For each account that gets something, in the order of their ids.
    pub shares: Vec<Share>,
    /// Who was served last; the next round begins after it.
    pub last: Option<AccountId>,
}

/// Shares `room` calls among the accounts, in the order of their ids, beginning after `last`.
pub fn shares(wants: &[Want], room: u64, last: Option<AccountId>) -> Round {
    let mut wants: Vec<Want> = wants.iter().filter(|want| want.calls > 0).copied().collect();
    wants.sort_by_key(|want| want.account);
    let first = wants.partition_point(|want| Some(want.account) <= last);
    wants.rotate_left(first);

    let mut given = vec![0; wants.len()];
    let mut left = room;
    let mut served = last;
    while left > 0 {
        let before = left;
        for (want, given) in wants.iter().zip(&mut given) {
            if left > 0 && *given < want.calls {
                *given += 1;
                left -= 1;
                served = Some(want.account);
            }
        }
        if left == before {
            break;
        }
    }

    let mut shares: Vec<Share> = wants.iter().zip(given).filter_map(share).collect();
    shares.sort_by_key(|share| share.account);
    Round { shares, last: served }
}

fn share((want, given): (&Want, u64)) -> Option<Share> {
    let most = usize::try_from(given).unwrap_or(usize::MAX);
    let Want { account, under_way_max, .. } = *want;
    (given > 0).then_some(Share { account, most, under_way_max })
}
