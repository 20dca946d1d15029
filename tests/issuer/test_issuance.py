from __future__ import annotations

import hashlib
from pathlib import Path

import pybase64
import pytest
from support.photos import photo
from support.registry import LPA_1, NOON, URL, Registry, Template, collect, serving

from issuer.portrait import make_portrait
from shared.clock import DAY, floor_day
from shared.formats import formats
from shared.keys import KeyId
from shared.openid4vci import match_copies
from shared.x509 import load_certificate

FORMATS = {
    "representation-sd-jwt": "dc+sd-jwt",
    "representation-sd-cwt": "dc+sd-cwt",
    "representation-vc-jwt": "vc+jwt",
    "representation-vc-sd-jwt": "vc+sd-jwt",
    "representation-mdoc": "mso_mdoc",
}


@pytest.mark.parametrize(("name", "form"), FORMATS.items())
async def test_from_order_to_copies(registry: Registry, name: str, form: str) -> None:
    """Every format is issued from one claim set, and a wallet's own checks pass."""
    portrait = make_portrait(photo())
    claims = LPA_1 | {"proxy": LPA_1["proxy"] | {"portrait": portrait}}
    made = await registry.make(reference="case 1", claims=claims)
    assert made["state"] == "invited"
    assert len(made["code"]) == 8
    holder = await collect(registry, made)
    response = await holder.copies(20, name)
    assert len(response.credentials) == 20
    issuer = load_certificate(registry.office.signer.x5c[0]).public
    seen: set[int] = set()
    for wire, key in zip(response.credentials, holder.keys, strict=True):
        told = formats()[form].check_received(formats()[form].parse(wire), issuer, holder=key.public, at=NOON)
        mark = {"report_tag": told.claims["report_tag"]} if formats()[form].withholds else {}  # which each office makes for itself
        assert told.claims == claims | mark
        assert told.issuer == URL
        assert told.issued_at == floor_day(NOON)
        assert told.expires_at == floor_day(NOON) + 30 * DAY
        assert told.status is not None
        seen.add(told.status.idx)
    assert len(seen) == 20
    status, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert (status, detail["state"], detail["copies"]) == (200, "collected", 20)
    assert [line["what"] for line in detail["history"]] == ["made", "collected"]


async def test_one_token_fetches_every_format(registry: Registry) -> None:
    """Each copy of each format has a status index of its own, and the wallet's keys find their copies."""
    holder = await collect(registry, await registry.make())
    seen = []
    for name in FORMATS:
        configuration = registry.office.configurations[name]
        response = await holder.copies(3, name)
        keys = {KeyId(str(number)): key.public for number, key in enumerate(holder.keys)}
        bound, bearer = match_copies(response, keys, format_name=configuration.format.name)
        assert (set(bound), bearer) == (set(keys), ())
        seen += [each.status.idx for each in bound.values() if each.status is not None]
    assert len(set(seen)) == len(seen) == 3 * len(FORMATS)


async def test_every_key_algorithm_of_a_holder(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    for alg in ("ES256", "ES384", "EdDSA"):
        holder.alg = alg
        assert len((await holder.copies(2)).credentials) == 2


async def test_metadata(registry: Registry) -> None:
    """At the inserted addresses, and what OpenID4VCI section 12 demands of them."""
    about = await (await registry.get("/.well-known/openid-credential-issuer")).json()
    assert about["credential_issuer"] == URL
    assert about["batch_credential_issuance"] == {"batch_size": 20}
    configurations = about["credential_configurations_supported"]
    supported = {name: each for name, each in configurations.items() if name.startswith("representation-") and "granted" not in name}
    assert {name: each["format"] for name, each in supported.items()} == FORMATS
    algs = {name: each["credential_signing_alg_values_supported"] for name, each in supported.items()}
    cose = {"dc+sd-cwt": -9, "mso_mdoc": -7}
    assert algs == {name: [cose.get(form, "ES256")] for name, form in FORMATS.items()}
    for name, each in supported.items():
        kind = {"doctype": "example.vct.2027.representation.1"} if "mdoc" in name else {"vct": "urn:fdc:vct.example:2027:representation:1"}
        assert {member: each[member] for member in ("vct", "doctype") if member in each} == kind
        assert each["cryptographic_binding_methods_supported"] == ["cose_key" if FORMATS[name] in cose else "jwk"]
        assert each["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"] == ["ES256", "ES384", "EdDSA"]
        assert {entry["locale"][:2] for entry in each["credential_metadata"]["display"]} == {"en", "cy"}
    server = await (await registry.get("/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == URL
    assert server["pre-authorized_grant_anonymous_access_supported"] is True
    assert server["status_list_aggregation_endpoint"] == f"{URL}/status"


async def test_type_metadata_is_what_copies_are_tied_to(registry: Registry) -> None:
    vct = "urn:fdc:vct.example:2027:representation:1"
    body = await (await registry.get(f"/types/{vct}")).read()
    holder = await collect(registry, await registry.make())
    payload = formats()["dc+sd-jwt"].parse((await holder.copies(1)).credentials[0]).payload
    assert payload["vct#integrity"] == "sha256-" + pybase64.b64encode(hashlib.sha256(body).digest()).decode()


async def test_public_url_with_a_path(template: Template, tmp_path: Path) -> None:
    """``/.well-known`` is inserted between host and path (OpenID4VCI section 12.2.2); everything else lies below the path."""
    directory = tmp_path / "registry"
    async with serving(template, directory, path="/civil") as registry:
        assert registry.url.endswith("/civil")
        holder = await collect(registry, await registry.make())
        assert len((await holder.copies(1)).credentials) == 1
        assert (await registry.get("/.well-known/openid-credential-issuer/civil")).status == 200
        assert (await registry.get("/.well-known/openid-credential-issuer")).status == 404
        assert (await registry.get("/civil/status/1")).status == 200
