"""How often one may ask: a bucket that fills at a steady rate. Kept in the memory of each process that serves."""

import math
import threading
from dataclasses import dataclass
from datetime import datetime

from config.fields import Rate

MOST_KEYS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class Limiter:
    """At most ``rate`` requests of each key, in a burst or spread; thread-safe."""

    def __init__(self, rate: Rate) -> None:
        self._size = float(rate.count)
        self._per_second = rate.count / rate.period.total_seconds()
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait(self, key: str, now: datetime) -> int:
        """Take one; 0, or the seconds until there is one again."""
        with self._lock:
            bucket = self._filled(key, now)
            if bucket.left >= 1:
                bucket.left -= 1
                return 0
            return max(1, math.ceil((1 - bucket.left) / self._per_second))

    def is_empty(self, key: str, now: datetime) -> bool:
        with self._lock:
            return self._filled(key, now).left < 1

    def _filled(self, key: str, now: datetime) -> _Bucket:
        if key not in self._buckets and len(self._buckets) >= MOST_KEYS:
            self._forget(now)
        bucket = self._buckets.setdefault(key, _Bucket(self._size, now))
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.left, bucket.at = min(self._size, bucket.left + passed * self._per_second), now
        return bucket

    def _forget(self, now: datetime) -> None:
        """Drop the buckets that are full again, and all of them where that is not enough."""
        for key, bucket in list(self._buckets.items()):
            if bucket.left + (now - bucket.at).total_seconds() * self._per_second >= self._size:
                del self._buckets[key]
        if len(self._buckets) >= MOST_KEYS:
            self._buckets.clear()
