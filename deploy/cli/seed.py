"""`marketmesh seed`: people one can sign in as, with verified stores and stocked products. Made through the gateway."""

from __future__ import annotations

import json
import os
import pathlib
import time

from deploy.cli.console import fail, say
from deploy.dev.state import write_private
from deploy.tools.connection import refuse_real_people, use_environment
from deploy.tools.people import PASSWORD, Cast, Person
from deploy.tools.rest_client import Unexpected
from deploy.tools.story import product_body
from deploy.tools.waiting import TookTooLong

_TAG = "demo"
_PRODUCTS = (
    ("Blue Dream", {"price_cents": "1800", "moq": 5}),
    ("Sour Diesel", {"price_cents": "2100", "moq": 5, "max_qty": 50}),
    ("Lemon Gummies", {"price_cents": "950", "moq": 10, "category": "edible", "unit": "unit"}),
)


def seed() -> None:
    """Make demo logins and products, once; a second run changes nothing."""
    use_environment()
    refuse_real_people("seed")
    url = os.environ.get("MESH_PUBLIC_URL")
    if not url:
        raise fail("seed: set MESH_PUBLIC_URL to the gateway's address, for example https://market.example")
    logins = pathlib.Path(os.environ["MESH_DEMO_LOGINS_FILE"])
    if logins.exists():
        say(f"seed: done before; the logins are in {logins}")
        return
    started = time.perf_counter()
    try:
        people = _make_people(Cast(url, tag=_TAG))
    except (Unexpected, TookTooLong) as error:
        raise fail(f"seed: {error}") from None
    write_private(logins, json.dumps([_login(role, person) for role, person in people.items()], indent=1))
    say(f"seed: {len(people)} logins, {len(_PRODUCTS)} products in {time.perf_counter() - started:.1f} s")


def _make_people(cast: Cast) -> dict[str, Person]:
    admin = cast.admin()
    people = {
        "admin": admin,
        "agent": cast.agent(admin),
        "vendor": cast.store("vendor", store_type="vendor"),
        "buyer": cast.store("buyer", store_type="buyer"),
    }
    for name in ("vendor", "buyer"):
        cast.verify(people[name], admin, name=name)
    cast.subscribe(people["vendor"], admin, name="vendor")
    for title, extra in _PRODUCTS:
        people["vendor"].client.post("/api/v1/vendor/products", product_body(title, **extra), key=f"seed-{title}")
    return people


def _login(role: str, person: Person) -> dict[str, str]:
    return {"role": role, "email": person.email, "password": PASSWORD}
