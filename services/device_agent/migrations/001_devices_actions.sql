-- Phones, and what was done on them.

CREATE TABLE devices (
    id uuid PRIMARY KEY,
    serial text NOT NULL UNIQUE,
    model text NOT NULL,
    os_version text NOT NULL,
    device_type text NOT NULL CHECK (device_type IN ('REAL', 'EMULATOR')),
    resolution text,
    status text NOT NULL CHECK (status IN ('AVAILABLE', 'BUSY', 'OFFLINE', 'DECOMMISSIONED')),
    tags jsonb,
    last_heartbeat_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_devices_status ON devices (status);
CREATE INDEX gin_devices_tags ON devices USING gin (tags);

CREATE TABLE task_actions (
    id uuid,
    task_run_id uuid NOT NULL,  -- orchestrator.task_runs
    sequence integer NOT NULL,
    action_type text NOT NULL CHECK (action_type IN ('CLICK', 'INPUT', 'SCROLL', 'NAVIGATE', 'CUSTOM')),
    params jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'SUCCESS', 'FAILED', 'SKIPPED')),
    started_at timestamptz,
    completed_at timestamptz,
    duration_ms integer,
    error_code text,
    error_message text,
    llm_log_id uuid,  -- llm_gateway.llm_logs
    screen_id uuid,  -- screen_indexer.screens
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE task_actions_default PARTITION OF task_actions DEFAULT;
CREATE INDEX idx_task_actions_run_sequence ON task_actions (task_run_id, sequence);
CREATE INDEX idx_task_actions_status ON task_actions (status);
