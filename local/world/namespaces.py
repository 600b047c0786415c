"""Linux namespaces and mounts by system call: no helper process stands between a caller and its command."""

import ctypes
import os
from pathlib import Path

# <sched.h>, <sys/mount.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Moves this process (for CLONE_NEWPID: its next children) into new namespaces.

    Raises OSError: EPERM without CAP_SYS_ADMIN.
    """
    if _libc.unshare(flags):
        raise _error("unshare")


def mount(source: str | Path, target: str | Path, kind: str | None = None, flags: int = 0) -> None:
    """mount(2) without data. Raises OSError."""
    filesystem = kind.encode() if kind else None
    if _libc.mount(os.fsencode(source), os.fsencode(target), filesystem, ctypes.c_ulong(flags), None):
        raise _error(f"mount {source} on {target}")


def bind(source: str | Path, target: str | Path) -> None:
    mount(source, target, flags=MS_BIND)


def detach(target: str | Path) -> None:
    """Takes a mount away at once, even one in use. Raises OSError."""
    if _libc.umount2(os.fsencode(target), MNT_DETACH):
        raise _error(f"unmount {target}")


def private_mounts() -> None:
    """A mount namespace of our own: it sees the machine's mounts come and go, the machine sees none of ours."""
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_SLAVE)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
