//! Ledgers that are moved: there and back, stopped in the middle, and what is refused.

mod ends;
mod fill;
mod kill;
mod moved;
mod refused;
mod shown;
