"""What comes over whatever a phone plays: dialogs of the system, calls, another app in a split screen."""

from .stack import Interruptions

__all__ = ["Interruptions"]
