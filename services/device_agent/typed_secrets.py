"""Secrets that are typed into fields of apps: which may be, and their values, read at the moment of typing.

Whoever may publish a task names the reference, and sees the screen that it is typed into. So only what is there for
this purpose is typed: never the keys of Waymark's own servers nor the PINs of phones (`WAYMARK_PHONE_PINS`), and files
only from where secrets are mounted. `WAYMARK_TYPED_SECRETS` (patterns with `*`, between commas) replaces the rule.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase

from services.device_agent.settings import PhoneSettings
from services.device_agent.shell import quote
from services.runtime.secrets import SecretError, resolve

SETTING = "WAYMARK_TYPED_SECRETS"
_ALLOWED = "env:*,file:/run/secrets/*,file:/var/run/secrets/waymark/*"
_OWN = (
    "env:WAYMARK_*",
    "env:PHONE_PIN*",
    "env:MODEL_*",
    "env:AWS_*",
    "env:NATS_*",
    "env:PG*",
    "env:POSTGRES_*",
    "env:MINIO_*",
    "env:S3_*",
)


def typed_secret(secret_ref: str, environ: Mapping[str, str] | None = None) -> str:
    """The text behind a reference. Raises `SecretError`, which names the place and never the value."""
    environ = os.environ if environ is None else environ
    given = environ.get(SETTING)
    patterns = [pattern.strip() for pattern in (given or _ALLOWED).split(",")]
    own = (*_OWN, *PhoneSettings().pins.values())
    is_own = not given and any(fnmatchcase(secret_ref, pattern) for pattern in own)
    is_allowed = any(fnmatchcase(secret_ref, pattern) for pattern in patterns)
    if is_own or not is_allowed or "/../" in secret_ref:
        raise SecretError(f"{secret_ref} is not typed into apps; {SETTING} of the device-agent says what is")
    value = resolve(secret_ref, environ).get_secret_value()
    if not value:
        raise SecretError(f"{secret_ref} is no reference to a secret that can be typed")
    return value


def hidden(words: str, secret: str) -> str:
    """Words of a phone without the secret, in whichever form its commands had it."""
    encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    forms = {secret, secret.replace(" ", "%s"), quote(secret), quote(secret.replace(" ", "%s")), encoded}
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, "***")
    return words
