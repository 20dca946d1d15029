from __future__ import annotations

from shared.status._budget import Budget


def test_the_least_recently_used_goes_first() -> None:
    kept: Budget[str] = Budget(10)
    kept.put("a", "A", 4)
    kept.put("b", "B", 4)
    assert kept.get("a") == "A"
    kept.put("c", "C", 4)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("A", None, "C")


def test_growing_pushes_others_out() -> None:
    kept: Budget[str] = Budget(10)
    kept.put("a", "A", 4)
    kept.put("b", "B", 4)
    kept.grow("b", 5)
    assert (kept.get("a"), kept.get("b")) == (None, "B")
    kept.grow("a", 5)
    assert kept.get("a") is None


def test_what_is_too_heavy_alone_is_not_kept() -> None:
    kept: Budget[str] = Budget(10)
    kept.put("a", "A", 11)
    assert kept.get("a") is None


def test_replacing_does_not_count_twice() -> None:
    kept: Budget[str] = Budget(10)
    for _ in range(5):
        kept.put("a", "A", 6)
    kept.put("b", "B", 4)
    assert (kept.get("a"), kept.get("b")) == ("A", "B")
