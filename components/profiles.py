"""What a setting is when nobody says: one column for trying things out, one for what must not be lost."""

from typing import Literal

Profile = Literal["development", "production"]

PROFILES: dict[Profile, dict[str, object]] = {
    "development": {
        "protect": False,
        "access_logs": {"mode": "off"},
        "log_retention_days": 30,
        "noncurrent_version_days": 30,
        "tagged_image_count": 100,
    },
    "production": {
        "protect": True,
        "access_logs": {"mode": "create"},
        "log_retention_days": 365,
        "noncurrent_version_days": 90,
        "tagged_image_count": 500,
    },
}
"""Setting by name in Python; the file's own value always wins. Encryption, TLS, narrow roles are the same in both."""
