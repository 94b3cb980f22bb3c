"""Puts the default trained model into the wheel.

The model is built from data that is committed, and is not committed itself. A wheel without it would start and
then refuse to read a single mail, so a wheel is never built without: where the file is missing, it is trained
here, with what the build environment has. `make build` builds with the locked releases, which is what gives the
same model everywhere.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODEL = "classifier/built/default.skops"


class TrainedModel(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Train the model unless it is there. An editable install finds it in the checkout, where make puts it."""
        if version == "editable":
            return
        if not (Path(self.root) / MODEL).exists():
            self.app.display_info("training the default model (a minute at most)")
            subprocess.run([sys.executable, "-m", "classifier.build"], cwd=self.root, check=True)
        # git ignores what is built, and so would the builder.
        build_data["artifacts"].append("/classifier/built/*")
