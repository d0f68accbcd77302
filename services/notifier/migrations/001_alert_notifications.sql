-- Who was told of an alert, how, and whether it worked.

CREATE TABLE alert_notifications (
    id uuid,
    alert_id uuid NOT NULL,  -- alerter.alerts
    channel text NOT NULL CHECK (channel IN ('FEISHU', 'WECHAT', 'EMAIL', 'PHONE')),
    target text NOT NULL,
    send_status text NOT NULL CHECK (send_status IN ('PENDING', 'SENT', 'FAILED')),
    response_payload jsonb,
    sent_at timestamptz,
    retry_count integer DEFAULT 0,
    -- Not in the design: monthly partitions need a time that every row has, and sent_at comes later or never.
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE alert_notifications_default PARTITION OF alert_notifications DEFAULT;
CREATE INDEX idx_alert_notifications_alert ON alert_notifications (alert_id);
CREATE INDEX idx_alert_notifications_status ON alert_notifications (send_status);
