"""Names, for whatever people call their teams and environments: within AWS's limits, and never those of another."""

import re
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from components.names import Names
from components.pull_through_cache import SHORT

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ROLE = re.compile(r"[\w+=,.@-]{1,64}")
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
REPOSITORY = re.compile(r"(?=.{2,256}$)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*")
# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}")
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]{1,250}")
PURPOSES = ("access", "sagemaker", "scheduler", "codebuild", "flow-logs", "zenml")

# Few letters and many hyphens, short and as long as can be: what makes names look like one another.
_SHORT = st.from_regex(r"[ab][ab0]{0,2}(-[ab0]{1,2}){0,3}", fullmatch=True).filter(lambda name: len(name) > 1)
_LONG = st.from_regex(r"a{20}(-[ab]{1,3}|[ab0]{1,4})", fullmatch=True)
parts = st.one_of(_SHORT, _LONG, st.sampled_from(("dev", "dev-a", "a-dev", "eu-west-1", "image-builder", "access")))
environments = parts.filter(lambda name: not name.endswith("-logs"))
"""Others are refused: components/checks.py."""
regions = st.sampled_from(("eu-west-1", "us-east-1", "us-gov-west-1", "cn-northwest-1", "ap-southeast-3"))
of_teams = st.builds(
    Names,
    name=parts,
    team=parts,
    environment=environments,
    account_id=st.just("123456789012"),
    region=regions,
)
without = st.builds(
    Names, name=parts, environment=environments, account_id=st.just("123456789012"), region=regions, team=st.none()
)


def _all(names: Names) -> dict[str, str]:
    """Everything that is called something, by what it is; names that AWS shares with other things in one space."""
    return {
        "bucket artifacts": names.bucket,
        "bucket logs": names.access_log_bucket,
        **{f"iam {purpose}": names.role(purpose) for purpose in PURPOSES},
        "repository": names.repository,
        "project": names.build_project,
        "group builds": names.build_log_group,
        "group flows": names.flow_log_group,
        "alias": names.key_alias,
    }


@given(st.one_of(of_teams, without))
def test_every_name_is_one_that_aws_takes(names: Names) -> None:
    for what, name in _all(names).items():
        kind = what.split()[0]
        rule = {"bucket": BUCKET, "iam": ROLE, "repository": REPOSITORY, "project": PROJECT, "group": LOG_GROUP}
        assert rule.get(kind, ALIAS).fullmatch(name), f"{what}: {name}"


@st.composite
def two_readings(draw: st.DrawFn) -> tuple[Names, Names]:
    """A row of words, cut at two hyphens into name, team and environment, and cut elsewhere, maybe without a team."""
    words = draw(st.lists(st.sampled_from(("aa", "bb", "logs", "dev", "x" * 20)), min_size=4, max_size=6))
    more = draw(st.lists(st.sampled_from(("logs", "access", "image-builder")), max_size=1))

    def cut(words: list[str], *, team: bool) -> Names:
        first = draw(st.integers(1, len(words) - 2))
        second = draw(st.integers(first + 1, len(words) - 1)) if team else first
        name, between, environment = words[:first], words[first:second], words[second:]
        return Names(
            name="-".join(name),
            team="-".join(between) or None,
            environment="-".join(environment),
            account_id="123456789012",
            region=draw(st.sampled_from(("eu-west-1", "us-east-1"))),
        )

    return cut(words, team=True), cut([*words, *more], team=draw(st.booleans()))


@given(st.one_of(two_readings(), st.tuples(of_teams, st.one_of(of_teams, without))))
def test_no_name_of_a_team_is_one_of_anybody_else(both: tuple[Names, Names]) -> None:
    one, other = both
    assume(one != other and not any(each.environment.endswith("-logs") for each in both))
    # Repositories, projects, log groups and aliases are names of a region, buckets of the world, IAM's of an account.
    same_region = one.region == other.region
    for (what, name), (which, another) in [(a, b) for a in _all(one).items() for b in _all(other).items()]:
        kind = what.split()[0]
        if kind == which.split()[0] and (kind in ("bucket", "iam") or same_region):
            assert name != another, f"{what} of {one} is {which} of {other}: {name}"


@given(st.one_of(of_teams, without), st.sampled_from(tuple(SHORT.values())))
def test_every_cache_prefix_is_one_that_ecr_takes_and_no_repository_of_anybody_is_below_it(
    names: Names, upstream: str
) -> None:
    prefix = names.cache_prefix(upstream)
    assert len(prefix) <= 30
    assert REPOSITORY.fullmatch(prefix)
    assert "." in prefix, "which no repository of a stack has in its name"
    assert "." not in names.repository


@given(of_teams)
def test_names_of_one_team_differ_from_each_other(names: Names) -> None:
    for (what, name), (which, another) in combinations(_all(names).items(), 2):
        if what.split()[0] == which.split()[0]:
            assert name != another, f"{what} and {which} are both {name}"


def test_without_teams_names_are_what_they_always_were() -> None:
    """A changed name is a replaced bucket."""
    names = Names(name="mlstack", environment="dev", account_id="123456789012", region="eu-west-1")
    assert _all(names) == {
        "bucket artifacts": "mlstack-dev-123456789012-eu-west-1",
        "bucket logs": "mlstack-dev-logs-123456789012-eu-west-1",
        **{f"iam {purpose}": f"mlstack-dev-eu-west-1-{purpose}" for purpose in PURPOSES},
        "repository": "mlstack-dev",
        "project": "mlstack-dev-image-builder",
        "group builds": "/aws/codebuild/mlstack-dev-image-builder",
        "group flows": "/mlstack/mlstack-dev/vpc-flow-logs",
        "alias": "alias/mlstack-dev",
    }


def test_a_teams_names_show_whose_they_are() -> None:
    names = Names(name="mlstack", team="vision", environment="dev", account_id="123456789012", region="eu-west-1")
    assert names.bucket == "mlstack--vision--dev-123456789012-eu-west-1"
    assert names.repository == "mlstack/vision/dev"
    assert names.role("access") == "mlstack--vision--dev-eu-west-1-access"
