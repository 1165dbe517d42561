"""The job that sends: what is due to one endpoint goes out, with no transaction open while others' servers answer."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session

from market import metrics
from market.delivery.channels import Channel, Receipt, Target
from market.delivery.manners import MANNERS
from market.delivery.messages import Message
from market.models import Endpoint, User
from market.outbox import Claimed
from market.runtime import Runtime
from market.services.telling import composing, delivering, endpoints, former
from market.services.telling.delivering import Settled, Try
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
        elsewhere = former.addresses(session, kinds) if endpoint.channel == "mail" else {}
    targets = {identity: Target(address) for identity, address in elsewhere.items()}
    burst = _Burst(runtime, endpoint.channel, channel, target, targets)
    settled = burst.send([(one, messages.get(one.delivery_id)) for one in tries])
    return [_of_another(one) if one.one.delivery_id in targets else one for one in settled]


def _of_another(settled: Settled) -> Settled:
    """That an address that was theirs takes no mail says nothing of the one they have now."""
    refused = settled.receipt is not None and settled.receipt.outcome in ("refused", "gone")
    return Settled(settled.one, None) if refused else settled


def _refused(tries: Sequence[Try], why: str) -> list[Settled]:
    return [Settled(one, Receipt("failed", detail=why)) for one in tries]


class _Burst:
    """Some messages to one endpoint, several at once. None is begun after one has failed, nor later than one timeout
    after the first: so it ends within two, however slow the other side is, and well within a job's lease."""

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        channel: Channel,
        target: Target,
        others: Mapping[uuid.UUID, Target],  # by delivery, where it is not that of the endpoint
    ) -> None:
        self._runtime, self._name, self._channel, self._target, self._others = runtime, name, channel, target, others
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
                settled = Settled(one, self._send(message, self._others.get(one.delivery_id, self._target)))
            with self._lock:
                self._settled.append(settled)
                self._over = over or (settled.receipt is not None and settled.receipt.outcome != "sent")

    def _send(self, message: Message, target: Target) -> Receipt:
        began = time.perf_counter()
        try:
            return self._channel.send(message, target, now=self._runtime.clock())
        except Exception as error:  # a channel promises not to; a thread that died would leave the others waiting
            return Receipt("failed", detail=type(error).__name__)
        finally:
            metrics.delivery_seconds.labels(self._name).observe(time.perf_counter() - began)
