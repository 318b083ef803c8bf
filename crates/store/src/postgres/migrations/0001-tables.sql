-- The tables. The account leads every key but those of the small tables that every node reads whole
-- (account, api_key, deck, node), so that the rest can be sharded by it.
--
-- Times are milliseconds since 1970. `message` and `bulk` are short hashes of ids: whoever looks by
-- one checks the record. Records are encoded as on the disk of the embedded engine.

-- Names and settings.
CREATE TABLE account (
    account bigint PRIMARY KEY,
    name    bytea NOT NULL UNIQUE,
    record  bytea NOT NULL
);
CREATE TABLE api_key (id bytea PRIMARY KEY, account bigint NOT NULL, record bytea NOT NULL);
CREATE TABLE deck (name bytea PRIMARY KEY, record bytea NOT NULL);

-- A process that works on the ledger, until it leaves; or is dead, if it has not said anything.
CREATE TABLE node (
    node    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    until   bigint NOT NULL,
    dead_at bigint
);

-- One row for each account: its lock orders everything that changes the account. Account 0 is
-- nobody's; its lock orders what changes the settings. Pending is every report from `head` on, and
-- the ranges of `pending`. The numbers of an account's takes are every 2^24th, beginning with the
-- account's own: no number is used twice in the ledger, and nothing but the account orders them.
CREATE TABLE queue (
    account    bigint PRIMARY KEY,
    head       bigint NOT NULL DEFAULT 0,
    next_seq   bigint NOT NULL DEFAULT 0,
    pending    bigint NOT NULL DEFAULT 0,
    in_flight  bigint NOT NULL DEFAULT 0,
    next_call  bigint NOT NULL DEFAULT 0,
    calls      bigint NOT NULL DEFAULT 0,
    next_token bigint NOT NULL DEFAULT 1,
    first_take bigint NOT NULL DEFAULT 0,
    next_take  bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO queue (account, next_take) VALUES (0, 0);

-- The last thing that a node did to an account, in the transaction that did it: a node that lost
-- the answer to its COMMIT asks here.
CREATE TABLE latest (
    account   bigint NOT NULL,
    node      bigint NOT NULL,
    operation bigint NOT NULL,
    PRIMARY KEY (account, node)
) WITH (fillfactor = 20);

-- Reports, which are the archive as well: appended, and dropped when the retention ends.
CREATE TABLE report (
    account bigint NOT NULL,
    seq     bigint NOT NULL,
    message bigint NOT NULL,
    bulk    bigint NOT NULL,
    fed_at  bigint NOT NULL,
    record  bytea NOT NULL,
    PRIMARY KEY (account, seq)
);
CREATE INDEX report_message ON report (account, message);
CREATE INDEX report_bulk ON report (account, bulk, seq);

-- What is beside the report of a call.
CREATE TABLE ended (
    account bigint NOT NULL,
    seq     bigint NOT NULL,
    record  bytea NOT NULL,
    PRIMARY KEY (account, seq)
);

-- Pending ranges before `head`: what was returned, and what takes by name left behind.
CREATE TABLE pending (
    account     bigint NOT NULL,
    range_end   bigint NOT NULL,
    range_start bigint NOT NULL,
    PRIMARY KEY (account, range_end)
) WITH (fillfactor = 50);

-- One take. States: 0 in flight, 1 settled, from 2 on returned. `open` names a node once for each
-- answer whose fate it has still to tell; `acknowledged` counts the answers that arrived so far.
CREATE TABLE take (
    account            bigint NOT NULL,
    take               bigint NOT NULL,
    at                 bigint NOT NULL,
    state              smallint NOT NULL DEFAULT 0,
    open               bigint[] NOT NULL,
    acknowledged       int NOT NULL DEFAULT 0,
    settled_once       boolean NOT NULL DEFAULT false,
    bytes_acknowledged bigint NOT NULL DEFAULT 0,
    replays            int NOT NULL DEFAULT 0,
    ended_at           bigint,
    starts             bigint[] NOT NULL,
    ends               bigint[] NOT NULL,
    key                bytea,
    fingerprint        bigint,
    credential         bytea NOT NULL,
    peer               bytea NOT NULL,
    request_id         bytea NOT NULL,
    node               bigint NOT NULL,
    operation          bigint NOT NULL,
    place              int NOT NULL,
    PRIMARY KEY (account, take)
);
CREATE INDEX take_in_flight ON take (account, take) WHERE state = 0;
CREATE INDEX take_key ON take (account, key, take) WHERE state = 0 AND key IS NOT NULL;

-- The ranges that takes had, in pieces that an audit can find.
CREATE TABLE taken (
    account     bigint NOT NULL,
    range_end   bigint NOT NULL,
    take        bigint NOT NULL,
    range_start bigint NOT NULL,
    PRIMARY KEY (account, range_end, take)
);

-- Calls that were submitted together. `record` and `change` as on disk.
CREATE TABLE batch (
    account bigint NOT NULL,
    first   bigint NOT NULL,
    bulk    bigint NOT NULL,
    calls   bigint NOT NULL,
    record  bytea NOT NULL,
    change  bytea NOT NULL,
    PRIMARY KEY (account, first)
);
CREATE INDEX batch_bulk ON batch (account, bulk, first);

-- Calls without a report. What is beside the record is what is asked for: `turn` is when a call
-- that nobody has is due as its batch was changed, and is null while it is not to be placed.
CREATE TABLE call (
    account     bigint NOT NULL,
    number      bigint NOT NULL,
    message     bigint NOT NULL,
    batch       bigint NOT NULL,
    due         bigint NOT NULL,
    valid_until bigint,
    shift       bigint NOT NULL DEFAULT 0,
    paused      boolean NOT NULL DEFAULT false,
    started     boolean NOT NULL DEFAULT false,
    cancelled   boolean NOT NULL DEFAULT false,
    token       bigint,
    until       bigint,
    closing     boolean NOT NULL DEFAULT false,
    node        bigint,
    record      bytea NOT NULL,
    turn        bigint GENERATED ALWAYS AS (
        CASE
            WHEN token IS NOT NULL OR started OR cancelled THEN NULL
            WHEN paused THEN valid_until + shift
            ELSE due + shift
        END
    ) STORED,
    PRIMARY KEY (account, number)
) WITH (fillfactor = 70);
CREATE INDEX call_message ON call (account, message);
CREATE INDEX call_turn ON call (account, turn, number) WHERE turn IS NOT NULL;
CREATE INDEX call_leased ON call (account, number) WHERE token IS NOT NULL;
CREATE INDEX call_closing ON call (account, number) WHERE token IS NULL AND (started OR cancelled);

-- What was recorded of a call, under the number that it had; kept for as long as its report.
CREATE TABLE recording_part (
    account bigint NOT NULL,
    number  bigint NOT NULL,
    part    bigint NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (account, number, part)
);
ALTER TABLE recording_part ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What submissions with a key were answered.
CREATE TABLE submit (
    account bigint NOT NULL,
    key     bytea NOT NULL,
    at      bigint NOT NULL,
    record  bytea NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE INDEX submit_at ON submit (account, at);

-- What was spent on a day, as text.
CREATE TABLE spent (
    account bigint NOT NULL,
    day     int NOT NULL,
    amount  text NOT NULL,
    PRIMARY KEY (account, day)
) WITH (fillfactor = 50);
