"""StoreService: what a store reads of itself."""

from __future__ import annotations

import uuid

import pytest

from marketmesh.identity.v1 import store_service_pb2 as messages
from marketmesh.identity.v1 import store_service_pb2_grpc as stubs
from marketmesh.type.v1 import address_pb2
from meshkit.call import Call
from meshkit.db.sql import sql
from tests.identity.people import People
from tests.support.identity import register_request
from tests.support.mesh_harness import MeshHarness, Refused, as_dict


@pytest.fixture
def stores(mesh: MeshHarness) -> stubs.StoreServiceStub:
    return mesh.stub(stubs.StoreServiceStub, "identity")


class TestGetMyStore:
    @pytest.mark.parametrize("kind", ["buyer", "vendor"])
    def test_reads_back_every_field_of_the_address(
        self, mesh: MeshHarness, people: People, stores: stubs.StoreServiceStub, kind: str
    ) -> None:
        request = register_request(store_type=kind)
        request.dba_name = "Byron's"
        request.address.CopyFrom(
            address_pb2.Address(
                line1="1 Main Street",
                line2="Unit 7 \N{EM DASH} rear",
                city="Tulsa",
                state="OK",
                postal_code="74103-1234",
                country="US",
                lat=36.153982,
                lng=-95.992775,
            )
        )
        _, headers = mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)

        store = mesh.read(stores.GetMyStore, messages.GetMyStoreRequest(), token=headers["x-access-token"])

        assert store.address == request.address
        assert (as_dict(store)["type"], store.company_name, store.dba_name) == (kind, request.company_name, "Byron's")

    @pytest.mark.parametrize("stored", ["as today", "as before coordinates had to be given"])
    def test_shows_a_coordinate_of_zero(
        self, mesh: MeshHarness, people: People, stores: stubs.StoreServiceStub, stored: str
    ) -> None:
        request = register_request(store_type="buyer")
        request.address.lat = request.address.lng = 0
        session, headers = mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)
        if stored != "as today":
            with mesh.process("identity").transactions.write(Call()) as tx:
                tx.execute(
                    sql("UPDATE stores SET address = address - 'lat' - 'lng' WHERE id = CAST(:id AS uuid)"),
                    {"id": session.active_store_id},
                )

        store = mesh.read(stores.GetMyStore, messages.GetMyStoreRequest(), token=headers["x-access-token"])

        address = as_dict(store)["address"]
        assert (address["lat"], address["lng"]) == (0.0, 0.0)

    @pytest.mark.parametrize("missing", ["lat", "lng"])
    def test_registers_nobody_at_an_unsaid_place(self, mesh: MeshHarness, people: People, missing: str) -> None:
        request = register_request(store_type="buyer")
        request.address.ClearField(missing)

        with pytest.raises(Refused) as refused:
            mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)

        assert [item.field for item in refused.value.violations] == [f"address.{missing}"]

    def test_shows_its_own_people_everything(
        self, mesh: MeshHarness, people: People, stores: stubs.StoreServiceStub
    ) -> None:
        request = register_request(store_type="vendor")
        request.phone = "+1 918 555 0100"
        session, headers = mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)
        owner = {"id": session.user.id, "full_name": "Ada Byron", "email": request.email, "role": "owner"}

        mine = as_dict(mesh.read(stores.GetMyStore, messages.GetMyStoreRequest(), token=headers["x-access-token"]))

        assert (mine["phone"], mine["owner_detail"], mine["licenses"]) == (request.phone, owner, [])

    @pytest.mark.parametrize("kind", [0, 3])
    def test_knows_buyers_and_vendors_only(self, mesh: MeshHarness, people: People, kind: int) -> None:
        request = register_request()
        request.store_type = kind  # type: ignore[assignment]

        with pytest.raises(Refused) as refused:
            mesh.call(people.auth.Register, request, key=uuid.uuid4().hex)

        assert [item.field for item in refused.value.violations] == ["store_type"]


class TestGetStore:
    def test_shows_others_the_public_part_only(
        self, mesh: MeshHarness, people: People, stores: stubs.StoreServiceStub
    ) -> None:
        reader, seen = people.store(store_type="buyer"), people.store(store_type="vendor")
        verified = people.filed(seen)
        people.filed(seen)
        people.decide(verified.id, "verified")
        (number,) = [row.number for row in people.license_rows(seen) if row.status == "verified"]

        profile = as_dict(
            mesh.read(stores.GetStore, messages.GetStoreRequest(store_id=str(seen.id)), token=reader.token)
        )

        assert set(profile) == {
            "id", "type", "company_name", "dba_name", "kyc_status", "city", "state", "licenses", "created_at",
            "logo_media_id", "logo_url",
        }  # fmt: skip
        assert (profile["id"], profile["type"], profile["kyc_status"]) == (str(seen.id), "vendor", "verified")
        assert (profile["city"], profile["state"]) == ("Tulsa", "OK")
        assert profile["licenses"] == [{"number": number, "type": "grower"}]

    def test_knows_no_store_that_is_not_there(
        self, mesh: MeshHarness, people: People, stores: stubs.StoreServiceStub
    ) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(stores.GetStore, messages.GetStoreRequest(store_id=str(uuid.uuid4())), token=people.store().token)

        assert refused.value.code == "NOT_FOUND"
