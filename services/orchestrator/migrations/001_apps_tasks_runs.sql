-- Apps and their versions, tasks and their runs, people, configuration.

CREATE TABLE apps (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    package_name text NOT NULL CONSTRAINT idx_apps_package_name UNIQUE,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app_versions (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps (id) DEFERRABLE,
    version_name text NOT NULL,
    version_code integer,
    changelog text,
    apk_hash text,
    released_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (app_id, version_name)
);

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    app_version_id uuid NOT NULL REFERENCES app_versions (id) DEFERRABLE,
    name text NOT NULL,
    coverage_profile text NOT NULL CHECK (coverage_profile IN ('FULL', 'SMOKE', 'CUSTOM')),
    coverage_config jsonb,
    priority integer NOT NULL CHECK (priority BETWEEN 1 AND 5),
    status text NOT NULL CHECK (status IN ('DRAFT', 'QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED')),
    created_by uuid,
    schedule_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_tasks_status_priority ON tasks (status, priority);
CREATE INDEX idx_tasks_app_ver ON tasks (app_version_id);
CREATE INDEX gin_tasks_coverage_config ON tasks USING gin (coverage_config jsonb_path_ops);

CREATE TABLE task_runs (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks (id) DEFERRABLE,
    device_id uuid NOT NULL,  -- device_agent.devices
    orchestrator_version text NOT NULL,
    status text NOT NULL CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    start_at timestamptz NOT NULL,
    end_at timestamptz,
    total_actions integer DEFAULT 0,
    successful_actions integer DEFAULT 0,
    coverage_screens integer DEFAULT 0,
    failure_reason text,
    metrics jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_task_runs_task_status ON task_runs (task_id, status);
CREATE INDEX idx_task_runs_device_time ON task_runs (device_id, start_at);
CREATE INDEX gin_task_runs_metrics ON task_runs USING gin (metrics jsonb_path_ops);

CREATE TABLE task_run_events (
    id bigserial,
    task_run_id uuid NOT NULL REFERENCES task_runs (id) DEFERRABLE,
    event_type text NOT NULL CHECK (event_type IN ('STATE_CHANGE', 'ERROR', 'RECOVERY', 'NOTICE')),
    detail jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE task_run_events_default PARTITION OF task_run_events DEFAULT;
CREATE INDEX idx_task_run_events_run_time ON task_run_events (task_run_id, occurred_at);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    account text NOT NULL UNIQUE,
    display_name text NOT NULL,
    roles text[] NOT NULL,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE integration_configs (
    id uuid PRIMARY KEY,
    config_type text NOT NULL CHECK (config_type IN ('LLM', 'MIDSCENE', 'STORAGE', 'ALERT_CHANNEL')),
    name text NOT NULL,
    secret_ref text NOT NULL,
    config jsonb NOT NULL,
    enabled boolean DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now()
);
