-- The first database design, whole: tasks in plain language, their steps and screenshots, recorded scripts, archives.

CREATE OR REPLACE FUNCTION partition_name(parent text, month date) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT parent || to_char(month, '"_y"YYYY"m"MM')
$$;

-- Before tasks, which refer to it; a script names its task only by the business key.
CREATE TABLE scripts (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    task_id text NOT NULL,
    task_name text NOT NULL,
    description text NOT NULL,
    total_steps integer NOT NULL DEFAULT 0,
    success_rate decimal(5, 2) DEFAULT 0.00,
    execution_time decimal(10, 2) DEFAULT 0.00,
    device_id text,
    model_name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    script_data jsonb NOT NULL,
    script_metadata jsonb NOT NULL,
    script_version text DEFAULT '1.0',
    checksum text,
    is_active boolean DEFAULT true,
    CONSTRAINT check_total_steps_non_negative CHECK (total_steps >= 0),
    CONSTRAINT check_success_rate_range CHECK (success_rate >= 0 AND success_rate <= 100),
    CONSTRAINT check_execution_time_non_negative CHECK (execution_time >= 0)
);
CREATE INDEX idx_scripts_task_id ON scripts (task_id);
CREATE INDEX idx_scripts_created_at ON scripts (created_at);
CREATE INDEX idx_scripts_task_name ON scripts (task_name);
CREATE INDEX idx_scripts_device_id ON scripts (device_id);
CREATE INDEX idx_scripts_model_name ON scripts (model_name);
CREATE INDEX idx_scripts_is_active ON scripts (is_active);
CREATE INDEX idx_scripts_data_gin ON scripts USING gin (script_data);
CREATE INDEX idx_scripts_metadata_gin ON scripts USING gin (script_metadata);

CREATE TABLE tasks (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    task_id text NOT NULL UNIQUE,
    session_id text NOT NULL,
    user_id text NOT NULL,
    task_description text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'completed', 'error', 'stopped')),
    created_at timestamptz NOT NULL,
    last_activity timestamptz NOT NULL,
    config jsonb NOT NULL,
    thread_id text,
    error_message text,
    end_time timestamptz,
    result text,
    script_id uuid REFERENCES scripts (id) DEFERRABLE
);
CREATE INDEX idx_tasks_task_id ON tasks (task_id);
CREATE INDEX idx_tasks_session_id ON tasks (session_id);
CREATE INDEX idx_tasks_status ON tasks (status);
CREATE INDEX idx_tasks_created_at ON tasks (created_at);
CREATE INDEX idx_tasks_user_id ON tasks (user_id);
CREATE INDEX idx_tasks_script_id ON tasks (script_id);
CREATE INDEX idx_tasks_created_at_status ON tasks (created_at, status);

CREATE TABLE task_steps (
    id uuid DEFAULT gen_random_uuid(),
    task_id text NOT NULL,
    step_number integer NOT NULL,
    step_type text NOT NULL
        CHECK (step_type IN ('thinking', 'action', 'screenshot', 'error', 'validation', 'completion')),
    step_data jsonb NOT NULL,
    thinking text,
    action_result jsonb,
    screenshot_path text,
    duration_ms integer,
    success boolean DEFAULT true,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at),
    CONSTRAINT fk_task_steps_task_id FOREIGN KEY (task_id) REFERENCES tasks (task_id) ON DELETE CASCADE DEFERRABLE
) PARTITION BY RANGE (created_at);
CREATE TABLE task_steps_default PARTITION OF task_steps DEFAULT;
CREATE INDEX idx_task_steps_task_id_step_number ON task_steps (task_id, step_number);
CREATE INDEX idx_task_steps_created_at ON task_steps (created_at);
CREATE INDEX idx_task_steps_step_type ON task_steps (step_type);
CREATE INDEX idx_task_steps_data_gin ON task_steps USING gin (step_data);

CREATE TABLE step_screenshots (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    task_id text NOT NULL,
    step_id uuid NOT NULL,
    screenshot_path text NOT NULL,
    file_size integer,
    file_hash text,
    compressed boolean DEFAULT false,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fk_step_screenshots_task_id FOREIGN KEY (task_id) REFERENCES tasks (task_id) ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT uk_step_screenshots_path_hash UNIQUE (screenshot_path, file_hash)
);
CREATE INDEX idx_step_screenshots_task_id ON step_screenshots (task_id);
CREATE INDEX idx_step_screenshots_step_id ON step_screenshots (step_id);
CREATE INDEX idx_step_screenshots_file_hash ON step_screenshots (file_hash);

-- A foreign key may not point at task_steps(id): on a partitioned table only (id, created_at) can be unique.
-- Two triggers keep what the key would have kept: no screenshot without its step, none left when a step is deleted.
CREATE FUNCTION require_step_of_screenshot() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    found_step boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.task_steps WHERE id = $1)', TG_TABLE_SCHEMA)
        INTO found_step USING NEW.step_id;
    IF NOT found_step THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('screenshot %s belongs to step %s, which does not exist', NEW.id, NEW.step_id),
            CONSTRAINT = 'fk_step_screenshots_step_id', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER fk_step_screenshots_step_id
    AFTER INSERT OR UPDATE OF step_id ON step_screenshots
    DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION require_step_of_screenshot();

CREATE FUNCTION delete_screenshots_of_step() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.step_screenshots WHERE step_id = $1', TG_TABLE_SCHEMA) USING OLD.id;
    RETURN NULL;
END
$$;
-- Not when ensure_partitions only moves rows out of the DEFAULT partition.
CREATE TRIGGER cascade_step_screenshots_step_id
    AFTER DELETE ON task_steps
    FOR EACH ROW WHEN (current_setting('waymark.moving_rows', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION delete_screenshots_of_step();

CREATE TABLE tasks_archive (LIKE tasks INCLUDING ALL);
CREATE TABLE task_steps_archive (LIKE task_steps INCLUDING ALL);

CREATE OR REPLACE VIEW script_summary AS
SELECT
    s.id,
    s.task_id,
    s.task_name,
    s.total_steps,
    s.success_rate,
    s.execution_time,
    s.device_id,
    s.model_name,
    s.created_at,
    s.is_active,
    t.status AS task_status,
    t.user_id,
    t.session_id
FROM scripts s
LEFT JOIN tasks t ON s.task_id = t.task_id
WHERE s.is_active = true;
