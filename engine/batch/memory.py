"""Memory that this process may still take: of the machine, of its container, and under its own limits."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
"""Lines `number:controllers:path`, as cgroups(7) describes them."""


def free_memory() -> int:
    """Return the bytes that the process may still take before an allocation fails or the kernel kills it."""
    return max(0, min([_of_the_machine(), *_under_own_limits(), *_of_the_container()]))


def _of_the_machine() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _under_own_limits() -> Iterator[int]:
    """Yield what `ulimit -v` and `ulimit -d` leave."""
    pages = [int(number) for number in Path("/proc/self/statm").read_text().split()]
    size, data = (pages[k] * os.sysconf("SC_PAGE_SIZE") for k in (0, 5))
    for limit, used in ((resource.RLIMIT_AS, size), (resource.RLIMIT_DATA, data)):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - used


def _of_the_container(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> Iterator[int]:
    """Yield what the limits of the control group and its parents leave, of version 2 and version 1.

    Args:
        groups: Where control groups are mounted.
        membership: The file that names those of this process.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            root, names = groups, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = groups / "memory"
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        # In a container the path is often that of the host, and its own group is the root.
        own = root / path.strip("/")
        for group in {root, own, *own.parents} if own.is_dir() else {root}:
            if group.is_relative_to(root):
                yield from _left(group, *names)


def _left(group: Path, limit: str, usage: str, cache: str) -> Iterator[int]:
    """Yield the limit of a group less its usage, without files' pages that the kernel frees first."""
    try:
        most, used = (int((group / name).read_text()) for name in (limit, usage))
        status = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return  # no limit, spelt `max`, or no such group
    yield most - used + int(status.get(cache, 0))
