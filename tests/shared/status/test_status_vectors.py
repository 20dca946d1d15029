from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.codec import base64url, cbor
from shared.codec.inflate import inflate
from shared.errors import StatusUnknown
from shared.jose.jwk import parse_public_jwk
from shared.status.deflated import Deflated
from shared.status.token_status_list import StatusList, parse_token, status_at, verify_token

pytestmark = pytest.mark.vectors
Vectors = Callable[[str], Path]


def test_published_lists_decode_to_their_listed_values(vectors: Vectors) -> None:
    cases: list[dict[str, Any]] = json.loads(vectors("token-status-list/encoding_vectors.json").read_text())
    assert {case["bits"] for case in cases} >= {1, 2}
    for case in cases:
        statuses = StatusList.from_bytes(case["bits"], inflate(base64url.decode(case["lst"]), max_bytes=1 << 24))
        listed = {int(index): value for index, value in case["expected_nonzero_or_listed"].items()}
        assert statuses.size >= case["size_min"]
        assert [statuses.get(index) for index in listed] == list(listed.values()), case["name"]
        rest = sum(1 for index in range(statuses.size) if statuses.get(index) and index not in listed)
        assert rest == 0, case["name"]


def test_published_lists_are_written_as_published(vectors: Vectors) -> None:
    cases: list[dict[str, Any]] = json.loads(vectors("token-status-list/encoding_vectors.json").read_text())
    for case in cases:
        statuses = StatusList(case["bits"], case["bytes_len"] * 8 // case["bits"])
        for index, value in case["expected_nonzero_or_listed"].items():
            statuses.set(int(index), value)
        assert inflate(statuses.compressed(), max_bytes=1 << 24) == inflate(base64url.decode(case["lst"]), max_bytes=1 << 24)


def test_the_published_token_verifies(vectors: Vectors) -> None:
    text = vectors("token-status-list/status_list_jwt.jwt").read_text().strip()
    jwk = json.loads(vectors("token-status-list/public_key.jwk.json").read_text())
    token = parse_token(text)
    uri = "https://example.com/statuslists/1"
    verified = verify_token(token, uri=uri, key=parse_public_jwk(jwk), at=token.iat)
    assert [status_at(verified, index) for index in range(8)] == [1, 0, 0, 1, 1, 1, 0, 1]
    assert verified.ttl == 43_200
    with pytest.raises(StatusUnknown):
        verify_token(token, uri=uri, key=parse_public_jwk(jwk), at=token.exp)


def test_the_published_cwt_verifies(vectors: Vectors) -> None:
    data = bytes.fromhex("".join(vectors("token-status-list/status_list_cwt.hex").read_text().split()))
    jwk = json.loads(vectors("token-status-list/public_key.jwk.json").read_text())
    token = parse_token(data)
    uri = "https://example.com/statuslists/1"
    verified = verify_token(token, uri=uri, key=parse_public_jwk(jwk), at=token.iat)
    assert [status_at(verified, index) for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    assert (verified.ttl, verified.kid) == (43_200, b"12")
    other = parse_token(vectors("token-status-list/status_list_jwt.jwt").read_text().strip())
    assert (token.iat, token.exp, token.bits, token.compressed) == (other.iat, other.exp, other.bits, other.compressed)
    assert verified.said == verify_token(other, uri=uri, key=parse_public_jwk(jwk), at=token.iat).said


def test_published_lists_are_read_in_cbor(vectors: Vectors) -> None:
    cases: list[dict[str, Any]] = json.loads(vectors("token-status-list/encoding_vectors.json").read_text())
    for case in cases:
        held = cbor.loads(bytes.fromhex(case["status_list_cbor_hex"]))
        assert held == {"bits": case["bits"], "lst": base64url.decode(case["lst"])}


def test_published_lists_can_be_kept_up(vectors: Vectors) -> None:
    """Each list is reached from an empty one by changes, and says the same to every reader of zlib streams."""
    cases: list[dict[str, Any]] = json.loads(vectors("token-status-list/encoding_vectors.json").read_text())
    for case in cases:
        statuses = StatusList(case["bits"], case["bytes_len"] * 8 // case["bits"])
        assert isinstance(statuses.data, bytearray)
        ours = Deflated(statuses.data)
        for index, value in case["expected_nonzero_or_listed"].items():
            statuses.set(int(index), value)
            ours.rewrite([int(index) * case["bits"] >> 3])
        assert inflate(ours.stream(), max_bytes=1 << 24) == inflate(base64url.decode(case["lst"]), max_bytes=1 << 24)
