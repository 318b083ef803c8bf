//! Everything that a ledger shows, and what it does next.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use model::{AccountId, Clock, ManualClock};
use store::{ArchiveQuery, Fate, LeaseAsk, Ledger, Share, conformance};

use crate::fill::{keyed, submission};

/// Lines of text, so that a difference can be read.
#[derive(Default)]
struct Shown(Vec<String>);

impl Shown {
    fn tell(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?}"));
    }
}

/// Everything that the trait shows of it.
pub(crate) async fn shown(ledger: &dyn Ledger) -> Vec<String> {
    let mut shown = Shown::default();
    shown.tell("keys", ledger.keys().await.unwrap());
    shown.tell("decks", ledger.decks().await.unwrap());
    shown.tell("due", ledger.due().await.unwrap());
    for account in ledger.accounts().await.unwrap() {
        shown.tell("account", &account);
        of_account(&mut shown, ledger, account.id).await;
    }
    shown.0
}

async fn of_account(shown: &mut Shown, ledger: &dyn Ledger, account: AccountId) {
    let all = ArchiveQuery { limit: usize::MAX, ..ArchiveQuery::default() };
    shown.tell("waiting", ledger.waiting(account).await.unwrap());
    for day in 20_800..20_900 {
        shown.tell("spent", ledger.spent(account, day).await.unwrap());
    }
    let (mut bulks, mut messages) = (BTreeSet::new(), BTreeSet::new());
    for record in ledger.list(account, all.clone()).await.unwrap() {
        let report = record.report().unwrap();
        shown.tell("report", (record.fed_at().unwrap(), &report));
        bulks.insert(report.bulk_id.to_owned());
        messages.insert(report.message_id.to_owned());
    }
    for open in ledger.open_calls(account, all.clone()).await.unwrap() {
        shown.tell("open", &open);
        bulks.insert(open.message.bulk_id);
        messages.insert(open.message.message_id);
    }
    for bulk in bulks {
        shown.tell("bulk", ledger.bulk(account, &bulk).await.unwrap());
        let query = ArchiveQuery { bulk_ids: vec![bulk], ..all.clone() };
        shown.tell("its reports", ledger.list(account, query.clone()).await.unwrap());
        shown.tell("its calls", ledger.open_calls(account, query).await.unwrap());
    }
    for message in messages {
        shown.tell("audit", ledger.audit(&message).await.unwrap());
        shown.tell("call", ledger.call(account, &message).await.unwrap());
        for part in 0..4 {
            let bytes = ledger.recording(account, &message, part).await.unwrap();
            shown.tell("recording", bytes);
        }
        let query = ArchiveQuery { message_ids: vec![message], ..all.clone() };
        shown.tell("by name", ledger.list(account, query).await.unwrap());
    }
}

/// What it does with the same questions.
pub(crate) async fn does(
    ledger: &dyn Ledger,
    clock: &ManualClock,
    account: AccountId,
) -> Vec<String> {
    let mut done = Shown::default();
    let mut last = None;
    for key in ["arrived", "open", "new"] {
        let taken = ledger.take(account, keyed(key, 11)).await.unwrap();
        // What is asked again has its number; a new take has one after all of them, and which one
        // is the engine's own.
        let number = taken.take.filter(|_| taken.replayed);
        assert!(taken.take > last, "{key}: {:?} is not after {last:?}", taken.take);
        last = taken.take;
        done.tell(key, (number, taken.replayed, &taken.records));
    }
    done.tell("submitted", ledger.submit(account, submission()).await.unwrap());
    let fed = conformance::report("bulk 0", "report 0-0");
    let open = conformance::report("calls", "call 0");
    let new = conformance::report("bulk 0", "new");
    done.tell("fed", ledger.feed(account, vec![fed, open, new]).await.unwrap());
    clock.advance(Duration::from_secs(120));
    let until = clock.now().plus(Duration::from_secs(30));
    let share = Share { account, most: usize::MAX, under_way_max: u64::MAX };
    let ask = LeaseAsk { shares: vec![share], closing_max: usize::MAX, until };
    let work = ledger.lease(ask).await.unwrap();
    // Tokens are an engine's own affair.
    let calls = |leased: Vec<store::Leased>| {
        leased.into_iter().map(|leased| leased.call).collect::<Vec<_>>()
    };
    done.tell("due", calls(work.due));
    done.tell("closing", calls(work.closing));
    while let taken = ledger.take(account, conformance::ask(50)).await.unwrap()
        && let Some(take) = taken.take
    {
        done.tell("taken", &taken.records);
        ledger.resolve(take, Fate::Settled);
    }
    let more = conformance::message("held", "more");
    let more = conformance::submission("held", vec![more]);
    done.tell("more", ledger.submit(account, more).await.unwrap());
    done.tell("bulk", ledger.bulk(account, "held").await.unwrap());
    clock.advance(Duration::from_secs(49 * 3600));
    let upkept = ledger.upkeep().await.unwrap();
    // When what is over is dropped is an engine's own affair, within its next upkeeps.
    done.tell("windows", (upkept.windows_settled, upkept.windows_returned));
    done.0
}
