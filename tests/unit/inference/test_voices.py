"""What several voices at one place come to."""

from __future__ import annotations

import pytest

from mipdns.inference.voices import NOTHING, hear, voice
from mipdns.vocabulary import Class
from tests.unit.inference.build import AS_OF, CARD, assertion


def heard(*said):
    return hear([voice(one, CARD, AS_OF) for one in said], CARD)


def confirms(text, classes, *, age_days=2):
    return assertion(text, "partner.confirm", age_days=age_days)._replace(classes=classes)


DENIAL = assertion("51.15.7.0/24", "partner.deny", age_days=1)


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ([confirms("51.15.7.9", Class.CAMPUS), confirms("51.15.7.0/24", Class.VPN, age_days=1)], Class.CAMPUS),
        ([confirms("51.15.7.0/24", Class.CAMPUS), confirms("51.15.7.0/24", Class.VPN, age_days=1)], Class.VPN),
        ([confirms("51.15.7.9", Class.CAMPUS), confirms("51.15.7.9", Class.VPN)], Class.CAMPUS | Class.VPN),
        ([confirms("51.15.7.9", Class.CAMPUS), DENIAL], Class.CAMPUS),
        ([confirms("51.15.0.0/16", Class.CAMPUS), DENIAL], Class(0)),
    ],
)
def test_of_partners_only_who_counts_gives_its_class(words, classes):
    assert heard(*words).classes == heard(*words[::-1]).classes == classes


def test_without_a_voice_there_is_nothing():
    assert heard() == NOTHING
