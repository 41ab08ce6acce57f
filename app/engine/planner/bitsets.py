"""Sets of stage indexes as integers: stage i is bit i. Linear algebra for graphs of 2000 stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_FEW = 64
_MOST_NAMES = 20_000  # in all cycles told; beyond, a list of them helps nobody


def members(mask: int) -> list[int]:
    """The indexes in the set, ascending."""
    if mask.bit_count() > _FEW:
        return [i for i, digit in enumerate(bin(mask)[:1:-1]) if digit == "1"]
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def closure(needs: Sequence[int], order: Iterable[int]) -> list[int]:
    """All that each stage needs, directly or through others. `order` has needs before users."""
    reach = [0] * len(needs)
    for i in order:
        mask = rest = needs[i]
        while rest:  # what one of them reaches need not be looked at again
            j = rest.bit_length() - 1
            mask |= reach[j]
            rest &= ~(reach[j] | 1 << j)
        reach[i] = mask
    return reach


def reverse(needs: Sequence[int]) -> list[int]:
    """The users of each stage."""
    users = [0] * len(needs)
    for i, mask in enumerate(needs):
        for j in members(mask):
            users[j] |= 1 << i
    return users


def break_cycles(needs: list[int]) -> tuple[list[int], list[list[int]]]:
    """An order with needs before users, and the cycles that were in the way.

    Each cycle is a path whose last element needs its first. `needs` loses the dependency that
    closes each of them, and is free of cycles afterwards. Linear in stages and dependencies.
    """
    order: list[int] = []
    cycles: list[list[int]] = []
    names = 0
    place: dict[int, int] = {}  # on the path from the start of this search
    done = bytearray(len(needs))
    for start in range(len(needs)):
        if done[start]:
            continue
        path, todo = [start], [iter(members(needs[start]))]
        place[start] = 0
        while path:
            here, need = path[-1], next(todo[-1], None)
            if need is None:
                path.pop(), todo.pop()
                del place[here]
                done[here] = True
                order.append(here)
            elif need in place:
                if names < _MOST_NAMES:
                    cycles.append(path[place[need] :])
                    names += len(cycles[-1])
                needs[here] &= ~(1 << need)
            elif not done[need]:
                place[need] = len(path)
                path.append(need)
                todo.append(iter(members(needs[need])))
    return order, cycles
