"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

import convert  # noqa: F401 -- loads tflite_runtime, which fails where TensorFlow came first

# A busy machine is no failure. What forty examples do not find today, others do another day.
settings.register_profile("edgehar", deadline=None, max_examples=40)
settings.load_profile("edgehar")

# No model that this machine's user has activated: there is no such folder.
os.environ["XDG_DATA_HOME"] = str(Path(__file__).parent / "no-such-folder")
# Nor settings of this machine's user.
os.environ["XDG_CONFIG_HOME"] = "/proc/no-such-folder"  # which nobody can make
os.environ.pop("EDGEHAR_CONFIG", None)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the publishers' archives; a user's machine does not have it."""
    folder = Path(os.environ.get("EDGEHAR_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "hapt.zip").is_file():
        pytest.skip(f"no recorded data in {folder} (set EDGEHAR_DATA)")
    return folder
