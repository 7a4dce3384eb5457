"""The walls between the capabilities of a service, as contracts for import-linter (docs/decisions/0033)."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

_ROOMS = {"api", "events", "jobs", "flows", "usecases", "data", "domain"}


class CapabilityWalls(Contract):  # type: ignore[misc]
    """Siblings meet through use cases only; whoever is `alone` imports no sibling at all."""

    alone = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001
        """Compare every import between two capabilities of one service."""
        alone = set(self.alone)  # type: ignore[call-overload]
        broken = [
            (importer, imported)
            for importer, imported in _between_siblings(graph)
            if _capability(importer) in alone or not _is_door(_room(importer), _room(imported))
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}", bold=False)


class CapabilityCircles(Contract):  # type: ignore[misc]
    """Capabilities of a service stand above each other: what one does is never asked of it by what it asks itself.

    Values of `domain` do not count, nor does `api`: it follows the RPC services, of which one may show several capabilities.
    """

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001
        """Look for a circle in each service."""
        imports: dict[str, list[tuple[str, str]]] = {}
        for importer, imported in _between_siblings(graph):
            if not {"api", "domain"} & {*_room(importer)[:1], *_room(imported)[:1]}:
                imports.setdefault(importer.split(".")[1], []).append((importer, imported))
        broken = [pair for _, found in sorted(imports.items()) for pair in _circle(found)]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import of a circle."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}", bold=False)


def _circle(imports: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the imports that one circle of capabilities consists of; none if there is no circle."""
    above: dict[str, set[str]] = {}
    for importer, imported in imports:
        above.setdefault(_capability(importer), set()).add(_capability(imported))
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        steps = set(pairwise(reversed(error.args[1])))
        return [pair for pair in imports if (_capability(pair[0]), _capability(pair[1])) in steps]
    return []


def _between_siblings(graph: ImportGraph) -> Iterator[tuple[str, str]]:
    """Yield every import of a capability by another of the same service."""
    capabilities = _capabilities(graph)
    for importer in sorted(graph.modules):
        mine = _capability(importer)
        for imported in sorted(graph.find_modules_directly_imported_by(importer)) if mine in capabilities else ():
            other = _capability(imported)
            if other != mine and other in capabilities and other.split(".")[1] == mine.split(".")[1]:
                yield importer, imported


def _room(module: str) -> list[str]:
    """Return where in a capability a module stands: its room and what follows."""
    return module.split(".")[3:]


def _is_door(importer: list[str], imported: list[str]) -> bool:
    """Return whether a room may import a sibling's: what it does, or the values that this takes and gives.

    Messages contain each other, so their makers may import each other too.
    """
    if imported[:1] == ["api"] == importer[:1]:
        return imported[1:] == ["mapping"]
    if imported[:1] == ["domain"]:
        return True
    return imported[:1] in (["usecases"], ["flows"]) and importer[:1] not in (["data"], ["domain"])


def _capability(module: str) -> str:
    return ".".join(module.split(".")[:3])


def _capabilities(graph: ImportGraph) -> set[str]:
    """Return the folders of services that have rooms."""
    return {
        _capability(module)
        for module in graph.modules
        if module.startswith("services.") and len(parts := module.split(".")) > 3 and parts[3] in _ROOMS
    }
