"""Where the engine starts the pack. `PolicyPack` serves until the engine ends it, so nothing can come after."""

import sys
from pathlib import Path

# The engine runs this folder as a program; the rules use the pure modules beside it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulumi_policy import PolicyPack

from policies.pack import RULES
from policies.secret_marks import keep_secret_marks

keep_secret_marks()
PolicyPack("mlstack", [rule.policy() for rule in RULES])
