//! The step of the walk that submits.

use std::time::Duration;

use ::model::catalogue::status;
use ::model::{Message, Status, Timestamp};

use super::super::book::{Answered, Call};
use super::super::message::{message, submission};
use super::super::model::Place;
use super::{Open, Walk};
use crate::{CallEntry, ReplayKey, StoreError, Submission, Submitted};

/// What the walk asks for in one message.
struct Wish {
    message: String,
    variant: u64,
    send_at: Timestamp,
    valid: Option<Duration>,
}

impl Wish {
    fn message(&self, bulk: &str) -> Message {
        Message {
            callback_data: Some(format!("variant {}", self.variant)),
            send_at: self.send_at,
            valid_until: self.valid.map(|valid| self.send_at.plus(valid)),
            ..message(bulk, &self.message)
        }
    }
}

impl<O: Open> Walk<'_, O> {
    pub(super) async fn submit(&mut self) {
        let (now, bulk) = (self.now(), self.bulk_name());
        let wishes: Vec<Wish> = (0..=self.dice.below(5)).map(|_| self.wish(now)).collect();
        let key = self.dice.one_in(4).then(|| ReplayKey {
            value: format!("key {}", self.dice.below(3)),
            fingerprint: u64::from(self.dice.one_in(8)),
        });
        let waiting_max = if self.dice.one_in(5) { self.dice.below(20) } else { u64::MAX };
        let messages = wishes.iter().map(|wish| wish.message(&bulk)).collect();
        let ask = Submission { key: key.clone(), waiting_max, ..submission(&bulk, messages) };
        let stage = self.stage();
        let said = stage.ledger.submit(stage.account, ask).await;
        if let Some(key) = &key
            && let Some(before) = self.book.answered(&key.value, &self.model.keeping, now)
        {
            match said {
                Ok(said) if before.fingerprint == key.fingerprint => {
                    assert_eq!(said, Submitted { replayed: true, ..before.submitted.clone() });
                }
                Err(StoreError::KeyReused) if before.fingerprint != key.fingerprint => {}
                said => panic!("{key:?} was used before, and got {said:?}"),
            }
            return;
        }
        let said = match said {
            Ok(said) => said,
            Err(StoreError::QueueFull { waiting, most }) => {
                assert!(most == waiting_max && waiting > most);
                assert!(self.book.waiting() + wishes.len() as u64 >= waiting);
                return;
            }
            Err(error) => panic!("{error}"),
        };
        assert!(!said.replayed);
        let new = self.keep(&bulk, &wishes, &said).await;
        assert!(new == 0 || self.book.waiting() <= waiting_max, "the queue was full");
        if let Some(ReplayKey { value, fingerprint }) = key {
            self.book.keys.insert(value, Answered { at: now, fingerprint, submitted: said });
        }
    }

    fn wish(&mut self, now: Timestamp) -> Wish {
        Wish {
            message: format!("message {}", self.dice.below(400)),
            variant: self.dice.below(2),
            send_at: now.plus(Duration::from_secs(self.dice.below(3) * self.dice.below(60))),
            valid: self.dice.one_in(2).then(|| Duration::from_secs(100)),
        }
    }

    /// Checks the answers, and notes the calls that are new. Says how many.
    async fn keep(&mut self, bulk: &str, wishes: &[Wish], said: &Submitted) -> usize {
        let (mut batch, mut new, mut known) = (None, 0, Vec::new());
        assert_eq!(said.answers.len(), wishes.len());
        for (wish, answer) in wishes.iter().zip(&said.answers) {
            assert_eq!(answer.message_id, wish.message);
            let accepted = answer.status == Status::from(status::PENDING_ACCEPTED);
            let duplicate = answer.status == status::REJECTED_DUPLICATE_MESSAGE_ID.into();
            assert!(accepted || duplicate);
            if let Some((_, call)) = self.book.named(&wish.message) {
                let same = (call.variant, call.valid) == (wish.variant, wish.valid);
                assert_eq!(accepted, same, "{call:?} was submitted before");
                if same {
                    known.push(self.book.bulk_of(call).to_owned());
                }
                continue;
            }
            if let Some(bulk) = self.ended(wish, accepted).await {
                known.extend(bulk);
                continue;
            }
            assert!(accepted, "nothing is called {}", wish.message);
            let batch = *batch.get_or_insert_with(|| self.book.batch(bulk));
            self.book.add(Call {
                message: wish.message.clone(),
                variant: wish.variant,
                batch,
                due: wish.send_at,
                valid: wish.valid,
                valid_until: wish.valid.map(|valid| wish.send_at.plus(valid)),
                started: false,
                attempts: 0,
                cancelled: false,
                lease: None,
            });
            new += 1;
        }
        known.dedup();
        let earlier = if new == 0 && known.len() == 1 { &known[0] } else { bulk };
        assert_eq!(said.bulk_id, *earlier);
        new
    }

    /// Whether the message has a report, and then its bulk if it asked for the same. When a settled
    /// report is dropped after its time is the engine's own affair, and shows here.
    async fn ended(&mut self, wish: &Wish, accepted: bool) -> Option<Option<String>> {
        let number = self.model.known(&wish.message)?;
        let item = &self.model.items[number];
        let same = item.asked == Some((wish.variant, wish.valid));
        if !accepted {
            assert!(!same, "{item:?} was asked for before");
            return Some(None);
        }
        let stage = self.stage();
        let entry = stage.ledger.call(stage.account, &wish.message).await.expect("a look");
        if matches!(entry, Some(CallEntry::Finished(_))) {
            assert!(same, "{item:?} was asked for otherwise");
            return Some(Some(item.bulk.clone()));
        }
        let now = self.now();
        assert!(self.model.may_be_dropped(number, now), "{item:?} gets a second call");
        self.model.items[number].place = Place::Gone;
        None
    }
}
