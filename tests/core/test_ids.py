from __future__ import annotations

import os
import threading

import pytest

from app.core import ids


def test_ids_have_the_form_and_none_is_made_twice():
    made = [ids.new_id("run") for _ in range(5000)]

    assert len(set(made)) == 5000
    assert all(ids.is_id(one, "run") for one in made)


def test_ids_of_one_process_sort_in_the_order_of_their_making():
    made = [ids.new_id("run") for _ in range(5000)]

    assert made == sorted(made)


def test_threads_make_ids_of_their_own():
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend(ids.new_id("stg") for _ in range(500)))
        for _ in range(8)
    ]

    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len({one[-16:] for one in made}) == 4000  # the random part alone


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 says so
def test_forked_process_makes_other_ids_than_its_parent():
    ids.new_id("run")  # bytes for further ids are drawn
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, "".join(ids.new_id("run")[-16:] for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 100_000).decode()
    os.close(read), os.close(write)

    mine = {ids.new_id("run")[-16:] for _ in range(50)}

    theirs = {told[i : i + 16] for i in range(0, len(told), 16)}
    assert len(theirs) == 50
    assert not mine & theirs


def test_derived_id_is_the_same_for_the_same_parts():
    one = ids.derived_id("run", "a", "b", at_ms=1_700_000_000_000)

    assert ids.is_id(one, "run")
    assert one == ids.derived_id("run", "a", "b", at_ms=1_700_000_000_000)
    assert one != ids.derived_id("run", "ab", "", at_ms=1_700_000_000_000)


def test_time_of_an_id_can_be_read_from_it():
    assert ids.made_at_ms(ids.derived_id("run", "x", at_ms=1_800_000_000_123)) == 1_800_000_000_123


def test_ids_made_from_a_moment_on_are_at_least_its_lowest_id():
    lowest = ids.lowest_id("run", 1_800_000_000_123)

    assert ids.derived_id("run", "x", at_ms=1_800_000_000_122) < lowest
    assert lowest <= ids.derived_id("run", "x", at_ms=1_800_000_000_123)
