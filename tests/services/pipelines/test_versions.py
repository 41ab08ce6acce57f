"""Versions sort as SemVer 2.0.0 section 11 says, in any collation."""

from __future__ import annotations

import itertools

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from app.services.pipelines.versions import following, sort_key

IN_ORDER = [
    "0.0.1-0",
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0-1",
    "1.0.0-9",
    "1.0.0-10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "10.0.0",
]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(IN_ORDER)))
def test_higher_version_has_the_higher_key(lower, higher):
    assert sort_key(lower) < sort_key(higher)


_identifier = st.one_of(
    st.integers(0, 10**6).map(str),
    st.from_regex(r"[a-zA-Z-][0-9a-zA-Z-]{0,4}", fullmatch=True),
)
_versions = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + ("-" + ".".join(pre) if pre else ""),
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.lists(_identifier, max_size=3),
)


@given(_versions, _versions)
def test_keys_compare_as_the_library_does(one, other):
    expected = semver.Version.parse(one).compare(other)

    keys = sort_key(one), sort_key(other)

    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == expected


@pytest.mark.parametrize(
    ("version", "next_one"),
    [("1.2.3", "1.2.4"), ("1.2.9", "1.2.10"), ("1.1.0-rc.1", "1.1.0"), ("0.0.0", "0.0.1")],
)
def test_next_version_is_the_next_patch_or_the_release_of_a_pre_release(version, next_one):
    assert following(version) == next_one


@given(_versions)
def test_next_version_is_higher(version):
    assert sort_key(following(version)) > sort_key(version)


@given(_versions)
def test_key_has_only_characters_that_every_collation_orders_alike(version):
    assert set(sort_key(version)) <= set("0123456789abcdef")
