-- Every check of a locator on a phone.

CREATE TABLE element_validations (
    id uuid,
    locator_candidate_id uuid NOT NULL,  -- screen_indexer.locator_candidates
    task_run_id uuid NOT NULL,  -- orchestrator.task_runs
    validation_type text NOT NULL CHECK (validation_type IN ('CLICK', 'HIGHLIGHT', 'VISIBILITY', 'EXISTENCE')),
    status text NOT NULL CHECK (status IN ('PASSED', 'FAILED', 'RETRY', 'SKIPPED')),
    attempt_at timestamptz NOT NULL,
    latency_ms integer,
    screenshot_path text,
    notes text,
    PRIMARY KEY (id, attempt_at)
) PARTITION BY RANGE (attempt_at);
CREATE TABLE element_validations_default PARTITION OF element_validations DEFAULT;
CREATE INDEX idx_element_validations_candidate ON element_validations (locator_candidate_id);
CREATE INDEX idx_element_validations_status ON element_validations (status);
