//! Shaping: fifty reports become the bytes of an answer.

use std::hint::black_box;
use std::time::{Duration, Instant};

use api::negotiate::Format;
use model::Zone;
use store::Record;

use crate::Plan;
use crate::table::{Goal, Table, Unit};
use crate::work::{Numbers, TAKE};

const SPAN: Duration = Duration::from_millis(500);

pub(crate) async fn measure(plan: Plan, table: &mut Table) -> anyhow::Result<()> {
    let spans = plan.rounds as u32;
    let [json, xml] = tokio::task::spawn_blocking(move || shape(SPAN * spans)).await??;
    table.value("50 reports to JSON", &json, Unit::Micros, Goal::None);
    table.value("50 reports to XML", &xml, Unit::Micros, Goal::None);
    Ok(())
}

/// Microseconds of each shaping, JSON and XML in turn, from records as the ledger gives them.
fn shape(span: Duration) -> anyhow::Result<[Vec<f64>; 2]> {
    let fed_at = model::Timestamp::from_millis(1_767_225_600_000);
    let reports = Numbers::default().reports(TAKE);
    let records: Vec<Record> = reports.iter().map(|report| Record::new(report, fed_at)).collect();
    let zone = Zone::named("Europe/Zagreb")?;
    let mut samples = [Vec::new(), Vec::new()];
    let began = Instant::now();
    while began.elapsed() < span {
        for (format, samples) in [Format::Json, Format::Xml].into_iter().zip(&mut samples) {
            let began = Instant::now();
            let views =
                black_box(&records).iter().map(Record::report).collect::<Result<Vec<_>, _>>()?;
            black_box(api::wire::reports(format, &views, &zone));
            samples.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(samples)
}
