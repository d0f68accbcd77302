-- What deserves somebody's attention.

CREATE TABLE alerts (
    id uuid,
    task_run_id uuid,  -- orchestrator.task_runs
    screen_id uuid,  -- screen_indexer.screens
    element_id uuid,  -- screen_indexer.elements
    alert_type text NOT NULL
        CHECK (alert_type IN ('LOCATOR_FAILURE', 'SCREEN_DIFF', 'DEVICE_OFFLINE', 'TOKEN_BUDGET', 'SYSTEM')),
    severity text NOT NULL CHECK (severity IN ('P1', 'P2', 'P3')),
    message text NOT NULL,
    payload jsonb,
    status text NOT NULL CHECK (status IN ('OPEN', 'ACKED', 'RESOLVED', 'SUPPRESSED')),
    triggered_at timestamptz NOT NULL,
    resolved_at timestamptz,
    ack_by uuid,
    ack_at timestamptz,
    PRIMARY KEY (id, triggered_at)
) PARTITION BY RANGE (triggered_at);
CREATE TABLE alerts_default PARTITION OF alerts DEFAULT;
CREATE INDEX idx_alerts_status_severity ON alerts (status, severity);
CREATE INDEX idx_alerts_triggered_at ON alerts (triggered_at);
CREATE INDEX gin_alerts_message ON alerts USING gin (message gin_trgm_ops);
CREATE INDEX gin_alerts_payload ON alerts USING gin (payload jsonb_path_ops);
