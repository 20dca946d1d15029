"""Documents for whoever holds them: only of a type whose file says so, in a configuration of their own (security rule S2)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.registry import LPA_1, NOON, Registry, Template, collect, serving

from issuer.office import Office, configurations
from shared import credentials
from shared.credentials import by_id
from shared.errors import VcError
from shared.formats import BearerType, Binding, formats
from shared.openid4vci import match_copies
from shared.x509 import load_certificate

EXTRACT = dataclasses.replace(
    by_id("representation"),
    id="register-extract",
    vct="urn:example:register-extract",
    vct_int=65_009,
    doctype="example.extract",
    bearer=True,
)


def for_bearers(office: Office) -> Office:
    types = (*office.types, EXTRACT)
    return dataclasses.replace(office, types=types, configurations=configurations(types))


async def make(registry: Registry) -> dict[str, object]:
    order = {"type": EXTRACT.id, "claims": LPA_1}
    status, made = await registry.call("POST", "/api/credentials", order, headers={"Idempotency-Key": "1"})
    assert status == 201
    return dict(made)


async def test_one_copy_without_a_holder(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**credentials.all_types(), EXTRACT.vct: EXTRACT}
    monkeypatch.setattr("shared.formats.sd_cwt.all_types", lambda: known)
    monkeypatch.setattr("shared.formats._envelope.all_types", lambda: known)
    async with serving(template, tmp_path / "registry", change=for_bearers) as registry:
        assert registry.office.configurations_of(EXTRACT.id) == ("register-extract-bearer-cwt",)
        about = await (await registry.get("/.well-known/openid-credential-issuer")).json()
        told = about["credential_configurations_supported"]["register-extract-bearer-cwt"]
        assert not {"cryptographic_binding_methods_supported", "proof_types_supported"} & set(told)
        holder = await collect(registry, await make(registry))
        status, problem = await registry.credential(
            holder.token.access_token,
            {"credential_configuration_id": "register-extract-bearer-cwt", "proofs": {"jwt": holder.proofs(await registry.nonce(), 1)}},
        )
        assert (status, problem["error"]) == (400, "invalid_proof")
        response = await holder.copies(0, "register-extract-bearer-cwt")
        bound, (copy,) = match_copies(response, {}, format_name="dc+sd-cwt")
        assert bound == {}
        form, issuer = formats()["dc+sd-cwt"], load_certificate(registry.office.signer.x5c[0]).public
        facts = form.verify(copy, issuer, binding=BearerType(vct=EXTRACT.vct), at=NOON)
        assert (facts.claims, facts.holder) == (LPA_1, None)
        assert facts.status is not None  # an index of its own
        with pytest.raises(VcError) as refused:
            form.verify(copy, issuer, binding=Binding(audience="a:bank", nonce="AAAA"), at=NOON)
        assert refused.value.code == "not_bound"


async def test_no_other_type_gives_one(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    for name in registry.office.configurations_of("representation"):
        with pytest.raises(VcError) as refused:
            await holder.copies(0, name)
        assert refused.value.error == "invalid_proof"
