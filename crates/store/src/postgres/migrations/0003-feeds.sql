-- Feeds. Every function but `feed` is called with the lock of the account's queue.

-- Appends reports, in the order of the columns. Gives the number of the first.
CREATE FUNCTION append(
    p_account bigint, p_now bigint, p_messages bigint[], p_bulks bigint[], p_records bytea[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint := cardinality(p_messages);
    v_first bigint;
BEGIN
    UPDATE queue SET next_seq = next_seq + v_count, pending = pending + v_count
    WHERE account = p_account RETURNING next_seq - v_count INTO STRICT v_first;
    INSERT INTO report (account, seq, message, bulk, fed_at, record)
    SELECT p_account, v_first + place - 1, message, bulk, p_now, record
    FROM unnest(p_messages, p_bulks, p_records)
        WITH ORDINALITY AS new (message, bulk, record, place);
    RETURN v_first;
END $$;

-- The reports and calls that the account has under the names that are fed. Name by name, behind a
-- fence: of a condition on all of them a planner without fresh statistics makes a walk through the
-- whole account, and of a join as well. Not in plain SQL, which Citus plans as part of the caller's
-- statement, and cannot.
CREATE FUNCTION known(p_account bigint, p_messages bigint[])
RETURNS TABLE (message bigint, report bytea, call bytea) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT name.message, of_name.report, of_name.call
    FROM unnest(p_messages) AS name (message), LATERAL (
        SELECT r.record AS report, NULL::bytea AS call FROM report r
        WHERE r.account = p_account AND r.message = name.message
        UNION ALL
        SELECT NULL, c.record FROM call c
        WHERE c.account = p_account AND c.message = name.message
        OFFSET 0
    ) of_name;
END $$;

-- What feeders do all day, in one round trip: appends the reports, none of which shares its name's
-- hash with another. Does nothing, and says so, if the account may have one of them already: whoever
-- fed then has to look.
--
-- A node that lost the answer asks again with the same operation and gets the same; the first
-- asking, should it come after that, does nothing.
CREATE FUNCTION feed(
    p_account bigint, p_node bigint, p_operation bigint, p_now bigint,
    p_messages bigint[], p_bulks bigint[], p_records bytea[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_calls bigint;
    v_latest bigint;
BEGIN
    SELECT q.calls INTO v_calls FROM queue q WHERE q.account = p_account FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', p_account USING ERRCODE = 'CS404';
    END IF;
    SELECT l.operation INTO v_latest FROM latest l
    WHERE l.account = p_account AND l.node = p_node;
    IF v_latest >= p_operation THEN RETURN true; END IF;
    -- As `known` looks, but only until it finds one.
    IF EXISTS (SELECT FROM unnest(p_messages) AS name (message), LATERAL (
        SELECT FROM report r WHERE r.account = p_account AND r.message = name.message OFFSET 0
    ) of_name) THEN RETURN false; END IF;
    IF v_calls > 0 AND EXISTS (SELECT FROM unnest(p_messages) AS name (message), LATERAL (
        SELECT FROM call c WHERE c.account = p_account AND c.message = name.message OFFSET 0
    ) of_name) THEN RETURN false; END IF;
    INSERT INTO latest (account, node, operation) VALUES (p_account, p_node, p_operation)
    ON CONFLICT (account, node) DO UPDATE SET operation = excluded.operation;
    PERFORM append(p_account, p_now, p_messages, p_bulks, p_records);
    RETURN true;
END $$;
