//! The media plane, heard by telephones: real datagrams on addresses that every test has to itself.

mod codecs;
mod keys;
mod latching;
mod listening;
mod phone;
mod quality;
mod robust;
mod stream;
mod talk;
