"""Condition operators, one by one: what a request must have for the condition to hold."""

import pytest

from mlstack.iam.conditions import Condition, Context, PolicyError


def holds(operator: str, key: str, values: str | tuple[str, ...], context: Context) -> bool:
    condition = Condition.parse(operator, key, (values,) if isinstance(values, str) else values)
    return condition.holds({name.lower(): value for name, value in context.items()})


ARN = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/a"


@pytest.mark.parametrize(
    ("operator", "wanted", "seen", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ("a", "b"), "b", True),
        ("StringEquals", "a*", "abc", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ("a", "b"), "b", False),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "zenml-*", "zenml-connector", True),
        ("StringLike", "zenml-?", "zenml-ab", False),
        ("StringLike", "[a]", "a", False),
        ("StringNotLike", "zenml-*", "other", True),
        ("ArnLike", "arn:aws:sagemaker:*:123456789012:pipeline/*", ARN, True),
        ("ArnLike", "arn:aws:sagemaker:*:pipeline/a", ARN, False),
        ("ArnLike", "arn:aws:sagemaker:*", ARN, False),
        ("ArnEquals", "arn:aws:sagemaker:eu-west-1:123456789012:*", ARN, True),
        ("ArnNotEquals", "arn:aws:sagemaker:us-east-1:123456789012:*", ARN, True),
        ("ArnNotLike", "arn:aws:sagemaker:*:*:*", ARN, False),
        ("Bool", "false", "false", True),
        ("Bool", "False", "false", True),
        ("Bool", "false", "true", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.3", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "9", "10", True),
        ("NumericGreaterThanEquals", "10", "9", False),
        ("NumericEquals", "1", "1.0", True),
        ("NumericNotEquals", "1", "2", True),
        ("NumericLessThan", "5", "many", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "127.0.0.1", False),
        ("NotIpAddress", "10.0.0.0/8", "127.0.0.1", True),
    ],
)
def test_an_operator_compares(operator: str, wanted: str | tuple[str, ...], seen: str, *, expected: bool) -> None:
    assert holds(operator, "key", wanted, {"key": seen}) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("Bool", False),
        ("NumericLessThan", False),
        ("ArnLike", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("ArnNotLike", True),
        ("NumericNotEquals", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_missing_key_fails_what_it_should_equal_and_passes_what_it_should_not(
    operator: str, *, expected: bool
) -> None:
    wanted = {"Bool": "true", "BoolIfExists": "true", "NumericLessThan": "1", "NumericNotEquals": "1"}.get(
        operator, "a"
    )
    assert holds(operator, "missing", wanted, {}) is expected


def test_if_exists_still_compares_a_key_that_is_there() -> None:
    assert not holds("StringEqualsIfExists", "key", "a", {"key": "b"})


def test_null_asks_whether_a_key_is_missing() -> None:
    assert holds("Null", "key", "true", {})
    assert not holds("Null", "key", "true", {"key": "x"})
    assert holds("Null", "key", "false", {"key": "x"})
    assert not holds("Null", "key", "false", {})


@pytest.mark.parametrize(
    ("operator", "seen", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "z"), False),
        ("ForAnyValue:StringEquals", ("z", "b"), True),
        ("ForAnyValue:StringEquals", ("y", "z"), False),
        ("ForAllValues:StringNotEquals", ("y", "z"), True),
        ("ForAllValues:StringNotEquals", ("a", "z"), False),
        ("ForAnyValue:StringNotEquals", ("a", "z"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
    ],
)
def test_a_quantifier_looks_at_each_value_of_the_request(
    operator: str, seen: tuple[str, ...], *, expected: bool
) -> None:
    assert holds(operator, "key", ("a", "b"), {"key": seen}) is expected


def test_keys_are_the_same_in_any_case() -> None:
    assert holds("Bool", "AWS:securetransport", "false", {"aws:SecureTransport": "false"})


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("StringEqual", "a"),
        ("Date", "2030-01-01"),
        ("", "a"),
        ("IfExists", "a"),
        ("NullIfExists", "true"),
        ("ForAllValues:Null", "true"),
        ("Null", "yes"),
        ("Bool", "0"),
        ("NumericEquals", "one"),
        ("IpAddress", "everywhere"),
        ("StringLike", "${aws:username}"),
    ],
)
def test_an_operator_or_value_that_is_not_understood_is_refused(operator: str, value: str) -> None:
    with pytest.raises(PolicyError):
        Condition.parse(operator, "key", (value,))
