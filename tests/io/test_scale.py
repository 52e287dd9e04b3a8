import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.io.scale import check_scale, detect_scale

RNG = np.random.default_rng(2)
COUNTS = RNG.poisson(RNG.gamma(0.5, 400, (300, 1)), (300, 20)).astype(float)
TPM = (COUNTS + 0.1) / (COUNTS + 0.1).sum(axis=0) * 1e6
EXAMPLES = {
    "counts": COUNTS,
    "rsem": COUNTS * RNG.uniform(0.5, 2, 20) * 30 + 0.25,
    "tpm": TPM,
    "log2": np.log2(TPM + 1),
    "log_ratio": RNG.normal(0, RNG.gamma(2, 0.3, (300, 1)), (300, 20)),
    "zscore": RNG.standard_normal((300, 20)),
}


def frame(values):
    return pd.DataFrame(
        values, index=[f"G{i}" for i in range(len(values))], columns=[f"S{i}" for i in range(20)]
    )


@pytest.mark.parametrize("scale", EXAMPLES)
def test_scales_are_recognized_with_evidence_and_accepted_when_stated(scale):
    found, evidence = detect_scale(frame(EXAMPLES[scale]))
    assert found == scale
    assert evidence
    assert evidence in check_scale(frame(EXAMPLES[scale]), scale, "x.tsv")


def test_fpkm_of_a_whole_transcriptome():
    values = RNG.gamma(0.3, 50, (6000, 4)) + 0.01
    assert detect_scale(pd.DataFrame(values))[0] == "fpkm"


def test_small_and_odd_matrices_have_a_scale():
    assert detect_scale(pd.DataFrame([[np.nan]]))[0] == "log2"
    assert detect_scale(pd.DataFrame([[0.0, 0.0]]))[0] == "counts"
    assert detect_scale(pd.DataFrame([[7.25, -0.5], [9.0, 8.0]]))[0] == "log2"  # few values below zero


@pytest.mark.parametrize(
    ("stated", "values", "message"),
    [
        ("counts", [[1, -2.0]], r"gene 'G0', sample 'S1': -2 is negative"),
        ("counts", [[1, 2.5]], r"gene 'G0', sample 'S1': 2.5 is no whole number.*scale: log2"),
        ("counts", [[1, 2000.5]], r"scale: rsem"),
        ("counts", [[np.nan, 2.0]], r"sample 'S0': the value is missing.*write 0"),
        ("tpm", [[1.5, -0.5]], "is negative, which tpm cannot be"),
        ("tpm", [[1.5, 9.5]], "`scale: tpm` is stated but the numbers look like logarithms"),
        ("log2", [[1.0, 2000.0]], "`scale: log2` is stated but the numbers are no logarithms.*scale: counts"),
        ("zscore", [[1.5, 2000.25]], "no logarithms"),
    ],
)
def test_contradictions_are_told_with_the_cell_and_the_fix(stated, values, message):
    table = pd.DataFrame(values, index=["G0"], columns=["S0", "S1"])
    with pytest.raises(InputError, match=message) as caught:
        check_scale(table, stated, "counts.tsv")
    assert str(caught.value).startswith("counts.tsv: ")
    assert "\n" not in str(caught.value)
