"""Stand-ins for Salesforce and HubSpot over real HTTP; this room imports nothing else of syncd."""

from syncd.emulator.clock import Clock, EmulatorClock
from syncd.emulator.emulator import Emulator
from syncd.emulator.errors import EmulatorDataError, EmulatorRefusal
from syncd.emulator.log import Change, Redundant, Request
from syncd.emulator.variants import Variants

__all__ = [
    "Change",
    "Clock",
    "Emulator",
    "EmulatorClock",
    "EmulatorDataError",
    "EmulatorRefusal",
    "Redundant",
    "Request",
    "Variants",
]
