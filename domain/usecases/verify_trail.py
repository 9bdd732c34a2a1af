"""Look whether the trail holds: every line in its link, every link behind the one before, every anchor where it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.access.chain import Anchor, Fault, Walk, anchored
from domain.ports.trail import TrailKeeper

# Whether an anchor's token is signed by a key of ours and says what the anchor says; an anchor handed out is believed
# where it is, whatever the database says.
Signed = Callable[[Anchor], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found in one operator's chain. ``lines`` are its links that hold, from the first; ``anchors`` likewise.

    ``erased`` lines keep nothing of persons any more; ``removed`` ones were let go when their time was over.
    """

    operator: int
    lines: int
    erased: int
    removed: int
    anchors: int
    fault: Fault | None


async def verify_trail(
    operator: int,
    *,
    keeper: TrailKeeper,
    signed: Signed,
    handed_out: Sequence[Anchor] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Walk a chain and return what is wrong first. ``handed_out`` are anchors that were kept outside of the database.

    Anchors say what the chain was; one that is not there any more, or not signed by us, is a fault too.
    """
    walk = Walk()
    anchors = [one for one in (*await keeper.anchors(operator), *handed_out) if one.operator == operator]
    by_seq: dict[int, list[Anchor]] = {}
    fault: Fault | None
    for one in anchors:
        if not signed(one):
            fault = Fault(one.seq, None, f"the anchor of {one.made_at.date()} is not signed by a key of ours")
            return _verdict(operator, walk, 0, fault)
        by_seq.setdefault(one.seq, []).append(one)
    held = 0
    # Read before the walk: meanwhile the chain may grow, never shrink.
    ends = [(one.seq, one.hash) for one in await keeper.heads() if one.operator == operator]
    async for block in keeper.walk(operator):
        for link, line in block:
            fault = walk.take(link, line) or anchored(by_seq.get(link.seq, ()), link)
            if fault is None and any(seq == link.seq and end != link.hash for seq, end in ends):
                fault = Fault(link.seq, link.audit, "the end of the chain is not what it is said to be")
            if fault is not None:
                return _verdict(operator, walk, held, fault)
            held += len(by_seq.get(link.seq, ()))
        progress(walk.lines)
    fault = walk.end() or _shorter(walk, anchors, ends) or await keeper.strays(operator)
    return _verdict(operator, walk, held, fault)


def _shorter(walk: Walk, anchors: Sequence[Anchor], ends: Sequence[tuple[int, bytes]]) -> Fault | None:
    beyond = max([one.seq for one in anchors] + [seq for seq, _ in ends], default=0)
    if beyond <= walk.seq:
        return None
    return Fault(walk.seq + 1, None, f"the chain ends here, and was {beyond} links long: its end was removed")


def _verdict(operator: int, walk: Walk, anchors: int, fault: Fault | None) -> Verdict:
    return Verdict(
        operator=operator, lines=walk.lines, erased=walk.erased, removed=walk.removed, anchors=anchors, fault=fault
    )
