-- What every schema has, whichever service owns it: how far its projection came, what could not be projected,
-- and how its monthly partitions are made. Nothing names its own schema: a rebuild makes the same in a second one.

CREATE TABLE checkpoint (
    name text PRIMARY KEY,
    seq bigint NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Events that could not be applied, and those that refer to what they would have made. `seq` is theirs in the log.
CREATE TABLE parked_events (
    seq bigint PRIMARY KEY,
    event_type text NOT NULL,
    key uuid NOT NULL,
    reason text NOT NULL,
    data jsonb,
    parked_at timestamptz NOT NULL
);
CREATE INDEX idx_parked_events_key ON parked_events (key);

-- Name of a monthly partition, as in `llm_logs_2025_11`. A schema whose design names them otherwise replaces this.
CREATE FUNCTION partition_name(parent text, month date) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT parent || to_char(month, '_YYYY_MM')
$$;

-- Make the partitions for the month that contains this day (UTC), for all partitioned tables of the schema that leads
-- the search path; returns the names of the new ones. Rows that the DEFAULT partition caught already move along.
-- A partition is made aside and attached: readers and writers of the other partitions are not locked out meanwhile.
CREATE FUNCTION ensure_partitions(month date) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    first_day date := date_trunc('month', month::timestamp)::date;
    lower_bound text := to_char(first_day, 'YYYY-MM-DD') || ' 00:00:00+00';
    upper_bound text := to_char(first_day + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
    parent record;
    partition text;
BEGIN
    IF to_regclass(format('%I.checkpoint', current_schema())) IS NULL THEN
        RAISE EXCEPTION 'schema % has no projection: set search_path to a service''s schema first', current_schema();
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('waymark partitions ' || current_schema(), 0));
    FOR parent IN
        SELECT t.relname AS name, d.relname AS default_name, a.attname AS time_column
        FROM pg_partitioned_table p
        JOIN pg_class t ON t.oid = p.partrelid
        JOIN pg_class d ON d.oid = p.partdefid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = p.partattrs[0]
        WHERE t.relnamespace = current_schema()::regnamespace
        ORDER BY t.relname
    LOOP
        partition := partition_name(parent.name, first_day);
        CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), partition)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                       partition, parent.name);
        -- Tells the table's own triggers that its rows only move.
        PERFORM set_config('waymark.moving_rows', 'on', true);
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *)'
                       ' INSERT INTO %I SELECT * FROM moved',
                       parent.default_name, parent.time_column, lower_bound, parent.time_column, upper_bound, partition);
        PERFORM set_config('waymark.moving_rows', 'off', true);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent.name, partition, lower_bound, upper_bound);
        RETURN NEXT partition;
    END LOOP;
END
$$;
