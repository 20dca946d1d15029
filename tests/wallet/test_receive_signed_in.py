"""Documents from issuers at which the holder signs in: the whole of HAIP 1.0 from the wallet's side, over HTTP."""

from __future__ import annotations

from pathlib import Path

from support.strict_wallet import visit


async def test_signed_in_and_collected(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        document = await here.collect()
        assert len(document.value.copies) == 10
        assert document.value.notice is None
        assert [each["event"] for each in here.issuer.notified] == ["credential_accepted"]
        assert [type(each).__name__ for each in here.issuer.refused] == ["UseDpopNonce"] * 0
