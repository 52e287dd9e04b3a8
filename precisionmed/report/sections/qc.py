"""Quality control."""

from __future__ import annotations

from typing import Any

from precisionmed import pl
from precisionmed.report._format import count, words
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    qc = run.step("qc")
    if not qc:
        page.quiet("Quality control was not run.")
        return
    page.text(_what_was_found(run, qc))
    page.table(("qc", "summary"), qc.get("summary"), "Quality control in numbers.")
    _samples(run, page)
    _components(run, qc, page)
    n = run.adata.n_obs
    page.figure(
        "rle",
        lambda: pl.qc.rle(run.adata),
        f"Relative log expression of the values as read (n = {n}): the distance of each gene from its "
        "median over samples. Comparable samples have medians near zero and boxes of equal height.",
        f"Bands of relative log expression for {n} samples before normalization.",
    )
    _distributions(run, page)
    if _sex_known(qc):
        page.figure(
            "sex_check",
            lambda: pl.qc.sex_check(run.adata),
            f"Expression of XIST and of Y-chromosome genes by recorded sex (n = {len(qc['sex_check'])}). "
            "Ringed samples disagree with their record and may be swapped.",
            "Scatter of XIST against Y-chromosome expression.",
        )
    page.table(("qc", "outliers"), qc.get("outliers"), "Samples called outliers, with the reason.")
    page.table(
        ("qc", "duplicates"),
        qc.get("duplicates"),
        "Pairs of samples so alike that they may be one tumour twice.",
    )
    _identity(run, qc, page)
    page.add_notes(qc)


def _samples(run: Run, page: Page) -> None:
    """Show the samples one by one: how deeply sequenced, how like the others."""
    n = run.adata.n_obs
    if "library_size" in run.adata.obs:
        page.figure(
            "library_size",
            lambda: pl.qc.library_size(run.adata),
            f"Library size of each sample, ascending (n = {n}). A sample far below the others was "
            "sequenced poorly.",
            f"Total counts of {n} samples in ascending order.",
        )
    page.figure(
        "correlation",
        lambda: pl.qc.correlation(run.adata),
        f"Median Spearman correlation of each sample with all others (n = {n}). Outliers lie apart at the "
        "left.",
        f"Median correlation of {n} samples in ascending order.",
    )


def _what_was_found(run: Run, qc: dict[str, Any]) -> str:
    found = [f"{count(len(qc.get('outliers', ())), 'sample')} of {run.adata.n_obs:,} called outlier"]
    found.append(f"{count(len(qc.get('duplicates', ())), 'possible duplicate pair')}")
    verdicts = list(qc["identity"]["verdict"]) if "identity" in qc else []
    if "unexpected" in verdicts:
        pairs = count(verdicts.count("unexpected"), "pair")
        found.append(f"{pairs} of samples of different patients alike as one tumour")
    if "contradicts" in verdicts:
        found.append(
            f"{count(verdicts.count('contradicts'), 'pair')} of samples of one patient unlike one person"
        )
    if _sex_known(qc):
        wrong = int((qc["sex_check"]["agrees"].astype("string").str.lower() == "false").sum())
        found.append(f"{count(wrong, 'sample')} whose expression disagrees with the recorded sex")
    return "; ".join(found) + "."


def _sex_known(qc: dict[str, Any]) -> bool:
    table = qc.get("sex_check")
    return table is not None and bool(table["recorded"].notna().any())


def _distributions(run: Run, page: Page) -> None:
    n = run.adata.n_obs
    page.figure(
        "density",
        lambda: pl.qc.density(run.adata),
        f"Distribution of expression in each sample before normalization (n = {n}): log2(CPM + 1) of counts "
        "and RSEM, log2(x + 1) of TPM and FPKM, log values as read. A line apart from the bundle is a "
        "sample to distrust.",
        f"Overlaid distributions of expression of {n} samples before normalization.",
    )
    page.figure(
        "mean_variance",
        lambda: pl.qc.mean_variance(run.adata),
        "Spread of each gene against its mean before normalization, with the trend (counts as in voom). Of "
        "counts, the spread falls with the mean; where it drops at the left end, genes are too weakly "
        "expressed to tell anything and the filter should remove them.",
        "Cloud of genes, root of the standard deviation against mean expression, with a trend line.",
    )


def _identity(run: Run, qc: dict[str, Any], page: Page) -> None:
    pairs = qc.get("identity")
    if pairs is None or not len(pairs):
        return
    page.figure(
        "identity",
        lambda: pl.qc.identity(run.adata),
        f"Pairs of samples of one patient, and pairs of different patients that are alike as one tumour "
        f"(n = {len(pairs)}). The genotype is read from genes that germline variants switch on or off, and "
        "from sex; without such genes the odds are drawn at 0. One person's samples belong above the line.",
        f"Scatter of {len(pairs)} pairs of samples, log odds of one person against correlation.",
    )
    page.table(
        ("qc", "identity"),
        pairs,
        "Pairs of samples of one patient, or alike as one tumour: hints, to be checked with the laboratory.",
    )
    page.table(
        ("qc", "genotypes"), qc.get("genotypes"), "Genes of germline presence that show two groups here."
    )


def _components(run: Run, qc: dict[str, Any], page: Page) -> None:
    n = run.adata.n_obs
    by = next((c for c in ("batch", "intrinsic", "er") if c in run.adata.obs), None)
    coloured = f", coloured by {words(by)}" if by else ""
    page.figure(
        "pca",
        lambda: pl.qc.pca(run.adata, color=by),
        f"First two principal components before normalization (n = {n}){coloured}. Outliers are ringed. "
        "Groups that follow a technical variable call for batch correction.",
        f"Scatter of {n} samples on two principal components{coloured}.",
    )
    if len(qc.get("pca_association", ())):
        page.figure(
            "pca_association",
            lambda: pl.qc.pca_association(run.adata),
            "Share of each principal component's variance that a variable explains (R²). Strong "
            "technical variables on the first components matter most.",
            "Heat map of R squared between variables and principal components.",
        )
