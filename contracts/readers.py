"""Who reads which events without a durable consumer: projections into tables, and views that every process keeps.

Together with `contracts.topology` this is the whole readership of the log; the AsyncAPI document is made from both.
What a projection or a view really reads is in its service; the tests hold the two together.
"""

from __future__ import annotations

from contracts import (
    alerter,
    device_agent,
    llm_gateway,
    locator_validator,
    notifier,
    orchestrator,
    screen_indexer,
)
from contracts.event import Event

PROJECTED: dict[str, tuple[type[Event], ...]] = {
    orchestrator.OWNER: (
        orchestrator.AppVersionSeen,
        orchestrator.TaskQueued,
        orchestrator.TaskDropped,
        orchestrator.TaskBlocked,
        orchestrator.TaskUnblocked,
        orchestrator.TaskHeld,
        orchestrator.TaskReleased,
        orchestrator.TaskGranted,
        orchestrator.RunStarted,
        orchestrator.StepFinished,
        orchestrator.RunNoted,
        orchestrator.RunPaused,
        orchestrator.RunResumed,
        orchestrator.RunFinished,
        orchestrator.UserSeen,
        orchestrator.ConfigChanged,
        device_agent.PhonePrepared,
        device_agent.PhoneRestored,
        orchestrator.TurnTaken,
        orchestrator.ActionRequested,
        orchestrator.NoteKept,
        orchestrator.PersonAsked,
        orchestrator.PersonAnswered,
        orchestrator.ModelAwaited,
        orchestrator.ApiCallRequested,
        orchestrator.ScriptRecorded,
        orchestrator.ScriptReplayed,
        orchestrator.ScriptSwitched,
        orchestrator.ApiCallTaken,
    ),
    device_agent.OWNER: (
        device_agent.DeviceRegistered,
        device_agent.DeviceReady,
        device_agent.DeviceLost,
        device_agent.DeviceHeartbeat,
        device_agent.ActionStarted,
        device_agent.ActionFinished,
        orchestrator.TaskGranted,
        orchestrator.LeaseEnded,
        orchestrator.PhoneJoined,
        orchestrator.PhoneDescribed,
        orchestrator.PhoneTagged,
        orchestrator.PhoneRetired,
        orchestrator.PhoneReinstated,
        orchestrator.ActionRequested,
        screen_indexer.CaptureIndexed,
    ),
    llm_gateway.OWNER: (llm_gateway.CallFinished,),
    screen_indexer.OWNER: (
        screen_indexer.ScreenDiscovered,
        screen_indexer.ElementsListed,
        screen_indexer.ScreenCatalogued,
        screen_indexer.ScreensCompared,
        locator_validator.LocatorChecked,
        locator_validator.PrimaryChosen,
    ),
    locator_validator.OWNER: (locator_validator.LocatorChecked,),
    alerter.OWNER: (
        alerter.AlertRaised,
        alerter.AlertRepeated,
        alerter.AlertDetailed,
        alerter.AlertAcked,
        alerter.AlertResolved,
        alerter.AlertSuppressed,
    ),
    notifier.OWNER: (notifier.NotificationPlanned, notifier.NotificationSent, notifier.NotificationFailed),
}
"""Events that become rows of a service's tables, by the owner of the tables."""

VIEWED: dict[str, tuple[type[Event], ...]] = {
    orchestrator.OWNER: (orchestrator.ConfigChanged,),
    llm_gateway.OWNER: (orchestrator.ConfigChanged,),
    notifier.OWNER: (orchestrator.ConfigChanged,),
    device_agent.OWNER: (
        device_agent.DeviceRegistered,
        device_agent.DeviceReady,
        device_agent.DeviceLost,
        device_agent.DeviceHeartbeat,
    ),
}
"""Events of which every process of a service keeps the last one under each key."""
