"""Nothing is lost or doubled, whatever dies when: seeded traffic and seeded misfortune, then every invariant.

`make chaos` runs more seeds for longer: CHAOS_SEEDS="1 2 3" CHAOS_SECONDS=60.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator

import pytest

from deploy.tools.prove import prove_everything
from deploy.tools.running_mesh import RunningMesh, running_mesh
from tests.chaos.calls import Caller, CallLog, require_same
from tests.chaos.faults import CLOCKS, Misfortune
from tests.chaos.market import Actor, Admin, Agent, Buyer, Counter, Town, Vendor

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "20261125").split()]
SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
_REPLAYED = 60
# What must have been done for a run to say anything, and how much longer it may go on for that.
DONE = {"checkout", "accept", "receive", "cash", "hand in", "count"}
PATIENCE_S = 60.0
pytestmark = pytest.mark.timeout(400 + 6 * SECONDS)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("chaos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESH_CLOCK_FILE", str(folder / CLOCKS))
        with running_mesh(folder) as running:
            yield running


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_doubled(mesh: RunningMesh, seed: int) -> None:
    dice, log = random.Random(seed), CallLog()
    town = Town.settle(mesh.url)
    actors = _actors(town, mesh.url, log, dice)
    harm = Misfortune(mesh, mesh.state.parent / CLOCKS, random.Random(dice.random()), threading.Event())
    threads = [threading.Thread(target=actor.run) for actor in actors]
    misfortune = threading.Thread(target=harm.run)
    for thread in (*threads, misfortune):
        thread.start()
    harm.stop.wait(SECONDS)
    harm.stop.set()
    misfortune.join()
    mesh.wait_ready()
    # A slow machine gets to the end of the story after the misfortune.
    town.wait_for(DONE, seconds=PATIENCE_S)
    town.stop.set()
    for thread in threads:
        thread.join()

    again = f"CHAOS_SEEDS={seed} CHAOS_SECONDS={SECONDS:.0f} make chaos   after {town.done} {harm.done}"
    assert log.unexpected == [], again
    assert set(town.done) >= DONE, again
    assert harm.done, again
    replay_some(log, actors, dice)
    assert prove_everything(settle_s=120) == [], again


def replay_some(log: CallLog, actors: list[Actor], dice: random.Random) -> None:
    """Ask again for what was answered long ago: the very same bytes."""
    callers = {id(actor.person): actor.caller for actor in actors}
    for kept in dice.sample(log.answers, min(_REPLAYED, len(log.answers))):
        require_same(kept, callers[id(kept.person)].final(kept.path, kept.body, kept.key))


def _actors(town: Town, url: str, log: CallLog, dice: random.Random) -> list[Actor]:
    kinds: list[tuple[type[Actor], list[object]]] = [
        (Buyer, list(town.buyers)),
        (Vendor, [shop.vendor for shop in town.shops]),
        (Agent, list(town.agents)),
        (Counter, [town.counter]),
        (Admin, [town.admin]),
    ]
    actors = []
    for kind, people in kinds:
        for person in people:
            own = random.Random(dice.random())
            caller = Caller(url, person, log, own, town.stop)  # type: ignore[arg-type]
            actors.append(kind(town, person, caller, own))  # type: ignore[arg-type]
    return actors
