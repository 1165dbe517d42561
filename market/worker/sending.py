"""The job that sends: what is due to one endpoint goes out, with no transaction open while others' servers answer."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from sqlmodel import Session

from market import metrics
from market.delivery.channels import Channel, Receipt, Target
from market.delivery.manners import MANNERS
from market.delivery.messages import Message
from market.models import Endpoint, User
from market.outbox import Claimed
from market.runtime import Runtime
from market.services import composing, delivering, endpoints
from market.services.delivering import Settled, Try
from market.vault import VaultError


def deliver(runtime: Runtime, jobs: Sequence[Claimed]) -> Callable[[Session], object]:
    """Send what is due to each of these endpoints, once; what is to follow is enqueued with the receipts."""
    done = {uuid.UUID(job.key): _deliver(runtime, uuid.UUID(job.key)) for job in jobs}

    def finish(session: Session) -> None:
        for endpoint_id, settled in done.items():
            chance = random.random()  # noqa: S311  # jitter, no secret
            delivering.settle(session, endpoint_id, settled, now=runtime.clock(), chance=chance)

    return finish


def _deliver(runtime: Runtime, endpoint_id: uuid.UUID) -> list[Settled]:
    with runtime.db.writing() as session:
        tries = delivering.begin(session, endpoint_id, now=runtime.clock())
    if not tries:
        return []
    now = runtime.clock()
    with runtime.db.reading() as session:
        endpoint = session.get_one(Endpoint, endpoint_id)
        user = session.get_one(User, endpoint.user_id)
        channel = runtime.post.channels.get(endpoint.channel)
        if channel is None:
            return _refused(tries, "this installation has no such channel now")
        try:
            target = endpoints.target_of(endpoint, user, runtime.post.vault, now=now)
        except VaultError as error:
            return _refused(tries, str(error))
        kinds = {one.delivery_id: one.kind for one in tries}
        messages = composing.messages(session, runtime.links, endpoint, user, kinds, now=now)
    burst = _Burst(runtime, endpoint.channel, channel, target)
    return burst.send([(one, messages.get(one.delivery_id)) for one in tries])


def _refused(tries: Sequence[Try], why: str) -> list[Settled]:
    return [Settled(one, Receipt("failed", detail=why)) for one in tries]


class _Burst:
    """Some messages to one endpoint, several at once. None is begun after one has failed, nor later than one timeout
    after the first: so it ends within two, however slow the other side is, and well within a job's lease."""

    def __init__(self, runtime: Runtime, name: str, channel: Channel, target: Target) -> None:
        self._runtime, self._name, self._channel, self._target = runtime, name, channel, target
        self._lock = threading.Lock()
        self._left: list[tuple[Try, Message | None]] = []
        self._settled: list[Settled] = []
        self._over = False
        self._until = time.monotonic() + runtime.settings.send_timeout_seconds

    def send(self, messages: Sequence[tuple[Try, Message | None]]) -> list[Settled]:
        """What became of each."""
        self._left = list(reversed(messages))
        parallel = min(MANNERS[self._name].parallel, len(messages))
        # Not a pool's threads: Python would wait for those at its end, and a worker that is to stop cannot.
        others = [threading.Thread(target=self._work, name="sending", daemon=True) for _ in range(parallel - 1)]
        for thread in others:
            thread.start()
        self._work()
        for thread in others:
            thread.join()
        return self._settled

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._left:
                    return
                one, message = self._left.pop()
                over = self._over or time.monotonic() > self._until
            if message is None:
                settled = Settled(one, None)
            elif over:
                settled = Settled(one, None, tried=False)
            else:
                settled = Settled(one, self._send(message))
            with self._lock:
                self._settled.append(settled)
                self._over = over or (settled.receipt is not None and settled.receipt.outcome != "sent")

    def _send(self, message: Message) -> Receipt:
        began = time.perf_counter()
        try:
            return self._channel.send(message, self._target, now=self._runtime.clock())
        except Exception as error:  # a channel promises not to; a thread that died would leave the others waiting
            return Receipt("failed", detail=type(error).__name__)
        finally:
            metrics.delivery_seconds.labels(self._name).observe(time.perf_counter() - began)
