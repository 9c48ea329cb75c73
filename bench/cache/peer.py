"""The peer of the cache benchmark: cashews, in memory and on Redis. Prints one line a figure: `engine what value`."""

import asyncio
import statistics
import sys
import time

import uvloop
from cashews import Cache

ROUNDS = 5
VALUE = [[id, "a name of some length, for size"] for id in range(20)]


async def measure(engine: str, url: str, calls: int, prefix: str) -> None:
    cache = Cache()
    cache.setup(url)

    @cache(ttl="10m", key=prefix + ":hit", lock=True)
    async def hit():
        return VALUE

    await hit()
    one, many = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            await hit()
        one.append((time.perf_counter() - started) * 1e6 / calls)
        started = time.perf_counter()
        for _ in range(calls // 100):
            await asyncio.gather(*(hit() for _ in range(100)))
        many.append((time.perf_counter() - started) * 1e6 / (calls // 100 * 100))
    print(engine, "hit_us", f"{statistics.median(one):.2f}")
    print(engine, "hit_100_at_once_us", f"{statistics.median(many):.2f}")

    computed = 0

    @cache(ttl="10m", key=prefix + ":cold", lock=True)
    async def cold():
        nonlocal computed
        computed += 1
        await asyncio.sleep(0.05)
        return 1

    started = time.perf_counter()
    await asyncio.gather(*(cold() for _ in range(1000)))
    elapsed = time.perf_counter() - started
    print(engine, "cold_1000_computed", computed)
    print(engine, "cold_1000_ms", f"{elapsed * 1e3:.0f}")
    await cache.delete_match(prefix + "*")
    await cache.close()


async def main() -> None:
    prefix = f"bench-{time.time_ns()}"
    await measure("memory", "mem://", 20_000, prefix)
    await measure("redis", sys.argv[1], 5_000, prefix)


uvloop.run(main())
