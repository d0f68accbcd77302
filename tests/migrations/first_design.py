"""The first database design (tasks in plain language, steps, screenshots, scripts), transcribed word for word."""

from __future__ import annotations

from tests.migrations.model import transcribe

SCHEMA = "autoglm"

TASKS_INDEXES = {
    "idx_tasks_task_id": "btree (task_id)",
    "idx_tasks_session_id": "btree (session_id)",
    "idx_tasks_status": "btree (status)",
    "idx_tasks_created_at": "btree (created_at)",
    "idx_tasks_user_id": "btree (user_id)",
    "idx_tasks_script_id": "btree (script_id)",
    "idx_tasks_created_at_status": "btree (created_at, status)",
}

TABLES = {
    "tasks": transcribe(
        """
        id uuid pk default gen_random_uuid()
        task_id text not null unique
        session_id text not null
        user_id text not null
        task_description text not null
        status text not null in running|completed|error|stopped
        created_at timestamptz not null
        last_activity timestamptz not null
        config jsonb not null
        thread_id text
        error_message text
        end_time timestamptz
        result text
        script_id uuid -> autoglm.scripts(id)
        """,
        TASKS_INDEXES,
    ),
    "task_steps": transcribe(
        """
        id uuid pk default gen_random_uuid()
        task_id text not null -> autoglm.tasks(task_id) cascade
        step_number integer not null
        step_type text not null in thinking|action|screenshot|error|validation|completion
        step_data jsonb not null
        thinking text
        action_result jsonb
        screenshot_path text
        duration_ms integer
        success boolean default true
        error_message text
        created_at timestamptz not null default now()
        """,
        {
            "idx_task_steps_task_id_step_number": "btree (task_id, step_number)",
            "idx_task_steps_created_at": "btree (created_at)",
            "idx_task_steps_step_type": "btree (step_type)",
            "idx_task_steps_data_gin": "gin (step_data)",
        },
        partitioned_by="created_at",
    ),
    "step_screenshots": transcribe(
        """
        id uuid pk default gen_random_uuid()
        task_id text not null -> autoglm.tasks(task_id) cascade
        step_id uuid not null -> autoglm.task_steps(id) cascade
        screenshot_path text not null
        file_size integer
        file_hash text
        compressed boolean default false
        metadata jsonb
        created_at timestamptz not null default now()
        """,
        {
            "idx_step_screenshots_task_id": "btree (task_id)",
            "idx_step_screenshots_step_id": "btree (step_id)",
            "idx_step_screenshots_file_hash": "btree (file_hash)",
        },
        uniques={("screenshot_path", "file_hash")},
    ),
    "scripts": transcribe(
        """
        id uuid pk default gen_random_uuid()
        task_id text not null
        task_name text not null
        description text not null
        total_steps integer not null default 0
        success_rate numeric(5,2) default 0.00
        execution_time numeric(10,2) default 0.00
        device_id text
        model_name text
        created_at timestamptz not null default now()
        updated_at timestamptz not null default now()
        script_data jsonb not null
        script_metadata jsonb not null
        script_version text default '1.0'::text
        checksum text
        is_active boolean default true
        """,
        {
            "idx_scripts_task_id": "btree (task_id)",
            "idx_scripts_created_at": "btree (created_at)",
            "idx_scripts_task_name": "btree (task_name)",
            "idx_scripts_device_id": "btree (device_id)",
            "idx_scripts_model_name": "btree (model_name)",
            "idx_scripts_is_active": "btree (is_active)",
            "idx_scripts_data_gin": "gin (script_data)",
            "idx_scripts_metadata_gin": "gin (script_metadata)",
        },
        checks={
            "((total_steps >= 0))",
            "(((success_rate >= (0)::numeric) AND (success_rate <= (100)::numeric)))",
            "((execution_time >= (0)::numeric))",
        },
    ),
}

# What the view shows, in its order.
SCRIPT_SUMMARY = (
    "id", "task_id", "task_name", "total_steps", "success_rate", "execution_time", "device_id", "model_name",
    "created_at", "is_active", "task_status", "user_id", "session_id",
)  # fmt: skip
