"""What people ask of the fleet, on `waymark.request.fleet.<user>`: tags, reservations, quarantine, test accounts.

Every request is answered with `FleetAnswered`, under a key derived from the user and the request's own `id`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter

from contracts.requests import Request, Short
from contracts.values.accounts import SecretPlace
from contracts.values.selectors import BUILT_IN_TAGS


def _settable(tag: str) -> str:
    if tag.casefold() in BUILT_IN_TAGS:
        raise ValueError(f"{tag} says what the phone is and cannot be set; there is `waymark devices list`")
    return tag.casefold()


TagName = Annotated[
    str, StringConstraints(pattern=r"^[^\W\d][\w.-]*$", max_length=60, strip_whitespace=True), AfterValidator(_settable)
]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
User = Annotated[str, StringConstraints(pattern=r"^[^\s.*>]+$", max_length=200)]
"""A user is the last token of a subject."""


class FleetRequestBase(Request):
    id: Short | None = None
    """The caller's own id: publishing it twice does it once."""


class TagRequest(FleetRequestBase):
    """Sets and removes tags of a phone. What is set by hand goes before what is configured at the agent."""

    kind: Literal["tag"]
    serial: Short
    set: dict[TagName, Short] = Field(default_factory=dict, max_length=50)
    remove: tuple[TagName, ...] = Field(default=(), max_length=50)


class ReserveRequest(FleetRequestBase):
    """Keeps a phone for one user's tasks until then. A run that is on it goes on."""

    kind: Literal["reserve"]
    serial: Short
    user: User
    until: datetime
    why: Short


class PhoneRequest(FleetRequestBase):
    """`release` ends a reservation, `quarantine` keeps every task off a phone and `unquarantine` ends that; `retire`
    takes a phone away for good, `reinstate` brings it back."""

    kind: Literal["release", "quarantine", "unquarantine", "retire", "reinstate"]
    serial: Short
    why: Short | None = None


class AccountRequest(FleetRequestBase):
    """Declares a test account, or changes it for the leases that follow."""

    kind: Literal["account"]
    name: Short
    pool: Short
    fields: dict[FieldName, Short] = Field(default_factory=dict, max_length=20)
    secrets: dict[FieldName, SecretPlace] = Field(default_factory=dict, max_length=20)


class RemoveAccountRequest(FleetRequestBase):
    """Takes a test account away, as soon as no run has it."""

    kind: Literal["remove-account"]
    name: Short


class LimitRequest(FleetRequestBase):
    """How many phones a user's tasks have at once, at most. None: no limit."""

    kind: Literal["limit"]
    user: User
    max_phones: int | None = Field(ge=1, le=1000)


FleetRequest = Annotated[
    TagRequest | ReserveRequest | PhoneRequest | AccountRequest | RemoveAccountRequest | LimitRequest,
    Field(discriminator="kind"),
]
FLEET_REQUEST: TypeAdapter[FleetRequest] = TypeAdapter(FleetRequest)
FLEET_KINDS = (
    "tag", "reserve", "release", "quarantine", "unquarantine", "retire", "reinstate", "account", "remove-account",
    "limit",
)  # fmt: skip
