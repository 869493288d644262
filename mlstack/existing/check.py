"""All existing resources of one environment, read side by side, and what they lack."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from mlstack.errors import UsageError
from mlstack.existing.asked import Asked
from mlstack.existing.lack import Lack

if TYPE_CHECKING:
    from mlstack.existing.reading import Aws

_READERS = 8


def lacking(asked: Asked) -> list[Lack]:
    """Everything at once, the worst first. Reads only.

    Raises MLStackError when AWS cannot be asked, UsageError when it is another account that answers.
    """
    if asked.nothing:
        return []
    from mlstack.existing.reading import Aws

    aws = Aws(asked.region, asked.profile)
    account, arn = aws.account()
    if account != asked.account_id:
        raise UsageError(
            f"these credentials are of AWS account {account}, but aws:allowedAccountIds allows {asked.account_id}",
            hint=f"existing resources are read as {arn}; use credentials of {asked.account_id}",
        )
    readings = _readings(aws, asked)
    # boto3 makes clients one at a time, a tenth of a second each; using them side by side is what they are made for.
    for service, used in _services(asked).items():
        if used:
            aws.client(service)
    with ThreadPoolExecutor(_READERS) as pool:
        found = [lack for lacks in pool.map(lambda read: read(), readings) for lack in lacks]
    return sorted(found, key=lambda each: ("wrong", "lacks", "advised").index(each.weight))


def _services(asked: Asked) -> dict[str, object]:
    return {
        "s3": asked.buckets or asked.log_bucket,
        "iam": asked.roles,
        "kms": asked.key or asked.buckets,
        "ecr": asked.repositories,
        "codebuild": asked.projects,
        "ec2": asked.network,
    }


def _readings(aws: "Aws", asked: Asked) -> list[Callable[[], list[Lack]]]:
    from mlstack.existing import buckets, keys, places, repositories, roles

    of: list[Callable[[], list[Lack]]] = [partial(roles.of_role, aws, role) for role in asked.roles]
    here = (asked.account_id, asked.region)
    of += [partial(buckets.of_bucket, aws, bucket, *here) for bucket in asked.buckets]
    if asked.log_bucket:
        of.append(partial(buckets.of_log_bucket, aws, asked.log_bucket, *here))
    if asked.key:
        of.append(partial(keys.of_key, aws, asked.key))
    of += [partial(repositories.of_repository, aws, each, asked.account_id) for each in asked.repositories]
    of += [partial(places.of_project, aws, project) for project in asked.projects]
    if asked.network:
        of.append(partial(places.of_network, aws, asked.network))
    return of


def refusal(lacks: Iterable[Lack], *, only_warn: bool) -> str | None:
    """The message that ends a preview, or nothing when it may go on. `only_warn`: `mlstack:existingLacks: warn`."""
    stopping = [each for each in lacks if each.weight == "wrong" or (each.weight == "lacks" and not only_warn)]
    if not stopping:
        return None
    text = "\n".join(str(each) for each in stopping)
    way_out = "each document whole: mlstack existing --json"
    if any(each.weight == "lacks" for each in stopping):
        way_out += "; to go on all the same: mlstack:existingLacks: warn"
    return f"existing resources are not as this stack needs them; nothing was changed\n{text}\n  {way_out}"
