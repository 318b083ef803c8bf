//! The catalogue: every status and error that a report or an answer can carry. Ids repeat in the
//! API (87 means three things), so rows are named, never looked up by id.

/// A row of the status table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// Group id.
    pub group_id: u32,
    /// Group name.
    pub group_name: &'static str,
    /// Status id.
    pub id: u32,
    /// Status name.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
}

/// A row of the error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// Group id.
    pub group_id: u32,
    /// Group name.
    pub group_name: &'static str,
    /// Error id.
    pub id: u32,
    /// Error name.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// Whether a retry is pointless.
    pub permanent: bool,
}

/// The statuses.
#[expect(missing_docs, reason = "each row describes itself")]
pub mod status {
    use super::StatusRow;

    const fn row(
        group: (u32, &'static str),
        id: u32,
        name: &'static str,
        description: &'static str,
    ) -> StatusRow {
        StatusRow { group_id: group.0, group_name: group.1, id, name, description }
    }

    const PENDING_GROUP: (u32, &str) = (1, "PENDING");
    const UNDELIVERABLE_GROUP: (u32, &str) = (2, "UNDELIVERABLE");
    const DELIVERED_GROUP: (u32, &str) = (3, "DELIVERED");
    const EXPIRED_GROUP: (u32, &str) = (4, "EXPIRED");
    const REJECTED_GROUP: (u32, &str) = (5, "REJECTED");

    pub const PENDING_ACCEPTED: StatusRow =
        row(PENDING_GROUP, 26, "PENDING_ACCEPTED", "Message accepted, pending for delivery.");
    pub const PENDING_ENROUTE: StatusRow =
        row(PENDING_GROUP, 7, "PENDING_ENROUTE", "Message sent to next instance");
    pub const NO_ANSWER: StatusRow =
        row(UNDELIVERABLE_GROUP, 96, "NO_ANSWER", "It rang and nobody answered");
    pub const BUSY: StatusRow = row(UNDELIVERABLE_GROUP, 97, "BUSY", "The line was busy");
    pub const CANCELLED: StatusRow =
        row(UNDELIVERABLE_GROUP, 98, "CANCELLED", "The call was cancelled");
    pub const DELIVERED_TO_HANDSET: StatusRow =
        row(DELIVERED_GROUP, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset");
    pub const EXPIRED_EXPIRED: StatusRow =
        row(EXPIRED_GROUP, 15, "EXPIRED_EXPIRED", "Message expired");
    pub const REJECTED_PREFIX_MISSING: StatusRow =
        row(REJECTED_GROUP, 8, "REJECTED_PREFIX_MISSING", "No rate for the destination");
    pub const REJECTED_NOT_ENOUGH_CREDITS: StatusRow =
        row(REJECTED_GROUP, 12, "REJECTED_NOT_ENOUGH_CREDITS", "The daily spend limit is reached");
    pub const REJECTED_DESTINATION_BLOCKLISTED: StatusRow = row(
        REJECTED_GROUP,
        14,
        "REJECTED_DESTINATION",
        "The account may not call this destination",
    );
    pub const REJECTED_ROUTE_NOT_AVAILABLE: StatusRow =
        row(REJECTED_GROUP, 19, "REJECTED_ROUTE_NOT_AVAILABLE", "No trunk takes the call");
    pub const REJECTED_FLOODING_FILTER: StatusRow =
        row(REJECTED_GROUP, 20, "REJECTED_FLOODING_FILTER", "Too many calls are waiting");
    pub const REJECTED_DUPLICATE_MESSAGE_ID: StatusRow = row(
        REJECTED_GROUP,
        23,
        "REJECTED_DUPLICATE_MESSAGE_ID",
        "There is another message with this messageId",
    );
    pub const MISSING_TO: StatusRow =
        row(REJECTED_GROUP, 51, "MISSING_TO", "The destination is missing");
    pub const REJECTED_DESTINATION_INVALID: StatusRow = row(
        REJECTED_GROUP,
        52,
        "REJECTED_DESTINATION",
        "The destination is not a telephone number",
    );
    pub const REJECTED_INVALID_AUDIO_FILE_URL: StatusRow = row(
        REJECTED_GROUP,
        53,
        "REJECTED_INVALID_AUDIO_FILE_URL",
        "audioFileUrl is not a usable http or https URL",
    );
    pub const REJECTED_UNSUPPORTED_LANGUAGE: StatusRow = row(
        REJECTED_GROUP,
        54,
        "REJECTED_UNSUPPORTED_LANGUAGE",
        "There is no voice for the language",
    );
    pub const REJECTED_MESSAGE_IS_EMPTY: StatusRow = row(
        REJECTED_GROUP,
        55,
        "REJECTED_MESSAGE_IS_EMPTY",
        "There is neither text nor audio to play",
    );
    pub const REJECTED_INVALID_NOTIFY_URL: StatusRow = row(
        REJECTED_GROUP,
        56,
        "REJECTED_INVALID_NOTIFY_URL",
        "notifyUrl is not a usable http or https URL",
    );
    pub const REJECTED_INVALID_NOTIFY_CONTENT_TYPE: StatusRow = row(
        REJECTED_GROUP,
        57,
        "REJECTED_INVALID_NOTIFY_CONTENT_TYPE",
        "notifyContentType is neither application/json nor application/xml",
    );
    pub const REJECTED_INVALID_DTMF_SIGN: StatusRow =
        row(REJECTED_GROUP, 58, "REJECTED_INVALID_DTMF_SIGN", "A key is none of 0-9, * and #");
    pub const REJECTED_INVALID_DTMF_TIMEOUT: StatusRow =
        row(REJECTED_GROUP, 59, "REJECTED_INVALID_DTMF_TIMEOUT", "dtmfTimeout is out of range");
    pub const REJECTED_INVALID_RING_TIMEOUT: StatusRow =
        row(REJECTED_GROUP, 60, "REJECTED_INVALID_RING_TIMEOUT", "ringTimeout is out of range");
    pub const REJECTED_INVALID_CALL_TIMEOUT: StatusRow =
        row(REJECTED_GROUP, 61, "REJECTED_INVALID_CALL_TIMEOUT", "callTimeout is out of range");
    pub const REJECTED_INVALID_MACHINE_DETECTION: StatusRow = row(
        REJECTED_GROUP,
        62,
        "REJECTED_INVALID_MACHINE_DETECTION",
        "machineDetection is not a known value",
    );
    pub const REJECTED_INVALID_ACTIONS: StatusRow =
        row(REJECTED_GROUP, 63, "REJECTED_INVALID_ACTIONS", "callTransfers are not usable");
    pub const REJECTED_INVALID_ACTION_GROUPS: StatusRow = row(
        REJECTED_GROUP,
        64,
        "REJECTED_INVALID_ACTION_GROUPS",
        "callTransfers contradict each other",
    );
    pub const REJECTED_MACHINE_DETECTION_DISABLED: StatusRow = row(
        REJECTED_GROUP,
        83,
        "REJECTED_MACHINE_DETECTION_DISABLED",
        "Machine detection is not available",
    );
    pub const REJECTED_INVALID_DELIVERY_TIME_WINDOW: StatusRow = row(
        REJECTED_GROUP,
        87,
        "REJECTED_INVALID_DELIVERY_TIME_WINDOW",
        "deliveryTimeWindow is not usable",
    );
    pub const REJECTED_INVALID_SSML: StatusRow =
        row(REJECTED_GROUP, 91, "REJECTED_INVALID_SSML", "The text is not well-formed SSML");
    pub const REJECTED: StatusRow = row(REJECTED_GROUP, 99, "REJECTED", "The call was refused");
    pub const PLATFORM: StatusRow =
        row(REJECTED_GROUP, 100, "UNDELIVERABLE_REJECTED_PLATFORM", "The call could not be placed");
}

/// The errors: classic ids first, then the newer ones.
#[expect(missing_docs, reason = "each row describes itself")]
pub mod error {
    use super::ErrorRow;

    const fn row(group: (u32, &'static str), id: u32, name: &'static str, text: Text) -> ErrorRow {
        let Text(description, permanent) = text;
        ErrorRow { group_id: group.0, group_name: group.1, id, name, description, permanent }
    }

    /// A description, and whether a retry is pointless.
    struct Text(&'static str, bool);

    const OK: (u32, &str) = (0, "OK");
    const HANDSET_ERRORS: (u32, &str) = (1, "HANDSET_ERRORS");
    const USER_ERRORS: (u32, &str) = (2, "USER_ERRORS");
    const OPERATOR_ERRORS: (u32, &str) = (3, "OPERATOR_ERRORS");

    pub const NO_ERROR: ErrorRow = row(OK, 0, "NO_ERROR", Text("No Error", false));
    pub const VOICE_ANSWERED: ErrorRow =
        row(OK, 5000, "VOICE_ANSWERED", Text("Call answered by human", true));
    pub const VOICE_ANSWERED_MACHINE: ErrorRow =
        row(OK, 5001, "VOICE_ANSWERED_MACHINE", Text("Call answered by machine", true));
    pub const USER_BUSY: ErrorRow = row(
        USER_ERRORS,
        5002,
        "EC_VOICE_USER_BUSY",
        Text("User was busy during call attempt", true),
    );
    pub const NO_ANSWER: ErrorRow = row(
        USER_ERRORS,
        5003,
        "EC_VOICE_NO_ANSWER",
        Text("User was notified, but did not answer call", true),
    );
    pub const DOWNLOADING_FILE: ErrorRow = row(
        OPERATOR_ERRORS,
        5004,
        "EC_VOICE_ERROR_DOWNLOADING_FILE",
        Text("File provided for call could not be downloaded", true),
    );
    pub const UNSUPPORTED_AUDIO_FORMAT: ErrorRow = row(
        OPERATOR_ERRORS,
        5005,
        "EC_VOICE_ERROR_UNSUPPORTED_AUDIO_FORMAT",
        Text("Format of file provided for call is not supported", true),
    );
    pub const FORBIDDEN: ErrorRow = row(
        OPERATOR_ERRORS,
        5403,
        "EC_VOICE_ERROR_FORBIDDEN",
        Text("The network refused the call", false),
    );
    pub const DESTINATION_NOT_FOUND: ErrorRow = row(
        OPERATOR_ERRORS,
        5404,
        "EC_VOICE_ERROR_DESTINATION_NOT_FOUND",
        Text("There is no such number", false),
    );
    pub const PROXY_AUTHENTICATION: ErrorRow = row(
        OPERATOR_ERRORS,
        5407,
        "EC_VOICE_ERROR_PROXY_AUTHENTICATION_REQUIRED",
        Text("The trunk refused its credentials", false),
    );
    pub const REQUEST_TIMEOUT: ErrorRow = row(
        OPERATOR_ERRORS,
        5408,
        "EC_VOICE_ERROR_REQUEST_TIMEOUT",
        Text("The network did not answer", false),
    );
    pub const GONE: ErrorRow =
        row(OPERATOR_ERRORS, 5410, "EC_VOICE_ERROR_GONE", Text("The number has changed", false));
    pub const TEMPORARILY_NOT_AVAILABLE: ErrorRow = row(
        OPERATOR_ERRORS,
        5480,
        "EC_VOICE_ERROR_TEMPORARILY_NOT_AVAILABLE",
        Text("Callee currently unavailable", false),
    );
    pub const ADDRESS_INCOMPLETE: ErrorRow = row(
        OPERATOR_ERRORS,
        5484,
        "EC_VOICE_ERROR_ADDRESS_INCOMPLETE",
        Text("The number is incomplete", false),
    );
    pub const REQUEST_TERMINATED: ErrorRow = row(
        OPERATOR_ERRORS,
        5487,
        "EC_VOICE_ERROR_REQUEST_TERMINATED",
        Text("The network ended the call before it was answered", false),
    );
    pub const NOT_ACCEPTABLE_HERE: ErrorRow = row(
        OPERATOR_ERRORS,
        5488,
        "EC_VOICE_ERROR_NOT_ACCEPTABLE_HERE",
        Text("No audio codec in common", false),
    );
    pub const INTERNAL_SERVER_ERROR: ErrorRow = row(
        OPERATOR_ERRORS,
        5500,
        "EC_VOICE_INTERNAL_SERVER_ERROR",
        Text("The server stopped while the call was under way", false),
    );
    pub const SERVICE_UNAVAILABLE: ErrorRow = row(
        OPERATOR_ERRORS,
        5503,
        "EC_SERVICE_UNAVAILABLE",
        Text("The network is congested", true),
    );
    pub const DECLINE: ErrorRow = row(OPERATOR_ERRORS, 5603, "EC_DECLINE", Text("Decline.", false));
    pub const MESSAGE_CANCELED: ErrorRow =
        row(USER_ERRORS, 4100, "EC_MESSAGE_CANCELED", Text("Message canceled", true));
    pub const VALIDITY_EXPIRED: ErrorRow = row(
        USER_ERRORS,
        4101,
        "EC_VALIDITY_EXPIRED",
        Text("The validity period ended before the call", true),
    );
    pub const HUMAN_DETECTED: ErrorRow =
        row(OK, 10003, "HUMAN_DETECTED", Text("A person answered", true));
    pub const MACHINE_DETECTED: ErrorRow =
        row(OK, 10002, "MACHINE_DETECTED", Text("A machine answered", true));
    pub const MEDIA_ERROR: ErrorRow =
        row(HANDSET_ERRORS, 10103, "MEDIA_ERROR", Text("No audio codec in common", true));
    pub const NO_ANSWER_NEWER: ErrorRow =
        row(USER_ERRORS, 10200, "NO_ANSWER", Text("It rang and nobody answered", true));
    pub const BUSY_NEWER: ErrorRow =
        row(USER_ERRORS, 10201, "BUSY", Text("The line was busy", true));
    pub const CANCELLED_NEWER: ErrorRow =
        row(USER_ERRORS, 10202, "CANCELLED", Text("The call was cancelled", true));
    pub const REJECTED_NEWER: ErrorRow =
        row(USER_ERRORS, 10203, "REJECTED", Text("The call was declined", true));
    pub const TEMPORARILY_UNAVAILABLE: ErrorRow = row(
        USER_ERRORS,
        10204,
        "TEMPORARILY_UNAVAILABLE",
        Text("Callee currently unavailable", true),
    );
    pub const FORBIDDEN_NEWER: ErrorRow =
        row(OPERATOR_ERRORS, 10300, "FORBIDDEN", Text("The network refused the call", true));
    pub const INSUFFICIENT_FUNDS: ErrorRow = row(
        OPERATOR_ERRORS,
        10301,
        "INSUFFICIENT_FUNDS",
        Text("The daily spend limit is reached", true),
    );
    pub const UNAUTHENTICATED: ErrorRow = row(
        OPERATOR_ERRORS,
        10302,
        "UNAUTHENTICATED",
        Text("The trunk refused its credentials", true),
    );
    pub const DESTINATION_NOT_FOUND_NEWER: ErrorRow =
        row(OPERATOR_ERRORS, 10303, "DESTINATION_NOT_FOUND", Text("There is no such number", true));
    pub const DESTINATION_UNAVAILABLE: ErrorRow = row(
        OPERATOR_ERRORS,
        10304,
        "DESTINATION_UNAVAILABLE",
        Text("The number has changed", true),
    );
    pub const INVALID_DESTINATION: ErrorRow =
        row(OPERATOR_ERRORS, 10305, "INVALID_DESTINATION", Text("The number is incomplete", true));
    pub const REQUEST_TIMEOUT_NEWER: ErrorRow = row(
        OPERATOR_ERRORS,
        10307,
        "REQUEST_TIMEOUT",
        Text("The validity period ended before the call", true),
    );
    pub const NETWORK_ERROR: ErrorRow =
        row(OPERATOR_ERRORS, 10308, "NETWORK_ERROR", Text("The network did not answer", true));
    pub const SERVICE_UNAVAILABLE_NEWER: ErrorRow = row(
        OPERATOR_ERRORS,
        10309,
        "SERVICE_UNAVAILABLE",
        Text("The server stopped while the call was under way", true),
    );
    pub const UNKNOWN: ErrorRow = row(
        OPERATOR_ERRORS,
        10310,
        "UNKNOWN",
        Text("The network ended the call before it was answered", true),
    );
    pub const CONGESTION_NEWER: ErrorRow =
        row(OPERATOR_ERRORS, 10312, "CONGESTION", Text("The network is congested", true));
    pub const URL_UNREACHABLE: ErrorRow = row(
        OPERATOR_ERRORS,
        10401,
        "URL_UNREACHABLE",
        Text("File provided for call could not be downloaded", true),
    );
    pub const INVALID_RESPONSE: ErrorRow = row(
        OPERATOR_ERRORS,
        10402,
        "INVALID_RESPONSE",
        Text("Format of file provided for call is not supported", true),
    );
}
