"""A row depends on its sample alone: bit for bit, in every format, whoever else is in the file."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precisionmed import pp, read_cohort, tl
from precisionmed.errors import InputError
from precisionmed.io._gene_rows import GeneRows
from precisionmed.io._new_samples import Reading, measured_genes
from precisionmed.io.genes import gene_table
from precisionmed.io.model import LockedModel, lock

pytestmark = pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
N = 60
KINDS = ("counts", "rsem", "log2", "probes")
CORE = ["ESR1", "PGR", "ERBB2", "GRB7", "GATA3", "FOXA1", "KRT5", "KRT17", "MKI67", "EGFR"]


def _symbols() -> list[str]:
    table = gene_table()
    ensembl = {names[0] for names in table.ensembl.values() if len(names) == 1}
    rest = [name for name in sorted(table.length) if name not in CORE and name.isalnum() and name in ensembl]
    return CORE + rest[:: len(rest) // 110][:110]


def _counts(n: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes x samples with ER and HER2 planted, and the clinical table."""
    rng, genes = np.random.default_rng(seed), _symbols()
    er, her2 = rng.permutation(np.arange(n) % 2), rng.permutation(np.arange(n) % 3 == 0).astype(int)
    log = np.random.default_rng(0).normal(7, 1.5, len(genes))[:, None] + rng.normal(0, 0.4, (len(genes), n))
    log[:2] += 4 * er
    log[4:6] += 2 * er
    log[2:4] += 4 * her2
    names = [f"S{i:03d}" for i in range(n)]
    status = {name: np.where(value, "positive", "negative") for name, value in (("er", er), ("her2", her2))}
    clinical = pd.DataFrame({"sample": names, **status})
    return pd.DataFrame(rng.poisson(2.0**log), genes, names), clinical


def _as_kind(counts: pd.DataFrame, kind: str) -> pd.DataFrame:
    if kind == "counts":
        return counts
    if kind == "rsem":
        return counts + 0.25
    logs = np.log2(counts + 1).round(4)
    return logs.set_axis([f"{200_000 + i}_at" for i in range(len(logs))]) if kind == "probes" else logs


@pytest.fixture(scope="module", params=KINDS)
def learned(request, tmp_path_factory) -> tuple[str, LockedModel, Path]:
    """A model of one kind of values, learned from files; and its folder."""
    kind, folder = request.param, tmp_path_factory.mktemp("learn")
    counts, clinical = _counts(N, seed=1)
    _as_kind(counts, kind).to_csv(folder / "train.tsv", sep="\t", index_label="id")
    clinical.to_csv(folder / "clinical.csv", index=False)
    given = {"scale": {"probes": "log2"}.get(kind, kind)}
    if kind == "probes":
        probes = pd.DataFrame({"probe": _as_kind(counts, kind).index, "symbol": counts.index})
        probes.to_csv(folder / "annotation.csv", index=False)
        given["probe_annotation"] = folder / "annotation.csv"
    roles = {"receptors": {"er": {"column": "er"}, "her2": {"column": "her2"}}}
    files = {"expression": folder / "train.tsv", "clinical": folder / "clinical.csv"}
    adata = pp.normalize(read_cohort(**files, roles=roles, **given))
    tl.receptors(adata)
    tl.classify(adata, tasks=("her2",), n_folds=3, n_repeats=1)
    lock(adata, folder / "model.pmz")
    return kind, LockedModel.load(folder / "model.pmz"), folder


@pytest.fixture(scope="module")
def new(learned) -> pd.DataFrame:
    """Genes x samples that were not in training, as their file has them."""
    return _as_kind(_counts(12, seed=2)[0], learned[0])


def _write(table: pd.DataFrame, path: Path) -> Path:
    """Write genes x samples in the format of the ending; `.t.tsv` transposed."""
    if path.name.endswith(".t.tsv"):
        table.T.to_csv(path, sep="\t", index_label="sample")
    elif path.suffix == ".xlsx":
        table.to_excel(path, index_label="gene")
    elif path.suffix == ".h5ad":
        ad.AnnData(table.T.astype(float)).write_h5ad(path)
    else:
        table.to_csv(path, sep={".csv": ","}.get(path.suffix, "\t"), index_label="gene")
    return path


def _neighbours(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Samples of any kind: random, zero, missing, on another scale, negative, constant."""
    kinds = [
        lambda x: rng.permutation(x),
        lambda x: np.zeros_like(x),
        lambda x: np.full_like(x, np.nan),
        lambda x: np.log2(np.abs(x) + 1),
        lambda x: 2.0 ** np.minimum(x, 40),
        lambda x: x - x.mean(),
        lambda x: np.full_like(x, 7.0),
        lambda x: np.where(rng.random(x.size) < 0.6, np.nan, x),
        lambda x: rng.uniform(0, 1e6, x.size),
    ]
    first = table.iloc[:, 0].to_numpy(dtype=float)
    made = {f"N{i}": kinds[i % len(kinds)](first) for i in range(n)}
    return pd.DataFrame(made, index=table.index)


def _same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("ending", ["tsv", "csv", "xlsx", "h5ad", "t.tsv"])
def test_a_row_alone_and_among_500_others_in_any_format(learned, new, tmp_path, ending):
    _, model, _ = learned
    rng = np.random.default_rng(3)
    crowd = pd.concat([new, _neighbours(new, 500 if ending in ("tsv", "h5ad") else 40, rng)], axis=1)
    crowd = crowd.iloc[rng.permutation(len(crowd)), rng.permutation(crowd.shape[1])]
    many = model.predict(_write(crowd, tmp_path / f"crowd.{ending}"))
    assert list(many.index) == list(crowd.columns)
    for name in (*new.columns[:3], "N1", "N3", "N7"):
        alone = model.predict(_write(crowd[[name]].sort_index(), tmp_path / f"one.{ending}"))
        _same(alone, many.loc[[name]])
    called = many.loc[new.columns, "her2"]
    assert (called != "cannot call").mean() > 0.7


def _rows_of(genes: list[str], rows: list[tuple[str, str, bool]], rule: str) -> GeneRows:
    frame = pd.DataFrame(rows, columns=["row", "gene", "chosen"]).assign(file=0)
    return GeneRows(pd.Index(genes), frame, rule)


def _value(rows: GeneRows, table: dict[str, list[float]], annotation: dict[str, str] | None = None):
    """The first gene in each of the samples of a table of rows."""
    known = GeneRows(rows.genes, rows.rows, rows.rule, annotation or {})
    labels = pd.Index([name.removesuffix("'") for name in table])
    return known.collapse(np.array(list(table.values()), dtype=float), labels)[0][:, 0].tolist()


@pytest.mark.parametrize("rule", ["highest_mean", "highest_variance"])
def test_the_row_chosen_in_training_stands_whatever_its_height_here(rule):
    rows = _rows_of(["ESR1"], [("1_at", "ESR1", False), ("2_at", "ESR1", True)], rule)
    assert _value(rows, {"1_at": [900, 900], "2_at": [5, 6]}) == [5, 6]
    assert _value(rows, {"2_at": [5, 6], "1_at": [900, 900]}) == [5, 6]
    np.testing.assert_equal(_value(rows, {"1_at": [900, 900]}), [np.nan, np.nan])
    assert _value(rows, {"ENSG00000091831.5": [7, 8]}) == [7, 8]
    other = {"11_at": "ESR1", "12_at": "ESR1"}
    np.testing.assert_equal(_value(rows, {"11_at": [1, 3], "12_at": [2, 3]}, other), [np.nan, 3])
    # Rows of one name cannot be told apart, and their order must not tell them apart either.
    np.testing.assert_equal(_value(rows, {"2_at": [1, 3], "2_at'": [2, 3]}), [np.nan, 3])


@pytest.mark.parametrize(("rule", "both"), [("sum", [5, 7]), ("mean", [2.5, 3.5])])
def test_rules_that_combine_rows_hold_for_every_sample(rule, both):
    rows = _rows_of(["ESR1"], [("A", "ESR1", True), ("B", "ESR1", True)], rule)
    assert _value(rows, {"A": [2, 3], "B": [3, 4]}) == both
    assert _value(rows, {"B": [3, 4], "A": [2, 3]}) == both
    assert _value(rows, {"ESR1": [2, 3], "ESR1'": [3, 4]}) == both
    np.testing.assert_equal(_value(rows, {"A": [2, 3]}), [np.nan, np.nan])  # a part is not the whole
    assert _value(rows, {"ESR1": [2, 3]}) == [2, 3]
    assert _value(rows, {"A": [2, np.nan], "B": [3, 4]})[1] == 4


def test_a_cohort_that_took_other_rows_than_training_lacks_the_gene():
    chosen = _rows_of(["ESR1"], [("1_at", "ESR1", False), ("2_at", "ESR1", True)], "highest_mean")
    summed = _rows_of(["ESR1"], [("A", "ESR1", True), ("B", "ESR1", True)], "sum")

    def cohort(*rows: tuple[str, bool]) -> pd.DataFrame:
        return pd.DataFrame([(row, "ESR1", taken) for row, taken in rows], columns=["row", "gene", "chosen"])

    assert chosen.differing(cohort(("1_at", True), ("2_at", False)), "highest_mean") == {"ESR1"}
    assert chosen.differing(cohort(("1_at", False), ("2_at", True)), "highest_mean") == set()
    assert chosen.differing(cohort(("1_at", True), ("2_at", True)), "mean") == {"ESR1"}
    assert chosen.differing(cohort(("ESR1", True)), "mean") == set()
    assert summed.differing(cohort(("A", True), ("B", True)), "sum") == set()
    assert summed.differing(cohort(("A", True), ("B", False)), "highest_mean") == {"ESR1"}
    assert summed.differing(cohort(("A", True)), "sum") == {"ESR1"}


def test_nullable_numbers_are_numbers():
    genes = pd.Index(["ESR1", "PGR"])
    frame = pd.DataFrame({"ESR1": [5, None], "PGR": [7, 8]}, dtype="Int64")
    found = measured_genes(frame, genes, None, "counts", Reading())
    np.testing.assert_equal(found.expression.to_numpy(), [[5, 7], [np.nan, 8]])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.randoms())
def test_the_order_of_rows_changes_no_bit_of_a_sum(values, random):
    rows = _rows_of(["ESR1"], [("ESR1", "ESR1", True)], "sum")
    shuffled = random.sample(values, len(values))
    one = rows.collapse(np.array(values)[:, None], pd.Index(["ESR1"] * len(values)))[0]
    other = rows.collapse(np.array([shuffled, shuffled]).T, pd.Index(["ESR1"] * len(values)))[0]
    assert one[0, 0] == other[0, 0] == other[1, 0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_subset_in_any_order_gives_the_same_rows(learned, new, data):
    _, model, _ = learned
    crowd = pd.concat([new, _neighbours(new, 9, np.random.default_rng(4))], axis=1)
    every = model.predict(crowd.T.astype(float))
    names = data.draw(st.lists(st.sampled_from(list(crowd.columns)), min_size=1, unique=True))
    genes = data.draw(st.permutations(list(crowd.index)))
    _same(model.predict(crowd.loc[genes, names].T.astype(float)), every.loc[names])


def test_samples_that_cannot_be_used_keep_their_row_with_the_reason(learned, new):
    kind, model, _ = learned
    odd = pd.DataFrame({"zero": 0.0, "empty": np.nan}, index=new.index)
    odd["good"] = new.iloc[:, 0].to_numpy(dtype=float)
    odd["other"] = np.log2(odd["good"] + 1.5) if kind in ("counts", "rsem") else 2.0 ** odd["good"]
    calls = model.predict(odd.T)
    assert list(calls.index) == list(odd.columns)
    assert calls.loc["zero", "her2_reason"] == "all values are zero"
    assert calls.loc["empty", "her2_reason"] == "no gene of the model is measured"
    assert calls.loc["other", "her2_reason"].startswith("scale looks like")
    bad = calls.loc[["zero", "empty", "other"]]
    assert (bad["her2"] == "cannot call").all()
    assert bad[["her2_probability", "deviation"]].isna().all(axis=None)
    assert calls.loc["good", "her2"] in ("positive", "negative")


def test_a_model_of_symbols_takes_ensembl_and_entrez_identifiers(learned, new):
    kind, model, folder = learned
    if kind == "probes":
        new = new.set_axis(pd.read_csv(folder / "annotation.csv")["symbol"])
    table = gene_table()
    expected = model.predict(new.T)
    ensembl = {names[0]: key for key, names in table.ensembl.items() if len(names) == 1}
    entrez = {symbol: number for number, symbol in table.entrez.items()}
    for names in (ensembl, entrez):
        _same(model.predict(new.rename(index=names).T), expected)
    assert (expected["genes_missing"] == 0).all()


def test_other_probes_need_their_annotation(learned, new, tmp_path):
    kind, model, _ = learned
    if kind != "probes":
        pytest.skip("probes only")
    annotation = pd.read_csv(learned[2] / "annotation.csv")
    other = new.set_axis([f"A_23_P{100 + i}" for i in range(len(new))])
    path = _write(other, tmp_path / "other.tsv")
    with pytest.raises(InputError, match="probe annotation"):
        model.predict(path)
    annotation.assign(probe=other.index).to_csv(tmp_path / "other.csv", index=False)
    _same(model.predict(path, probe_annotation=tmp_path / "other.csv"), model.predict(new.T))


def test_one_patient_as_a_series_and_what_is_no_table(learned, new):
    _, model, _ = learned
    samples = new.T.astype(float)
    _same(model.predict(samples.iloc[0]), model.predict(samples).iloc[[0]])
    assert model.predict(samples.iloc[0].rename(None)).index.tolist() == ["sample"]
    for wrong in ([1.0, 2.0], samples.to_numpy()):
        with pytest.raises(InputError, match="give a data frame"):
            model.predict(wrong)
    with pytest.raises(InputError, match="empty"):
        model.predict(samples.iloc[:0])
    with pytest.raises(InputError, match="only numbered"):
        model.predict(samples.set_axis(range(samples.shape[1]), axis=1) + 0.0)
    with pytest.raises(InputError, match="genes occur more than once"):
        model.predict(samples.iloc[:, [0, *range(samples.shape[1])]])
    with pytest.raises(InputError, match="sample names occur more than once"):
        model.predict(pd.concat([samples, samples]))
    text = samples.astype(object)
    text.iloc[2, 5] = "high"
    with pytest.raises(InputError, match=r"sample 'S002', gene '.*': 'high' is no number"):
        model.predict(text)
    text.iloc[2, 5] = str(samples.iloc[2, 5])
    _same(model.predict(text), model.predict(samples))
    with pytest.raises(InputError, match="infinite"):
        model.predict(samples.replace(samples.iloc[0, 0], np.inf))


def test_genes_in_rows_are_noticed(learned, new):
    _, model, _ = learned
    with pytest.warns(UserWarning, match="the genes are in the rows"):
        turned = model.predict(new.astype(float))
    _same(turned, model.predict(new.T.astype(float)))


def test_an_anndata_of_somebody_else(learned, new):
    kind, model, _ = learned
    foreign = ad.AnnData(new.T.astype(float))
    _same(model.predict(foreign), model.predict(new.T.astype(float)))
    scale = model.manifest["scale"]
    _same(model.predict(foreign, scale=scale), model.predict(new.T.astype(float)))
    with pytest.raises(InputError, match="the samples are on the scale"):
        model.predict(foreign, scale="log2" if kind in ("counts", "rsem") else "counts")


def test_odd_names_of_samples_survive(learned, new, tmp_path):
    _, model, _ = learned
    names = ["a b", "Ä/ö", "x:1", "-1", "007", "=1+1", "P|3"]
    table = new.iloc[:, : len(names)].set_axis(names, axis=1)
    calls = model.predict(_write(table, tmp_path / "odd.tsv"))
    assert calls.index.tolist() == names


def test_the_model_says_how_good_its_tasks_are(learned, new):
    _, model, _ = learned
    told = model.describe().loc["her2"]
    assert told["metric"] == "auc"
    assert 0.5 < told["lower"] <= told["estimate"] <= told["upper"] <= 1
    assert told["called"]
    evidence = model.predict(new.T)["her2_evidence"]
    assert evidence.str.startswith(f"AUC {told['estimate']:.2f} (").all()


def test_a_task_no_better_than_chance_is_not_called(learned, new):
    _, model, _ = learned
    task = model.parts["tasks"]["her2"]
    weak = {**task, "evidence": {"metric": "auc", "estimate": 0.55, "lower": 0.44, "upper": 0.66}}
    model = LockedModel(model.manifest, model.genes, {**model.parts, "tasks": {"her2": weak}})
    calls = model.predict(new.T)
    assert (calls["her2"] == "cannot call").all()
    assert calls["her2_probability"].isna().all()
    assert (calls["her2_reason"] == "not better than chance in training (AUC 0.55 (0.44 to 0.66))").all()
    assert not model.describe().loc["her2", "called"]


def test_a_small_panel_answers_where_its_genes_are_and_normalization_permits(learned, new):
    """Log values need no other genes; counts are scaled by their library, which a panel does not show."""
    kind, model, _ = learned
    task = model.parts["tasks"]["her2"]["model"]
    kept = model.genes[model.parts["preprocessor"].kept_]
    used = list(kept[np.flatnonzero(task.coef_)])
    symbols = pd.Index(_symbols())
    panel = new[symbols.isin([*used, *symbols[10:40]])]
    calls = model.predict(panel.T)
    if kind == "counts":
        assert (calls["her2"] == "cannot call").all()
        assert calls["her2_reason"].str.contains(r"only \d+ of the model's \d+ genes").all()
    else:
        np.testing.assert_array_equal(calls["her2_probability"], model.predict(new.T)["her2_probability"])


def _read(values: dict[str, float], scale: str, as_read: str | None = None, stated: str | None = None):
    """One sample on a model of its genes: values under the model's genes, and the reason against them."""
    genes = pd.Index(list(values))
    rows = pd.DataFrame({"row": genes, "gene": genes, "chosen": True, "file": 0})
    inputs = {
        "rows": rows,
        "duplicate_genes": "sum",
        "whole_numbers": True,
        "scale_as_read": as_read or scale,
    }
    found = measured_genes(pd.DataFrame(values, index=["s"]), genes, inputs, scale, Reading(scale=stated))
    return found.expression.loc["s"].tolist(), found.reasons[0]


def test_logarithms_are_brought_to_log2_as_in_training():
    natural = {"ESR1": np.log(8.0), "PGR": np.log(32.0)}
    assert _read(natural, "log2", as_read="ln")[0] == pytest.approx([3, 5])
    assert _read(natural, "log2", stated="ln")[0] == pytest.approx([3, 5])
    assert _read(natural, "log2", as_read="ln", stated="log2")[0] == list(natural.values())
    with pytest.raises(InputError, match="scale 'ln'"):
        _read(natural, "counts", stated="ln")


def test_estimated_counts_are_taken_where_they_are_stated():
    values = {"ESR1": 100.5, "PGR": 3.25}
    assert _read(values, "counts")[1].startswith("scale looks like estimates")
    for stated in ("counts", "rsem"):
        assert _read(values, "counts", stated=stated) == ([100.5, 3.25], "")
    assert _read({"ESR1": 100.0, "PGR": 3.0}, "rsem", stated="counts")[1] == ""


def test_what_a_correction_leaves_below_zero_counts_as_zero():
    assert _read({"ESR1": 900.5, "PGR": 40.5, "ERBB2": 30.0, "MKI67": -0.5}, "rsem") == (
        [900.5, 40.5, 30.0, 0.0],
        "",
    )
    assert _read({"ESR1": 900.5, "PGR": -700.0}, "rsem")[1].startswith("scale looks like logarithms")
    assert _read({"ESR1": 900.0, "PGR": -1.0}, "counts")[1].startswith("scale looks like")


def test_files_of_counting_programs_are_taken_by_the_scale_of_the_model(learned, new, tmp_path):
    kind, model, _ = learned
    if kind not in ("counts", "rsem"):
        pytest.skip("counted")
    values = new["S000"].astype(float)
    expected = model.predict(values.to_frame().T).reset_index(drop=True)
    counted = pd.DataFrame({"gene_id": values.index, "transcript_id(s)": "t", "length": 900.0})
    counted["effective_length"], counted["expected_count"] = 800.0, values.to_numpy()
    counted["TPM"], counted["FPKM"] = values.to_numpy() / 7, values.to_numpy() / 9
    path = tmp_path / "S000.genes.results"
    counted.to_csv(path, sep="\t", index=False)
    found = model.predict(path)
    assert found.index.tolist() == ["S000"]
    _same(found.reset_index(drop=True), expected)
    assert not model.predict(path, column="TPM")["her2_probability"].equals(found["her2_probability"])
    values.to_csv(tmp_path / "S000.htseq.txt", sep="\t", header=False)
    found = model.predict(tmp_path / "S000.htseq.txt")
    assert found.index.tolist() == ["S000"]
    _same(found.reset_index(drop=True), expected)
