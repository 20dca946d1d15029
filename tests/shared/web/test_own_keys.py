"""The one table of a service's keys: what was kept before is in it, and each key has one place in its life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
from support.signing import AT, Signer, anchor, leaf

from shared.codec import strict_json
from shared.errors import Conflict
from shared.jose.jwk import render_jwk, thumbprint
from shared.keys import KeyId, PublicKey, Role
from shared.storage import Storage, Tx, open_storage, read_migrations
from shared.trust.snapshot import KeyHistory, KeyState
from shared.web import own_trust
from shared.web.own_trust import OwnKey

ISSUER, OFFICE = KeyId("issuer"), "https://office.example"
STEPS = read_migrations("shared.web", "web")


@pytest.fixture
async def storage(storage_uri: str) -> AsyncIterator[Storage]:
    opened = open_storage(storage_uri)
    yield opened
    await opened.close()


async def begin(storage: Storage, public: PublicKey, name: KeyId, role: Role, at: int) -> None:
    await storage.write(lambda tx: own_trust.begin(tx, public, name=name, role=role, entity=OFFICE, at=at))


async def keys(storage: Storage, role: Role) -> list[OwnKey]:
    return await storage.read(lambda tx: own_trust.own_keys(tx, role))


async def test_a_database_from_before_has_all_its_keys_in_one_table(storage: Storage) -> None:
    """Retired keys are verify-only; federation keys come from their own table, under the names that all keys have."""
    signer, root = Signer.new(), Signer.new()
    documents, first, second = signer.public, Signer.new().public, Signer.new().public
    der = leaf(signer, anchor(root), root, uri=OFFICE)
    known = KeyHistory.of(documents, role=Role.CREDENTIAL_ISSUER, entity=OFFICE, since=AT)
    await storage.migrate(STEPS[:8])

    async def before(tx: Tx) -> None:
        await tx.execute(
            "INSERT INTO own_key (thumbprint, kid, role, entity, state, begun_at, ended_at, reason) "
            "VALUES ($1, $2, 'credential-issuer', $3, 'retired', $4, $5, 'moved')",
            known.thumbprint,
            known.kid,
            OFFICE,
            AT,
            AT + 9,
        )
        await tx.execute(
            "INSERT INTO own_certificate (sha256, thumbprint, serial, der, not_after, reason) VALUES ('x', $1, '2', $2, $3, '')",
            known.thumbprint,
            der,
            AT + 10,
        )
        await tx.execute(
            "INSERT INTO own_configuration (entity, issued_at, expires_at, content, token) VALUES ($1, $2, $3, '', '')", OFFICE, AT, AT
        )
        for key, begun, ended, reason in ((first, AT - 9, AT, "superseded"), (second, AT, None, "")):
            jwk = strict_json.dumps(render_jwk(key) | {"kid": thumbprint(key)}).decode()
            await tx.execute(
                "INSERT INTO own_federation_key (kid, jwk, begun_at, ended_at, reason) VALUES ($1, $2, $3, $4, $5)",
                thumbprint(key),
                jwk,
                begun,
                ended,
                reason,
            )

    await storage.write(before)
    await storage.migrate(STEPS)
    (old,) = await keys(storage, Role.CREDENTIAL_ISSUER)
    assert (old.name, old.state, old.history.until, old.history.thumbprint) == (ISSUER, KeyState.VERIFY_ONLY, AT + 9, known.thumbprint)
    for _ in range(2):  # as they were moved, and once they have their names
        over, active = await keys(storage, Role.FEDERATION)
        assert [(each.state, each.history.entity, each.history.until) for each in (over, active)] == [
            (KeyState.VERIFY_ONLY, OFFICE, AT),
            (KeyState.ACTIVE, OFFICE, None),
        ]
        assert active.history.thumbprint == KeyHistory.of(second, role=Role.FEDERATION, entity=OFFICE, since=AT).thumbprint
        assert (active.public, active.active_at) == (second, AT)
        await begin(storage, second, KeyId("federation"), Role.FEDERATION, AT + 10)
    await storage.write(
        lambda tx: own_trust.end_key(tx, active.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Iris", at=AT + 20)
    )
    assert [each.state for each in await keys(storage, Role.FEDERATION)] == [KeyState.VERIFY_ONLY, KeyState.COMPROMISED]
    fresh = Signer.new().public  # whose file was put in the place of the other's
    await begin(storage, fresh, ISSUER, Role.CREDENTIAL_ISSUER, AT + 30)
    old, new = await keys(storage, Role.CREDENTIAL_ISSUER)
    assert (old.name, old.public, old.history.until) == ("", documents, AT + 9)
    assert (new.name, new.public, new.state) == (ISSUER, fresh, KeyState.ACTIVE)


async def test_a_key_that_signs_ends_the_one_before_it(storage: Storage) -> None:
    """As when the file of keys was put in another's place by hand."""
    await storage.migrate(STEPS)
    first, second = Signer.new().public, Signer.new().public
    for at, public in ((AT, first), (AT + 1, first), (AT + 2, second), (AT + 3, first)):
        await begin(storage, public, ISSUER, Role.CREDENTIAL_ISSUER, at)
    old, new = await keys(storage, Role.CREDENTIAL_ISSUER)
    assert (old.public, old.state, old.history.until, old.history.reason) == (first, KeyState.VERIFY_ONLY, AT + 2, "superseded")
    assert (new.public, new.state, new.active_at) == (second, KeyState.ACTIVE, AT + 2)
    for state in (KeyState.CREATED, KeyState.ACTIVE, KeyState.VERIFY_ONLY):
        with pytest.raises(Conflict):
            await storage.write(partial(own_trust.end_key, kid=old.history.kid, state=state, reason="x", actor="Iris", at=AT + 4))
