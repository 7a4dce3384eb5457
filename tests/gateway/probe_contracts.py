"""Compiles the probe's contract together with the real ones, as `make setup` does, and gives its message classes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from scripts import gen_protos

_PROBE = Path(__file__).parent / "protos"
_DETAILS = ("error_details.proto", "status.proto")


class ProbeContracts:
    """A descriptor set with the probe and identity in it."""

    def __init__(self, folder: Path) -> None:
        self.descriptor_path = folder / "descriptors.binpb"
        include = [_PROBE, gen_protos.PROTOS, gen_protos.GEN / "third_party", gen_protos.COMMON, gen_protos.WELL_KNOWN]
        sources = [
            *_PROBE.rglob("*.proto"),
            *(gen_protos.PROTOS / "marketmesh" / "identity" / "v1").glob("*.proto"),
            *(gen_protos.COMMON / "google" / "rpc" / name for name in _DETAILS),
        ]
        flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={self.descriptor_path}"]
        status = protoc.main(["protoc", *(f"-I{path}" for path in include), *flags, *(str(path) for path in sources)])
        assert status == 0, "the probe's contract does not compile"

    @cached_property
    def pool(self) -> descriptor_pool.DescriptorPool:
        """Return a pool of its own, so that nothing meets the generated modules of the process."""
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(self.descriptor_path.read_bytes()).file:
            pool.Add(file)
        return pool

    def message(self, name: str):
        """Return the class of a message by its full name."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def methods(self, service: str):
        """Return the descriptors of a service's methods."""
        return self.pool.FindServiceByName(service).methods
