"""Write the tables of docs/how-to/your-own-cohort.md: a simulated cohort, as messy as real ones.

python docs/how-to/messy_tables.py example
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.datasets import simulate
from precisionmed.io.genes import gene_table

OLD_NAMES = {"NUF2": "CDCA1", "NDC80": "KNTC2", "ORC6": "ORC6L"}


def main(folder: Path) -> None:
    """Write the cohort, an external one, thirty patients and one new patient."""
    folder.mkdir(parents=True, exist_ok=True)
    everyone = simulate(320, 1500, seed=11)
    everyone.var_names = real_names(everyone.var_names)
    home, away = everyone[:200].copy(), everyone[200:].copy()
    counts = pd.DataFrame(home.X.astype(int), home.obs_names, home.var_names).rename(columns=OLD_NAMES)
    clinical = messy(home.obs)
    # Two patients gave a second sample, one library was sequenced without a clinical row.
    second = counts.iloc[:2].set_axis([f"{name}_b" for name in counts.index[:2]])
    orphan = counts.iloc[[5]].set_axis(["lost_label"])
    pd.concat([counts, second, orphan]).to_csv(folder / "counts.csv", index_label="sample")
    rows = clinical.iloc[:2].assign(sample_id=list(second.index))
    pd.concat([clinical, rows]).to_excel(folder / "clinical.xlsx", index=False)

    # Another laboratory: fewer genes, Ensembl identifiers with versions, genes in rows.
    found = pd.DataFrame(away.X.astype(int), away.obs_names, away.var_names).iloc[:, ::-1]
    ensembl = {names[0]: key for key, names in gene_table().ensembl.items() if len(names) == 1}
    found = found.loc[:, [gene for gene in found if gene in ensembl]].iloc[:, 100:]
    genes = [f"{ensembl[gene]}.{4 + i % 9}" for i, gene in enumerate(found)]
    found.T.set_axis(genes).to_csv(folder / "elsewhere.tsv.gz", sep="\t", index_label="gene_id")
    messy(away.obs).to_csv(folder / "elsewhere_clinical.csv", index=False)

    counts.iloc[:30].T.to_csv(folder / "thirty_patients.tsv", sep="\t", index_label="gene")
    new = counts.iloc[[7]].set_axis(["new_patient"])
    new.T.to_csv(folder / "new_patient.tsv", sep="\t", index_label="gene")


def real_names(names: pd.Index) -> list[str]:
    """Return the names with symbols of other genes in place of the simulator's G00001, G00002, ..."""
    others = iter(sorted(set(gene_table().length) - set(names)))
    return [next(others) if name[0] == "G" and name[1:].isdigit() else name for name in names]


def messy(obs: pd.DataFrame) -> pd.DataFrame:
    """Return clinical columns under names and codes as hospitals have them."""
    rng = np.random.default_rng(3)
    er = obs["er"].astype(str).map({"positive": "Pos", "negative": "Neg"}).to_numpy(dtype=object)
    er[rng.choice(len(er), 6, replace=False)] = "Indeterminate"
    her2 = obs["her2"].astype(str).map({"positive": "3+", "negative": "0/1+"}).to_numpy(dtype=object)
    her2[rng.choice(len(her2), 12, replace=False)] = "2+"
    response = obs["response"].astype(str).map({"responder": "pCR", "non_responder": "RD"})
    return pd.DataFrame(
        {
            "sample_id": obs.index.astype(str),
            "Patient No": [f"P-{name}" for name in obs.index],
            "Sex": obs["sex"].astype(str).str[0].str.upper(),
            "Age at Dx": obs["age"].round().astype(int),
            "Hospital": obs["batch"].astype(str),
            "ER (IHC)": er,
            "HER2 score": her2,
            "Chemo": obs["treatment"].astype(str).map({"treated": "yes", "control": "no"}),
            "pathological response": response,
            "OS days": (obs["os_time"] * 365.25 / 12).round(),
            "Vital status": obs["os_event"].map({1.0: "Dead", 0.0: "Alive"}),
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
