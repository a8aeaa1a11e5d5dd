"""A clock of the wall that a test moves on: processes that know it see one time, and the kernel's timers go on as ever.

A small C library answers for `clock_gettime`, `gettimeofday` and `time`. It is loaded before all others, and reads how
far the clock was moved from a file that all processes share. So a clock that is moved is moved for who runs already.
"""

import math
import shutil
import struct
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

LIBRARY = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const long long *ahead;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MOVED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *seen = file < 0 ? MAP_FAILED : mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (seen != MAP_FAILED) ahead = seen;
    if (file >= 0) close(file);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, which, now);
    int is_wall = which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE;
    if (!failed && is_wall && ahead) now->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timespec *now, void *zone) {
    (void) zone;
    int failed = clock_gettime(CLOCK_REALTIME, now);
    now->tv_nsec /= 1000;
    return failed;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


class MovedClock:
    """A clock that only goes forward; `environment` has a process live by it."""

    def __init__(self, folder: Path) -> None:
        """Build the library in a folder.

        Args:
            folder: For the library, and for the file that says how far the clock was moved.
        """
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler: a clock that moves is a small C library")
        source, library, self._file = folder / "clock.c", folder / "clock.so", folder / "ahead"
        source.write_text(LIBRARY, encoding="utf-8")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", library, source], check=True)
        self._move(timedelta())
        self.environment = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(self._file)}

    def now(self) -> datetime:
        """Return what it says."""
        return datetime.now(UTC) + self._ahead

    def forward(self, by: timedelta) -> None:
        """Move it on."""
        self._move(self._ahead + by)

    def to(self, at: datetime) -> None:
        """Move it on to a time, if it is not past that."""
        self.forward(max(timedelta(), at - self.now()))

    def _move(self, ahead: timedelta) -> None:
        self._ahead = timedelta(seconds=math.ceil(ahead.total_seconds()))
        said = struct.pack("q", math.ceil(ahead.total_seconds()))
        with self._file.open("r+b" if self._file.exists() else "wb") as file:  # the file itself: others look into it
            file.write(said)
