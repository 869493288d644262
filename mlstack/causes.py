"""What the engine says went wrong, as one line: the resource, the cause, the way out."""

import re

_NOISE = (
    r"^\d+ errors? occurred:\s*",
    r"sdk-v2/provider2\.go:\d+: sdk\.helper_schema: ",
    r"\s*provider=aws@\S+",
)
"""What pulumi-aws puts around the words of AWS."""

_WAYS_OUT = (
    (r"AccessDenied|UnauthorizedOperation|not authorized to perform", "whoever deploys lacks that right in AWS"),
    (r"ExpiredToken|token.*expired|InvalidClientTokenId", "log in to AWS again"),
    (r"[Nn]o valid credential|Unable to locate credentials", "log in to AWS, such as with `aws sso login`"),
    (
        r"AlreadyExists|AlreadyOwnedByYou|already exists",
        "it exists outside this stack: `pulumi import` it, or change mlstack:name",
    ),
    (r"BucketNotEmpty", "mlstack:artifactStoreForceDestroy: true lets it go with what is in it"),
    (r"RepositoryNotEmpty", "mlstack:containerRegistryForceDelete: true lets it go with its images"),
    (r"LimitExceeded|ServiceQuota", "ask AWS for a higher quota"),
    (r"[Tt]hrottl|RequestLimitExceeded|SlowDown", "AWS was asked too often: wait a minute"),
    (r"is protected|marked for protection", "mlstack:protect: false takes the protection away"),
    (r"violates plan", "settings, program or state changed after the preview: look at a new one"),
    (
        r"currently locked",
        "another run works on it; when that was yours and was killed, `mlstack backend unlock` takes its lock away",
    ),
    (r"incorrect passphrase|passphrase must be set", "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"),
)


def cause(message: str) -> str:
    """The engine's message without its noise, with the way out where one is known. A program's own words stay."""
    if "nothing was touched" in message:
        return message
    text = " ".join(line.strip(" *\t") for line in message.splitlines() if line.strip(" *\t"))
    for noise in _NOISE:
        text = re.sub(noise, "", text)
    way_out = next((way for pattern, way in _WAYS_OUT if re.search(pattern, message)), None)
    return f"{text[:800]}\n  {way_out}" if way_out else text[:800]
