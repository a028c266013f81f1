"""Laws of the agents and TLS stacks of the made world."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from mipdns.simulate.agents import (
    FORMS,
    MARKETS,
    PLATFORM_SHARES,
    PLATFORMS,
    agent_table,
    agent_weights,
    device_shares,
    fingerprint,
    old_fingerprint,
)

TABLE = agent_table(140, 1.0, 0.9)


def test_agents_are_hundreds_of_different_programs_that_a_log_can_hold():
    assert len(set(TABLE.text)) > 500
    assert all(text and "\t" not in text and '"' not in text and text.isascii() for text in TABLE.text)
    assert len(set(zip(TABLE.text, TABLE.platform.tolist(), strict=True))) == len(TABLE.text)
    assert 40 <= len({*TABLE.stack.tolist()}) <= 80


@pytest.mark.parametrize("devices", list(PLATFORM_SHARES))
@pytest.mark.parametrize("market", MARKETS)
def test_agent_weights_are_probabilities_of_the_platforms_named(devices, market):
    weights = agent_weights(TABLE, device_shares(devices, market, 1.5))
    assert weights.sum() == pytest.approx(1)
    assert {PLATFORMS[at] for at in TABLE.platform[weights > 0].tolist()} == set(PLATFORM_SHARES[devices])


def chromium_share(table, pattern: str) -> float:
    weights = agent_weights(table, {"windows": 1.0})
    return sum(weight for text, weight in zip(table.text, weights, strict=True) if re.search(pattern, text))


def test_reduction_is_the_share_of_chromiums_that_name_a_major_version_only():
    """User-agent reduction: from Chromium 101 on desktops say `101.0.0.0`."""
    for reduction in (0.0, 0.5, 1.0):
        table = agent_table(140, 1.0, reduction)
        reduced, whole = (chromium_share(table, f"Chrome/{build}") for build in (r"\d+\.0\.0\.0", r"\d+\."))
        assert reduced / whole == pytest.approx(reduction, abs=0.02)


def test_an_older_world_has_older_browsers():
    def newest(table) -> int:
        return max(int(found) for text in table.text for found in re.findall(r"Windows.* Chrome/(\d+)", text))

    assert newest(agent_table(126, 1.0, 0.9)) < newest(TABLE)
    late, early = (agent_weights(agent_table(140, lag, 0.9), {"windows": 1.0}).max() for lag in (3.0, 0.5))
    assert late < early, "with a longer lag versions are more evenly spread"


def test_fingerprints_have_their_forms_and_differ_by_stack_and_form():
    every = list(itertools.product(TABLE.stacks, FORMS))
    assert len({fingerprint(*each) for each in every}) == len({old_fingerprint(*each) for each in every}) == len(every)
    for each in every:
        head, cipher, extension = fingerprint(*each).split("_")
        assert (len(head), len(cipher), len(extension)) == (10, 12, 12)
        assert len(old_fingerprint(*each)) == 32


def test_phones_lean_to_android_where_the_market_does():
    shares = [device_shares("home", market, 1.0) for market in sorted(MARKETS)]
    ratios = [each["android"] / each["ios"] for each in shares]
    assert np.all(np.diff(ratios) > 0)
