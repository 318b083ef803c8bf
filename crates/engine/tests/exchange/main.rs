//! The exchange: from a submission to its report, over a real ledger and the sandbox, in virtual
//! time.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod house;
#[cfg(test)]
mod line_log;
#[cfg(test)]
mod money;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod prompts;
#[cfg(test)]
mod report;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod time;
#[cfg(test)]
mod trouble;
