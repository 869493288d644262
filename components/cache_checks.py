"""Settings about cached base images that are each right but do not go together."""

from collections.abc import Iterator

from components.names import partition_of
from components.problems import Problem, is_missing, remove_command, set_command, shown
from components.pull_through_cache import WANTS_CREDENTIALS
from components.sections import UpstreamSettings
from components.settings import NAMESPACE, AwsSettings, StackSettings

_KEY = f"{NAMESPACE}:pullThroughCache"
_EXAMPLE = "arn:aws:secretsmanager:{region}:{account}:secret:ecr-pullthroughcache/docker-hub-a1b2c3"


def of_pull_through_cache(stack: StackSettings, aws: AwsSettings | None) -> Iterator[Problem]:
    cache = stack.pull_through_cache
    upstreams = [each.registry for each in cache.upstreams]
    if cache.prefix and not upstreams:
        key = f"{_KEY}.prefix"
        yield Problem(key, f"is {shown(cache.prefix)}: it has no effect without upstreams", remove_command(key))
    if not upstreams:
        return
    if not stack.container_registry:
        text = f"is {shown(upstreams)}: it has no effect while containerRegistry is false"
        yield Problem(f"{_KEY}.upstreams", text, remove_command(_KEY))
    if aws is not None and (partition := partition_of(aws.region)) != "aws":
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html, and the same of its templates
        text = f"is {shown(upstreams)}: ECR has no pull-through cache in {partition}, where {aws.region} is"
        yield Problem(f"{_KEY}.upstreams", text, remove_command(_KEY))
        return
    for position, upstream in enumerate(cache.upstreams):
        key = f"{_KEY}.upstreams[{position}]"
        if upstream.registry in upstreams[:position]:
            where = f"upstreams[{upstreams.index(upstream.registry)}]"
            yield Problem(f"{key}.registry", f"is {shown(upstream.registry)}, as is {where}", remove_command(key))
        else:
            yield from _credentials(f"{key}.credentialArn", upstream, aws)


def _credentials(key: str, upstream: UpstreamSettings, aws: AwsSettings | None) -> Iterator[Problem]:
    arn = upstream.credential_arn
    region, account = (aws.region, aws.allowed_account_ids[0]) if aws else ("eu-west-1", "123456789012")
    example = _EXAMPLE.format(region=region, account=account)
    if upstream.registry in WANTS_CREDENTIALS and arn is None:
        why = f"the secret that ECR logs in to {upstream.registry} with: nobody is asked there without an account"
        yield is_missing(key, why, example)
    elif arn is not None and upstream.registry not in WANTS_CREDENTIALS:
        text = f"is {shown(arn)}: it has no effect, since {upstream.registry} asks for no account"
        yield Problem(key, text, remove_command(key))
    elif arn is not None and aws is not None and arn.split(":")[3:5] != [region, account]:
        text = f"is {shown(arn)}: ECR reads secrets of its own region and account, {region} and {account}"
        yield Problem(key, text, set_command(key, example))
