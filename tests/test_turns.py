"""Runs of the script take turns, and no turn is waited for longer than its lease."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.turns import Turns

ENOUGH_S = 20  # for what has to happen, on any machine


def test_runs_that_are_short_are_never_side_by_side():
    turns, running, most = Turns(lease_s=ENOUGH_S), 0, 0

    def run() -> None:
        nonlocal running, most
        for _ in range(5):
            with turns.taken():
                running += 1
                most = max(most, running)
                time.sleep(0.001)
                running -= 1

    with ThreadPoolExecutor(12) as pool:
        for each in [pool.submit(run) for _ in range(12)]:
            each.result(ENOUGH_S)
    assert most == 1


def test_a_run_that_takes_long_holds_nobody_up_and_takes_no_turn_of_another():
    turns, started, ended = Turns(lease_s=0.05), threading.Event(), threading.Event()

    def take_long() -> None:
        with turns.taken():
            started.set()
            assert ended.wait(ENOUGH_S)

    def take_short() -> None:
        with turns.taken():
            pass

    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(take_long)
        assert started.wait(ENOUGH_S)
        for _ in range(3):
            with turns.taken():
                assert not long.done()
        turns._lease_s = ENOUGH_S  # the next turn is not overdue
        with turns.taken():
            ended.set()
            long.result(ENOUGH_S)
            short = pool.submit(take_short)
            time.sleep(0.05)
            # The end of the long one has not freed this turn.
            assert not short.done()
        short.result(ENOUGH_S)


def test_turns_come_in_the_order_of_asking():
    turns, order = Turns(lease_s=ENOUGH_S), []

    def run(number: int) -> None:
        with turns.taken():
            order.append(number)

    with ThreadPoolExecutor(8) as pool, turns.taken():
        for number in range(8):
            pool.submit(run, number)
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    assert order == list(range(8))


def test_a_turn_is_free_while_it_is_lent_and_after_an_error():
    turns = Turns(lease_s=ENOUGH_S)

    def other() -> str:
        with turns.taken():
            return "was let through"

    with ThreadPoolExecutor(1) as pool:
        with turns.taken():
            with turns.lent():
                assert pool.submit(other).result(ENOUGH_S) == "was let through"
            waits = pool.submit(other)
            time.sleep(0.05)
            assert not waits.done()
        assert waits.result(ENOUGH_S) == "was let through"
        with pytest.raises(ZeroDivisionError), turns.taken():
            raise ZeroDivisionError
        assert pool.submit(other).result(ENOUGH_S) == "was let through"
