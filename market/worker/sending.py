"""The job that sends: what is due to one endpoint goes out, with no transaction open while others' servers answer."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import Session

from market import metrics
from market.delivery.channels import Receipt, Target
from market.delivery.manners import MANNERS
from market.delivery.messages import Message
from market.models import Delivery, Endpoint, User
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
    with runtime.db.reading() as session:
        endpoint = session.get_one(Endpoint, endpoint_id)
        user = session.get_one(User, endpoint.user_id)
        channel = runtime.post.channels.get(endpoint.channel)
        try:
            target = endpoints.target_of(endpoint, user, runtime.post.vault, now=runtime.clock())
        except VaultError as error:
            return [Settled(one, Receipt("failed", detail=str(error))) for one in tries]
        messages = [_message(runtime, session, endpoint, user, one) for one in tries]
    if channel is None:
        return [Settled(one, Receipt("failed", detail="this installation has no such channel now")) for one in tries]

    def send(message: Message | None) -> Receipt | None:
        return _send(runtime, endpoint.channel, message, target) if message is not None else None

    parallel = min(MANNERS[endpoint.channel].parallel, len(messages))
    if parallel == 1:
        receipts = [send(one) for one in messages]
    else:
        with ThreadPoolExecutor(parallel, thread_name_prefix="sending") as pool:
            receipts = list(pool.map(send, messages))
    return [Settled(one, receipt) for one, receipt in zip(tries, receipts, strict=True)]


def _message(runtime: Runtime, session: Session, endpoint: Endpoint, user: User, one: Try) -> Message | None:
    delivery = session.get(Delivery, one.delivery_id)
    if delivery is None:
        return None
    return composing.message(session, runtime.links, endpoint, user, delivery, now=runtime.clock())


def _send(runtime: Runtime, name: str, message: Message, target: Target) -> Receipt:
    began = time.perf_counter()
    try:
        return runtime.post.channels[name].send(message, target, now=runtime.clock())
    finally:
        metrics.delivery_seconds.labels(name).observe(time.perf_counter() - began)
