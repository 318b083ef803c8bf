//! The media plane, heard by telephones: real datagrams on addresses that every test has to itself.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod codecs;
mod keys;
mod latching;
mod listening;
mod phone;
mod quality;
mod robust;
mod stream;
mod talk;
