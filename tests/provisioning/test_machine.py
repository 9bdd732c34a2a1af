"""The state machine by itself: a seeded storm of answers, and tables of what single answers do."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import ContractId, CustomerId, OperatorId, OrderId, SubscriptionId
from domain.provisioning.machine import Answer, Heed, Said, Send, advance, answer, completed, find, retried
from domain.provisioning.order import CallState, Order, OrderKind, OrderState, Step, Waiting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def order(*steps: Step, **more: object) -> Order:
    values: dict[str, object] = {
        "id": OrderId(7),
        "operator": OperatorId(1),
        "customer": CustomerId(1),
        "contract": ContractId(1),
        "subscription": SubscriptionId(1),
        "kind": OrderKind.ACTIVATE,
        "request": "r",
        "steps": steps,
        "client": "c",
        "requested_at": NOW,
    }
    return Order(**(values | more))  # type: ignore[arg-type]  # a table of fields


def step(name: str = "hlr", **more: object) -> Step:
    return Step(element=name, **more)  # type: ignore[arg-type]  # a table of fields


def said(word: Said, **more: object) -> Answer:
    return Answer(said=word, **more)  # type: ignore[arg-type]  # a table of fields


DONE, LATER = said(Said.DONE), said(Said.ACCEPTED)
NO, BUSY = said(Said.FAILED, reason="unknown IMSI", lasting=True), said(Said.FAILED, reason="busy")


def test_steps_are_sent_one_after_the_other_and_the_order_confirmed_with_the_last() -> None:
    one, send = advance(order(step("sim"), step("number")), NOW)
    assert (send, one.state, one.waiting_for) == (Send(0), OrderState.SENT, Waiting.ANSWER)
    assert advance(one, NOW) == (one, None)  # it is on its way
    one, heed = answer(one, Send(0), DONE, NOW)
    assert heed is Heed.TAKEN
    one, send = advance(one, NOW)
    assert send == Send(1)
    one, _ = answer(one, Send(1), LATER, NOW)
    one, send = advance(one, NOW)
    assert (send, one.state) == (None, OrderState.SENT)
    one, _ = answer(one, Send(1), DONE, NOW + timedelta(minutes=4))
    one, send = advance(one, NOW)
    assert (send, one.state, one.finished_at) == (None, OrderState.CONFIRMED, NOW)


def test_a_passing_failure_rests_twice_as_long_each_time_and_then_fails() -> None:
    one, now, rests = order(step(tries_max=4, retry_seconds=5)), NOW, []
    for _ in range(4):
        one, send = advance(one, now)
        assert send == Send(0)
        assert find(one, one.request_id(0)) == Send(0)
        one, _ = answer(one, Send(0), BUSY, now)
        one, send = advance(one, now)
        assert send is None
        if one.wake_at is not None:
            rests.append((one.wake_at - now).seconds)
            assert (one.state, one.waiting_for) == (OrderState.WAITING, Waiting.RETRY)
            now = one.wake_at
    assert rests == [5, 10, 20]
    assert (one.state, one.fault) == (OrderState.FAILED, "busy")


def test_what_was_done_is_undone_in_the_other_direction() -> None:
    one = order(step("a"), step("b"), step("c"))
    for place in (Send(0), Send(1)):
        one, send = advance(one, NOW)
        assert send == place
        one, _ = answer(one, place, DONE, NOW)
    one, _ = advance(one, NOW)
    one, _ = answer(one, Send(2), NO, NOW)
    undone = []
    for _ in range(2):
        one, send = advance(one, NOW)
        assert send is not None
        assert send.undo
        undone.append(send.step)
        assert one.state is OrderState.COMPENSATING
        one, _ = answer(one, send, DONE, NOW)
    one, send = advance(one, NOW)
    assert (undone, send, one.state, one.fault) == ([1, 0], None, OrderState.COMPENSATED, "unknown IMSI")


def test_a_request_that_was_never_answered_is_undone_too() -> None:
    one, _ = advance(order(step(tries_max=1)), NOW)
    assert one.wake_at is not None
    one, send = advance(one, one.wake_at)
    assert send == Send(0, undo=True)  # it may have been done
    one, _ = answer(one, send, DONE, NOW)
    assert advance(one, NOW)[0].state is OrderState.COMPENSATED


def test_one_that_never_arrived_is_not() -> None:
    one, _ = advance(order(step(tries_max=1)), NOW)
    one, _ = answer(one, Send(0), said(Said.FAILED, reason="nobody listens"), NOW)
    assert advance(one, NOW)[0].state is OrderState.FAILED


def test_what_cannot_be_undone_is_parked_and_may_be_tried_again() -> None:
    one = order(step("a"), step("b"))
    one, _ = advance(one, NOW)
    one, _ = answer(one, Send(0), DONE, NOW)
    one, _ = advance(one, NOW)
    one, _ = answer(one, Send(1), NO, NOW)
    one, send = advance(one, NOW)
    assert send == Send(0, undo=True)
    one, _ = answer(one, send, NO, NOW)
    one, send = advance(one, NOW)
    assert (one.state, one.waiting_for, send) == (OrderState.PARKED, Waiting.PERSON, None)
    one, send = advance(retried(one, NOW), NOW)
    assert send == Send(0, undo=True)
    one, _ = answer(one, send, DONE, NOW)
    assert advance(one, NOW)[0].state is OrderState.COMPENSATED


def test_an_element_that_undoes_nothing_leaves_it_to_a_person() -> None:
    one = order(step("paper", undoable=False), step("b"))
    one, _ = advance(one, NOW)
    one, _ = answer(one, Send(0), DONE, NOW)
    one, _ = advance(one, NOW)
    one, _ = answer(one, Send(1), NO, NOW)
    assert advance(one, NOW)[0].state is OrderState.PARKED


@pytest.mark.parametrize(
    ("first", "second", "heed"),
    [
        (DONE, DONE, Heed.AGAIN),
        (DONE, LATER, Heed.AGAIN),
        (DONE, NO, Heed.CONTRADICTION),
        (NO, NO, Heed.LATE),
        (BUSY, BUSY, Heed.LATE),
        (BUSY, DONE, Heed.TAKEN),
        (BUSY, NO, Heed.TAKEN),
        (LATER, LATER, Heed.TAKEN),
        (LATER, NO, Heed.TAKEN),
    ],
)
def test_a_second_answer(first: Answer, second: Answer, heed: Heed) -> None:
    one, _ = advance(order(step()), NOW)
    one, _ = answer(one, Send(0), first, NOW)
    again, found = answer(one, Send(0), second, NOW)
    assert found is heed
    if heed is not Heed.TAKEN:
        assert again == one


def test_an_answer_to_what_was_never_asked_is_nothing() -> None:
    one, _ = advance(order(step("a"), step("b")), NOW)
    assert answer(one, Send(1), DONE, NOW) == (one, Heed.UNKNOWN)
    assert answer(one, Send(0, undo=True), DONE, NOW) == (one, Heed.UNKNOWN)


def test_done_after_the_order_has_failed_is_undone() -> None:
    one, _ = advance(order(step()), NOW)
    one, _ = answer(one, Send(0), NO, NOW)
    one, _ = advance(one, NOW)
    assert one.state is OrderState.FAILED
    one, heed = answer(one, Send(0), DONE, NOW)
    assert (heed, one.state) == (Heed.LATE, OrderState.COMPENSATING)
    one, send = advance(one, NOW)
    assert send == Send(0, undo=True)
    one, _ = answer(one, send, DONE, NOW)
    one, _ = advance(one, NOW)
    assert one.state is OrderState.COMPENSATED
    assert answer(one, Send(0), DONE, NOW)[0] == one  # and once more


def test_cancelling_waits_for_what_is_on_its_way() -> None:
    one, _ = advance(order(step("a"), step("b")), NOW)
    one = replace(one, cancelling=True)
    assert advance(one, NOW) == (one, None)
    one, _ = answer(one, Send(0), DONE, NOW)
    one, send = advance(one, NOW)
    assert send == Send(0, undo=True)
    one, _ = answer(one, send, DONE, NOW)
    assert advance(one, NOW)[0].state is OrderState.COMPENSATED
    resting, _ = advance(order(step()), NOW)
    resting, _ = answer(resting, Send(0), BUSY, NOW)
    assert advance(replace(resting, cancelling=True), NOW)[0].state is OrderState.CANCELLED


def test_a_person_does_a_step_or_cannot() -> None:
    one, send = advance(order(step("cable", manual=True), step("b")), NOW)
    assert (send, one.state, one.waiting_for, one.wake_at) == (None, OrderState.WAITING, Waiting.PERSON, None)
    no, _ = advance(completed(one, Send(0), done=False, note="no duct", now=NOW), NOW)
    assert (no.state, no.fault) == (OrderState.FAILED, "no duct")
    one, send = advance(completed(one, Send(0), done=True, note="", now=NOW), NOW)
    assert send == Send(1)


@pytest.mark.parametrize("seed", range(300))
def test_a_storm_ends_with_the_network_as_the_order_says(seed: int) -> None:
    """An element that fails, forgets to answer, answers twice, late and to older requests: what it has in the end."""
    dice = random.Random(seed)
    one = order(*(step(f"e{index}", tries_max=3, retry_seconds=1, answer_seconds=30) for index in range(3)))
    has = [False, False, False]  # what each element did, by its own memory of requests
    seen: dict[str, str] = {}
    mail: list[tuple[str, Answer]] = []
    now = NOW
    for _ in range(2000):
        one, send = advance(one, now)
        if send is not None:
            key = one.request_id(send.step, undo=send.undo)
            if dice.random() < 0.85:  # it arrives
                if key not in seen:
                    seen[key] = "no" if dice.random() < 0.1 and not send.undo else "done"
                    if seen[key] == "done":
                        has[send.step] = not send.undo
                word = DONE if seen[key] == "done" else NO
                mail += [(key, word)] * dice.choice([0, 1, 1, 1, 2])
                now_said = dice.choice([LATER, word, None])
                told = now_said or said(Said.FAILED, reason="no answer", uncertain=True)
            else:
                told = said(Said.FAILED, reason="not reached")
            one, _ = answer(one, send, told, now)
            continue
        if mail and dice.random() < 0.5:
            key, word = mail.pop(dice.randrange(len(mail)))
            place = find(one, key)
            assert place is not None
            one, _ = answer(one, place, word, now)
        elif one.state is OrderState.PARKED:
            one = retried(one, now)
        elif one.ended and not mail:
            break
        now += timedelta(seconds=dice.randrange(1, 20))
    assert one.ended, (seed, one.state)
    assert one.state in {OrderState.CONFIRMED, OrderState.COMPENSATED, OrderState.FAILED}
    assert has == [one.state is OrderState.CONFIRMED] * 3, (seed, one.state, has)
    assert all(one.deed.state is CallState.DONE for one in one.steps or ()) is (one.state is OrderState.CONFIRMED)
