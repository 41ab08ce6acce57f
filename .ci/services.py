"""What .ci/run asks of the services of this machine: `answers URL`, `create URL NAME`, `drop`."""

import sys
from contextlib import closing

import psycopg2
import redis


def answers(url: str) -> bool:
    """Whether a PostgreSQL or Redis-protocol server answers at `url`."""
    try:
        if url.startswith("postgres"):
            psycopg2.connect(url, connect_timeout=3).close()
            return True
        return bool(redis.Redis.from_url(url, socket_connect_timeout=3).ping())
    except (psycopg2.Error, redis.RedisError):
        return False


def _execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as server:
        server.autocommit = True
        server.cursor().execute(statement)


def main(deed: str, url: str, name: str = "") -> int:
    """Does one deed; the exit code."""
    if deed == "answers":
        return 0 if answers(url) else 1
    if deed == "create":
        _execute(url, f"CREATE DATABASE {name}")
        sys.stdout.write(f"{url.rsplit('/', 1)[0]}/{name}\n")
    else:
        _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
