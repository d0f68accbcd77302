-- What an app's interface looks like: screens, their elements, how to address those, differences between versions.

CREATE TABLE screens (
    id uuid PRIMARY KEY,
    app_version_id uuid NOT NULL,  -- orchestrator.app_versions
    signature text NOT NULL,
    dom_hash text NOT NULL,
    primary_text text,
    screenshot_path text NOT NULL,
    screenshot_thumb_path text,
    dom_path text NOT NULL,
    orientation text NOT NULL CHECK (orientation IN ('PORTRAIT', 'LANDSCAPE')),
    width integer NOT NULL,
    height integer NOT NULL,
    captured_at timestamptz NOT NULL,
    device_model text,
    source_task_run_id uuid,  -- orchestrator.task_runs
    source_action_id uuid,  -- device_agent.task_actions
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (app_version_id, signature)
);
CREATE INDEX idx_screens_signature ON screens (signature);
CREATE INDEX idx_screens_captured_at ON screens (captured_at);

CREATE TABLE elements (
    id uuid PRIMARY KEY,
    screen_id uuid NOT NULL REFERENCES screens (id) DEFERRABLE,
    element_hash text NOT NULL,
    element_type text NOT NULL,
    resource_id text,
    content_desc text,
    text_value text,
    accessibility_label text,
    xpath text,
    bounds jsonb NOT NULL,
    visibility text NOT NULL CHECK (visibility IN ('VISIBLE', 'HIDDEN', 'GONE')),
    interactable boolean NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (screen_id, element_hash, version)
);
CREATE INDEX idx_elements_screen_visibility ON elements (screen_id, visibility);
CREATE INDEX idx_elements_element_hash ON elements (element_hash);
CREATE INDEX gin_elements_text ON elements USING gin (
    text_value gin_trgm_ops, content_desc gin_trgm_ops, accessibility_label gin_trgm_ops, resource_id gin_trgm_ops
);

CREATE TABLE locator_candidates (
    id uuid PRIMARY KEY,
    element_id uuid NOT NULL REFERENCES elements (id) DEFERRABLE,
    strategy text NOT NULL
        CHECK (strategy IN ('ID', 'TEXT', 'ACCESSIBILITY_ID', 'XPATH', 'IMAGE_TEMPLATE', 'CUSTOM')),
    locator_value text NOT NULL,
    score numeric(4, 3) NOT NULL,
    source text NOT NULL CHECK (source IN ('DOM', 'VISION', 'HISTORICAL', 'MANUAL')),
    is_primary boolean DEFAULT false,
    dynamic_flags jsonb,
    success_rate numeric(5, 2) DEFAULT 0,
    last_verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_locator_element_strategy ON locator_candidates (element_id, strategy);
CREATE INDEX idx_locator_primary ON locator_candidates (element_id) WHERE is_primary;
CREATE INDEX idx_locator_candidates_strategy ON locator_candidates (strategy);

CREATE TABLE screen_diffs (
    id uuid PRIMARY KEY,
    base_screen_id uuid NOT NULL REFERENCES screens (id) DEFERRABLE,
    target_screen_id uuid NOT NULL REFERENCES screens (id) DEFERRABLE,
    diff_summary jsonb NOT NULL,
    diff_detail_path text,
    generated_at timestamptz NOT NULL,
    UNIQUE (base_screen_id, target_screen_id)
);
