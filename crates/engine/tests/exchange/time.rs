//! Waiting by a clock that runs faster than life.

use std::sync::Arc;
use std::time::Duration;

use engine::time::Time;
use model::{Clock, Timestamp};
use tokio::time::Instant;

use crate::house::{NOON, secs};

struct Fast(Instant, u32);

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        NOON.plus(self.0.elapsed() * self.1)
    }
}

#[tokio::test(start_paused = true)]
async fn a_fast_clock_is_waited_for_as_long_as_it_takes_to_show_it() {
    for speed in [1, 10, 60] {
        let began = Instant::now();
        let time = Time::new(Arc::new(Fast(began, speed)), speed);
        time.until(NOON.plus(secs(3_600))).await;
        let expected = secs(3_600) / speed;
        let off = began.elapsed().abs_diff(expected);
        assert!(off <= Duration::from_millis(2), "{off:?} off at {speed}");
        assert_eq!(time.now().since(NOON).as_secs(), 3_600);
        time.until(NOON).await;
    }
}
