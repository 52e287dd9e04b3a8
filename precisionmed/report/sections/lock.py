"""The locked model file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from precisionmed.io._evidence import refusal
from precisionmed.report._format import count, heading, join, words
from precisionmed.report._page import Block, Page, Run

if TYPE_CHECKING:
    from precisionmed.io.model import LockedModel


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    if run.model_path is None:
        page.quiet("No model was locked in this run.")
        return
    from precisionmed.io.model import LockedModel

    model = LockedModel.load(run.model_path)
    manifest = model.manifest
    content = run.model_path.read_bytes()
    page.text(
        f"Everything learned is in {run.model_path.name} ({len(content) / 1e6:.1f} MB): data only, no "
        f"code. It was learned from {count(manifest['samples'], 'sample')} and takes "
        f"{count(manifest['genes'], 'gene')} on the scale “{words(manifest['scale'])}”. A changed byte is "
        "refused."
    )
    held = model.of_single_patients()
    page.text(
        f"The file holds {join(held)}: treat it as patient data."
        if held
        else "No single patient's values, names or times are in it: averages and rounded limits only."
    )
    called = _tasks(page, model)
    facts = [
        ("File", run.model_path.name),
        ("SHA-256", hashlib.sha256(content).hexdigest()),
        ("Calls", join([words(task) for task in called]) or "nothing"),
        (
            "Written by",
            f"precisionmed {manifest['packages']['precisionmed']}, model schema {manifest['schema_version']}",
        ),
    ]
    page.blocks.append(Block("facts single", items=facts))
    _usage(page, run.model_path.name)


def _tasks(page: Page, model: LockedModel) -> list[str]:
    """Say what is called for nobody and why; return the tasks that are called."""
    tasks = model.manifest["tasks"]
    reasons = {task: refusal(model.parts["tasks"][task]) for task in tasks}
    if not reasons:
        page.text(
            "No step had learned anything that could be called: this model only normalizes new samples, and "
            "predict returns no calls."
        )
    for task, reason in reasons.items():
        if reason:
            page.text(f"{heading(task)} is in the model, but called for nobody: {reason}.")
    return [task for task, reason in reasons.items() if not reason]


def _usage(page: Page, name: str) -> None:
    page.heading("Use it on a new sample")
    page.blocks.append(
        Block(
            "code",
            f"precisionmed predict --model {name} --expression new.tsv --output calls.tsv",
        )
    )
    page.text(
        "Every sample is normalized, corrected and called alone, so its result does not depend on which "
        "others are in the file. What the model cannot call reliably it returns as “cannot call”, with "
        "the reason."
    )
