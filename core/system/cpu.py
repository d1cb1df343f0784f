"""What the computer's processor is called. Python's `platform.processor()` knows no more than `x86_64` on Linux."""

import platform
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

SECONDS = 5.0

# `Model` is the whole board, where the processor has no name: `Raspberry Pi 4 Model B`.
_NAMES = re.compile(r"^(model name|hardware|cpu model|cpu|model)\s*:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_ORDER = ("model name", "cpu model", "hardware", "cpu", "model")
_TRADEMARKS = re.compile(r"\((?:R|TM)\)|®|™", re.IGNORECASE)


@cache
def cpu_name() -> str:
    """Its model, such as `AMD EPYC 7B13` or `Apple M2`; where that is not known, its kind: `aarch64`."""
    return tidy(_model() or "") or platform.processor() or platform.machine() or "CPU"


def tidy(name: str) -> str:
    """Without trademarks and runs of spaces; nothing for what only says that it is not known."""
    name = " ".join(_TRADEMARKS.sub(" ", name).split())
    return "" if name.lower() in ("unknown", "-", "0") else name


def name_in(cpuinfo: str) -> str | None:
    """The name in Linux's `/proc/cpuinfo`, whose fields differ from one kind of processor to the other."""
    found = {field.lower(): name for field, name in reversed(_NAMES.findall(cpuinfo))}
    return next((found[field] for field in _ORDER if field in found), None)


def _model() -> str | None:
    if sys.platform == "win32":
        return _in_registry()
    if sys.platform == "darwin":
        return _printed("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        cpuinfo = ""
    # Of ARM's servers it has numbers alone; `lscpu` knows their names.
    return name_in(cpuinfo) or name_in(_printed("lscpu"))


def _in_registry() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])
    except OSError:
        return None


def _printed(*command: str) -> str:
    """What a command prints; nothing where it is missing or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
