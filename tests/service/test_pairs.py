"""Codes, tries and tokens of two devices that belong together."""

from typing import Any

import pytest

from signtalk.service.errors import RefusedError
from signtalk.service.pairs import Pairs
from signtalk.service.settings import ServiceSettings


def made(**settings: Any) -> tuple[Pairs, list[float]]:
    """Pairs, and their clock."""
    now = [100.0]
    return Pairs(ServiceSettings(**settings), clock=lambda: now[0]), now


def refused(code: str, work: Any, *arguments: Any) -> None:
    with pytest.raises(RefusedError) as error:
        work(*arguments)
    assert error.value.code == code


def test_a_code_pairs_two_devices_once() -> None:
    pairs, _ = made()
    pair, tablet = pairs.open()
    assert len(pair.code) == 6 and pair.code.isdigit()
    code = pair.code
    joined, phone = pairs.join(code, "phone")
    assert joined is pair and pair.partner(tablet) is phone and pair.partner(phone) is tablet
    assert (tablet.role, phone.role) == ("patient", "staff")
    assert len({tablet.token, phone.token}) == 2 and len(tablet.token) >= 32
    refused("no_code", pairs.join, code, "another phone")  # one partner at a time
    refused("no_code", pairs.join, "", "another phone")
    assert pairs.back(phone.token) == (pair, phone)


def test_a_code_grows_old() -> None:
    pairs, now = made(pair_code_s=120)
    pair, tablet = pairs.open()
    tablet.device = object()  # which shows it
    now[0] += 119
    assert not pairs.is_old(pair)
    now[0] += 2
    assert pairs.is_old(pair)
    refused("no_code", pairs.join, pair.code, "phone")
    assert pair.ended and len(pairs) == 0


def test_a_code_whose_device_has_gone_is_soon_free() -> None:
    pairs, now = made(max_pairs=1)
    pairs.open()
    now[0] += 9  # a page that is loaded anew comes back
    with pytest.raises(RefusedError):
        pairs.open()
    now[0] += 2
    assert pairs.open()[0].code


def test_wrong_codes_are_counted_by_address_and_altogether() -> None:
    pairs, now = made(max_pair_tries=2)
    pair, tablet = pairs.open()
    tablet.device = object()
    for _ in range(2):
        refused("no_code", pairs.join, "nothing of the kind \u0663", "guesser")
    refused("too_many_tries", pairs.join, pair.code, "guesser")
    for number in range(18):
        refused("no_code", pairs.join, "x", f"guesser {number}")
    refused("too_many_tries", pairs.join, pair.code, "somebody else")
    now[0] += 61
    assert pairs.join(pair.code, "guesser")[0] is pair


def test_a_lost_device_comes_back_for_a_while() -> None:
    pairs, now = made(pair_lost_s=60)
    pair, tablet = pairs.open()
    _, phone = pairs.join(pair.code, "phone")
    tablet.device = phone.device = object()
    now[0] += 1000
    assert not pairs.is_old(pair)
    phone.device, phone.lost_s = None, now[0]
    now[0] += 59
    assert pairs.back(phone.token) == (pair, phone)
    now[0] += 2
    refused("not_paired", pairs.back, phone.token)
    refused("not_paired", pairs.back, "anything")


def test_an_ended_pair_is_gone_and_there_are_not_too_many() -> None:
    pairs, _ = made(max_pairs=2)
    pair, tablet = pairs.open()
    pairs.open()
    refused("busy", pairs.open)
    pairs.end(pair)
    refused("not_paired", pairs.back, tablet.token)
    pairs.open()
