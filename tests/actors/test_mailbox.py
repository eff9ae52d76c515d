"""Mailboxes and replies, on the virtual clock."""

from contextlib import suppress
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.mailbox import Abandoned, Closed, Mailbox, Question, Reply


async def test_messages_come_out_in_the_order_they_went_in():
    mailbox: Mailbox[int] = Mailbox(3)
    for number in range(3):
        await mailbox.cast(number)
    assert [await mailbox.receive() for _ in range(3)] == [0, 1, 2]


async def test_a_full_mailbox_makes_the_sender_wait_and_loses_nothing(nursery: trio.Nursery):
    mailbox: Mailbox[str] = Mailbox(1)
    await mailbox.cast("first")
    nursery.start_soon(mailbox.cast, "second")
    await wait_all_tasks_blocked()
    assert (mailbox.depth, mailbox.capacity) == (1, 1)
    assert [await mailbox.receive(), await mailbox.receive()] == ["first", "second"]


async def test_cast_nowait_refuses_what_does_not_fit():
    mailbox: Mailbox[int] = Mailbox(1)
    mailbox.cast_nowait(1)
    with pytest.raises(trio.WouldBlock):
        mailbox.cast_nowait(2)
    assert mailbox.receive_nowait() == 1
    with pytest.raises(trio.WouldBlock):
        mailbox.receive_nowait()


async def test_messages_outlive_the_actor_that_reads_them(nursery: trio.Nursery):
    mailbox: Mailbox[int] = Mailbox(4)
    read: list[int] = []

    async def actor(*, crashes_at: int | None) -> None:
        while True:
            message = await mailbox.receive()
            if message == crashes_at:
                raise LookupError
            read.append(message)

    for number in range(4):
        mailbox.cast_nowait(number)
    with pytest.raises(LookupError):
        await actor(crashes_at=1)
    nursery.start_soon(partial(actor, crashes_at=None))
    await wait_all_tasks_blocked()
    assert read == [0, 2, 3]


async def test_a_reply_brings_the_answer_however_late_it_is_asked_for():
    early, late = Reply[int](), Reply[int]()
    late.answer(2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect, early, 1)
        await wait_all_tasks_blocked()
        early.answer(1)
    assert await late.wait() == 2


async def _expect(reply: Reply[int], answer: int) -> None:
    assert await reply.wait() == answer


async def test_none_is_an_answer():
    reply = Reply[None]()
    reply.answer(None)
    assert await reply.wait() is None


async def test_a_refusal_is_raised_where_the_question_was_asked():
    reply = Reply[int]()
    reply.refuse(LookupError("no such batch"))
    with pytest.raises(LookupError, match="no such batch"):
        await reply.wait()


async def test_an_asker_that_was_cancelled_disturbs_nobody(autojump_clock: MockClock):
    reply = Reply[int]()
    with trio.move_on_after(1) as scope:
        await reply.wait()
    assert scope.cancelled_caught
    reply.answer(1)


async def test_a_question_left_without_an_answer_is_abandoned():
    reply = Reply[int]()
    with pytest.raises(KeyError), Question("how many?", reply) as message:
        raise KeyError(message)
    with pytest.raises(Abandoned):
        await reply.wait()


async def test_an_answer_stands_when_the_actor_crashes_after_it():
    reply = Reply[int]()
    with suppress(KeyError), Question("how many?", reply) as message:
        reply.answer(1)
        raise KeyError(message)
    assert await reply.wait() == 1


async def test_a_refusal_stands_when_the_actor_crashes_after_it():
    reply = Reply[int]()
    with suppress(KeyError), Question("how many?", reply) as message:
        reply.refuse(LookupError("none"))
        raise KeyError(message)
    with pytest.raises(LookupError, match="none"):
        await reply.wait()


async def test_a_closed_mailbox_gives_what_waits_and_lets_nobody_wait(nursery: trio.Nursery):
    mailbox: Mailbox[str] = Mailbox(1)
    await mailbox.cast("first")
    # It waits for a place, and has it the moment one is free.
    nursery.start_soon(mailbox.cast, "second")
    await wait_all_tasks_blocked()
    assert mailbox.close() == ["first", "second"]
    with pytest.raises(Closed, match="crashed for good"):
        await mailbox.cast("third")
