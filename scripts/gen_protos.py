"""Compile protos/ into gen/ (Python modules, type stubs and one descriptor set). Called by `make setup`.

Nothing in gen/ is committed: generated code carries a minimum runtime version, so it comes from the locked compiler.
Quick when nothing changed: a stamp holds the hash of the inputs.
"""

from __future__ import annotations

import hashlib
import keyword
import re
import shutil
import sys
from pathlib import Path

import google.rpc
import grpc_tools
from grpc_tools import protoc

from scripts.validate_proto import render_validate_proto

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GEN = ROOT / "gen"
# google/api, google/rpc and google/type come with the googleapis-common-protos wheel.
COMMON = Path(next(iter(google.rpc.__path__))).parent.parent
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
# A word of an enum that is one of Python's too: the stub of it is no Python, and nobody could write it anyway.
_UNWRITABLE = re.compile(rf"^ +(?:{'|'.join(keyword.kwlist)}): .*\n", re.MULTILINE)


def main() -> int:
    """Generate; returns the process's exit status."""
    sources = sorted(PROTOS.rglob("*.proto"))
    stamp, want = GEN / ".stamp", _fingerprint(sources)
    if stamp.exists() and stamp.read_text() == want:
        return 0
    shutil.rmtree(GEN, ignore_errors=True)
    GEN.mkdir()
    third_party = GEN / "third_party"
    render_validate_proto(third_party)
    status = _compile(sources, third_party)
    if status == 0:
        _mend_stubs()
        stamp.write_text(want)
        sys.stdout.write(f"protos: {len(sources)} files -> gen/\n")
    return status


def _fingerprint(sources: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in [*sources, Path(__file__), ROOT / "requirements.lock"]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _compile(sources: list[Path], third_party: Path) -> int:
    validate = third_party / "buf" / "validate" / "validate.proto"
    include = [f"-I{path}" for path in (PROTOS, third_party, COMMON, WELL_KNOWN)]
    out = [f"--{kind}={GEN}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    ours = [str(path) for path in sources]
    python = protoc.main(["protoc", *include, *out, *ours, str(validate)])
    # Envoy renders error details only for types inside its descriptor set.
    details = [str(COMMON / "google" / "rpc" / name) for name in ("error_details.proto", "status.proto")]
    flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={GEN / 'descriptors.binpb'}"]
    return int(python or protoc.main(["protoc", *include, *flags, *ours, *details]))


def _mend_stubs() -> None:
    for path in GEN.rglob("*.pyi"):
        text = path.read_text()
        if (written := _UNWRITABLE.sub("", text)) != text:
            path.write_text(written)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
