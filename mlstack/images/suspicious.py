"""Files that look as if they held a secret, by their names and by how they begin.

An image is pulled by many and kept for long; what is in one of its layers is in it for ever.
"""

import re
from fnmatch import fnmatchcase

HEAD = 4096
"""Bytes of a file that are looked at."""

_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".pypirc",
    "*.jks",
    "*.kdbx",
    "*.keystore",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.tfstate",
    "*.tfstate.*",
    "client_secret*.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "service[-_]account*.json",
)
_PATHS = (".aws/credentials", ".aws/config", ".docker/config.json", ".kube/config", ".config/gcloud/*", ".ssh/*")
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist")

_CONTENT = (
    (re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"), "a private key"),
    (re.compile(rb"\baws_secret_access_key\s*[=:]\s*\S{20}", re.IGNORECASE), "an AWS secret access key"),
    (re.compile(rb"//[^\s:]+/:_authToken=(?!\$)\S+"), "an npm token"),
    (re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})"), "a GitHub token"),
    (re.compile(rb"\bZENKEY_[A-Za-z0-9_=-]{40}"), "a ZenML API key"),
)


def suspicious_name(path: str) -> str | None:
    """Why the file at `path`, relative to the context, looks like a secret by its name."""
    lowered = path.lower()
    name = lowered.rpartition("/")[2]
    if any(fnmatchcase(name, each) for each in _EXAMPLES):
        return None
    if any(fnmatchcase(name, each) for each in _NAMES):
        return f"named {name}"
    for each in _PATHS:
        if fnmatchcase(lowered, each) or fnmatchcase(lowered, f"*/{each}"):
            return f"a {each.removesuffix('/*')} file"
    return None


def suspicious_content(head: bytes) -> str | None:
    """Why a file that begins with `head` looks like a secret."""
    return next((f"holds {what}" for pattern, what in _CONTENT if pattern.search(head)), None)
