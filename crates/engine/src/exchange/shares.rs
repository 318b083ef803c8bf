//! Fair shares: whose turn it is to have a due call placed. Pure.
//!
//! Round robin, one call at a time, beginning after the account that was served last. So of two
//! accounts that both have due calls and room under their caps throughout a time, in however many
//! rounds it is handed out, neither is ever handed more than one call more than the other.

use std::collections::HashMap;

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

/// Whose turns the next `room` calls are, beginning after who was served `last`.
pub fn turns(wants: &[Want], room: u64, last: Option<AccountId>) -> Vec<AccountId> {
    let mut wants: Vec<Want> = wants.iter().filter(|want| want.calls > 0).copied().collect();
    wants.sort_by_key(|want| want.account);
    let first = wants.partition_point(|want| Some(want.account) <= last);
    wants.rotate_left(first);

    let mut turns = Vec::new();
    while !wants.is_empty() && (turns.len() as u64) < room {
        let left = usize::try_from(room).map_or(usize::MAX, |room| room - turns.len());
        turns.extend(wants.iter().map(|want| want.account).take(left));
        wants.iter_mut().for_each(|want| want.calls -= 1);
        wants.retain(|want| want.calls > 0);
    }
    turns
}

/// The same, as the ledger is asked for it: one share for each account.
pub fn shares(wants: &[Want], turns: &[AccountId]) -> Vec<Share> {
    let mut counts: HashMap<AccountId, usize> = HashMap::new();
    turns.iter().for_each(|account| *counts.entry(*account).or_default() += 1);
    let share = |want: &Want| {
        let Want { account, under_way_max, .. } = *want;
        counts.get(&account).map(|most| Share { account, most: *most, under_way_max })
    };
    wants.iter().filter_map(share).collect()
}
