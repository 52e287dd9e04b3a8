"""A cohort's files to one AnnData: matched, checked, selected, and every step of it recorded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from precisionmed.config import CohortConfig, RolesConfig, load_config, parse_config
from precisionmed.errors import InputError, PrecisionMedWarning, messages_of, warn
from precisionmed.io._clinical_tables import clinical_label, read_clinical
from precisionmed.io._guess import unused_columns
from precisionmed.io._matrices import Expression, join_matrices, prepare_matrix, read_matrices
from precisionmed.io._provenance import files_table, ingest_methods, ingest_params
from precisionmed.io._samples import names_in
from precisionmed.io._selection import Record, drop_genes, match_tables, select_samples
from precisionmed.io.clinical import make_obs, summarize_clinical
from precisionmed.io.expression import Matrix
from precisionmed.io.genes import gene_table

if TYPE_CHECKING:
    from anndata import AnnData


def read_cohort(
    cohort: CohortConfig | Mapping[str, Any] | str | Path | None = None,
    *,
    expression: str | Path | Sequence[str | Path] | None = None,
    clinical: str | Path | Sequence[str | Path] | None = None,
    **settings: Any,
) -> AnnData:
    """Read a cohort: expression matrices and the clinical table.

    Parameters
    ----------
    cohort
        A `CohortConfig`, a dictionary of its keys, or the path of a YAML config (its `cohort` section is
        read).
    expression, clinical
        The files, instead of a config; several clinical tables are joined. Matrices are TSV, CSV, Excel or
        h5ad, compressed or not, either way round.
    **settings
        Other keys of `CohortConfig`, e.g. `scale="counts"` or `roles={...}`.

    Returns
    -------
    AnnData
        Samples x genes (float64) under current gene symbols, with canonical clinical columns in `obs` and the
        record of this step in ``uns["precisionmed"]["ingest"]`` (see the data model).

    Raises
    ------
    InputError
        Something is wrong with a file or a declared role; one line says what, where and the fix.

    Warns
    -----
    PrecisionMedWarning
        Odd but legal input, such as samples in one table only.
    """
    config = _config_of(cohort, expression, clinical, settings)
    record = Record()
    table: pd.DataFrame | None
    if config.dataset is not None:
        config, matrix, table = _read_dataset(config.dataset, config, record)
        file = f"dataset {config.dataset}"
    else:
        table = _clinical_table(config, record)
        matrix = read_matrices(config, names_in(table, config.sample_column), record.notes)
        file = clinical_label(config.clinical_tables or config.expression[:1])
    files = files_table(config, matrix)
    record.flow.append(("read", *matrix.n_read, " and ".join(files["file"])))
    record.stage("current gene symbols", matrix.frame, "one row a gene, samples that are in every file")
    for sample, reason in matrix.lost.items():
        record.exclude(pd.Index([sample]), reason)
    values, table, config = _selected(matrix, table, config, file, record)
    obs, roles = make_obs(table, config.roles, file, record.notes)
    unused = unused_columns(table, config)
    return _assemble(values, obs, roles, matrix, config, files, record, unused)


def _selected(
    matrix: Expression, table: pd.DataFrame | None, config: CohortConfig, file: str, record: Record
) -> tuple[pd.DataFrame, pd.DataFrame, CohortConfig]:
    """Return the values and clinical rows of the samples that stay, and the config with its patients."""
    if table is None:
        table = _instead_of_table(config, matrix, record)
    values, table, config = match_tables(matrix, table, config, file, record)
    values, table = select_samples(values, table, matrix.scale, config, file, record)
    return drop_genes(values, config.max_missing, record), table, config


def refusal(config: CohortConfig, matrices: Sequence[Matrix], clinical: pd.DataFrame | None) -> str:
    """Return why `read_cohort` would refuse tables that are read already, or nothing."""
    record = Record()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionMedWarning)  # read_cohort gives them
        try:
            expression = join_matrices(matrices, config, record.notes)
            file = clinical_label(config.clinical_tables or config.expression[:1])
            _, table, config = _selected(expression, clinical, config, file, record)
            make_obs(table, config.roles, file, record.notes)
        except InputError as error:
            return " ".join(messages_of(error))
    return ""


def _config_of(
    cohort: CohortConfig | Mapping[str, Any] | str | Path | None,
    expression: str | Path | Sequence[str | Path] | None,
    clinical: str | Path | Sequence[str | Path] | None,
    settings: Mapping[str, Any],
) -> CohortConfig:
    """Return the config, however it was given."""
    given = dict(settings)
    if expression is not None:
        given["expression"] = expression
    if clinical is not None:
        given["clinical"] = clinical
    if isinstance(cohort, str | Path):
        if Path(cohort).suffix.lower() not in (".yaml", ".yml", ".json"):
            raise InputError(
                f"{cohort}: is no YAML config; give matrices as read_cohort(expression=..., clinical=...)."
            )
        cohort = load_config(cohort).cohort
    if isinstance(cohort, CohortConfig):
        if not given:
            return cohort
        cohort = {name: getattr(cohort, name) for name in cohort.model_fields_set}
    given = {**(cohort or {}), **given}
    if isinstance(given.get("expression"), str | Path):
        given["expression"] = [given["expression"]]
    if not given:
        raise InputError("read_cohort: nothing to read; give a config, or expression= and clinical=.")
    return parse_config({"cohort": given}, source="read_cohort").cohort


def _read_dataset(
    name: Literal["unc", "stanford", "bild"], config: CohortConfig, record: Record
) -> tuple[CohortConfig, Expression, pd.DataFrame]:
    """Return a real cohort of the `demo` extra; its own settings count where the config is silent."""
    from precisionmed.datasets import tables  # on the same floor, and imports this module

    expression, clinical, defaults = tables(name)
    stated = {key: getattr(config, key) for key in config.model_fields_set}
    config = CohortConfig.model_validate({**defaults, **stated})
    values = expression.astype(np.float64)
    values.index, values.columns = values.index.astype(str), values.columns.astype(str)
    matrix = Matrix(Path(name), values, "genes_by_samples", "as the package distributes it")
    return config, prepare_matrix(matrix, config, None, record.notes), _as_text(clinical)


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a clinical table as text with the sample names in its first column."""
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    text.columns = text.columns.astype(str)
    name = "sample" if "sample" not in text.columns else "sample_name"
    text.insert(0, name, frame.index.astype(str))
    return text.reset_index(drop=True)


def _clinical_table(config: CohortConfig, record: Record) -> pd.DataFrame | None:
    paths = config.clinical_tables
    return read_clinical(paths, config.join_column, record.notes) if paths else None


def _instead_of_table(config: CohortConfig, matrix: Expression, record: Record) -> pd.DataFrame:
    if matrix.obs is not None:
        return _as_text(matrix.obs)
    if config.roles != RolesConfig() or config.keep or config.drop:
        raise InputError(
            f"{config.expression[0]}: roles, keep or drop are declared but there is no clinical table; give "
            "cohort.clinical."
        )
    warn(
        "There is no clinical table: only what needs none (quality, normalization, subtypes) can be done.",
        record.notes,
    )
    return _as_text(pd.DataFrame(index=matrix.frame.columns))


def _assemble(
    values: pd.DataFrame, obs: pd.DataFrame, roles: RolesConfig, matrix: Expression, config: CohortConfig,
    files: pd.DataFrame, record: Record, unused: pd.DataFrame,
) -> AnnData:  # fmt: skip
    import anndata  # heavy: keeps `--help` fast

    x = np.ascontiguousarray(values.to_numpy().T)
    ids = pd.Series(matrix.gene_ids, index=matrix.frame.index)
    var = pd.DataFrame(
        {"gene_id": ids.loc[values.index].to_numpy(dtype=str)}, index=values.index.astype(str).rename(None)
    )
    var["chromosome"] = pd.Categorical([gene_table().chromosome.get(gene) or np.nan for gene in var.index])
    obs.index = values.columns.astype(str).rename(None)  # a column may have the index's name
    adata = anndata.AnnData(X=x, obs=obs, var=var)
    adata.layers["counts" if matrix.scale == "counts" else "measured"] = x.copy()
    record.stage("cohort", values, "ready for analysis")
    ingest = {
        "params": ingest_params(matrix, config),
        "roles": roles.model_dump_json(),
        "endpoint_units": {name: endpoint.unit for name, endpoint in roles.endpoints.items()},
        "files": _table(files),
        "flow": _table(pd.DataFrame(record.flow, columns=["stage", "samples", "genes", "reason"])),
        "excluded": _table(pd.DataFrame(record.excluded, columns=["sample", "reason"], dtype=str)),
        "gene_mapping": _table(matrix.mapping),
        "gene_rows": _table(matrix.rows[matrix.rows["gene"].isin(values.index)].reset_index(drop=True)),
        "clinical_summary": _table(summarize_clinical(obs)),
        "unused_columns": _table(unused),
        "notes": np.array(record.notes, dtype=object),
        "methods": ingest_methods(adata.n_obs, adata.n_vars, matrix, config),
    }
    adata.uns["precisionmed"] = {"ingest": ingest}
    return adata


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the string index that h5ad keeps."""
    return frame.set_axis(frame.index.astype(str))
