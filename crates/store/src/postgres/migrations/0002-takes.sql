-- Takes and their fates. Every function but `exchange` is called with the lock of the account's
-- queue.

-- Removes numbers from pending, all of which are in one range of it.
CREATE FUNCTION pending_remove(p_account bigint, p_start bigint, p_end bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint;
    v_start bigint;
    v_end bigint;
BEGIN
    SELECT head INTO v_head FROM queue WHERE account = p_account;
    IF p_start >= v_head THEN
        v_start := v_head;
        UPDATE queue SET head = p_end WHERE account = p_account;
    ELSE
        SELECT range_start, range_end INTO STRICT v_start, v_end
        FROM pending WHERE account = p_account AND range_end > p_start
        ORDER BY range_end LIMIT 1;
        IF p_end = v_end THEN
            DELETE FROM pending WHERE account = p_account AND range_end = v_end;
        ELSE
            UPDATE pending SET range_start = p_end WHERE account = p_account AND range_end = v_end;
        END IF;
    END IF;
    IF v_start < p_start THEN
        INSERT INTO pending (account, range_start, range_end)
        VALUES (p_account, v_start, p_start);
    END IF;
END $$;

-- Adds numbers to pending, none of which is in it.
CREATE FUNCTION pending_insert(p_account bigint, p_start bigint, p_end bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_start bigint := p_start;
    v_earlier bigint;
BEGIN
    DELETE FROM pending WHERE account = p_account AND range_end = p_start
    RETURNING range_start INTO v_earlier;
    v_start := coalesce(v_earlier, p_start);
    UPDATE queue SET head = v_start WHERE account = p_account AND head = p_end;
    IF FOUND THEN RETURN; END IF;
    UPDATE pending SET range_start = v_start
    WHERE account = p_account AND range_start = p_end
      AND range_end = (SELECT min(range_end) FROM pending
                       WHERE account = p_account AND range_end > p_end);
    IF FOUND THEN RETURN; END IF;
    INSERT INTO pending (account, range_start, range_end) VALUES (p_account, v_start, p_end);
END $$;

-- The oldest pending ranges, up to a number of reports.
CREATE FUNCTION pending_front(
    p_account bigint, p_limit bigint, OUT starts bigint[], OUT ends bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_room bigint := p_limit;
    v_range record;
    v_end bigint;
BEGIN
    starts := '{}';
    ends := '{}';
    FOR v_range IN
        SELECT range_start, range_end FROM (
            SELECT p.range_start, p.range_end FROM pending p WHERE p.account = p_account
            ORDER BY p.range_end
        ) closed
        UNION ALL
        SELECT head, next_seq FROM queue WHERE account = p_account AND head < next_seq
    LOOP
        EXIT WHEN v_room <= 0;
        v_end := v_range.range_start + least(v_room, v_range.range_end - v_range.range_start);
        v_room := v_room - (v_end - v_range.range_start);
        starts := starts || v_range.range_start;
        ends := ends || v_end;
    END LOOP;
END $$;

-- Removes the ranges from pending and notes who has them. Gives the number of the take.
CREATE FUNCTION depart(
    p_account bigint, p_node bigint, p_operation bigint, p_place int, p_now bigint,
    p_starts bigint[], p_ends bigint[], p_key bytea, p_fingerprint bigint,
    p_credential bytea, p_peer bytea, p_request_id bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_take bigint;
    v_count bigint;
BEGIN
    -- What a node took that was given up meanwhile, nobody would return. It waits until it has said
    -- that it lives; the code is that of a lost connection, which is asked again.
    PERFORM 1 FROM node WHERE node = p_node AND dead_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node % has been given up', p_node USING ERRCODE = '08C01';
    END IF;
    SELECT sum(p_ends[i] - p_starts[i]) INTO v_count FROM generate_subscripts(p_starts, 1) AS i;
    UPDATE queue SET next_take = next_take + 16777216,
        pending = pending - v_count, in_flight = in_flight + v_count
    WHERE account = p_account
    RETURNING next_take - 16777216 INTO v_take;
    FOR i IN 1 .. cardinality(p_starts) LOOP
        PERFORM pending_remove(p_account, p_starts[i], p_ends[i]);
        INSERT INTO taken (account, range_end, take, range_start)
        SELECT p_account, least(p_ends[i], piece + 4096), v_take, piece
        FROM generate_series(p_starts[i], p_ends[i] - 1, 4096) AS piece;
    END LOOP;
    INSERT INTO take (account, take, at, open, starts, ends, key, fingerprint,
                      credential, peer, request_id, node, operation, place)
    VALUES (p_account, v_take, p_now, ARRAY[p_node], p_starts, p_ends, p_key, p_fingerprint,
            p_credential, p_peer, p_request_id, p_node, p_operation, p_place);
    RETURN v_take;
END $$;

-- Makes a take final. Returned reports are pending again, in their old place.
CREATE FUNCTION finish_take(p_account bigint, p_take bigint, p_state smallint, p_now bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_starts bigint[];
    v_ends bigint[];
    v_count bigint := 0;
BEGIN
    UPDATE take SET state = p_state, ended_at = p_now, open = '{}'
    WHERE account = p_account AND take = p_take AND state = 0
    RETURNING starts, ends INTO v_starts, v_ends;
    IF NOT FOUND THEN RETURN; END IF;
    FOR i IN 1 .. cardinality(v_starts) LOOP
        v_count := v_count + v_ends[i] - v_starts[i];
        IF p_state > 1 THEN
            PERFORM pending_insert(p_account, v_starts[i], v_ends[i]);
        END IF;
    END LOOP;
    UPDATE queue SET in_flight = in_flight - v_count,
        pending = pending + CASE WHEN p_state > 1 THEN v_count ELSE 0 END
    WHERE account = p_account;
END $$;

-- Takes one of the numbers out.
CREATE FUNCTION without_one(p_all bigint[], p_one bigint)
RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN array_position(p_all, p_one) IS NULL THEN p_all
        ELSE p_all[:array_position(p_all, p_one) - 1] || p_all[array_position(p_all, p_one) + 1:]
    END
$$;

-- Notes what became of an answer: 0 acknowledged, 1 settled, from 2 on returned, 3 by a reset. A
-- take that is final already stays as it is. Says whether something may be pending again.
CREATE FUNCTION resolve(
    p_account bigint, p_node bigint, p_take bigint, p_fate smallint, p_bytes bigint, p_now bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_take record;
BEGIN
    SELECT * INTO v_take FROM take
    WHERE account = p_account AND take = p_take AND state = 0;
    IF NOT FOUND THEN RETURN false; END IF;
    -- Somebody has given this node up, and ended what it had open.
    IF array_position(v_take.open, p_node) IS NULL THEN RETURN false; END IF;
    IF p_fate = 0 THEN
        UPDATE take SET acknowledged = acknowledged + 1, bytes_acknowledged = p_bytes
        WHERE account = p_account AND take = p_take;
        RETURN false;
    END IF;
    IF v_take.key IS NULL THEN
        PERFORM finish_take(p_account, p_take, p_fate, p_now);
        RETURN p_fate > 1;
    END IF;
    UPDATE take SET
        open = without_one(open, p_node),
        settled_once = settled_once OR p_fate = 1,
        acknowledged = CASE WHEN p_fate IN (1, 3) THEN greatest(acknowledged - 1, 0)
            ELSE acknowledged END
    WHERE account = p_account AND take = p_take;
    RETURN false;
END $$;

-- Ends what a node that is no more had open. A take without a key ends here, as `p_keep` says; one
-- with a key waits for its window. Says how many are pending again.
CREATE FUNCTION end_node(p_account bigint, p_node bigint, p_keep boolean, p_now bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_take record;
    v_returned bigint := 0;
BEGIN
    FOR v_take IN
        SELECT t.take, t.key, t.settled_once OR t.acknowledged > 0 AS arrived FROM take t
        WHERE t.account = p_account AND t.state = 0 AND p_node = ANY (t.open)
        ORDER BY t.take
    LOOP
        IF v_take.key IS NOT NULL THEN
            UPDATE take SET open = array_remove(open, p_node)
            WHERE account = p_account AND take = v_take.take;
        ELSIF v_take.arrived OR p_keep THEN
            PERFORM finish_take(p_account, v_take.take, 1::smallint, p_now);
        ELSE
            PERFORM finish_take(p_account, v_take.take, 5::smallint, p_now);
            v_returned := v_returned + 1;
        END IF;
    END LOOP;
    RETURN v_returned;
END $$;

-- The records of ranges, oldest first. Range by range: of a join over them a planner without fresh
-- statistics makes a walk through the whole account.
CREATE FUNCTION records_of(p_account bigint, p_starts bigint[], p_ends bigint[])
RETURNS TABLE (record bytea) LANGUAGE plpgsql STABLE AS $$
BEGIN
    FOR i IN 1 .. cardinality(p_starts) LOOP
        RETURN QUERY SELECT r.record FROM report r
        WHERE r.account = p_account AND r.seq >= p_starts[i] AND r.seq < p_ends[i]
        ORDER BY r.seq;
    END LOOP;
END $$;

-- What polls do all day, in one round trip: notes fates, then takes the oldest reports for each of
-- those who ask. Gives the records with the place of whoever asked, from 1; a row with place 0 if
-- something may be pending again. Where there is nothing to do nothing is locked or written.
--
-- A node that lost the answer asks again with the same operation and gets the same; the first
-- asking, should it come after that, does nothing.
CREATE FUNCTION exchange(
    p_account bigint, p_node bigint, p_operation bigint, p_again boolean, p_now bigint,
    p_takes bigint[], p_fates smallint[], p_bytes bigint[], p_times bigint[],
    p_limits bigint[], p_credentials bytea[], p_peers bytea[], p_requests bytea[]
) RETURNS TABLE (place int, take bigint, record bytea) LANGUAGE plpgsql AS $$
DECLARE
    v_pending bigint;
    v_latest bigint;
    v_woken boolean := false;
    v_take record;
    v_number bigint;
    v_starts bigint[];
    v_ends bigint[];
BEGIN
    SELECT q.pending INTO v_pending FROM queue q WHERE q.account = p_account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', p_account USING ERRCODE = 'CS404';
    END IF;
    IF v_pending = 0 AND cardinality(p_takes) = 0 AND NOT p_again THEN RETURN; END IF;
    PERFORM 1 FROM queue q WHERE q.account = p_account FOR UPDATE;
    SELECT l.operation INTO v_latest FROM latest l
    WHERE l.account = p_account AND l.node = p_node;
    IF v_latest >= p_operation THEN
        v_woken := true;
        FOR v_take IN
            SELECT t.place, t.take, t.starts, t.ends FROM take t
            WHERE t.account = p_account AND t.state = 0
              AND t.node = p_node AND t.operation = p_operation
            ORDER BY t.take
        LOOP
            RETURN QUERY SELECT v_take.place, v_take.take, r.record
            FROM records_of(p_account, v_take.starts, v_take.ends) r;
        END LOOP;
    ELSE
        INSERT INTO latest (account, node, operation) VALUES (p_account, p_node, p_operation)
        ON CONFLICT (account, node) DO UPDATE SET operation = excluded.operation;
        FOR i IN 1 .. cardinality(p_takes) LOOP
            IF resolve(p_account, p_node, p_takes[i], p_fates[i], p_bytes[i], p_times[i]) THEN
                v_woken := true;
            END IF;
        END LOOP;
        FOR i IN 1 .. cardinality(p_limits) LOOP
            SELECT f.starts, f.ends INTO v_starts, v_ends
            FROM pending_front(p_account, p_limits[i]) f;
            CONTINUE WHEN cardinality(v_starts) = 0;
            v_number := depart(p_account, p_node, p_operation, i, p_now,
                v_starts, v_ends, NULL, NULL, p_credentials[i], p_peers[i], p_requests[i]);
            RETURN QUERY SELECT i, v_number, r.record
            FROM records_of(p_account, v_starts, v_ends) r;
        END LOOP;
    END IF;
    IF v_woken THEN RETURN QUERY SELECT 0, 0::bigint, NULL::bytea; END IF;
END $$;
