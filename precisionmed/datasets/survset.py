"""Three real breast-cancer cohorts that the Python package SurvSet (extra `demo`) brings along.

- `unc`: GSE1992, 124 tumours x 15,528 genes, Agilent two-channel log2 ratios, relapse-free survival;
  Hu et al., BMC Genomics 2006;7:96.
- `stanford`: GSE4335, 115 x 12,793, Stanford cDNA two-channel log2 ratios, overall survival;
  Sorlie et al., PNAS 2003;100:8418-8423.
- `bild`: GSE3143, 158 x 8,659, Affymetrix U95Av2 log2 intensities, overall survival;
  Bild et al., Nature 2006;439:353-357.

`tables` gives them as the two tables any cohort consists of, with readable clinical columns, and
says what the columns mean; `unc`, `stanford` and `bild` read them as any other cohort is read.
Symbols are those of the time of publication; reading a cohort brings them up to date.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from precisionmed.errors import InputError, nearest

if TYPE_CHECKING:
    from anndata import AnnData

Name = Literal["unc", "stanford", "bild"]
_SERIES: dict[str, str] = {"unc": "gse1992", "stanford": "gse4335", "bild": "gse3143"}
_GENE_PREFIX = "num_HS_"
_BINARY = {"0": "negative", "1": "positive"}
_YES_NO = {"0": "no", "1": "yes"}
# The parts of the UNC sample names that say a specimen is no untreated primary tumour.
_SPECIMENS = {"-Met": "metastasis", "RECUR": "recurrence", "post-chemo": "primary after chemotherapy"}


def tables(name: Name) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return a cohort as an expression table, a clinical table and what their columns mean.

    Parameters
    ----------
    name
        `unc`, `stanford` or `bild`.

    Returns
    -------
    expression : DataFrame (n_genes, n_samples)
        Gene symbols by samples; log2 ratios (`unc`, `stanford`) or log2 intensities (`bild`).
    clinical : DataFrame (n_samples, n_columns)
        Indexed by sample. Missing values are missing, statuses are words, times are months, grade is
        1 to 3, `tumor_size` the T category 1 to 4 (up to 2 cm, to 5 cm, above, into chest wall or skin).
    defaults : dict
        The keys of `precisionmed.config.CohortConfig` that describe the cohort.

    Raises
    ------
    InputError
        Unknown name, or SurvSet is not installed.
    """
    if name not in _SERIES:
        raise InputError(f"no dataset '{name}'.{nearest(name, get_args(Name))}")
    frame = _load(_SERIES[name])
    clinical = {"unc": _unc_clinical, "stanford": _stanford_clinical, "bild": _bild_clinical}[name](frame)
    return _expression(frame), clinical, _defaults(name)


def unc() -> AnnData:
    """Read the UNC cohort: 124 tumours, ER status, relapse-free survival (Hu et al. 2006)."""
    return _read("unc")


def stanford() -> AnnData:
    """Read the Stanford/Norway cohort: 115 tumours, ER status, overall survival (Sorlie et al. 2003)."""
    return _read("stanford")


def bild() -> AnnData:
    """Read the cohort of Bild et al. (2006): 158 tumours, overall survival."""
    return _read("bild")


def _read(name: Name) -> AnnData:
    from precisionmed.config import CohortConfig
    from precisionmed.io.cohort import read_cohort

    return read_cohort(CohortConfig.model_validate({"dataset": name}))


def _load(series: str) -> pd.DataFrame:
    try:
        from SurvSet.data import SurvLoader
    except ModuleNotFoundError:
        raise InputError(
            f"dataset {series} comes with the package SurvSet, which is not installed; "
            "run: pip install 'precisionmed[demo]'"
        ) from None
    with warnings.catch_warnings():
        # SurvSet's files name a NumPy module by its old path.
        warnings.simplefilter("ignore", DeprecationWarning)
        frame: pd.DataFrame = SurvLoader().load_dataset(ds_name=series)["df"]
    return frame.set_index(frame["pid"].astype(str).rename("sample"))


def _expression(frame: pd.DataFrame) -> pd.DataFrame:
    values = frame.loc[:, frame.columns.str.startswith(_GENE_PREFIX)].astype(float).T
    # One of the tables lost the hyphens of HLA-A and the like; no symbol has an underscore.
    symbols = values.index.str.removeprefix(_GENE_PREFIX).str.replace("_", "-", regex=False)
    return values.set_axis(pd.Index(symbols, name="gene"), axis=0)


def _unc_clinical(frame: pd.DataFrame) -> pd.DataFrame:
    names = frame.index.to_series()
    specimen = pd.Series("primary", index=frame.index)
    for mark, kind in _SPECIMENS.items():
        specimen[names.str.contains(mark, regex=False)] = kind
    return pd.DataFrame(
        {
            "er_status": _words(frame["fac_er_positive"], _BINARY),
            "node_status": _words(frame["fac_node_status"], _BINARY),
            "grade": _numbers(frame["fac_grade"]),
            "tumor_size": _numbers(frame["fac_size"]),
            "age": _numbers(frame["num_age"]),
            "specimen": specimen,
            "rfs_months": _numbers(frame["time"]),
            "relapse": _words(frame["event"], _YES_NO),
        }
    )


def _stanford_clinical(frame: pd.DataFrame) -> pd.DataFrame:
    node_stage = _numbers(frame["fac_node_status"])
    return pd.DataFrame(
        {
            "er_status": _words(frame["fac_er_status"], _BINARY),
            "node_status": (node_stage > 0)
            .map({True: "positive", False: "negative"})
            .where(node_stage.notna()),
            "node_stage": node_stage,
            "metastasis": _words(frame["fac_metastasis"], _YES_NO),
            "grade": _numbers(frame["fac_grade"]),
            "tumor_size": _numbers(frame["fac_tumor_size"]),
            "histology": frame["fac_histology"].astype(str),
            "age": _numbers(frame["num_age"]),
            # Arrays were printed in series, named by the letters of the array name (SHAC, SVCC, ...).
            "array_series": frame.index.to_series().str.extract(r"^([a-z]+)", expand=False),
            "os_months": _numbers(frame["time"]),
            "death": _words(frame["event"], _YES_NO),
        }
    )


def _bild_clinical(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "er_level": _numbers(frame["num_erlev"]),
            "os_months": _numbers(frame["time"]),
            "death": _words(frame["event"], _YES_NO),
        }
    )


def _words(column: pd.Series, words: dict[str, str]) -> pd.Series:
    return column.astype(str).map(words)  # "missing", "na" and "x" become missing


def _numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.astype(str), errors="coerce")


def _defaults(name: Name) -> dict[str, Any]:
    common = {"orientation": "genes_by_samples", "gene_ids": "symbol"}
    overall = {"os": {"time": "os_months", "event": "death", "unit": "months"}}
    receptors = {"er": {"column": "er_status"}}
    covariates = ["age", "tumor_size", "node_status", "grade"]
    if name == "unc":
        relapse = {"rfs": {"time": "rfs_months", "event": "relapse", "unit": "months"}}
        roles = {"endpoints": relapse, "receptors": receptors, "covariates": covariates}
        return {"name": "UNC", "scale": "log_ratio", **common, "roles": roles}
    if name == "stanford":
        roles = {"endpoints": overall, "receptors": receptors, "covariates": covariates}
        return {"name": "Stanford", "scale": "log_ratio", **common, "roles": roles}
    # The level of oestrogen receptor (0 to 3) has no published cut-off, so it is no receptor status.
    return {"name": "Bild", "scale": "log2", **common, "roles": {"endpoints": overall}}
