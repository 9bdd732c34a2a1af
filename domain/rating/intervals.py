"""Prefixes as intervals of left-aligned numbers, and exact numbers as a hash table, both with validity in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from domain.catalogue.tariff import Destination, Ported
from domain.rating import layout as at
from domain.rating.clock import micros
from domain.rating.compiled import compiled
from domain.rating.digits import END, POWERS, encode, interval
from domain.rating.layout import BEGIN, MAX, Int32s, Int64s, table

TOP_DIGITS = 5
BY_FIRST_DIGITS = POWERS[18 - TOP_DIGITS]  # numbers per entry of the first-digits table


def compile_prefixes(destinations: Sequence[Destination]) -> tuple[Int32s, Int64s, Int64s]:
    """Cut the numbers into intervals that each lead to the prefixes above them, the longest first.

    Returns the table by first digits, the intervals (beginning, what it leads to), and the nodes (destination, since,
    until, next): the first node that is valid at the event's start is the destination.
    """
    claims: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number, destination in enumerate(destinations):
        since = BEGIN if destination.valid_from is None else micros(destination.valid_from)
        until = MAX if destination.valid_to is None else micros(destination.valid_to)
        for prefix in set(destination.prefixes):
            claims[prefix].append((number, since, until))
    starts: list[int] = [0]
    heads: list[int] = [-1]
    nodes: list[list[int]] = []
    open_: list[tuple[int, int]] = []  # (end of the interval, its first node)

    def begin(start: int, head: int) -> None:
        if starts[-1] == start:
            heads[-1] = head
        elif heads[-1] != head:
            starts.append(start)
            heads.append(head)

    for (start, end), prefix in sorted((interval(prefix), prefix) for prefix in claims):
        while open_ and open_[-1][0] <= start:
            closed, _ = open_.pop()
            begin(closed, open_[-1][1] if open_ else -1)
        head = open_[-1][1] if open_ else -1
        for claim in claims[prefix]:
            nodes.append([*claim, head])
            head = len(nodes) - 1
        begin(start, head)
        open_.append((end, head))
    while open_:
        closed, _ = open_.pop()
        begin(closed, open_[-1][1] if open_ else -1)
    start_array = np.array(starts, np.int64)
    firsts = np.arange(END // BY_FIRST_DIGITS + 1, dtype=np.int64) * BY_FIRST_DIGITS
    top = (np.searchsorted(start_array, firsts, side="right") - 1).astype(np.int32)
    leads = [head if head < 0 else nodes[head][0] if nodes[head][1:3] == [BEGIN, MAX] else -2 - head for head in heads]
    return top, np.stack([start_array, np.array(leads, np.int64)], axis=1), table(nodes, 4)


def compile_ported(ported: Sequence[Ported], destinations: dict[str, int]) -> tuple[Int32s, Int64s]:
    """Sort the ported numbers by number and time and hash them. Returns the slots, and rows (number, since, to)."""
    number = np.array([encode(entry.number) for entry in ported], np.int64)
    since = np.array([micros(entry.valid_from) for entry in ported], np.int64)
    to = np.array([destinations[entry.to] for entry in ported], np.int64)
    order = np.lexsort((since, number))
    number = number[order]
    return hash_slots(number), np.stack([number, since[order], to[order]], axis=1)


def hash_slots(numbers: Int64s) -> Int32s:
    """Return an open-addressing table of the first row of each distinct number in a sorted column; -1 is empty."""
    size = 2
    while size < 2 * len(numbers):
        size *= 2
    slots = np.full(size, -1, np.int32)
    _fill(slots, numbers)
    return slots


@compiled
def hashed(number: int, size: int) -> int:
    """Return the slot at which a number's search begins (size is a power of two)."""
    mixed = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    return int(np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1)))


@compiled
def _fill(slots: Int32s, numbers: Int64s) -> None:
    size = len(slots)
    for row in range(len(numbers)):
        if row > 0 and numbers[row] == numbers[row - 1]:
            continue
        slot = hashed(numbers[row], size)
        while slots[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        slots[slot] = row


@compiled
def find_row(slots: Int32s, numbers: Int64s, number: int) -> int:
    """Return the first row of a number, or -1."""
    size = len(slots)
    slot = hashed(number, size)
    while slots[slot] >= 0:
        row = int(slots[slot])
        if numbers[row] == number:
            return row
        slot = (slot + 1) & (size - 1)
    return -1


@compiled
def find_ported(book: Int64s, number: int) -> int:
    """Return the first row of a ported number in the book, or -1."""
    first, size = book[3 * at.PORTED_SLOTS], book[3 * at.PORTED_SLOTS + 2]
    slot = hashed(number, size)
    while book[first + slot] >= 0:
        row = book[first + slot]
        if at.cell(book, at.PORTED, row, at.H_NUMBER) == number:
            return row
        slot = (slot + 1) & (size - 1)
    return -1
