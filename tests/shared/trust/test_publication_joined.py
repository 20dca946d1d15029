"""One document of two: the word of an anchor of certificates, and the word of the same body as a superior."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import DAY, MINISTRY
from support.signing import AT, Signer

from shared.codec import strict_json
from shared.errors import Malformed, Unavailable, VcError
from shared.flow import Fetch, Fetched, run
from shared.keys import KeyId
from shared.trust.artefact import (
    CERTIFICATE,
    CRL,
    OF_ANCHORS,
    OF_SUPERIORS,
    PAGE_KEYS,
    PAGE_TYPES,
    RP_CERTIFICATE,
    SNAPSHOT,
    STATUS_LIST,
    TYPE_METADATA,
    Artefact,
)
from shared.trust.publication import (
    fetch_publication,
    fetch_publication_at,
    join_publications,
    parse_federation_publication,
    parse_publication,
    render_publication,
)
from shared.trust.snapshot import prepare_snapshot


def said(text: str, *kinds: str) -> bytes:
    """A publication with one file, and others of those kinds."""
    more = (Artefact(media_type=each, data=each.encode()) for each in kinds)
    signer, files = Signer.new(), (Artefact(media_type=RP_CERTIFICATE, data=text.encode()), *more)
    snapshot = prepare_snapshot(
        issuer=MINISTRY,
        entity=MINISTRY,
        seq=1,
        at=AT,
        next_update=AT + DAY,
        statements=files,
        keys=(),
        key=KeyId("k"),
        public=signer.public,
    )
    return render_publication(signer.finish(snapshot), files)


def test_each_reader_finds_its_own_word() -> None:
    both = join_publications(said("certificates"), said("federation"))
    assert parse_publication(both).of(RP_CERTIFICATE) == (b"certificates",)
    assert parse_federation_publication(both).of(RP_CERTIFICATE) == (b"federation",)
    assert parse_federation_publication(said("alone")).of(RP_CERTIFICATE) == (b"alone",)


def answered(status: int, _: Fetch) -> Fetched:
    return Fetched(status=status)


def test_each_is_asked_for_at_its_address() -> None:
    both, asked = join_publications(said("certificates"), said("federation")), []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch.url)
        return Fetched(status=200, body=both)

    first, second = run(fetch_publication(MINISTRY), answer), run(fetch_publication_at(f"{MINISTRY}/trust"), answer)
    assert asked == [f"{MINISTRY}/.well-known/muniment-trust", f"{MINISTRY}/trust"]
    assert first is not None
    assert second is not None
    assert (first.of(RP_CERTIFICATE), second.of(RP_CERTIFICATE)) == ((b"certificates",), (b"federation",))
    for status in (404, 410):
        assert run(fetch_publication_at(f"{MINISTRY}/trust"), partial(answered, status)) is None
        assert run(fetch_publication(MINISTRY), partial(answered, status)) is None
    with pytest.raises(Unavailable):
        run(fetch_publication_at(f"{MINISTRY}/trust"), partial(answered, 500))


def test_of_anchors_and_superiors_only_their_own_kinds_of_files_are_read() -> None:
    """What else they publish fills no database and no checking pack, and passes for nobody's page keys, lists or snapshot."""
    others = (CERTIFICATE, CRL, PAGE_KEYS, PAGE_TYPES, SNAPSHOT, STATUS_LIST, TYPE_METADATA, "text/plain")
    alone = said("alone", *OF_SUPERIORS, *others)
    for data in (alone, join_publications(said("certificates"), alone)):
        assert {each.media_type for each in parse_federation_publication(data).artefacts} == OF_SUPERIORS
    assert {each.media_type for each in parse_publication(alone).artefacts} == OF_ANCHORS


def test_a_second_word_that_is_none_is_refused() -> None:
    for second in (b"1", b"[]", b'{"snapshot": 1}', b'"x"'):
        with pytest.raises(Malformed):
            parse_federation_publication(join_publications(said("certificates"), second))


@given(st.binary(max_size=200) | st.dictionaries(st.text(max_size=12), st.none() | st.text(max_size=9), max_size=4).map(strict_json.dumps))
def test_anything_is_a_publication_or_refused(data: bytes) -> None:
    with suppress(VcError):
        parse_federation_publication(data)
