//! Calls in virtual time: every race and row by hand, then thousands by seed.

#[cfg(test)]
mod drive;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod message;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod races;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod script;
#[cfg(test)]
mod simulation;
