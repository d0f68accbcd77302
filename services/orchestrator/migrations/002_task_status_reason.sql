-- Why a task is in its status: why it waits, who holds it, how it failed.

ALTER TABLE tasks ADD COLUMN status_reason text;
