"""The files of a backend that keeps its state in files: a bucket of S3, or a directory."""

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from mlstack.errors import UsageError


class Store(Protocol):
    """Names begin with `.pulumi/`."""

    def names(self, prefix: str) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    def delete(self, name: str) -> None: ...


def open_store(url: str, directory: Path) -> Store:
    """`directory`: what `file://./state` is below. Raises UsageError for a backend with locks of another kind."""
    scheme = url.partition("://")[0]
    if scheme == "file":
        return _Directory(directory / _path(url))
    if scheme == "s3":
        return _bucket(url)
    if scheme in ("http", "https"):
        raise UsageError(
            f"{url} is Pulumi Cloud, where a killed update holds no lock file: it ends there by itself",
            hint="pulumi cancel --stack <stack> ends it at once",
        )
    raise UsageError(
        f"the locks of a backend {scheme}:// cannot be read here",
        hint="when you know that no run holds them: pulumi cancel --stack <stack> takes all of them away",
    )


class _Directory:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, prefix: str) -> list[str]:
        return sorted(each.relative_to(self._root).as_posix() for each in (self._root / prefix).glob("*.json"))

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def delete(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)
        # What the engine's library may keep beside each file.
        (self._root / f"{name}.attrs").unlink(missing_ok=True)


class _Bucket:
    def __init__(self, s3: Any, bucket: str, below: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._below = below

    def names(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._below + prefix)
        return [each["Key"].removeprefix(self._below) for page in pages for each in page.get("Contents", ())]

    def read(self, name: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self._bucket, Key=self._below + name)["Body"].read())

    def delete(self, name: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=self._below + name)


def _path(url: str) -> str:
    path = unquote(url.removeprefix("file://").partition("?")[0])
    return os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111 (a part of a path)


def _bucket(url: str) -> _Bucket:
    """With the parameters that the engine's library knows: https://gocloud.dev/howto/blob/#s3."""
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = given.get("endpoint")
    if endpoint and "://" not in endpoint:
        plain = given.get("disableSSL", given.get("disable_https")) == "true"
        endpoint = f"{'http' if plain else 'https'}://{endpoint}"
    by_path = given.get("use_path_style", given.get("s3ForcePathStyle")) == "true"
    if "role" in given:
        raise UsageError(
            f"the backend's URL names a role ({given['role']}), which is not assumed here",
            hint="assume it yourself (AWS_PROFILE), and give the URL without it in PULUMI_BACKEND_URL",
        )
    session = boto3.Session(region_name=given.get("region"), profile_name=given.get("profile"))
    config = Config(s3={"addressing_style": "path"}) if by_path else None
    s3 = session.client("s3", endpoint_url=endpoint, config=config)
    below = parts.path.strip("/")
    return _Bucket(s3, parts.netloc, f"{below}/" if below else "")
