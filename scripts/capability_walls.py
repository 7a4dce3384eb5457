"""The walls between the capabilities of a service, as a contract for import-linter (docs/decisions/0033)."""

from __future__ import annotations

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
        capabilities, alone = _capabilities(graph), set(self.alone)  # type: ignore[call-overload]
        broken = []
        for importer in sorted(graph.modules):
            mine = _capability(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer)) if mine in capabilities else ():
                other = _capability(imported)
                if other == mine or other not in capabilities or other.split(".")[1] != mine.split(".")[1]:
                    continue
                if mine in alone or not _is_door(importer.split(".")[3:], imported.split(".")[3:]):
                    broken.append((importer, imported))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}", bold=False)


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
