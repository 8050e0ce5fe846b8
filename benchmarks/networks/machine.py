"""On what it was measured: processor, cores, how busy, versions."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Return facts as plain data; the load is that of the last minute before."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "simd": _simd_level(),
        "date": datetime.date.today().isoformat(),
    }


def machine_line(facts: dict[str, Any], versions: dict[str, str]) -> str:
    named = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB, {facts['system']}, "
        f"load {facts['load']:.1f} at the start, Python {facts['python']}, kernels {facts['simd']}; {named}; "
        f"{facts['date']}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _simd_level() -> str:
    from chainrule.engine import _kernels

    return str(_kernels.simd_level())
