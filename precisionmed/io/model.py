"""The locked model: one file with everything learned, for one new patient's sample.

A model file is a zip of `manifest.json`, `model.json` and arrays (`.npy`): data, not code. Its zip
comment is the SHA-256 of all bytes before it, so a byte changed by accident is refused; that is no signature.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from precisionmed.config.minima import TO_LOCK
from precisionmed.errors import InputError, warn
from precisionmed.io._anonymous import BEFORE_RULES, RULES, Behind, reference_sample, without_patients
from precisionmed.io._archive import damaged, opened, parsed, sealed
from precisionmed.io._checked_model import NewerSchemaError, check_parts, checked_manifest
from precisionmed.io._evidence import description, with_evidence
from precisionmed.io._new_samples import NewSamples, Reading
from precisionmed.io._predict import calls_of, measured_by, prepare
from precisionmed.io._training import locked_inputs, subtype_survival
from precisionmed.io.codec import decode, encode
from precisionmed.io.run import read_run, replacing

SCHEMA_VERSION = 2
_PACKAGES = ("precisionmed", "numpy", "scipy", "pandas", "scikit-learn", "numba", "anndata")


@dataclass
class LockedModel:
    """Everything learned from a cohort, ready for single samples.

    Attributes
    ----------
    manifest
        Schema version, package versions and the training summary.
    genes
        Genes the model takes as input, in its order.
    parts
        `inputs` (which rows of a file stand for a gene; not in files of schema 1), `preprocessor`,
        `reference` (what a usual sample looks like), `tasks` (fitted estimators, how well they did out
        of fold and what they called in training) and, where subtypes and outcome are known,
        `subtype_survival` (hazards of the training subtypes).
    """

    manifest: dict[str, Any]
    genes: pd.Index
    parts: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> LockedModel:
        """Read a model file.

        Raises
        ------
        InputError
            The file is missing, was changed or cut, or was written by a newer schema.
        """
        texts, arrays = opened(Path(path))
        try:
            manifest = checked_manifest(parsed(texts["manifest.json"]), SCHEMA_VERSION)
            parts = decode({"json": texts["model.json"], "arrays": arrays})
            genes = check_parts(parts)
        except NewerSchemaError as error:
            raise InputError(f"{path}: {error}") from None
        except InputError as error:
            raise damaged(path, error) from None
        parts.pop("genes")
        return cls(manifest, genes, parts)

    def of_single_patients(self) -> list[str]:
        """Return in words what the file holds of single training patients; empty where it is nothing."""
        listed = self.manifest.get("of_single_patients", [])
        found = [str(what) for what in listed] if isinstance(listed, list) else []
        rules = self.manifest.get("anonymised", 0)
        return found if isinstance(rules, int) and rules >= RULES else [*found, BEFORE_RULES]

    def save(self, path: str | Path) -> Path:
        """Write the model file; the same model always gives the same bytes.

        A warning says what it holds of single patients, if anything.
        """
        for what in self.of_single_patients():
            warn(f"the model file holds {what}; treat it as patient data.")
        encoded = encode({"genes": self.genes.to_numpy(), **self.parts})
        texts = {
            "manifest.json": json.dumps(self.manifest, indent=1, sort_keys=True),
            "model.json": encoded["json"],
        }
        with replacing(path) as temporary:
            temporary.write_bytes(sealed(texts, encoded["arrays"]))
        return Path(path)

    def adapt(
        self,
        expression: NewSamples,
        batch: str,
        *,
        min_samples: int = 10,
        scale: str | None = None,
        orientation: str = "auto",
        gene_ids: str = "auto",
        probe_annotation: str | Path | None = None,
        column: str | None = None,
    ) -> LockedModel:
        """Return a model that also knows a new batch (centre, platform), learned from samples of it.

        Everything else stays as it is; once saved, later samples of that batch are again called one by
        one, with `batch` given to `predict`.

        Parameters
        ----------
        expression
            Samples of the new batch, as in `predict`; their mix of patients should be that of the training
            cohort, since a difference between the mixes is removed as well.
        batch
            Name of the new batch.
        min_samples
            Fewest samples to learn it from, five at least.
        scale, orientation, gene_ids, probe_annotation, column
            As in `predict`.

        Raises
        ------
        InputError
            The model corrects no batches, knows this one already, or there are too few samples.
        """
        if min_samples < TO_LOCK:
            raise InputError(
                f"min_samples is {min_samples}: a batch of fewer than {TO_LOCK} samples could be read off "
                f"the model file; give at least {TO_LOCK}."
            )
        reading = Reading(scale, orientation, gene_ids, probe_annotation, column)
        measured = measured_by(self, expression, reading)
        unusable = measured.reasons != ""
        if unusable.any():
            row = int(np.argmax(unusable))
            warn(
                f"{unusable.sum()} sample(s) were left out: {measured.expression.index[row]} "
                f"({measured.reasons[row]}), ..."
            )
        values = measured.expression[~unusable]
        if len(values) < min_samples:
            raise InputError(
                f"batch '{batch}' has {len(values)} usable sample(s), adapting needs {min_samples}."
            )
        preprocessor = self.parts["preprocessor"].adapt(
            values, [batch] * len(values), min_samples=min_samples
        )
        known = [*self.manifest.get("adapted_to", []), {"batch": batch, "samples": len(values)}]
        manifest = {**self.manifest, "adapted_to": known}
        return replace(self, manifest=manifest, parts={**self.parts, "preprocessor": preprocessor})

    def predict(
        self,
        expression: NewSamples,
        *,
        batch: str | None = None,
        centre: bool = False,
        scale: str | None = None,
        orientation: str = "auto",
        gene_ids: str = "auto",
        probe_annotation: str | Path | None = None,
        column: str | None = None,
    ) -> pd.DataFrame:
        """Return the calls for new samples, each computed alone.

        Identifiers become genes as they did in training: the rows that stood for a gene there stand for it
        here. Where other identifiers are given and several rows are one gene, `sum` and `mean` of training
        combine them; under other rules the gene is missing in samples where the rows differ.

        Parameters
        ----------
        expression
            Samples in rows and genes in columns; one sample as a series; an AnnData; or the path of a matrix
            (TSV, CSV, Excel, h5ad, either way round). Genes are named by the identifiers of training,
            symbols, Ensembl or Entrez identifiers.
        batch
            A training batch the samples belong to, if any.
        centre
            Move the median of each gene over the given samples to its training median first. Meant for a
            whole cohort of another platform; the calls then depend on the other samples.
        scale
            What the numbers are, where it is not recorded (`read_cohort` does); the model's scale by default.
        orientation
            `genes_by_samples` or `samples_by_genes`; by default the side that names more of the model's genes
            is the genes' side.
        gene_ids
            `symbol`, `ensembl`, `entrez` or `probe`, to have it checked.
        probe_annotation
            Table from probe to gene symbol (columns `probe` and `symbol`) of an array that training did not
            have.
        column
            Column to take of a file about one sample (RSEM, salmon, STAR, ...); that of `scale` by default.

        Returns
        -------
        DataFrame
            One row a sample: `deviation` (how unlike the training samples), `genes_missing`, and for each
            task calls, probabilities or risk; "cannot call" with the reason in the column `<task>_reason`,
            and how well the task did out of fold in training in `<task>_evidence`. A sample that cannot be
            used (no values, another scale, too few genes) keeps its row, with the reason in every task.

        Raises
        ------
        InputError
            The samples cannot be read, have too few of the model's genes or another scale is stated, or there
            are too few samples to centre.
        """
        reading = Reading(scale, orientation, gene_ids, probe_annotation, column)
        return calls_of(self, prepare(self, expression, batch=batch, centre=centre, reading=reading))

    def describe(self) -> pd.DataFrame:
        """Return what the model calls, indexed by task.

        Returns
        -------
        DataFrame
            `kind`, `genes` (in the signature; NaN for classes), `metric` (`auc` or `c_index`), `estimate`,
            `lower`, `upper` (out of fold, with 95% interval) and `called` (whether it is called at all, i.e.
            the interval excludes chance).
        """
        return description(self.parts["tasks"])


def lock(source: ad.AnnData | str | Path, path: str | Path) -> LockedModel:
    """Lock everything a run has learned into one file.

    What was one patient's is left out: survival is kept on a grid of round times (at the horizon it is the
    estimate itself), effects of covariates, paths of penalties, batches and subtypes of fewer than five
    patients stay behind. With `normalize.reference: sample`, or fewer than five patients behind a gene or the
    cohort, the file does hold what is a patient's, and a warning says so.

    Parameters
    ----------
    source
        An AnnData after the steps, or the output folder of a run.
    path
        Where the model file is written (`.pmz`).

    Raises
    ------
    InputError
        The cohort has not been normalized.
    """
    adata = source if isinstance(source, ad.AnnData) else read_run(source)
    steps = adata.uns.get("precisionmed", {})
    if "normalize" not in steps or adata.raw is None:
        raise InputError("nothing to lock: the cohort has not been normalized; run pp.normalize first.")
    preprocessor = decode(steps["batch" if "model" in steps.get("batch", {}) else "normalize"]["model"])
    tasks = with_evidence(_tasks(steps), steps, adata)
    horizon = steps.get("survival", {}).get("params", {}).get("horizon")
    stated = None if horizon is None else float(horizon)
    behind = Behind.of(adata, preprocessor)
    disclosed = without_patients(preprocessor, tasks, stated, behind)
    parts = {
        "inputs": locked_inputs(adata),
        "preprocessor": preprocessor,
        "reference": reference_sample(np.asarray(adata.X, dtype=float)),
        "tasks": tasks,
    }
    outcome = subtype_survival(adata)
    if outcome is not None:
        parts["subtype_survival"] = outcome
    model = LockedModel(_manifest(adata, tasks, disclosed), adata.raw.var_names, parts)
    model.save(path)
    return model


def _tasks(steps: dict[str, Any]) -> dict[str, Any]:
    """Collect the fitted estimators of all steps as `{task: {"kind", "model", ...}}`."""
    tasks: dict[str, Any] = {}
    if "model" in steps.get("subtypes", {}):
        for name, model in decode(steps["subtypes"]["model"]).items():
            tasks["subtype" if name == "subtype" else "intrinsic_subtype"] = {"kind": "class", "model": model}
    for task in steps.get("classify", {}).get("tasks", []):
        tasks[str(task)] = {"kind": "receptor", "model": decode(steps["classify"][task]["model"])}
    for task in steps.get("biomarkers", {}).get("tasks", []):
        found = steps["biomarkers"][task]
        if found["kind"] == "binary":  # the survival step locks those of survival, with their risk groups
            tasks[f"signature_{task}"] = {"kind": "signature", "model": decode(found["model"])}
    for endpoint in steps.get("survival", {}).get("endpoints", []):
        found = steps["survival"][endpoint]
        if "model" in found:
            tasks[str(endpoint)] = {"kind": "survival", "unit": str(found["unit"]), **decode(found["model"])}
            _check_shown(str(endpoint), tasks[str(endpoint)]["model"], steps)
    classifier = steps.get("response", {}).get("classifier", {})
    if "model" in classifier:
        tasks["response"] = {"kind": "receptor", "model": decode(classifier["model"])}
    return tasks


def _check_shown(endpoint: str, model: Any, steps: dict[str, Any]) -> None:
    """Refuse to lock another signature of an endpoint than the one that is shown."""
    shown = steps.get("biomarkers", {})
    if endpoint not in [str(task) for task in shown.get("tasks", [])]:
        return
    if not np.array_equal(decode(shown[endpoint]["model"]).coef_, model.coef_):
        raise InputError(
            f"endpoint '{endpoint}': the signature of biomarkers is not that of survival, run before "
            "or on other samples; run survival again."
        )


def _manifest(adata: ad.AnnData, tasks: dict[str, Any], disclosed: list[str]) -> dict[str, Any]:
    ingest = adata.uns["precisionmed"]["ingest"]
    files = ingest.get("files")
    return {
        "schema_version": SCHEMA_VERSION,
        "packages": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "cohort": str(ingest["params"]["cohort"]),
        "scale": str(ingest["params"]["scale"]),
        "samples": int(adata.n_obs),
        "genes": int(adata.raw.n_vars),
        "tasks": sorted(tasks),
        "of_single_patients": disclosed,
        "anonymised": RULES,
        "inputs": {}
        if files is None
        else dict(zip(files["file"].astype(str), files["sha256"].astype(str), strict=True)),
    }
