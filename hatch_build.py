"""Puts the default trained model into the wheel.

The model is built from data that is committed, and is not committed itself. A wheel without it would start and
then refuse to read a single mail, so a wheel is never built without: where it is missing, or from other data, it is
trained here, with what the build environment has. `make build` builds with the locked releases, which is what
gives the same model everywhere.
"""

import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TrainedModel(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Train the model unless it is there; an editable install finds it in the checkout, where make puts it."""
        if version == "editable":
            return
        subprocess.run([sys.executable, "-m", "classifier.build"], cwd=self.root, check=True)
        # git ignores what is built, and so would the builder.
        build_data["artifacts"].append("/classifier/built/*")
