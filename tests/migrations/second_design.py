"""The second database design (apps, devices, runs, screens, locators, alerts), transcribed word for word.

It says of every `created_at` and `updated_at` that the database maintains them: hence their default. Where it names an
index without its columns, the columns are what its name and its table say.
"""

from __future__ import annotations

from tests.migrations.model import Table, transcribe

# table -> the schema of the service that owns it
OWNERS = {
    "apps": "orchestrator",
    "app_versions": "orchestrator",
    "tasks": "orchestrator",
    "task_runs": "orchestrator",
    "task_run_events": "orchestrator",
    "users": "orchestrator",
    "integration_configs": "orchestrator",
    "devices": "device_agent",
    "task_actions": "device_agent",
    "llm_logs": "llm_gateway",
    "screens": "screen_indexer",
    "elements": "screen_indexer",
    "locator_candidates": "screen_indexer",
    "screen_diffs": "screen_indexer",
    "element_validations": "locator_validator",
    "alerts": "alerter",
    "alert_notifications": "notifier",
}

TABLES: dict[str, Table] = {
    "apps": transcribe(
        """
        id uuid pk
        name text not null unique
        package_name text not null unique
        description text
        created_at timestamptz not null default now()
        updated_at timestamptz not null default now()
        """
    ),
    "app_versions": transcribe(
        """
        id uuid pk
        app_id uuid not null -> orchestrator.apps(id)
        version_name text not null
        version_code integer
        changelog text
        apk_hash text
        released_at timestamptz
        created_at timestamptz not null default now()
        """,
        uniques={("app_id", "version_name")},
    ),
    "devices": transcribe(
        """
        id uuid pk
        serial text not null unique
        model text not null
        os_version text not null
        device_type text not null in REAL|EMULATOR
        resolution text
        status text not null in AVAILABLE|BUSY|OFFLINE|DECOMMISSIONED
        tags jsonb
        last_heartbeat_at timestamptz
        created_at timestamptz not null default now()
        """,
        {"idx_devices_status": "btree (status)", "gin_devices_tags": "gin (tags)"},
    ),
    "tasks": transcribe(
        """
        id uuid pk
        app_version_id uuid not null -> orchestrator.app_versions(id)
        name text not null
        coverage_profile text not null in FULL|SMOKE|CUSTOM
        coverage_config jsonb
        priority integer not null
        status text not null in DRAFT|QUEUED|RUNNING|PAUSED|COMPLETED|FAILED
        created_by uuid
        schedule_at timestamptz
        created_at timestamptz not null default now()
        updated_at timestamptz not null default now()
        """,
        {
            "idx_tasks_status_priority": "btree (status, priority)",
            "idx_tasks_app_ver": "btree (app_version_id)",
            "gin_tasks_coverage_config": "gin (coverage_config jsonb_path_ops)",
        },
        checks={"(((priority >= 1) AND (priority <= 5)))"},
    ),
    "task_runs": transcribe(
        """
        id uuid pk
        task_id uuid not null -> orchestrator.tasks(id)
        device_id uuid not null -> device_agent.devices(id)
        orchestrator_version text not null
        status text not null in RUNNING|SUCCEEDED|FAILED|CANCELLED
        start_at timestamptz not null
        end_at timestamptz
        total_actions integer default 0
        successful_actions integer default 0
        coverage_screens integer default 0
        failure_reason text
        metrics jsonb
        created_at timestamptz not null default now()
        """,
        {
            "idx_task_runs_task_status": "btree (task_id, status)",
            "idx_task_runs_device_time": "btree (device_id, start_at)",
            "gin_task_runs_metrics": "gin (metrics jsonb_path_ops)",
        },
    ),
    "task_run_events": transcribe(
        """
        id bigserial pk default nextval('orchestrator.task_run_events_id_seq'::regclass)
        task_run_id uuid not null -> orchestrator.task_runs(id)
        event_type text not null in STATE_CHANGE|ERROR|RECOVERY|NOTICE
        detail jsonb not null
        occurred_at timestamptz not null
        """,
        {"idx_task_run_events_run_time": "btree (task_run_id, occurred_at)"},
        partitioned_by="occurred_at",
    ),
    "task_actions": transcribe(
        """
        id uuid pk
        task_run_id uuid not null -> orchestrator.task_runs(id)
        sequence integer not null
        action_type text not null in CLICK|INPUT|SCROLL|NAVIGATE|CUSTOM
        params jsonb not null
        status text not null in PENDING|SUCCESS|FAILED|SKIPPED
        started_at timestamptz
        completed_at timestamptz
        duration_ms integer
        error_code text
        error_message text
        llm_log_id uuid -> llm_gateway.llm_logs(id)
        screen_id uuid -> screen_indexer.screens(id)
        created_at timestamptz not null default now()
        """,
        {
            "idx_task_actions_run_sequence": "btree (task_run_id, sequence)",
            "idx_task_actions_status": "btree (status)",
        },
        partitioned_by="created_at",
    ),
    "screens": transcribe(
        """
        id uuid pk
        app_version_id uuid not null -> orchestrator.app_versions(id)
        signature text not null
        dom_hash text not null
        primary_text text
        screenshot_path text not null
        screenshot_thumb_path text
        dom_path text not null
        orientation text not null in PORTRAIT|LANDSCAPE
        width integer not null
        height integer not null
        captured_at timestamptz not null
        device_model text
        source_task_run_id uuid -> orchestrator.task_runs(id)
        source_action_id uuid -> device_agent.task_actions(id)
        metadata jsonb
        created_at timestamptz not null default now()
        """,
        {"idx_screens_signature": "btree (signature)", "idx_screens_captured_at": "btree (captured_at)"},
        uniques={("app_version_id", "signature")},
    ),
    "elements": transcribe(
        """
        id uuid pk
        screen_id uuid not null -> screen_indexer.screens(id)
        element_hash text not null
        element_type text not null
        resource_id text
        content_desc text
        text_value text
        accessibility_label text
        xpath text
        bounds jsonb not null
        visibility text not null in VISIBLE|HIDDEN|GONE
        interactable boolean not null
        version integer not null
        created_at timestamptz not null default now()
        updated_at timestamptz not null default now()
        """,
        {
            "idx_elements_screen_visibility": "btree (screen_id, visibility)",
            "idx_elements_element_hash": "btree (element_hash)",
            "gin_elements_text": (
                "gin (text_value gin_trgm_ops, content_desc gin_trgm_ops, accessibility_label gin_trgm_ops,"
                " resource_id gin_trgm_ops)"
            ),
        },
        uniques={("screen_id", "element_hash", "version")},
    ),
    "locator_candidates": transcribe(
        """
        id uuid pk
        element_id uuid not null -> screen_indexer.elements(id)
        strategy text not null in ID|TEXT|ACCESSIBILITY_ID|XPATH|IMAGE_TEMPLATE|CUSTOM
        locator_value text not null
        score numeric(4,3) not null
        source text not null in DOM|VISION|HISTORICAL|MANUAL
        is_primary boolean default false
        dynamic_flags jsonb
        success_rate numeric(5,2) default 0
        last_verified_at timestamptz
        created_at timestamptz not null default now()
        updated_at timestamptz not null default now()
        """,
        {
            "idx_locator_element_strategy": "btree (element_id, strategy)",
            "idx_locator_primary": "btree (element_id) WHERE is_primary",
            "idx_locator_candidates_strategy": "btree (strategy)",
        },
    ),
    "element_validations": transcribe(
        """
        id uuid pk
        locator_candidate_id uuid not null -> screen_indexer.locator_candidates(id)
        task_run_id uuid not null -> orchestrator.task_runs(id)
        validation_type text not null in CLICK|HIGHLIGHT|VISIBILITY|EXISTENCE
        status text not null in PASSED|FAILED|RETRY|SKIPPED
        attempt_at timestamptz not null
        latency_ms integer
        screenshot_path text
        notes text
        """,
        {
            "idx_element_validations_candidate": "btree (locator_candidate_id)",
            "idx_element_validations_status": "btree (status)",
        },
        partitioned_by="attempt_at",
    ),
    "screen_diffs": transcribe(
        """
        id uuid pk
        base_screen_id uuid not null -> screen_indexer.screens(id)
        target_screen_id uuid not null -> screen_indexer.screens(id)
        diff_summary jsonb not null
        diff_detail_path text
        generated_at timestamptz not null
        """,
        uniques={("base_screen_id", "target_screen_id")},
    ),
    "llm_logs": transcribe(
        """
        id uuid pk
        task_run_id uuid not null -> orchestrator.task_runs(id)
        task_action_id uuid -> device_agent.task_actions(id)
        screen_id uuid -> screen_indexer.screens(id)
        model_name text not null
        prompt_tokens integer not null
        completion_tokens integer not null
        latency_ms integer not null
        request_payload jsonb not null
        response_payload jsonb not null
        safety_flags jsonb
        error_code text
        cost numeric(10,4)
        created_at timestamptz not null default now()
        """,
        {
            "idx_llm_logs_task_run_time": "btree (task_run_id, created_at)",
            "idx_llm_logs_model": "btree (model_name)",
            "gin_llm_logs_error": "gin (error_code gin_trgm_ops) WHERE (error_code IS NOT NULL)",
        },
        partitioned_by="created_at",
    ),
    "alerts": transcribe(
        """
        id uuid pk
        task_run_id uuid -> orchestrator.task_runs(id)
        screen_id uuid -> screen_indexer.screens(id)
        element_id uuid -> screen_indexer.elements(id)
        alert_type text not null in LOCATOR_FAILURE|SCREEN_DIFF|DEVICE_OFFLINE|TOKEN_BUDGET|SYSTEM
        severity text not null in P1|P2|P3
        message text not null
        payload jsonb
        status text not null in OPEN|ACKED|RESOLVED|SUPPRESSED
        triggered_at timestamptz not null
        resolved_at timestamptz
        ack_by uuid
        ack_at timestamptz
        """,
        {
            "idx_alerts_status_severity": "btree (status, severity)",
            "idx_alerts_triggered_at": "btree (triggered_at)",
            "gin_alerts_message": "gin (message gin_trgm_ops)",
            "gin_alerts_payload": "gin (payload jsonb_path_ops)",
        },
        partitioned_by="triggered_at",
    ),
    "alert_notifications": transcribe(
        """
        id uuid pk
        alert_id uuid not null -> alerter.alerts(id)
        channel text not null in FEISHU|WECHAT|EMAIL|PHONE
        target text not null
        send_status text not null in PENDING|SENT|FAILED
        response_payload jsonb
        sent_at timestamptz
        retry_count integer default 0
        """,
        {
            "idx_alert_notifications_alert": "btree (alert_id)",
            "idx_alert_notifications_status": "btree (send_status)",
        },
        partitioned_by="created_at",
    ),
    "users": transcribe(
        """
        id uuid pk
        account text not null unique
        display_name text not null
        roles text[] not null
        last_login_at timestamptz
        created_at timestamptz not null default now()
        """
    ),
    "integration_configs": transcribe(
        """
        id uuid pk
        config_type text not null in LLM|MIDSCENE|STORAGE|ALERT_CHANNEL
        name text not null
        secret_ref text not null
        config jsonb not null
        enabled boolean default true
        updated_at timestamptz not null default now()
        """
    ),
}
