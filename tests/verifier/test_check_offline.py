from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.desk import BANK, PATHS, Site, Template, copy_file, lines, make_copy, opened, refreshed
from support.federations import Member
from support.signing import AT
from support.successions import handed
from support.trial_verify import CLAIMS, DAY, IDX, ISSUER, LIST, status_token, stranger
from support.trial_web import Watch

from shared import addressed
from shared.codec import qr
from shared.credentials import Text
from shared.trust.missing import ENDS_AT, SPOKEN_OF
from shared.trust.succession import parse_succession
from shared.verify import Keeper
from verifier import cli, offline, packs
from verifier.check import judge
from verifier.offline import EXIT, Memory, decide, parse_state, read_trust, render, render_state, tell


@dataclass
class Bench:
    """A desk without a network: its folder, a pack, and the time."""

    folder: Path
    template: Template
    clock: Watch

    async def pack(self, name: str = "pack", site: Site | None = None, **settings: Any) -> Path:
        async with opened(self.template, self.folder / "desk", clock=self.clock, **settings) as desk:
            await refreshed(desk, site)
            made = await packs.make(desk)
        packs.write(self.folder / name, made.data)
        return self.folder / name

    def check(self, data: bytes, pack: Path, *more: str, entity: str = BANK) -> tuple[int, dict[str, Any]]:
        file = self.folder / "copy"
        file.write_bytes(data)
        arguments = cli.parser().parse_args(
            [
                "check",
                str(file),
                "--bundle",
                str(pack),
                "--as",
                entity,
                "--trust",
                str(self.folder / "desk" / "trust.json"),
                "--json",
                *more,
            ]
        )
        code = offline.check(arguments, clock=self.clock)
        return code, json.loads(self.capture.readouterr().out)

    capture: Any = None


@pytest.fixture
def bench(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, template, Watch(AT), capsys)


async def test_good_copy_is_accepted(bench: Bench) -> None:
    pack = await bench.pack()
    code, verdict = bench.check(copy_file(), pack)
    assert (code, verdict["decision"], verdict["code"]) == (0, "accepted", "")
    assert lines(verdict) == dict.fromkeys(lines(verdict), "passed")
    assert verdict["knowledge"].startswith("Checked with the checking pack dated 15 January 2027 08:00 UTC, 0 seconds old.")
    assert "was not checked" in verdict["level_sentence"]
    assert verdict["credentials"][0]["claims"]["represented"]["family_name"] == "Ashdown"
    assert verdict["pack"]["seq"] == 1


async def test_copy_that_leaves_out_what_its_purpose_needs(bench: Bench) -> None:
    pack = await bench.pack()
    code, verdict = bench.check(copy_file(paths=(("powers", 1), ("represented", "family_name"))), pack)
    assert (code, verdict["decision"], verdict["code"]) == (1, "rejected", "request_not_satisfied")
    assert verdict["credentials"] == []


async def test_picture_is_as_good_as_the_file(bench: Bench) -> None:
    pack = await bench.pack()
    text = addressed.render_qr(make_copy())
    code, verdict = bench.check(qr.png(text, ec="L"), pack)
    assert (code, verdict["decision"]) == (0, "accepted")
    assert bench.check(text.encode(), pack)[0] == 0


async def test_cancelled_is_rejected_once_the_pack_knows(bench: Bench) -> None:
    before = await bench.pack("before")
    bench.clock.at += 3600
    after = await bench.pack("after", Site(lists={LIST: status_token({IDX: 1}, iat=AT)}))
    data = copy_file()
    code, old = bench.check(data, before)
    assert (code, old["decision"]) == (0, "accepted")
    assert "1 hour old" in old["knowledge"]
    code, verdict = bench.check(data, after)
    assert (code, verdict["decision"], verdict["code"]) == (1, "rejected", "revoked")
    assert verdict["credentials"] == []
    assert verdict["sentence"].startswith("Do not rely on this: the issuer has cancelled it.")


async def test_on_hold_is_rejected(bench: Bench) -> None:
    pack = await bench.pack(site=Site(lists={LIST: status_token({IDX: 2})}))
    assert bench.check(copy_file(), pack)[1]["code"] == "suspended"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"to": "https://parking.example"}, "wrong_audience"),
        ({"purpose": "no-such-use"}, "purpose_mismatch"),
        ({"purpose": "utility"}, "outside_scope"),
        ({"at": AT - 15 * DAY, "issued_at": AT - AT % DAY - 16 * DAY, "expires_at": AT - AT % DAY + DAY}, "stale_binding"),
        ({"at": AT + 3600}, "stale_binding"),
        ({"expires_at": AT - 60}, "expired"),
        ({"issued_at": AT + DAY}, "not_yet_valid"),
        ({"by": stranger()}, "untrusted"),
        ({"claims": CLAIMS | {"powers": ["council-tax", "utilities"]}}, "outside_scope"),
    ],
)
async def test_refusals_are_named(bench: Bench, how: dict[str, Any], code: str) -> None:
    pack = await bench.pack()
    result, verdict = bench.check(copy_file(**how), pack)
    assert (result, verdict["decision"], verdict["code"]) == (1, "rejected", code)
    assert verdict["credentials"] == []


async def test_copy_for_another_use_or_body_cannot_be_relabelled(bench: Bench) -> None:
    pack = await bench.pack()
    utility = make_copy(purpose="utility", claims=CLAIMS | {"powers": ["banking", "utilities"]})
    doc = json.loads(addressed.render_file(utility)) | {"purpose_id": "bank"}
    assert bench.check(json.dumps(doc).encode(), pack)[1]["code"] == "purpose_mismatch"
    doc = json.loads(copy_file(to="https://parking.example")) | {"aud": f"a:{BANK}"}
    assert bench.check(json.dumps(doc).encode(), pack)[1]["code"] == "wrong_audience"


async def test_stripped_binding_is_not_bearer(bench: Bench) -> None:
    pack = await bench.pack()
    doc = json.loads(copy_file())
    wire = doc["vp_token"]["bank"][0]
    doc["vp_token"]["bank"] = [wire[: wire.rindex("~") + 1]]
    assert bench.check(json.dumps(doc).encode(), pack)[1]["code"] == "not_bound"


async def test_restrictions_have_to_be_read(bench: Bench) -> None:
    pack = await bench.pack()
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    code, verdict = bench.check(copy_file(claims=limited), pack)
    assert (code, verdict["decision"], verdict["code"]) == (2, "undecided", "restricted_undisclosed")
    code, verdict = bench.check(copy_file(claims=limited, paths=(*PATHS, ("restrictions_text",))), pack)
    assert (code, verdict["code"]) == (2, "restrictions_to_read")


async def test_unknown_and_stale_lists_are_undecided(bench: Bench) -> None:
    other = "https://opg.example/status/2"
    pack = await bench.pack("other", Site(lists={other: status_token(uri=other)}))
    code, verdict = bench.check(copy_file(), pack)
    assert (code, verdict["decision"], verdict["code"]) == (2, "undecided", "status_unknown")
    pack = await bench.pack("stale", Site(lists={LIST: status_token(iat=AT - 2 * DAY)}))
    code, verdict = bench.check(copy_file(), pack)
    assert (code, verdict["decision"], verdict["code"]) == (2, "undecided", "status_stale")


async def test_staple_answers_where_the_pack_knows_nothing_and_never_overrules(bench: Bench) -> None:
    other = "https://opg.example/status/2"
    pack = await bench.pack("other", Site(lists={other: status_token(uri=other)}))
    assert bench.check(copy_file(staples=[status_token()]), pack)[1]["decision"] == "accepted"
    revoked = await bench.pack("revoked", Site(lists={LIST: status_token({IDX: 1})}))
    assert bench.check(copy_file(staples=[status_token(iat=AT)]), revoked)[1]["code"] == "revoked"


async def test_old_pack_is_undecided_and_foreign_pack_is_refused(bench: Bench) -> None:
    pack = await bench.pack()
    bench.clock.at += 8 * DAY
    code, verdict = bench.check(copy_file(), pack)
    assert (code, verdict["decision"], verdict["code"]) == (2, "undecided", "bundle_stale")
    bench.clock.at = AT
    trust = bench.folder / "desk" / "trust.json"
    trust.write_text(json.dumps(json.loads(trust.read_text()) | {"bundle_signers": []}))
    code, verdict = bench.check(copy_file(), pack)
    assert (code, verdict["code"]) == (1, "untrusted")
    (bench.folder / "junk").write_bytes(b"not a pack")
    assert bench.check(copy_file(), bench.folder / "junk")[1]["code"] == "untrusted"


async def test_memory_knows_copies_again_and_keeps_packs_from_going_back(bench: Bench) -> None:
    before, state = await bench.pack("before"), str(bench.folder / "state.json")
    data = copy_file()
    assert bench.check(data, before, "--state", state)[0] == 0
    code, verdict = bench.check(data, before, "--state", state)
    assert (code, verdict["code"]) == (1, "replayed")
    assert bench.check(copy_file(seed="another"), before, "--state", state)[0] == 0
    bench.clock.at += 60
    after = await bench.pack("after", Site(lists={LIST: status_token({IDX: 1}, iat=AT)}))
    third = copy_file(seed="third")
    assert bench.check(third, after, "--state", state)[1]["code"] == "revoked"
    assert bench.check(third, before, "--state", state)[1]["code"] == "bundle_rolled_back"
    memory = parse_state((bench.folder / "state.json").read_bytes())
    assert parse_state(render_state(memory)) == memory
    assert (ISSUER, LIST, IDX) in memory.packs.statuses.invalid
    assert parse_state(render_state(Memory())) == Memory()


async def test_undecided_copy_is_not_used_up(bench: Bench) -> None:
    other, state = "https://opg.example/status/2", str(bench.folder / "state.json")
    poor = await bench.pack("poor", Site(lists={other: status_token(uri=other)}))
    data = copy_file()
    assert bench.check(data, poor, "--state", state)[0] == 2
    bench.clock.at += 60
    good = await bench.pack("good")
    assert bench.check(data, good, "--state", state)[0] == 0


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"OVJ1:", b"\x89PNG\r\n\x1a\n", b"OVJ1:%%%", b'{"aud":"a:x"}', b"\xff\xd8\xff\x00", b"x" * 5000]
)
async def test_what_is_no_copy_is_rejected_as_such(bench: Bench, data: bytes) -> None:
    pack = await bench.pack()
    code, verdict = bench.check(data, pack)
    assert (code, verdict["decision"], verdict["code"]) == (1, "rejected", "malformed")


async def test_service_and_pack_decide_alike(bench: Bench) -> None:
    """One flow, two drivers: the same copy through the service's store and through a pack made of it."""
    limited = CLAIMS | {"has_restrictions": True}
    copies = [
        copy_file(), copy_file(claims=limited), copy_file(by=stranger()), copy_file(expires_at=AT - 60), copy_file(purpose="utility"),
        copy_file(to="https://parking.example"), copy_file(staples=[status_token(iat=AT)]), b"junk",
    ]  # fmt: skip
    for values in ({}, {IDX: 1}, {IDX: 2}):
        bench.clock.at += 60
        site = Site(lists={LIST: status_token(values, iat=bench.clock.at)})
        pack = await bench.pack("alike", site)
        async with opened(bench.template, bench.folder / "desk", clock=bench.clock) as desk:
            store = await refreshed(desk, site)
            picture = await store.picture()
            for data in copies:
                online = judge(
                    data, entity=desk.entity, uses=desk.uses(), material=picture.material, answer=picture.answer, at=bench.clock.at
                ).decision
                code, verdict = bench.check(data, pack)
                assert code == EXIT[online.decision]
                assert verdict["code"] == online.code
                assert [(line["name"], line["state"], line["code"]) for line in verdict["checks"]] == [
                    (line.name, line.state, line.code) for line in online.checks
                ]


def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **how)


NO_SOCKETS = """
import sys
def hook(event, args):
    if event.startswith("socket."):
        raise PermissionError("this process has no network")
sys.addaudithook(hook)
from verifier.cli import main
code = main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


async def test_program_loads_nothing_heavy_and_opens_no_socket(bench: Bench) -> None:
    """In the true present the trial documents are not in force yet: the whole path is walked, to a no."""
    pack = await bench.pack()
    file = bench.folder / "copy.json"
    file.write_bytes(copy_file())
    trust = str(bench.folder / "desk" / "trust.json")
    arguments = ["check", str(file), "--bundle", str(pack), "--as", BANK, "--trust", trust, "--state", str(bench.folder / "state")]
    done = await asyncio.to_thread(run, "-c", NO_SOCKETS, *arguments)
    assert done.returncode == 1, done.stderr
    assert "Do not rely on this" in done.stdout
    heavy = {"aiohttp", "click", "jinja2", "jwcrypto", "babel", "sqlite3", "asyncio", "PIL", "zxingcpp"}
    assert not heavy & set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check"], 64),
        (["check", "copy"], 64),
        (["no-such-command"], 64),
        (["check", "no-such-file", "--bundle", "none", "--as", BANK, "--trust", "none"], 78),
        (["serve", "--dir", "no-such-folder"], 78),
        (["bundle", "show", "no-such-file"], 78),
    ],
)
def test_exit_codes_of_wrong_use(arguments: list[str], code: int) -> None:
    assert run("-m", "verifier", *arguments).returncode == code


async def test_words_for_a_person_at_a_terminal(bench: Bench) -> None:
    pack = await bench.pack()
    judged, _ = decide(
        [copy_file()], pack.read_bytes(), Memory(), trust=read_trust(bench.folder / "desk" / "trust.json"), entity=BANK, at=AT
    )
    text = render(judged, tell(judged, remembered=False))
    assert "\nGenuine, but only a copy: it does not show who brings it.\n" in text
    assert "Not checked:" not in text
    assert "Donor’s date of birth: 2 November 1938" in text
    assert "  Power: Bank" in text
    assert text.count("passed") == 10


async def test_whom_one_would_have_to_trust_is_named(bench: Bench) -> None:
    pack, trust = await bench.pack(), read_trust(bench.folder / "desk" / "trust.json")
    judged, _ = decide([copy_file(by=stranger())], pack.read_bytes(), Memory(), trust=trust, entity=BANK, at=AT)
    assert "certified by an authority that is not trusted here: CN=" in render(judged, tell(judged, remembered=False))
    (failed,) = [each for each in judged.decision.checks if each.code == "untrusted"]
    for detail, words in (
        (f"{ENDS_AT}https://justice.example", "anchor is not trusted here: https://justice.example"),
        (f"{SPOKEN_OF}https://court.example", "speaks of https://court.example"),
    ):
        told = replace(judged, decision=replace(judged.decision, checks=(replace(failed, detail=detail),)))
        assert words in render(told, tell(told, remembered=False))


async def test_whoever_keeps_the_records_now_is_named(bench: Bench) -> None:
    pack, trust = await bench.pack(), read_trust(bench.folder / "desk" / "trust.json")
    judged, _ = decide([copy_file()], pack.read_bytes(), Memory(), trust=trust, entity=BANK, at=AT)
    (shown,) = judged.decision.credentials
    succession = parse_succession(handed(Member(ISSUER), ISSUER, Member("https://greater.example")))
    keeper = Keeper(name=Text("Greater Anytown", "Anytown Fwyaf"), succession=succession)
    told = replace(judged, decision=replace(judged.decision, credentials=(replace(shown, succeeded_by=keeper),)))
    assert "  Greater Anytown keeps the records of that office now.\n" in render(told, tell(told, remembered=False))
