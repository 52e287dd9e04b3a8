"""The locked model: the same bytes, refused when changed, one sample as among many, new batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed import pp, tl
from precisionmed.datasets import simulate
from precisionmed.errors import InputError
from precisionmed.io._evidence import sentence
from precisionmed.io.model import LockedModel, lock

FAST = {"n_folds": 3, "n_repeats": 1}


@pytest.fixture(scope="module")
def population():
    return simulate(n_samples=120, n_genes=300, seed=4)


@pytest.fixture(scope="module")
def path(tmp_path_factory, population):
    adata = population[:90].copy()
    pp.normalize(adata)
    pp.batch(adata, method="combat")
    tl.receptors(adata)
    tl.classify(adata, tasks=("her2",), **FAST)
    tl.survival(adata, **FAST)
    path = tmp_path_factory.mktemp("model") / "model.pmz"
    lock(adata, path)
    return path


@pytest.fixture(scope="module")
def samples(population):
    adata = population[90:]
    return pd.DataFrame(adata.layers["counts"], index=adata.obs_names, columns=adata.var_names)


def test_saving_again_gives_the_same_bytes(path, tmp_path):
    again = LockedModel.load(path).save(tmp_path / "again.pmz")
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("place", [0, 10, 0.3, 0.7, -70, -1])
def test_a_changed_byte_anywhere_is_refused(path, tmp_path, place):
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 1
    (tmp_path / "changed.pmz").write_bytes(content)
    with pytest.raises(InputError, match="not an intact model file"):
        LockedModel.load(tmp_path / "changed.pmz")


def test_a_file_that_is_no_model_or_is_not_there(tmp_path):
    (tmp_path / "no.pmz").write_text("no")
    with pytest.raises(InputError, match="not an intact model file"):
        LockedModel.load(tmp_path / "no.pmz")
    with pytest.raises(InputError, match="no such model file"):
        LockedModel.load(tmp_path / "none.pmz")


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_one_sample_is_its_row_among_many(path, samples):
    model = LockedModel.load(path)
    many = model.predict(samples)
    for row in (0, 7):
        pd.testing.assert_frame_equal(model.predict(samples.iloc[[row]]), many.iloc[[row]], check_exact=True)


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_missing_signature_genes_and_strange_samples_are_not_called(path, samples):
    model = LockedModel.load(path)
    used = model.genes[model.parts["preprocessor"].kept_][model.parts["tasks"]["her2"]["model"].coef_ != 0]
    calls = model.predict(samples.drop(columns=used[:3]))
    assert (calls["her2"] == "cannot call").all()
    assert calls["her2_reason"].str.contains(str(used[0])).all()
    rng = np.random.default_rng(1)
    strange = samples.apply(lambda row: rng.permutation(row.to_numpy()), axis=1, result_type="broadcast")
    assert (model.predict(strange)["her2_reason"] == "unlike the samples the model was learned from").all()


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_no_gene_or_another_scale_is_refused(path, samples):
    model = LockedModel.load(path)
    with pytest.raises(InputError, match="none of the model's 300 genes is there"):
        model.predict(samples.add_prefix("x_"))
    other = simulate(n_samples=30, n_genes=300)
    other.uns["precisionmed"]["ingest"]["params"]["scale"] = "log2"
    with pytest.raises(InputError, match="scale 'log2'"):
        model.predict(other)
    with pytest.raises(InputError, match="at least 20 samples"):
        model.predict(samples.iloc[:5], centre=True)


def test_a_new_batch_is_learned_once_and_then_sample_by_sample(path, samples, tmp_path):
    """Counts of a quarter of the genes are tripled, as a new protocol might do."""
    shifted = samples.copy()
    shifted.iloc[:, ::4] *= 3
    model = LockedModel.load(path)
    adapted = LockedModel.load(model.adapt(shifted, "centre C").save(tmp_path / "c.pmz"))
    with pytest.warns(UserWarning):
        unknown = model.predict(shifted)["deviation"].mean()
    known = adapted.predict(shifted, batch="centre C")
    assert known["deviation"].mean() < unknown - 0.1
    one = adapted.predict(shifted.iloc[[3]], batch="centre C")
    pd.testing.assert_frame_equal(one, known.iloc[[3]], check_exact=True)
    spoiled = pd.concat([shifted, shifted.iloc[[0]].mul(0).set_axis(["zero"])])
    with pytest.warns(UserWarning, match=r"1 sample\(s\) were left out: zero \(all values are zero\)"):
        again = model.adapt(spoiled, "centre C")
    pd.testing.assert_frame_equal(again.predict(shifted, batch="centre C"), known, check_exact=True)
    with pytest.raises(InputError, match="centre C"):
        adapted.adapt(shifted, "centre C")
    with pytest.raises(InputError, match="10"):
        model.adapt(shifted.iloc[:4], "centre D")


OLD = Path(__file__).parents[1] / "reference" / "locked_model"


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_file_of_schema_1_opens_and_says_what_it_said_then():
    """`schema1.pmz` and `calls.csv` were written before inputs were locked; no gene is missing there."""
    model = LockedModel.load(OLD / "schema1.pmz")
    assert model.manifest["schema_version"] == 1
    samples = pd.read_csv(OLD / "samples.csv", index_col="sample")
    then = pd.read_csv(OLD / "calls.csv", index_col="sample", keep_default_na=False).rename_axis(None)
    now = model.predict(samples)
    np.testing.assert_allclose(
        now.select_dtypes("number"), then[now.select_dtypes("number").columns].astype(float), rtol=1e-9
    )
    text = [column for column in now.select_dtypes("object") if not column.endswith("_evidence")]
    pd.testing.assert_frame_equal(now[text].astype(str), then[text].astype(str), check_dtype=False)


def test_what_the_files_were_is_locked(path):
    inputs = LockedModel.load(path).parts["inputs"]
    assert set(inputs["rows"].columns) == {"row", "gene", "chosen", "file"}
    assert inputs["whole_numbers"]


def test_what_a_model_calls_is_one_sentence(path):
    tasks = LockedModel.load(path).parts["tasks"]
    her2 = tasks["her2"] | {"evidence": {"metric": "auc", "estimate": 0.9, "lower": 0.8, "upper": 1.0}}
    chance = tasks["her2"] | {"evidence": {"metric": "auc", "estimate": 0.6, "lower": 0.504, "upper": 0.7}}
    unknown = tasks["her2"] | {"evidence": {"metric": "auc", **dict.fromkeys(("estimate", "lower"), np.nan)}}
    assert sentence({}).startswith("it calls nothing: no step had learned anything to call")
    assert sentence({"her2": her2}) == "it calls her2."
    said = sentence({"her2": her2, "a": chance, "b": unknown})
    assert said.startswith("it calls her2; not called: a (not better than chance in training (AUC 0.60")
    assert "b (how good it is could not be measured in training)" in said
