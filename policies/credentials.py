"""What a credential looks like, by its shape and by its name."""

import re

_SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a ZenML API key": re.compile(r"\bZENKEY_\w{8,}"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,})"),
}
_FORTY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_SECRET_NAMES = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|secret_key|secret_access_key|token|api_key|private_key)$"
)


def looks_like_a_credential(text: str) -> str | None:
    """Which kind of credential the text looks like."""
    for kind, shape in _SHAPES.items():
        if shape.search(text):
            return kind
    if any(_is_random(each) for each in _FORTY.findall(text)):
        return "a secret access key of AWS"
    return None


def names_a_secret(name: str) -> bool:
    """Whether a value of this name is meant to be secret: `db_password`, `apiToken`, not `secret_arn`."""
    return bool(_SECRET_NAMES.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[.\-]", "_", name).lower()))


def _is_random(text: str) -> bool:
    """Capitals, small letters and digits mixed: no path, no hexadecimal digest."""
    kinds = (any(map(test, text)) for test in (str.isupper, str.islower, str.isdigit))
    return all(kinds) and text.count("/") < 4
