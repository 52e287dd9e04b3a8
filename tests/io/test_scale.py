import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.scale import check_scale, describe_scale, detect_scale, resolve_scale

RNG = np.random.default_rng(2)
COUNTS = RNG.poisson(RNG.gamma(0.5, 400, (300, 1)), (300, 20)).astype(float)
TPM = (COUNTS + 0.1) / (COUNTS + 0.1).sum(axis=0) * 1e6
EXAMPLES = {
    "counts": COUNTS,
    "rsem": COUNTS * 30.0 + 0.25,
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
        ("counts", [[1, 2000.5]], r"2000.5 is no whole number.*give raw counts"),
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


GENES = RNG.lognormal(5, 2, (400, 1))
DEPTHS = 2 ** RNG.normal(0, 1, 24)
READS = RNG.poisson(RNG.gamma(4, GENES / 4, (400, 24)) * DEPTHS).astype(float)
SHARES = np.where(RNG.random(READS.shape) < 0.4, RNG.random(READS.shape).round(3), 0) * (READS > 0)
ESTIMATED = READS + SHARES
"""Most genes have whole numbers, as reads of one transcript do (salmon, RSEM expected_count)."""
FRACTIONAL = READS * RNG.uniform(0.9, 1.1, READS.shape)
"""None is whole (lengthScaledTPM of tximport)."""
UPPER = ESTIMATED / np.nanquantile(np.where(ESTIMATED > 0, ESTIMATED, np.nan), 0.75, axis=0) * 1000
LEVEL = RNG.gamma(4, GENES / 4, (400, 24))


def matrix(values):
    return pd.DataFrame(
        values,
        index=[f"G{i}" for i in range(len(values))],
        columns=[f"S{i}" for i in range(np.shape(values)[1])],
    )


@pytest.mark.parametrize(
    ("values", "scale", "evidence"),
    [
        (ESTIMATED, "counts", "small ones whole numbers"),
        (FRACTIONAL, "counts", "library sizes differ .* as read counts do"),
        (UPPER, "rsem", "third quartile of every sample is 1,000"),
        (LEVEL + 0.5, "rsem", "so they are scaled to each other"),
        (ESTIMATED / ESTIMATED.sum(axis=0) * 1e6, "tpm", "add up to a million"),
        (ESTIMATED / ESTIMATED.sum(axis=0) * 1e4, "linear", "add up to 10,000"),
        (np.log2(FRACTIONAL + 1), "log2", "none negative"),
        (np.log1p(ESTIMATED / ESTIMATED.sum(axis=0) * 1e4), "ln", "add up to 10,000"),
        (np.log10(ESTIMATED / ESTIMATED.sum(axis=0) * 1e6 + 1), "log10", "add up to 1,000,000"),
        (np.log1p(READS), "ln", "are whole numbers"),
        (np.log2((READS + 0.5) / READS.sum(axis=0) * 1e6), "log2", "values from"),
    ],
)
def test_what_real_pipelines_write(values, scale, evidence):
    found, why = detect_scale(matrix(values))
    assert found == scale
    assert pd.Series([why]).str.contains(evidence).all()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (READS[:, :2] + 0.25, "too few genes or samples to compare library sizes"),
        (LEVEL * 2 ** np.tile([-0.33, 0.33], 12), "estimated counts, or values scaled to each other"),
        (np.log10(FRACTIONAL + 1), "too low for log2"),
        (RNG.random((50, 9)), "too low for log2"),
        (RNG.lognormal(0, 1.2, (300, 12)).clip(max=45) + np.eye(300, 12) * 40, "low linear values"),
        (RNG.normal(0, 500, (60, 9)), "neither logarithms nor linear values"),
        (READS - 1, "neither logarithms nor linear values"),
        (RNG.integers(30, 60000, (5000, 3)), "microarray intensities .linear. or counts"),
    ],
)
def test_two_defensible_answers_are_refused_with_the_key_to_set(values, why):
    assert detect_scale(matrix(values))[0] is None
    assert "State it" in describe_scale(matrix(values))
    with pytest.raises(InputError, match=rf"^x.tsv: .*{why}.*cohort.scale \(counts, .*log10\)") as caught:
        resolve_scale(matrix(values), "auto", "x.tsv", [])
    assert "\n" not in str(caught.value)


def test_the_name_of_the_file_decides_only_where_the_numbers_do_not():
    two = matrix(READS[:, :2] + 0.25)
    assert detect_scale(two, "salmon.merged.gene_counts.tsv")[0] == "counts"
    assert detect_scale(two, "data_mrna_seq_v2_rsem.txt")[0] == "rsem"
    assert detect_scale(matrix(FRACTIONAL), "data_rsem.tsv")[0] == "counts"
    assert detect_scale(matrix(UPPER), "counts.tsv")[0] == "rsem"


def test_a_few_values_below_zero_of_a_linear_matrix_become_zero_and_are_told():
    values = matrix(np.where(RNG.random(UPPER.shape) < 0.02, -RNG.random(UPPER.shape), UPPER))
    assert detect_scale(values)[0] == "rsem"
    for stated in ("auto", "rsem", "linear"):
        notes: list[str] = []
        with pytest.warns(PrecisionMedWarning, match=r"values of \d+ genes are below 0 .lowest -0.99"):
            found = resolve_scale(values, stated, "x.tsv", notes)
        np.testing.assert_array_equal(found.frame, values.clip(lower=0))
        assert len(notes) == 1
    one = matrix(np.where(np.eye(400, 24) > 0, UPPER, 0.3 + UPPER))
    one.iloc[3, 4] = -0.01
    assert detect_scale(one)[0] != "log2"
    with pytest.raises(InputError, match=r"gene 'G3', sample 'S4': -0\.01 is negative, which counts"):
        resolve_scale(one, "counts", "x.tsv", [])
    many = matrix(np.where(RNG.random(UPPER.shape) < 0.4, -UPPER, UPPER))
    with pytest.raises(InputError, match="is negative, which rsem cannot be"):
        resolve_scale(many, "rsem", "x.tsv", [])


@pytest.mark.parametrize(("scale", "base"), [("ln", np.e), ("log10", 10)])
def test_other_logarithms_become_log2(scale, base):
    notes: list[str] = []
    found = resolve_scale(matrix(np.log1p(FRACTIONAL) / np.log(base)), scale, "x.tsv", notes)
    assert found.scale == "log2"
    np.testing.assert_allclose(found.frame, np.log2(FRACTIONAL + 1), atol=1e-12)
    assert f"the values are {scale} and were brought to log2" in notes[0]


def test_doubtful_logarithms_are_noted():
    notes: list[str] = []
    assert resolve_scale(matrix(np.log2(READS + 1).round(4)), "auto", "x.tsv", notes).scale == "log2"
    assert "differences in library size are still in them" in notes[0]
    notes.clear()
    resolve_scale(matrix(np.log1p(RNG.lognormal(5, 1, (40, 6)))), "auto", "x.tsv", notes)
    assert "state it as cohort.scale (ln, log10)" in notes[0]


@pytest.mark.parametrize(
    ("stated", "values", "message"),
    [
        ("counts", ESTIMATED / ESTIMATED.sum(axis=0) * 1e6, "add up to a million, which counts do not"),
        ("counts", UPPER, "third quartile of every sample is 1,000, which counts do not.*scale: rsem"),
        ("rsem", ESTIMATED, "library sizes differ as those of counts do.*scale: counts"),
        ("tpm", UPPER * 50, "sample 'S\\d+' adds up to .* more than a million"),
        ("log2", np.where(np.eye(400, 24) > 0, -0.5, UPPER * 200), "are no logarithms.*scale: rsem"),
        ("log10", np.log2(FRACTIONAL + 1) + 3, "are no logarithms"),
        ("log2", np.log1p(ESTIMATED / ESTIMATED.sum(axis=0) * 1e4), "the numbers are ln"),
        ("zscore", np.log2(FRACTIONAL + 1), "no value is below 0"),
        ("log_ratio", np.log2(FRACTIONAL + 1), "no value is below 0"),
        ("log2", np.minimum(READS, 40), "whole numbers.*which logarithms are not"),
    ],
)
def test_a_stated_scale_that_cannot_be_is_refused(stated, values, message):
    with pytest.raises(InputError, match=rf"^x.tsv: `scale: {stated}` is stated but .*{message}"):
        resolve_scale(matrix(values), stated, "x.tsv", [])


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        ("counts", FRACTIONAL),
        ("counts", LEVEL + 0.5),
        ("counts", FRACTIONAL[:, :1]),
        ("rsem", FRACTIONAL[:, :1]),
        ("fpkm", FRACTIONAL),
        ("linear", LEVEL * 2 ** np.tile([-0.33, 0.33], 12)),
        ("log2", np.log2(FRACTIONAL + 1)),
        ("log2", RNG.normal(30, 2, (60, 9))),
        ("log_ratio", RNG.normal(0, 1, (60, 9))),
        ("tpm", FRACTIONAL / FRACTIONAL.sum(axis=0) * 3e5),
    ],
)
def test_a_plausible_stated_scale_is_taken(stated, values):
    assert resolve_scale(matrix(values), stated, "x.tsv", []).scale == stated


def test_fractions_of_counts_are_told():
    notes: list[str] = []
    resolve_scale(matrix(ESTIMATED), "auto", "gene_counts.tsv", notes)
    assert "of the counts have fractions: they are estimates" in notes[0]
    resolve_scale(matrix(READS), "auto", "gene_counts.tsv", notes)
    assert len(notes) == 1


ALL = {
    "counts": READS,
    "estimated": ESTIMATED,
    "fractional": FRACTIONAL,
    "rsem": UPPER,
    "level": LEVEL + 0.5,
    "tpm": ESTIMATED / ESTIMATED.sum(axis=0) * 1e6,
    "log2": np.log2(FRACTIONAL + 1),
    "ratio": RNG.normal(0, 0.5, (400, 24)),
    "zscore": RNG.standard_normal((400, 24)),
}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.integers(0, 2**32 - 1))
def test_the_scale_does_not_depend_on_order(kind, seed):
    rng = np.random.default_rng(seed)
    values = matrix(ALL[kind])
    turned = values.iloc[rng.permutation(len(values)), rng.permutation(values.shape[1])]
    assert detect_scale(turned)[0] == detect_scale(values)[0]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["counts", "estimated", "fractional", "log2"]), st.integers(0, 2**32 - 1))
def test_a_part_of_the_matrix_has_the_scale_of_the_whole_or_none(kind, seed):
    rng = np.random.default_rng(seed)
    values = matrix(ALL[kind])
    part = values.iloc[rng.permutation(400)[:100], rng.permutation(24)[:12]]
    assert detect_scale(part)[0] in (detect_scale(values)[0], None)


def test_empty_samples_do_not_hide_the_scale():
    for kind in ("estimated", "rsem", "tpm", "fractional"):
        values = matrix(ALL[kind])
        spoilt = values.assign(empty=0.0, missing=np.nan)
        assert detect_scale(spoilt)[0] == detect_scale(values)[0]


@pytest.mark.parametrize(("low", "high"), [(0, 2), (-2, 3), (0, 5), (1, 4)])
def test_calls_of_mutations_and_copies_are_no_expression(low, high):
    calls = pd.DataFrame(np.random.default_rng(0).integers(low, high, (40, 10)).astype(float))
    found, why = detect_scale(calls)
    assert found is None
    assert "calls (mutations, copies)" in why


def test_counts_that_a_float_cannot_tell_apart_are_refused():
    large = pd.DataFrame([[2.0**53, 5.0], [7.0, 8.0]], index=["ESR1", "PGR"], columns=["a", "b"])
    with pytest.raises(InputError, match=r"gene 'ESR1', sample 'a': .* is too large for counts"):
        check_scale(large, "counts", "x.tsv")
