"""Runs the embedded stack: in the foreground for `marketmesh dev`, in a thread for tests.

Invariant: one stack per state folder (its lock), and nothing of it runs after these functions return.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator

from deploy.dev import child, emulators, keys, mesh, postgres, running, wheels
from deploy.dev import parts as all_parts
from deploy.dev.console import Console
from deploy.dev.environment import Addresses
from deploy.dev.nursery import Nursery
from deploy.dev.part import Part
from deploy.dev.ports import BadPort, Ports, PortsTaken
from deploy.dev.state import State, StateUnusable
from deploy.dev.supervisor import StartFailed, Supervisor, first_of

_EMBEDDED_START_S = 90.0
# Postgres alone may take 60.
_EMBEDDED_STOP_S = 75.0
# A second Ctrl-C this soon is the same one, delivered by the terminal and again by make.
_SAME_SIGNAL_S = 1.0
_REFUSALS = (BadPort, PortsTaken, StateUnusable, all_parts.UnknownPart, postgres.PostgresUnusable, wheels.WheelMissing)


async def run_stack(
    state_dir: pathlib.Path, ports: Ports, verbose: bool = False, only: Collection[str] | None = None
) -> int:
    """Run until Ctrl-C or SIGTERM. Returns: 0 after an orderly stop, 1 when it could not start or broke."""
    if sys.platform != "linux":
        print("The embedded stack needs Linux (Envoy has no other wheel). Use: docker compose up", file=sys.stderr)
        return 1
    try:
        state = State(state_dir)
        lock = state.lock()
    except _REFUSALS as error:
        print(f"marketmesh dev: {error}", file=sys.stderr)
        return 1
    try:
        state.close_to_others()
        recipe, parts = _plan(state, ports, only)
        ports.check_free(all_parts.ports_of(list(parts)))
        running.remember_ports(state, ports)
    except _REFUSALS as error:
        print(f"marketmesh dev: {error}", file=sys.stderr)
        lock.release()
        return 1
    guard = child.Guard(lock_descriptor=lock.descriptor)
    try:
        return await _run(recipe, parts, guard=guard, verbose=verbose)
    finally:
        await asyncio.to_thread(guard.close)
        lock.release()


def _plan(state: State, ports: Ports, only: Collection[str] | None) -> tuple[all_parts.Recipe, dict[str, Part]]:
    addresses = Addresses(ports=ports, passwords=keys.ensure_passwords(state))
    recipe = all_parts.Recipe(state=state, addresses=addresses, key_files=keys.ensure_key_files(state))
    parts = all_parts.build_parts(recipe)
    return recipe, all_parts.select(parts, only) if only else parts


async def _run(recipe: all_parts.Recipe, parts: dict[str, Part], *, guard: child.Guard, verbose: bool) -> int:
    console = Console(folder=recipe.state.logs, verbose=verbose)
    # Made first, so that it imports while the parts below the services start.
    wanted = any(part.preloaded for part in parts.values())
    forker = Nursery(log=recipe.state.logs / "preload.log") if wanted else None
    supervisor = Supervisor(parts=parts.values(), console=console, guard=guard, forker=forker)
    stop = _stop_on_signals(supervisor, console)
    if not emulators.has_bigquery():
        console.say("stack", "no warehouse: .venv-bigquery is missing; scripts/setup.sh makes it")
    code = 0
    try:
        starting = asyncio.create_task(supervisor.start())
        await first_of(starting, stop)
        if starting.done():
            starting.result()
            _tell_addresses(console, recipe, parts)
            await first_of(stop, supervisor.failure)
            if supervisor.failure.done():
                raise supervisor.failure.result()
    except StartFailed as error:
        console.say("stack", str(error))
        code = 1
    finally:
        since = time.monotonic()
        console.say("stack", "stopping")
        await supervisor.stop()
        starting.cancel()
        console.say("stack", f"all stopped in {time.monotonic() - since:.1f} s")
        console.close()
    return code


def _stop_on_signals(supervisor: Supervisor, console: Console) -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()
    first = 0.0

    def on_signal() -> None:
        nonlocal first
        if not stop.done():
            first = time.monotonic()
            stop.set_result(None)
        elif time.monotonic() - first > _SAME_SIGNAL_S:
            console.say("stack", "asked twice: killing what is left")
            supervisor.kill_now()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)
    return stop


def _tell_addresses(console: Console, recipe: all_parts.Recipe, parts: dict[str, Part]) -> None:
    url = recipe.addresses.url
    console.say("stack", f"ready in {console.seconds():.1f} s. Ctrl-C stops it; logs are in {recipe.state.logs}")
    if "envoy" in parts:
        console.say("stack", f"gateway   {url('gateway')}")
        console.say("stack", f"docs      {url('gateway')}/docs")
    if "mail" in parts:
        console.say("stack", f"mail      {url('mail')}")
    logins = recipe.state.folder / mesh.DEMO_LOGINS
    if logins.exists():
        for login in json.loads(logins.read_text()):
            console.say("stack", "login     " + "  ".join(str(value) for value in login.values()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Embedded:
    """What a test needs of a running part of the stack."""

    addresses: Addresses
    state: State
    pids: dict[str, int]


@contextlib.contextmanager
def embedded(
    *,
    parts: Collection[str],
    state_dir: pathlib.Path,
    ports: Ports | None = None,
    services: tuple[str, ...] = (),
    durable: bool = False,
) -> Iterator[Embedded]:
    """Run exactly the named parts (postgres, valkey, pubsub, gcs, bigquery, mail) while the block runs.

    With `services`, their databases and roles exist too. `durable=False` skips fsync. Raises StartFailed.
    """
    state = State(state_dir)
    lock = state.lock()
    guard = child.Guard(lock_descriptor=lock.descriptor)
    try:
        addresses = Addresses(ports=ports or Ports.free(), passwords=keys.ensure_passwords(state))
        chosen = _choose(parts, state=state, addresses=addresses, services=services, durable=durable)
        with _in_thread(chosen, folder=state.logs, guard=guard) as supervisor:
            yield Embedded(addresses=addresses, state=state, pids=supervisor.pids())
    finally:
        guard.close()
        lock.release()


def _choose(
    names: Collection[str], *, state: State, addresses: Addresses, services: tuple[str, ...], durable: bool
) -> list[Part]:
    builders: dict[str, Callable[[], Part | None]] = {
        "postgres": lambda: postgres.build_part(state=state, addresses=addresses, durable=durable),
        "valkey": lambda: emulators.build_valkey(state=state, addresses=addresses),
        "pubsub": lambda: emulators.build_pubsub(state=state, addresses=addresses),
        "gcs": lambda: emulators.build_gcs(state=state, addresses=addresses),
        "bigquery": lambda: emulators.build_bigquery(state=state, addresses=addresses),
        "mail": lambda: emulators.build_mail(state=state, addresses=addresses),
    }
    unknown = sorted(set(names) - set(builders))
    if unknown:
        raise all_parts.UnknownPart(f"there is no part {unknown[0]!r} for tests; there are {', '.join(builders)}")
    chosen = [build() for name, build in builders.items() if name in names]
    if services:
        chosen.append(mesh.build_databases(addresses=addresses, services=services))
    if {"gcs", "pubsub"} <= set(names):
        chosen.append(emulators.build_object_topic(addresses=addresses))
    return [dataclasses.replace(part, background=False) for part in chosen if part is not None]


@contextlib.contextmanager
def _in_thread(parts: list[Part], *, folder: pathlib.Path, guard: child.Guard) -> Iterator[Supervisor]:
    """Run the supervisor on a loop in a thread of its own, which lives as long as its children (they die with it)."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="embedded-stack", daemon=True)
    thread.start()
    console = Console(folder=folder, stream=None)

    async def make() -> Supervisor:
        return Supervisor(parts=parts, console=console, guard=guard)

    supervisor = asyncio.run_coroutine_threadsafe(make(), loop).result()
    try:
        asyncio.run_coroutine_threadsafe(supervisor.start(), loop).result(_EMBEDDED_START_S)
        yield supervisor
    finally:
        asyncio.run_coroutine_threadsafe(supervisor.stop(), loop).result(_EMBEDDED_STOP_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        console.close()
