//! Ledgers that are moved: there and back, stopped in the middle, and what is refused.

#[cfg(test)]
mod ends;
#[cfg(test)]
mod fill;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod moved;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod shown;
