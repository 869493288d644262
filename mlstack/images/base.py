"""The image that another begins with: a reference, pinned by the digest that its tag names in a registry today.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, replace
from typing import Self

from mlstack.errors import MLStackError, UsageError

PUBLIC = "public.ecr.aws/docker/library/python"
"""The official images of Python on ECR Public, which asks for no account and knows none of Docker Hub's limits."""
_SECONDS = 20.0
_LARGEST = 4_000_000
"""Bytes. What the specification wants of a registry for a manifest."""
_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_REFERENCE = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(?::\d+)?)/(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, kw_only=True)
class Base:
    host: str
    name: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str, *, origin: str) -> Self:
        """`registry/name:tag`, `registry/name@sha256:...` or both. Raises UsageError naming `origin`."""
        found = cls.read(text)
        if found is None:
            raise UsageError(
                f"{origin} is {text!r}: not an image with its registry, such as {PUBLIC}:3.11-slim-bookworm",
                hint="an image of Docker Hub such as python:3.11 is public.ecr.aws/docker/library/python:3.11",
            )
        if not found.tag and not found.digest:
            raise UsageError(f"{origin} is {text!r}: without a tag or a digest", hint=f"{text}:TAG, or {text}@sha256:…")
        return found

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is no image with its registry."""
        found = _REFERENCE.fullmatch(text)
        host = found["host"] if found else ""
        if found is None or not ("." in host or ":" in host or host == "localhost"):
            return None
        return cls(host=host, name=found["name"], tag=found["tag"], digest=found["digest"])

    def __str__(self) -> str:
        tag, digest = self.tag and f":{self.tag}", self.digest and f"@{self.digest}"
        return f"{self.host}/{self.name}{tag or ''}{digest or ''}"

    def pinned(self) -> Self:
        """With the digest that the tag names in the registry now. Raises MLStackError when it does not say."""
        if self.tag is None:
            raise UsageError(f"{self} has no tag whose digest could be read", hint="name one: --base IMAGE:TAG")
        if self.host in DOCKER_HUB:
            raise UsageError(
                f"{self}: Docker Hub is not asked without an account",
                hint="take the image from public.ecr.aws/docker/library, or name the digest: --base IMAGE:TAG@sha256:…",
            )
        return replace(self, digest=_digest(replace(self, digest=None)))


def _digest(base: Base) -> str:
    scheme = "http" if _on_loopback(base) else "https"
    url = f"{scheme}://{base.host}/v2/{base.name}/manifests/{base.tag}"
    try:
        try:
            body, told = _get(url, None)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
            body, told = _get(url, _token(base, error.headers.get("WWW-Authenticate", "")))
    except urllib.error.HTTPError as error:
        raise _refused(base, error.code) from None
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise MLStackError(
            f"the registry {base.host} could not be asked for {base}: {reason}",
            hint="without a network name the digest yourself: --base IMAGE@sha256:…",
        ) from None
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if told is not None and told.startswith("sha256:") and told != digest:
        raise MLStackError(f"{base}: the registry says {told} and sends {digest}", hint="something stands in between")
    return digest


def _on_loopback(base: Base) -> bool:
    """Without TLS, as Docker does it there."""
    return base.host.partition(":")[0] in _LOOPBACK


def _get(url: str, token: str | None) -> tuple[bytes, str | None]:
    request = urllib.request.Request(url, headers={"Accept": ", ".join(_KINDS)})  # noqa: S310 -- http on loopback alone
    if token:
        # Not to another host, should the registry send us there.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        body: bytes = answer.read(_LARGEST + 1)
        if len(body) > _LARGEST:
            raise ValueError(f"its manifest is larger than {_LARGEST} bytes")
        if "manifest" not in answer.headers.get_content_type() and "index" not in answer.headers.get_content_type():
            raise ValueError(f"the answer is {answer.headers.get_content_type()}, not a manifest")
        return body, answer.headers.get("Docker-Content-Digest")


def _token(base: Base, challenge: str) -> str:
    """Of an anonymous visitor: https://distribution.github.io/distribution/spec/auth/token/"""
    kind, _, rest = challenge.partition(" ")
    asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = asked.pop("realm", "")
    if kind.lower() != "bearer" or not (realm.startswith("https://") or _on_loopback(base)):
        raise _refused(base, 401)
    asked.pop("error", None)
    asked.setdefault("scope", f"repository:{base.name}:pull")
    with urllib.request.urlopen(f"{realm}?{urllib.parse.urlencode(asked)}", timeout=_SECONDS) as answer:  # noqa: S310
        found = json.load(answer)
    token = found.get("token") or found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(token, str):
        raise ValueError("it hands out no token to visitors")
    return token


def _refused(base: Base, status: int) -> MLStackError:
    if status == 404:
        return UsageError(f"{base.host} knows no image {base.name}:{base.tag}", hint="look at its name and tag")
    if status in (401, 403):
        return MLStackError(
            f"{base.host} wants to know who asks for {base}",
            hint="read the digest with your own tools and name it: --base IMAGE@sha256:…",
        )
    if status == 429:
        return MLStackError(f"{base.host} has been asked too often", hint="wait, or name the digest: IMAGE@sha256:…")
    return MLStackError(f"{base.host} answers {status} for {base}", hint="try again, or name the digest yourself")
