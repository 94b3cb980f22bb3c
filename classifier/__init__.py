"""The classifier: what a customer's reply to a payment reminder means.

    text → preprocess (sentences) → features (words, characters, cues, encoder) → estimators (raw scores)
         → calibration (probabilities that hold) → judgement (intents, invoices, dates, details) → Prediction

Rules stand ahead of the trained model for insolvency, lawyers, opt-outs and bank details (`classifier.rules`). A
trained model is a folder of two files, estimators in skops' format without any trusted type and a JSON manifest; the
default one is built from the committed data by `python -m classifier.build`. All of it runs here: no text leaves the
machine.

Not here: who may speak for a customer, and what is done with a prediction (`agent.replies`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.values import Evidence, InvoiceRef, Prediction, Promised, Reply

if TYPE_CHECKING:
    from classifier.trained import Classifier

__all__ = ["Evidence", "InvoiceRef", "Prediction", "Promised", "Reply", "load"]


def load(path: Path | None = None, encoder: str = "default") -> Classifier:
    """The trained model in the folder `path`, or the default one that came with relance.

    `encoder` is "default" or "none"; without an encoder the trained model's like that needs none is loaded.

    Raises:
        ModelError: it is missing, damaged, was changed after training, is of another format or needs another encoder.
    """
    from classifier.encoders.find import encoder_named  # noqa: PLC0415 scikit-learn takes a second to import
    from classifier.storage import DEFAULT, load_model  # noqa: PLC0415

    return load_model(path or DEFAULT, encoder_named(encoder))
