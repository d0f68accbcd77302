-- Every call of a model.

CREATE TABLE llm_logs (
    id uuid,
    task_run_id uuid NOT NULL,  -- orchestrator.task_runs
    task_action_id uuid,  -- device_agent.task_actions
    screen_id uuid,  -- screen_indexer.screens
    model_name text NOT NULL,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    latency_ms integer NOT NULL,
    request_payload jsonb NOT NULL,
    response_payload jsonb NOT NULL,
    safety_flags jsonb,
    error_code text,
    cost numeric(10, 4),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE llm_logs_default PARTITION OF llm_logs DEFAULT;
CREATE INDEX idx_llm_logs_task_run_time ON llm_logs (task_run_id, created_at);
CREATE INDEX idx_llm_logs_model ON llm_logs (model_name);
CREATE INDEX gin_llm_logs_error ON llm_logs USING gin (error_code gin_trgm_ops) WHERE error_code IS NOT NULL;
