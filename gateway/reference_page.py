"""The pages for people: `/` with the addresses, `/docs` with the reference. Nothing is loaded from elsewhere.

The reference is Swagger UI, whose files the package drf-spectacular-sidecar carries; they are copied, never imported.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

_OURS = Path(__file__).parent / "page"
_SIDECAR = "drf_spectacular_sidecar"
# By address: our own file, or one of Swagger UI's.
_FILES = {
    "/": "landing.html",
    "/docs": "reference.html",
    "/docs/reference.css": "reference.css",
    "/docs/reference.js": "reference.js",
    "/docs/swagger-ui.css": "swagger-ui.css",
    "/docs/swagger-ui-bundle.js": "swagger-ui-bundle.js",
}


class ReferenceMissing(Exception):
    """The package with Swagger UI's files is not installed; raised when rendering."""


def write_pages(*, folder: Path, stem: str) -> dict[str, Path]:
    """Copy the pages into a folder; returns the files by their addresses. Raises ReferenceMissing."""
    borrowed = _swagger_ui()
    written = {}
    for address, name in _FILES.items():
        source = _OURS / name
        written[address] = folder / f"{stem}.{name}"
        shutil.copyfile(source if source.exists() else borrowed / name, written[address])
    return written


def _swagger_ui() -> Path:
    # Looked up without importing it: it would import Django, which is not needed for files.
    spec = find_spec(_SIDECAR)
    if spec is None or not spec.submodule_search_locations:
        raise ReferenceMissing("install the extra `gateway`, which brings drf-spectacular-sidecar")
    return Path(next(iter(spec.submodule_search_locations))) / "static" / _SIDECAR / "swagger-ui-dist"
