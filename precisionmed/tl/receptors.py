"""Receptor status for training: as recorded, or called from expression where the cohort does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from precisionmed.errors import warn
from precisionmed.estimators import metrics
from precisionmed.estimators.mixture import BIMODAL, TwoComponentMixture
from precisionmed.io.codec import encode
from precisionmed.pp._order import by_name

if TYPE_CHECKING:
    from anndata import AnnData

RECORDED = "recorded"
DERIVED = "expression-derived"
UNKNOWN = "not available"
GENES = {"er": ("ESR1",), "pr": ("PGR",), "her2": ("ERBB2", "GRB7", "STARD3", "PGAP3", "MIEN1")}
"""Genes whose expression shows a receptor; those of HER2 share one amplification on 17q12."""
AMPLICON = (
    *(
        "RPL23",
        "LASP1",
        "PLXDC1",
        "CACNB1",
        "RPL19",
        "STAC2",
        "FBXL20",
        "MED1",
        "CDK12",
        "NEUROD2",
        "PPP1R1B",
    ),
    *("STARD3", "TCAP", "PNMT", "PGAP3", "ERBB2", "MIEN1", "GRB7", "IKZF3", "ZPBP2", "GSDMB", "ORMDL3"),
    *("LRRC3C", "GSDMA", "PSMD3", "CSF3", "MED24", "THRA", "NR1D1", "MSL1", "CASC3", "RAPGEFL1", "WIPF2"),
    *("CDC6", "RARA", "TOP2A"),
)
"""Genes of 17q12-q21 in the order of the chromosome that are often amplified together with ERBB2."""
_STATUS = ["positive", "negative", "equivocal"]
_FEWEST = 10  # distinct values for a mixture


@by_name
def receptors(adata: AnnData, *, seed: int = 1) -> AnnData:
    """Settle ER, PR, HER2 and triple-negative status, the labels that models train on.

    Recorded status (IHC or FISH) is used wherever the cohort has it. A receptor that the cohort does
    not record is called from a two-component mixture of its expression in `adata.X` (Lehmann et al.,
    J Clin Invest 2011;121:2750), if its expression is bimodal. A tumour is triple negative when all
    three receptors are recorded as negative, not when any is positive, and unknown otherwise. Unless
    the cohort records all three, that label comes from the mixtures alone, so that it means the same
    in every sample; a mixture of PR that is not bimodal is left out of it (PR without ER is rare).
    Mixtures are fitted and compared with recorded status in any case.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize`.
    seed
        As in every step; the mixtures start from fixed points, so that nothing here is random.

    Returns
    -------
    AnnData
        The same object with `er_status`, `pr_status`, `her2_status` and `tnbc_status` in `obs` and the tables
        of docs/data-model.md in `uns["precisionmed"]["receptors"]`.
    """
    notes: list[str] = []
    values, used = _expression(adata)
    mixtures = _mixtures(values, used, notes)
    calls = {name: _call(mixture, values[name]) for name, mixture in mixtures.items()}
    recorded = {name: adata.obs[name].astype(object) for name in GENES if _is_recorded(adata, name)}
    clear = {name: call for name, call in calls.items() if mixtures[name].bimodality_index_ >= BIMODAL}
    for name in [name for name in calls if name not in clear and name not in recorded]:
        index = mixtures[name].bimodality_index_
        warn(
            f"{name.upper()} is not recorded and not called from expression, which does not show two "
            f"populations (bimodality index {index:.2f}, below {BIMODAL}).",
            notes,
        )
    status, source, defined_by = _settle(recorded, clear, adata.obs_names)
    for name, labels in status.items():
        adata.obs[f"{name}_status"] = pd.Categorical(labels, categories=_STATUS)
    adata.uns.setdefault("precisionmed", {})["receptors"] = {
        "params": {f"genes_{name}": ", ".join(genes) for name, genes in used.items()},
        "methods": _methods(source, used["her2"], defined_by["tnbc"]),
        "notes": np.array(notes, dtype=object),
        "source": source,
        "label_genes": {name: _label_genes(adata, by) for name, by in defined_by.items()},
        "mixtures": _mixture_table(mixtures, used),
        "counts": _count_table(status, source),
        "agreement": _agreement_table(recorded, calls),
        "values": values,
        "model": encode(mixtures),
    }
    return adata


def _is_recorded(adata: AnnData, name: str) -> bool:
    return name in adata.obs and bool(adata.obs[name].notna().any())


def _expression(adata: AnnData) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return one value for each sample and receptor, and the genes it comes from.

    Several genes are standardized over the cohort and averaged.
    """
    used = {name: [gene for gene in genes if gene in adata.var_names] for name, genes in GENES.items()}
    used["her2"] = used["her2"] if "ERBB2" in used["her2"] else []
    values = {}
    for name, genes in used.items():
        if not genes:
            continue
        x = np.asarray(adata[:, genes].X, dtype=float)
        if len(genes) > 1:
            spread = x.std(axis=0)
            x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        values[name] = x.mean(axis=1)
    return pd.DataFrame(values, index=adata.obs_names), used


def _mixtures(
    values: pd.DataFrame, used: dict[str, list[str]], notes: list[str]
) -> dict[str, TwoComponentMixture]:
    mixtures = {}
    for name, genes in GENES.items():
        if not used[name]:
            warn(f"{genes[0]} is not among the genes, so {name.upper()} is not seen in expression.", notes)
        elif values[name].nunique() < _FEWEST:
            warn(
                f"{genes[0]} has fewer than {_FEWEST} distinct values: no mixture for {name.upper()}.", notes
            )
        else:
            mixtures[name] = TwoComponentMixture().fit(values[name])
    return mixtures


def _call(mixture: TwoComponentMixture, values: pd.Series) -> pd.Series:
    high = pd.Series(mixture.predict(values), index=values.index)
    return high.map({1.0: "positive", 0.0: "negative"}).astype(object)


def _settle(
    recorded: dict[str, pd.Series], clear: dict[str, pd.Series], samples: pd.Index
) -> tuple[dict[str, pd.Series], dict[str, str], dict[str, list[str]]]:
    """Return status, source and the receptors whose expression defines it, for ER, PR, HER2 and TNBC."""
    unknown = pd.Series(np.nan, index=samples, dtype=object)
    status, source, defined_by = {}, {}, {}
    for name in GENES:
        found = (
            (recorded, RECORDED) if name in recorded else (clear, DERIVED) if name in clear else ({}, UNKNOWN)
        )
        status[name], source[name] = found[0].get(name, unknown), found[1]
        defined_by[name] = [name] if source[name] == DERIVED else []
    status["tnbc"], source["tnbc"], defined_by["tnbc"] = unknown, UNKNOWN, []
    if len(recorded) == len(GENES):
        status["tnbc"], source["tnbc"] = triple_negative(pd.DataFrame(recorded)), RECORDED
    elif {"er", "her2"} <= set(clear):
        status["tnbc"], source["tnbc"] = triple_negative(pd.DataFrame(clear)), DERIVED
        defined_by["tnbc"] = list(clear)
    return status, source, defined_by


def triple_negative(status: pd.DataFrame) -> pd.Series:
    """Return `positive` where every receptor is negative, `negative` where any is positive.

    Where none is positive but one is equivocal, the answer is `equivocal`; where one is missing, missing.
    """
    positive = (status == "positive").any(axis=1)
    negative = (status == "negative").all(axis=1)
    equivocal = status.notna().all(axis=1) & ~positive & ~negative
    answer = np.select([positive, negative, equivocal], ["negative", "positive", "equivocal"], default="")
    return pd.Series(answer, index=status.index, dtype=object).replace("", np.nan)


def _label_genes(adata: AnnData, defined_by: list[str]) -> np.ndarray:
    """Return the measured genes that define a label from expression; a classifier must not see them."""
    genes = [gene for name in defined_by for gene in (AMPLICON if name == "her2" else GENES[name])]
    measured = adata.var_names if adata.raw is None else adata.raw.var_names
    return np.array([gene for gene in genes if gene in measured], dtype=object)


def _mixture_table(mixtures: dict[str, TwoComponentMixture], used: dict[str, list[str]]) -> pd.DataFrame:
    rows = [
        (
            *(name, ", ".join(used[name]), *fit.means_, *fit.sds_),
            *(fit.weights_[1], fit.threshold_, fit.bimodality_index_),
        )
        for name, fit in mixtures.items()
    ]
    columns = ["receptor", "genes", "mean_low", "mean_high", "sd_low", "sd_high", "weight_high", "threshold"]
    return _table(rows, [*columns, "bimodality_index"])


def _count_table(status: dict[str, pd.Series], source: dict[str, str]) -> pd.DataFrame:
    rows = [
        (name, source[name], *((labels == level).sum() for level in _STATUS), labels.isna().sum())
        for name, labels in status.items()
    ]
    return _table(rows, ["receptor", "source", *_STATUS, "missing"])


def _agreement_table(recorded: dict[str, pd.Series], calls: dict[str, pd.Series]) -> pd.DataFrame:
    pairs = {name: (recorded[name], calls[name]) for name in GENES if name in recorded and name in calls}
    if len(pairs) == len(GENES):
        truth, call = (triple_negative(pd.DataFrame(labels)) for labels in (recorded, calls))
        pairs["tnbc"] = truth, call
    rows = []
    for name, (truth, call) in pairs.items():
        both = truth.isin(_STATUS[:2]) & call.isin(_STATUS[:2])
        t, c = truth[both].to_numpy(), call[both].to_numpy()
        rates = [(c[t == level] == level).mean() if (t == level).any() else np.nan for level in _STATUS[:2]]
        rows.append((name, len(t), *metrics.accuracy_interval(t, c), metrics.cohen_kappa(t, c), *rates))
    columns = ["receptor", "n", "agreement", "lower", "upper", "kappa", "sensitivity", "specificity"]
    return _table(rows, columns)


def _table(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns, index=[str(i) for i in range(len(rows))])


def _methods(source: dict[str, str], her2_genes: list[str], tnbc_by: list[str]) -> str:
    def listed(names: list[str]) -> str:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def named(kind: str) -> str:
        return listed([name.upper() for name in GENES if source[name] == kind])

    sentences = []
    if named(RECORDED):
        sentences.append(f"{named(RECORDED)} status was taken as recorded; equivocal results were left out.")
    if named(DERIVED):
        sentences.append(
            f"{named(DERIVED)} status was not recorded; it was called from two-component normal mixtures of "
            "expression (Lehmann et al., J Clin Invest 2011;121:2750), at equal posterior probability."
        )
    if source["tnbc"] == RECORDED:
        sentences.append("Triple-negative tumours are those recorded as negative for ER, PR and HER2.")
    if source["tnbc"] == DERIVED:
        genes = listed([name.upper() for name in tnbc_by])
        sentences.append(
            f"Triple-negative tumours are those low in the expression mixtures of {genes}; this label is "
            "derived from expression in all samples."
        )
    if len(her2_genes) > 1:
        sentences.append(f"HER2 expression is the mean of standardized {listed(her2_genes)}.")
    return " ".join(sentences)
