"""The people of the demo and of the seed, and how they get ready to trade: register, licence, subscription."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from deploy.tools.rest_client import Journal, RestClient
from deploy.tools.waiting import until

PASSWORD = "correct horse battery staple"
# The smallest document a reader opens: one empty page.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


@dataclass
class Person:
    """Somebody with a client of their own."""

    client: RestClient
    email: str
    store_id: str = ""
    user_id: str = ""


@dataclass
class Cast:
    """Makes people; `tag` keeps the e-mail addresses of one run apart from another's."""

    base_url: str
    journal: Journal = field(default_factory=Journal)
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def client(self) -> RestClient:
        """Return a client nobody is signed in with."""
        return RestClient(self.base_url, self.journal)

    def admin(self, *, name: str = "admin") -> Person:
        """Register and sign in an administrator."""
        person = Person(self.client(), f"{name}-{self.tag}@example.com")
        names = {"first_name": "Alma", "last_name": "Admin"}
        login = {"email": person.email, "password": PASSWORD}
        person.client.post("/api/v1/admin/auth/register", {**names, **login}, title="Admin registers")
        person.client.sign_in("/api/v1/admin/auth/login", login, title="Admin signs in")
        return person

    def agent(self, admin: Person, *, name: str = "agent") -> Person:
        """Have an administrator create a delivery agent, and sign the agent in."""
        person = Person(self.client(), f"{name}-{self.tag}@example.com")
        login = {"email": person.email, "password": PASSWORD}
        body = {"first_name": "Dana", "last_name": "Driver", **login}
        user = admin.client.post("/api/v1/admin/agents", body, title="Admin creates a delivery agent")
        person.user_id = user["id"]
        person.client.sign_in("/api/v1/auth/login", login, title="Agent signs in")
        return person

    def store(self, name: str, *, store_type: str, state: str = "OK", title: str = "") -> Person:
        """Register a person with a store."""
        person = Person(self.client(), f"{name}-{self.tag}@example.com")
        session = person.client.sign_in(
            "/api/v1/auth/register",
            registration(person.email, f"{name.title()} {self.tag}", store_type=store_type, state=state),
            title=title or f"{name} registers with a {store_type} store",
        )
        person.store_id, person.user_id = session["active_store_id"], session["user"]["id"]
        return person

    def verify(self, person: Person, admin: Person, *, name: str, state: str = "OK") -> None:
        """Upload a licence document, file the licence and have it verified."""
        media_id = self.upload(person, kind="license_doc", mime_type="application/pdf", data=PDF, name=name)
        kind = "merchant" if name.startswith("vendor") else "dispensary"
        body = {
            "media_id": media_id,
            "issuing_state": state,
            "issue_date": "2026-01-01",
            "expiration_date": "2028-12-31",
            "type": kind,
            "number": f"L-{self.tag}-{name}",
        }
        licence = person.client.post("/api/v1/licenses", body, title=f"{name} files the licence")
        decide(admin, licence["id"], title=f"Admin verifies the licence of {name}")
        until(
            f"{name} verified",
            lambda: person.client.get("/api/v1/stores/me")["kyc_status"] == "verified",
        )
        person.client.refresh()

    def upload(self, person: Person, *, kind: str, mime_type: str, data: bytes, name: str) -> str:
        """Presign, PUT to the signed URL and wait for the store's own notice; returns the media id."""
        ending = mime_type.rpartition("/")[2]
        body = {
            "media_kind": kind,
            "mime_type": mime_type,
            "file_name": f"{name}.{ending}",
            "size_bytes": str(len(data)),
        }
        signed = person.client.post("/api/v1/media/presign", body, title=f"{name} asks for an upload URL")
        person.client.upload(signed, data, title=f"{name} uploads to the object store")
        media_id: str = signed["media_id"]
        until(f"media {media_id} uploaded", lambda: _is_uploaded(person, media_id))
        return media_id

    def subscribe(self, person: Person, admin: Person, *, name: str) -> None:
        """Have an administrator set a vendor's subscription active."""
        admin.client.post(
            f"/api/v1/admin/stores/{person.store_id}/subscription",
            {"active": True, "reason": "demo"},
            title=f"Admin activates the subscription of {name}",
        )


def registration(email: str, company: str, *, store_type: str, state: str) -> dict[str, Any]:
    """Return the body of POST /auth/register."""
    return {
        "first_name": "Robin",
        "last_name": "Owner",
        "email": email,
        "password": PASSWORD,
        "company_name": company,
        "store_type": store_type,
        "address": address(state),
        "accept_tos": True,
    }


def address(state: str = "OK") -> dict[str, Any]:
    """Return an address."""
    return {
        "line1": "1 Main Street",
        "city": "Tulsa",
        "state": state,
        "postal_code": "74103",
        "country": "US",
        "lat": 36.154,
        "lng": -95.993,
    }


def decide(admin: Person, license_id: str, *, title: str) -> None:
    """Find a licence in the administrators' queue and verify it."""
    cursor = ""
    while True:
        query = {"status": "pending", "limit": 100, "cursor": cursor}
        page = admin.client.get("/api/v1/admin/licenses", title="Admin looks at the licence queue", query=query)
        if any(item["license"]["id"] == license_id for item in page["items"]):
            break
        cursor = page["next_cursor"]
        if not cursor:
            # A repeated run finds it decided already.
            return
    admin.client.post(f"/api/v1/admin/licenses/{license_id}/verify", {"decision": "verified"}, title=title)


def _is_uploaded(person: Person, media_id: str) -> bool:
    items = person.client.get("/api/v1/media", query={"limit": 100})["items"]
    return any(item["id"] == media_id and item["status"] in {"uploaded", "ready"} for item in items)
