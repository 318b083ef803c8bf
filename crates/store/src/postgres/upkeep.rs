//! Upkeep of one account: ends what the clock has ended, a bounded piece at a time.

use std::ops::Range;

use super::node;
use super::page::Page;
use super::row::{self, Columns};
use super::take::ranges;
use super::trouble::Done;
use crate::Upkept;
use crate::record::EndedRecord;

/// Reports that are dropped, or takes that are ended, in one step. Others wait while it is done.
const STEP: i64 = 1_000;
/// The most reports in one piece of a range that a take had, as `depart` cuts it.
const TAKEN_SPAN_MAX: usize = 4_096;

impl Page {
    /// One step; and whether there is more to do at once.
    pub(super) async fn upkeep(&mut self) -> Done<(Upkept, bool)> {
        let mut upkept = Upkept::default();
        self.expire(None).await?;
        let answers = self.drop_answers().await?;
        self.end_windows(&mut upkept).await?;
        let takes = self.retire(&mut upkept).await?;
        self.expire_pending(&mut upkept).await?;
        let step = STEP.cast_unsigned();
        let windows = upkept.windows_settled + upkept.windows_returned;
        let more = [answers, takes, windows, upkept.reports_dropped, upkept.pending_dropped];
        Ok((upkept, more.iter().any(|done| *done >= step)))
    }

    /// Drops what was answered to submissions whose window is over.
    async fn drop_answers(&mut self) -> Done<u64> {
        const DROP: &str = "DELETE FROM submit WHERE account = $1 AND key IN \
            (SELECT key FROM submit WHERE account = $1 AND at <= $2 ORDER BY at LIMIT $3)";
        let ended = self.now.minus(self.office.keeping.submit_window);
        self.execute(DROP, &[&self.id(), &row::time(ended), &STEP]).await
    }

    /// Ends the windows of keyed takes, unless the fate of an answer is still open.
    async fn end_windows(&mut self, upkept: &mut Upkept) -> Done<()> {
        const OVER: &str = "SELECT take, settled_once OR acknowledged > 0 AS arrived FROM take \
            WHERE account = $1 AND state = 0 AND key IS NOT NULL AND at <= $2 AND open = '{}' \
            ORDER BY take LIMIT $3";
        const END: &str = "SELECT finish_take($1, $2, $3, $4)";
        let began = self.now.minus(self.office.keeping.replay_window);
        for row in self.query(OVER, &[&self.id(), &row::time(began), &STEP]).await? {
            let arrived = row.is("arrived")?;
            let (take, state): (i64, i16) = (row.try_get("take")?, if arrived { 1 } else { 6 });
            self.rewrite(END, &[&self.id(), &take, &state, &row::time(self.now)]).await?;
            upkept.windows_settled += u64::from(arrived);
            upkept.windows_returned += u64::from(!arrived);
        }
        self.news.reports |= upkept.windows_returned > 0;
        Ok(())
    }

    /// Drops takes that ended too long ago, and the reports that they settled. In the order of the
    /// takes: one that is not yet due holds up those after it, for as long as a window at most.
    /// Says how many takes.
    async fn retire(&mut self, upkept: &mut Upkept) -> Done<u64> {
        const OLDEST: &str = "SELECT t.take, t.state, t.ended_at, t.starts, t.ends FROM take t \
            WHERE t.account = $1 \
              AND t.take >= (SELECT first_take FROM queue WHERE account = $1) \
            ORDER BY t.take LIMIT $2";
        const TAKEN: &str = "DELETE FROM taken \
            USING unnest($2::bigint[], $3::bigint[]) AS gone (take, piece) WHERE \
            taken.account = $1 AND taken.range_end = gone.piece AND taken.take = gone.take";
        const TAKES: &str = "DELETE FROM take WHERE account = $1 AND take = ANY ($2)";
        const FIRST: &str = "UPDATE queue SET first_take = $2 WHERE account = $1";
        let over = self.now.minus(self.office.keeping.retention);
        let (mut takes, mut settled) = (Vec::new(), Vec::new());
        let (mut of, mut pieces) = (Vec::new(), Vec::new());
        let mut dropped = 0;
        for row in self.query(OLDEST, &[&self.id(), &STEP]).await? {
            let is_over = row.maybe_time("ended_at")?.is_some_and(|ended| ended <= over);
            if !is_over || dropped >= STEP {
                break;
            }
            let take: i64 = row.try_get("take")?;
            takes.push(take);
            for range in ranges(&row)? {
                for piece in range.clone().step_by(TAKEN_SPAN_MAX) {
                    of.push(take);
                    pieces.push(range.end.min(piece + TAKEN_SPAN_MAX as i64));
                }
                if row.try_get::<_, i16>("state")? == 1 {
                    dropped += range.end - range.start;
                    settled.push(range);
                }
            }
        }
        let Some(last) = takes.last() else { return Ok(0) };
        let account = self.id();
        self.execute(TAKEN, &[&account, &of, &pieces]).await?;
        self.execute(TAKES, &[&account, &takes]).await?;
        self.execute(FIRST, &[&account, &(last + 1)]).await?;
        self.drop_reports(&settled).await?;
        upkept.reports_dropped += dropped.cast_unsigned();
        Ok(takes.len() as u64)
    }

    /// Drops reports that have been pending for too long, if that is wanted.
    async fn expire_pending(&mut self, upkept: &mut Upkept) -> Done<()> {
        const YOUNG: &str = "SELECT seq FROM report WHERE account = $1 \
            AND seq >= $2 AND seq < $3 AND fed_at > $4 ORDER BY seq LIMIT 1";
        const REMOVE: &str = "SELECT pending_remove($1, $2, $3)";
        const FEWER: &str = "UPDATE queue SET pending = pending - $2 WHERE account = $1";
        let Some(age) = self.office.keeping.pending_max_age else { return Ok(()) };
        let (account, over) = (self.id(), row::time(self.now.minus(age)));
        let mut room = STEP;
        while room > 0 {
            let Some(front) = self.pending().await?.into_iter().next() else { break };
            let most = front.end.min(front.start + room);
            let young = self.maybe(YOUNG, &[&account, &front.start, &most, &over]).await?;
            let end = young.map_or(Ok(most), |row| row.try_get("seq"))?;
            if end == front.start {
                break;
            }
            let count = end - front.start;
            self.rewrite(REMOVE, &[&account, &front.start, &end]).await?;
            self.execute(FEWER, &[&account, &count]).await?;
            self.drop_reports(std::slice::from_ref(&(front.start..end))).await?;
            upkept.pending_dropped += count.cast_unsigned();
            room -= count;
        }
        Ok(())
    }

    /// Drops reports from the archive, with what is beside them; and the batches of the bulks of
    /// which nothing is left.
    async fn drop_reports(&mut self, gone: &[Range<i64>]) -> Done<()> {
        const REPORTS: &str =
            "DELETE FROM report WHERE account = $1 AND seq = ANY ($2) RETURNING bulk";
        const ENDED: &str =
            "DELETE FROM ended WHERE account = $1 AND seq = ANY ($2) RETURNING record";
        const BATCHES: &str = "DELETE FROM batch b WHERE b.account = $1 AND b.bulk = ANY ($2) \
            AND NOT EXISTS (SELECT FROM report r WHERE r.account = $1 AND r.bulk = b.bulk) \
            AND NOT EXISTS (SELECT FROM call c WHERE c.account = $1 \
                AND c.number >= b.first AND c.number < b.first + b.calls)";
        if gone.is_empty() {
            return Ok(());
        }
        let account = self.id();
        let seqs: Vec<i64> = gone.iter().cloned().flatten().collect();
        let rows = self.rewrite(REPORTS, &[&account, &seqs]).await?;
        let mut bulks: Vec<i64> =
            rows.iter().map(|row| Ok(row.try_get("bulk")?)).collect::<Done<_>>()?;
        bulks.sort_unstable();
        bulks.dedup();
        let mut recorded = Vec::new();
        for row in self.rewrite(ENDED, &[&account, &seqs]).await? {
            let EndedRecord { number, recording, .. } = EndedRecord::read(row.bytes("record")?)?;
            if recording.parts > 0 {
                recorded.push(row::number(number));
            }
        }
        self.drop_recordings(&recorded).await?;
        self.execute(BATCHES, &[&account, &bulks]).await?;
        Ok(())
    }

    /// Drops what was recorded of calls.
    pub(super) async fn drop_recordings(&mut self, calls: &[i64]) -> Done<()> {
        const DROP: &str = "DELETE FROM recording_part WHERE account = $1 AND number = ANY ($2)";
        if !calls.is_empty() {
            self.execute(DROP, &[&self.id(), &calls]).await?;
        }
        Ok(())
    }

    /// Ends what a node had open that is no more, and its leases.
    pub(super) async fn end_node(&mut self, node: i64) -> Done<()> {
        const TAKES: &str = "SELECT end_node($1, $2, $3, $4) AS returned";
        const LEASES: &str = "UPDATE call \
            SET token = NULL, until = NULL, closing = false, node = NULL \
            WHERE account = $1 AND token IS NOT NULL AND node = $2";
        // It may have come back since it was given up, and taken more.
        if node != self.office.node && node::is_alive(&self.line, node).await? {
            return Ok(());
        }
        let keep = self.office.keeping.in_flight_at_start == crate::InFlightAtStart::Keep;
        let (account, now) = (self.id(), row::time(self.now));
        let rows = self.rewrite(TAKES, &[&account, &node, &keep, &now]).await?;
        let returned = rows.first().map(|row| row.number("returned")).transpose()?;
        self.news.reports |= returned.is_some_and(|returned| returned > 0);
        let ended = self.execute(LEASES, &[&account, &node]).await?;
        self.news.calls |= ended > 0;
        Ok(())
    }
}
