//! A token bucket per key: so many in a span of time, and how long to wait when there are no more.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;

/// Keys remembered at most; past it, the full buckets are forgotten, which harms nobody.
const KEYS_MAX: usize = 10_000;

/// A bucket of tokens per key, refilled evenly over the span.
pub(crate) struct Throttle<K> {
    most: u32,
    span: Duration,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl<K: Hash + Eq> Throttle<K> {
    pub(crate) fn per_minute(most: u32) -> Self {
        Self { most, span: Duration::from_secs(60), buckets: Mutex::default() }
    }

    pub(crate) fn per_second(most: u32) -> Self {
        Self { most, span: Duration::from_secs(1), buckets: Mutex::default() }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; gives the time until there will be.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS_MAX {
            buckets.retain(|_, bucket| self.refilled(*bucket, now) < f64::from(self.most));
        }
        let full = Bucket { tokens: f64::from(self.most), at: now };
        let bucket = buckets.entry(key).or_insert(full);
        *bucket = Bucket { tokens: self.refilled(*bucket, now), at: now };
        if bucket.tokens < 1.0 {
            return Err(self.until_one(bucket.tokens));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// Whether there is a token, without taking it.
    ///
    /// # Errors
    /// There is none; gives the time until there will be.
    pub(crate) fn peek(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get(key).map(|bucket| self.refilled(*bucket, now)) {
            Some(tokens) if tokens < 1.0 => Err(self.until_one(tokens)),
            _ => Ok(()),
        }
    }

    fn refilled(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let spans = now.since(bucket.at).as_secs_f64() / self.span.as_secs_f64();
        let most = f64::from(self.most);
        (bucket.tokens + spans * most).min(most)
    }

    fn until_one(&self, tokens: f64) -> Duration {
        self.span.mul_f64((1.0 - tokens) / f64::from(self.most.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_evenly() {
        let throttle = Throttle::per_minute(2);
        let start = Timestamp::from_millis(1_000_000);
        assert_eq!(throttle.take("a", start), Ok(()));
        assert_eq!(throttle.take("a", start), Ok(()));
        assert_eq!(throttle.peek(&"a", start), Err(Duration::from_secs(30)));
        assert_eq!(throttle.take("a", start), Err(Duration::from_secs(30)));
        assert_eq!(throttle.take("b", start), Ok(()), "another key has its own bucket");
        let later = start.plus(Duration::from_secs(30));
        assert_eq!(throttle.take("a", later), Ok(()));
        assert!(throttle.take("a", later).is_err());
    }

    #[test]
    fn a_bucket_of_a_second_is_full_again_after_one() {
        let throttle = Throttle::per_second(2);
        let start = Timestamp::from_millis(1_000_000);
        assert_eq!((throttle.take("a", start), throttle.take("a", start)), (Ok(()), Ok(())));
        assert_eq!(throttle.take("a", start), Err(Duration::from_millis(500)));
        let later = start.plus(Duration::from_secs(3));
        assert_eq!((throttle.take("a", later), throttle.take("a", later)), (Ok(()), Ok(())));
        assert!(throttle.take("a", later).is_err(), "it holds no more than a second's worth");
    }
}
