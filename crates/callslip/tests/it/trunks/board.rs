//! A server whose calls go through trunks.

use std::process::Command;

use serde_json::Value;

use super::far_end::{FarEnd, free_port};
use crate::binary::{Home, Ran};
use crate::phones::Phones;
use crate::server::wait_for;

/// Everything but the trunks. A fifth of the protocol's own T1, and no bound in the way.
fn settings(port: u16, calls: &str) -> String {
    format!(
        "[calls]\ncarrier = \"sip\"\ncalls_per_second = 10000\nconcurrent_calls = 10000\n\
         account_calls_per_second = 10000\naccount_concurrent_calls = 10000\n{calls}\n\
         [sip]\nudp = \"127.0.0.1:{port}\"\nt1_ms = 100\n[media]\nbind = \"127.0.0.1\"\n"
    )
}

/// A trunk with those destinations and more keys; nobody asks whether it lives.
pub(crate) fn trunk(name: &str, destinations: &[String], more: &str) -> String {
    let destinations = destinations.join(", ");
    let caps = if more.contains("calls_per_second") { "" } else { "calls_per_second = 10000\n" };
    let legs = if more.contains("concurrent_calls") { "" } else { "concurrent_calls = 10000\n" };
    format!(
        "[[trunk]]\nname = \"{name}\"\ndestinations = [{destinations}]\nping_s = 0\n{caps}{legs}{more}\n"
    )
}

/// A trunk with one destination.
pub(crate) fn trunk_to(far: &FarEnd, name: &str, more: &str) -> String {
    trunk(name, &[far.destination("")], more)
}

/// A server with trunks.
pub(crate) struct Board {
    pub(crate) phones: Phones,
    /// Where it speaks SIP.
    pub(crate) port: u16,
    calls: String,
}

impl Board {
    pub(crate) fn new(trunks: &str) -> Self {
        Self::with(trunks, "")
    }

    /// With more keys of `[calls]`.
    pub(crate) fn with(trunks: &str, calls: &str) -> Self {
        Self::of(trunks, calls, &[])
    }

    /// With files beside the settings.
    pub(crate) fn with_files(trunks: &str, files: &[(&str, &str)]) -> Self {
        Self::of(trunks, "", files)
    }

    fn of(trunks: &str, calls: &str, files: &[(&str, &str)]) -> Self {
        let port = free_port();
        let home = Home::new();
        for (name, content) in files {
            home.file(name, content);
        }
        let phones = Phones::serving_at(home, &format!("{}{trunks}", settings(port, calls)));
        Self { phones, port, calls: calls.into() }
    }

    /// Writes other trunks into its settings.
    pub(crate) fn write(&self, trunks: &str) {
        let file = format!("{}{trunks}", settings(self.port, &self.calls));
        self.phones.home.file("c.toml", &file);
    }

    /// The first attempt at a call, as it was kept.
    #[track_caller]
    pub(crate) fn attempt(&self, message_id: &str) -> Value {
        self.phones.detail(message_id)["attempts"][0].clone()
    }

    /// A number of the metrics page; all of them with the labels that there are.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let doors: Value =
            serde_json::from_str(&self.phones.home.read("ledger/admin.json")).unwrap();
        let url = format!("{}/metrics", doors["url"].as_str().unwrap());
        let page = Ran::of(Command::new("curl").args(["-s", &url])).out;
        let lines = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    #[track_caller]
    pub(crate) fn wait_until_under_way(&self, calls: u64) {
        wait_for("the calls to be under way", || self.metric("callslip_calls_under_way") == calls);
    }

    /// Ends a call that is up, as its customer may.
    #[track_caller]
    pub(crate) fn end(&self, message_id: &str) {
        let reply = self.phones.ask("DELETE", &format!("/callslip/1/calls/{message_id}"), "", "");
        assert_eq!(reply.json()["was"], "underWay");
    }
}

/// Status and error of a report.
#[track_caller]
pub(crate) fn ids(report: &Value) -> (u64, u64) {
    let id = |part: &str| report[part]["id"].as_u64().unwrap();
    (id("status"), id("error"))
}
