#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
#[expect(dead_code, reason = "each binary drives one target")]
mod targets;

fuzz_target!(|data: &[u8]| targets::submit_xml(data));
