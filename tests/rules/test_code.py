"""What code may not do or say. Every rule carries an offence and its remedy, and is tried on both."""

import pytest

from tests.rules import code_rules, text_rules
from tests.rules.rule import Rule
from tests.rules.sources import Source, python_sources

RULES = (*code_rules.RULES, *text_rules.RULES)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return python_sources()


@each_rule
def test_the_whole_house_keeps_the_rule(rule: Rule, sources: list[Source]) -> None:
    offences = [offence for source in sources for offence in rule.offences(source)]

    assert not offences, "\n".join(offences)


@each_rule
def test_the_rule_finds_a_planted_offence(rule: Rule) -> None:
    planted = rule.planted(rule.offence)

    offences = rule.offences(planted)

    assert len(offences) >= 1
    assert all(rule.instead in offence for offence in offences)


@each_rule
def test_the_rule_lets_the_remedy_pass(rule: Rule) -> None:
    planted = rule.planted(rule.remedy)

    assert rule.offences(planted) == []


@each_rule
def test_the_rule_binds_some_file_of_the_house(rule: Rule, sources: list[Source]) -> None:
    assert any(rule.applies(source) for source in sources)
