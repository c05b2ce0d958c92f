"""The code that runs on the board, and its public Python interface (docs/PYTHON.md)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device.decision.decision import Decision
    from device.model.bundle import Bundle
    from device.pipeline.recognizer import Recognizer, load_bundle
    from firmware_bridge.errors import EdgeharError, InputError
    from firmware_bridge.recording import RecordingWriter
    from firmware_bridge.recording import read_blocks as read_recording
    from firmware_bridge.samples import Samples

__all__ = [
    "Bundle",
    "Decision",
    "EdgeharError",
    "InputError",
    "Recognizer",
    "RecordingWriter",
    "Samples",
    "load_bundle",
    "read_recording",
]

_HOME = {
    "Bundle": "device.model.bundle:Bundle",
    "Decision": "device.decision.decision:Decision",
    "EdgeharError": "firmware_bridge.errors:EdgeharError",
    "InputError": "firmware_bridge.errors:InputError",
    "Recognizer": "device.pipeline.recognizer:Recognizer",
    "RecordingWriter": "firmware_bridge.recording:RecordingWriter",
    "Samples": "firmware_bridge.samples:Samples",
    "load_bundle": "device.pipeline.recognizer:load_bundle",
    "read_recording": "firmware_bridge.recording:read_blocks",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'device' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(module), attribute)
