"""The phone's clock against this computer's: when something that the phone's log tells of happened here. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

ASK = "date '+%Y-%m-%d %H:%M:%S.%N'"
"""What the phone prints: its own wall clock in its own zone, as its log does."""
_ANSWER = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{3})\d*)?")
_YEAR = 365 * 86_400


@dataclass(frozen=True)
class PhoneClock:
    """Where both clocks stood at one moment. `there` has no zone: the phone prints none; `here` is UTC."""

    there: datetime
    here: datetime

    def here_at(self, text: str) -> datetime | None:
        """The moment that the phone calls so: `MM-DD HH:MM:SS.mmm` or with a year; None for what is no time.

        A date without a year is the one nearest to now.
        """
        there = _read(text, self.there)
        return None if there is None else self.here + (there - self.there)

    def there_at(self, moment: datetime) -> datetime:
        """What the phone calls a moment."""
        return self.there + (moment - self.here)


def clock(answer: str, asked_at: datetime, answered_at: datetime) -> PhoneClock | None:
    """From the answer to `ASK`. Where `date` knows no fractions, it is the middle of the second."""
    match = _ANSWER.search(answer)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[at]) for at in range(1, 7))
    milliseconds = int(match[7]) if match[7] else 500
    try:
        there = datetime(year, month, day, hour, minute, second, milliseconds * 1000)  # noqa: DTZ001 - as the phone prints it
    except ValueError:
        return None
    return PhoneClock(there, asked_at + (answered_at - asked_at) / 2)


def _read(text: str, now: datetime) -> datetime | None:
    has_year = re.match(r"\d{4}-", text) is not None
    for year in (None,) if has_year else (now.year, now.year - 1, now.year + 1):
        try:
            found = datetime.fromisoformat(text.strip() if year is None else f"{year}-{text.strip()}")
        except ValueError:
            continue
        if year is None or abs(found - now) < timedelta(seconds=_YEAR / 2):
            return found.replace(tzinfo=None)
    return None
