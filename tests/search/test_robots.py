"""robots.txt as RFC 9309 has it."""

from __future__ import annotations

import time

import pytest

from chainkit.search.robots import rules_in

RULES = """\ufeff# a comment
User-agent: chainkit
User-agent: other
Disallow: /mine
Allow: /mine/open

user-agent: *   # everybody
disallow: /all
Disallow: /*.pdf$
Disallow: /search?q=
Allow: /all/a*z
Crawl-delay: 2.5

User-agent: chainkit
Disallow: /also
Sitemap: https://example.org/sitemap.xml
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("chainkit", "/", True),
        ("chainkit", "/mine", False),
        ("chainkit", "/mine/open/x", True),
        ("chainkit/1.0 (x)", "/also/x", False),
        ("CHAINKIT", "/mine", False),
        ("chainkit", "/all", True),
        ("other", "/mine", False),
        ("nobody", "/mine", True),
        ("nobody", "/all", False),
        ("nobody", "/all/abcz", True),
        ("nobody", "/x/y.pdf", False),
        ("nobody", "/x/y.pdf?a", True),
        ("nobody", "/search?q=bern", False),
        ("nobody", "/search", True),
    ],
)
def test_the_own_group_holds_else_everybodys_and_the_longest_rule_wins(agent: str, path: str, allowed: bool) -> None:
    assert rules_in(RULES, agent).allows(f"https://example.org{path}") is allowed


def test_a_delay_is_read_and_bounded() -> None:
    assert rules_in(RULES, "nobody").delay == 2.5
    assert rules_in("user-agent: *\ncrawl-delay: 99999", "x").delay == 60
    assert rules_in("user-agent: *\ncrawl-delay: soon", "x").delay is None


@pytest.mark.parametrize("text", ["", "Disallow: /", "<html>not found</html>", "user-agent: *\ndisallow:", "\0\0:\n:"])
def test_a_file_without_rules_allows_everything(text: str) -> None:
    assert rules_in(text, "chainkit").allows("https://example.org/x")


def test_of_two_rules_of_one_length_that_which_allows_wins() -> None:
    assert rules_in("user-agent: *\ndisallow: /a\nallow: /a", "x").allows("https://example.org/a")


def test_letters_of_other_scripts_mean_the_same_quoted_or_not() -> None:
    for rule in ("/käse", "/k%C3%A4se", "/k%c3%a4se"):
        assert not rules_in(f"user-agent: *\ndisallow: {rule}", "x").allows("https://example.org/k%C3%A4se")
        assert not rules_in(f"user-agent: *\ndisallow: {rule}", "x").allows("https://example.org/käse")


@pytest.mark.parametrize(
    ("rule", "path", "fits"),
    [
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/*$", "/anything", True),
        ("/*a$", "/a", True),
        ("/a*a$", "/a", False),
        ("/a*a$", "/aa", True),
        ("/*x*y", "/xy", True),
        ("/*x*y", "/yx", False),
        ("*.php", "/a/b.php", True),
        ("/**b", "/ab", True),
        ("$", "/a", False),
        ("*", "/a", True),
        ("/a$b", "/a$b", True),
    ],
)
def test_stars_and_the_end_in_a_rule(rule: str, path: str, fits: bool) -> None:
    assert rules_in(f"user-agent: *\ndisallow: {rule}", "x").allows(f"https://example.org{path}") is not fits


@pytest.mark.parametrize("tail", ["", "b"])
def test_a_hostile_file_takes_no_time(tail: str) -> None:
    text = "user-agent: *\n" + "disallow: /" + "*a" * 1000 + "$\n" + "disallow: /x\n" * 100_000
    began = time.process_time()
    rules_in(text, "x").allows("https://example.org/" + "a" * 5000 + tail)
    assert time.process_time() - began < 1
