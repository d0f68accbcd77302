"""From an app's name to its launch."""

from __future__ import annotations

from contracts.values import Navigate, StartApp
from services.device_agent.apps.labels import Labels
from services.device_agent.apps.naming import App, choose
from services.device_agent.performing import Performed, Result
from services.device_agent.phone import Phone

LOOKING_S = 25.0
"""How long the labels of a phone are read at most; what was read is kept for the next time."""


async def launch_of(labels: Labels, phone: Phone, action: StartApp, left_s: float) -> Navigate | Performed:
    """The launch that an action means, or NOT_FOUND with the apps that come nearest. Raises `AdbError`."""
    listing = await labels.listing(phone, min(LOOKING_S, max(left_s, 1.0)))
    found = choose(action.app, listing.apps, listing.language, exact=bool(listing.late))
    if isinstance(found, App):
        return Navigate(to="LAUNCH", package=found.package, activity=found.activity)
    late = f"; {listing.late} apps were not read in time, ask again" if listing.late else ""
    return Performed(Result.NOT_FOUND, found.reason + late)
