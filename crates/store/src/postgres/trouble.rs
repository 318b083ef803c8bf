//! What may go wrong between a verb and the database, by what is to be done about it.

use tokio_postgres::error::Severity;

use crate::StoreError;
use crate::record::Damaged;

/// Why something asked of the database did not come about.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The connection, or the server, is gone. It can be asked again over another one.
    Lost(String),
    /// Refused: asking again would not help.
    Refused(StoreError),
}

pub(super) type Done<T> = std::result::Result<T, Trouble>;

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = tell(&error);
        let Some(known) = error.as_db_error() else {
            // What is no parameter or column of its kind is no fault of the wire.
            let kind = error.to_string();
            let is_ours = ["error serializing", "error deserializing", "invalid column"];
            return match is_ours.iter().any(|ours| kind.starts_with(ours)) {
                true => Self::Refused(StoreError::Corrupt(text)),
                false => Self::Lost(text),
            };
        };
        let fatal = matches!(known.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
        match known.code().code() {
            "CS404" => Self::Refused(StoreError::NoSuchAccount),
            // Connection exceptions, no resources, shut down by somebody, read-only: a standby that
            // is not the leader yet, or no more; and what lost to another transaction.
            code if fatal
                || ["08", "53", "57", "40"].contains(&code.get(..2).unwrap_or_default())
                || code == "25006" =>
            {
                Self::Lost(text)
            }
            _ => Self::Refused(StoreError::Corrupt(text)),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Damaged> for Trouble {
    fn from(damaged: Damaged) -> Self {
        Self::Refused(damaged.into())
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(reason) => Self::Unavailable(reason),
            Trouble::Refused(error) => error,
        }
    }
}

/// The error with what is behind it: the driver's own text is only "db error".
pub(super) fn tell(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(known), _) => known.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
