"""The literature behind the methods; a report lists the entries that its methods text names.

A text names an entry with the first author's surname and, a few words later, the year.
"""

from __future__ import annotations

import re

_ENTRIES = """
Anders S, Huber W. Differential expression analysis for sequence count data. Genome Biol 2010;11:R106.
doi:10.1186/gb-2010-11-10-r106

Ashburner M, Ball CA, Blake JA, et al. Gene Ontology: tool for the unification of biology. Nat Genet
2000;25:25-29. doi:10.1038/75556

Barber RF, Candes EJ. Controlling the false discovery rate via knockoffs. Ann Stat 2015;43:2055-2085.
doi:10.1214/15-AOS1337

Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful approach to multiple
testing. J R Stat Soc B 1995;57:289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

Bolstad BM, Irizarry RA, Astrand M, Speed TP. A comparison of normalization methods for high density
oligonucleotide array data based on variance and bias. Bioinformatics 2003;19:185-193.
doi:10.1093/bioinformatics/19.2.185

Breiman L, Friedman JH, Olshen RA, Stone CJ. Classification and regression trees. Wadsworth 1984: chapter 3.

Breslow N. Covariance analysis of censored survival data. Biometrics 1974;30:89-99. doi:10.2307/2529620

Brunet JP, Tamayo P, Golub TR, Mesirov JP. Metagenes and molecular pattern discovery using matrix
factorization. Proc Natl Acad Sci USA 2004;101:4164-4169. doi:10.1073/pnas.0308531101

Bullard JH, Purdom E, Hansen KD, Dudoit S. Evaluation of statistical methods for normalization and
differential expression in mRNA-Seq experiments. BMC Bioinformatics 2010;11:94. doi:10.1186/1471-2105-11-94

Candes E, Fan Y, Janson L, Lv J. Panning for gold: model-X knockoffs for high dimensional controlled variable
selection. J R Stat Soc B 2018;80:551-577. doi:10.1111/rssb.12265

Chen Y, Lun ATL, Smyth GK. From reads to genes to pathways: differential expression analysis of RNA-Seq
experiments using Rsubread and the edgeR quasi-likelihood pipeline. F1000Research 2016;5:1438.
doi:10.12688/f1000research.8987.2

Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46.
doi:10.1177/001316446002000104

Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
doi:10.1111/j.2517-6161.1972.tb00899.x

DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach. Biometrics 1988;44:837-845. doi:10.2307/2531595

Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565.
doi:10.1080/01621459.1977.10480613

Friedman J, Hastie T, Tibshirani R. Regularization paths for generalized linear models via coordinate
descent. J Stat Softw 2010;33:1-22. doi:10.18637/jss.v033.i01

Gandolfo LC, Speed TP. RLE plots: visualizing unwanted variation in high dimensional data. PLoS One
2018;13:e0191629. doi:10.1371/journal.pone.0191629

Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika
1994;81:515-526. doi:10.1093/biomet/81.3.515

Gu Z, Schlesner M, Hubschmann D. cola: an R/Bioconductor package for consensus partitioning through a general
framework. Nucleic Acids Res 2021;49:e15. doi:10.1093/nar/gkaa1146

Harrell FE, Califf RM, Pryor DB, Lee KL, Rosati RA. Evaluating the yield of medical tests. JAMA
1982;247:2543-2546. doi:10.1001/jama.1982.03320430047030

Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387.
doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4

Hedou J, Maric I, Bellan G, et al. Discovery of sparse, reliable omic biomarkers with Stabl. Nat Biotechnol
2024;42:1581-1593. doi:10.1038/s41587-023-02033-x

Hubert L, Arabie P. Comparing partitions. J Classif 1985;2:193-218. doi:10.1007/BF01908075

John CR, Watson D, Russ D, et al. M3C: Monte Carlo reference-based consensus clustering. Sci Rep
2020;10:1816. doi:10.1038/s41598-020-58766-1

Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression data using empirical Bayes
methods. Biostatistics 2007;8:118-127. doi:10.1093/biostatistics/kxj037

Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457-481.
doi:10.1080/01621459.1958.10501452

Kapp AV, Tibshirani R. Are clusters found in one dataset present in another dataset? Biostatistics
2007;8:9-31. doi:10.1093/biostatistics/kxj029

Langsrud O. Rotation tests. Stat Comput 2005;15:53-60. doi:10.1007/s11222-005-4789-5

Lehmann BD, Bauer JA, Chen X, et al. Identification of human triple-negative breast cancer subtypes and
preclinical models for selection of targeted therapies. J Clin Invest 2011;121:2750-2767.
doi:10.1172/JCI45014

Love MI, Huber W, Anders S. Moderated estimation of fold change and dispersion for RNA-seq data with DESeq2.
Genome Biol 2014;15:550. doi:10.1186/s13059-014-0550-8

McInnes L, Healy J, Melville J. UMAP: uniform manifold approximation and projection for dimension reduction.
arXiv 2018:1802.03426.

Meinshausen N, Buhlmann P. Stability selection. J R Stat Soc B 2010;72:417-473.
doi:10.1111/j.1467-9868.2010.00740.x

Monti S, Tamayo P, Mesirov J, Golub T. Consensus clustering: a resampling-based method for class discovery
and visualization of gene expression microarray data. Mach Learn 2003;52:91-118. doi:10.1023/A:1023949509487

Nadeau C, Bengio Y. Inference for the generalization error. Mach Learn 2003;52:239-281.
doi:10.1023/A:1024068626366

Parker JS, Mullins M, Cheang MC, et al. Supervised risk predictor of breast cancer based on intrinsic
subtypes. J Clin Oncol 2009;27:1160-1167. doi:10.1200/JCO.2008.18.1370

Platt J. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
methods. Advances in Large Margin Classifiers 1999:61-74.

Robinson MD, Oshlack A. A scaling normalization method for differential expression analysis of RNA-seq data.
Genome Biol 2010;11:R25. doi:10.1186/gb-2010-11-3-r25

Rousseeuw PJ. Silhouettes: a graphical aid to the interpretation and validation of cluster analysis. J
Comput Appl Math 1987;20:53-65. doi:10.1016/0377-0427(87)90125-7

Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. Control Clin Trials
1996;17:343-346. doi:10.1016/0197-2456(96)00075-X

Senbabaoglu Y, Michailidis G, Li JZ. Critical limitations of consensus clustering in class discovery. Sci
Rep 2014;4:6207. doi:10.1038/srep06207

Shah RD, Samworth RJ. Variable selection with error control: another look at stability selection. J R Stat Soc
B 2013;75:55-80. doi:10.1111/j.1467-9868.2011.01034.x

Simon N, Friedman J, Hastie T, Tibshirani R. Regularization paths for Cox's proportional hazards model via
coordinate descent. J Stat Softw 2011;39:1-13. doi:10.18637/jss.v039.i05

Smyth GK. Linear models and empirical Bayes methods for assessing differential expression in microarray
experiments. Stat Appl Genet Mol Biol 2004;3:3. doi:10.2202/1544-6115.1027

Sorlie T, Perou CM, Tibshirani R, et al. Gene expression patterns of breast carcinomas distinguish tumor
subclasses with clinical implications. PNAS 2001;98:10869-10874. doi:10.1073/pnas.191367098

Tibshirani R. Regression shrinkage and selection via the lasso. J R Stat Soc B 1996;58:267-288.
doi:10.1111/j.2517-6161.1996.tb02080.x

Tibshirani R. The lasso method for variable selection in the Cox model. Stat Med 1997;16:385-395.
doi:10.1002/(SICI)1097-0258(19970228)16:4<385::AID-SIM380>3.0.CO;2-3

Tibshirani RJ, Efron B. Pre-validation and inference in microarrays. Stat Appl Genet Mol Biol 2002;1:1.
doi:10.2202/1544-6115.1000

Traag VA, Waltman L, van Eck NJ. From Louvain to Leiden: guaranteeing well-connected communities. Sci Rep
2019;9:5233. doi:10.1038/s41598-019-41695-z

Venet D, Dumont JE, Detours V. Most random gene expression signatures are significantly associated with breast
cancer outcome. PLoS Comput Biol 2011;7:e1002240. doi:10.1371/journal.pcbi.1002240

Wang J, Wen S, Symmans WF, Pusztai L, Coombes KR. The bimodality index: a criterion for discovering and
ranking bimodal signatures from cancer gene expression profiling data. Cancer Inform 2009;7:199-216.
doi:10.4137/CIN.S2846

Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc
1927;22:209-212. doi:10.1080/01621459.1927.10502953

Wu D, Smyth GK. Camera: a competitive gene set test accounting for inter-gene correlation. Nucleic Acids Res
2012;40:e133. doi:10.1093/nar/gks461

Zou GY, Donner A. Construction of confidence limits about effect measures: a general approach. Stat Med
2008;27:1693-1702. doi:10.1002/sim.3095
"""
_DISTANCE = 60  # characters between surname and year: room for co-authors and a journal
_ASCII = str.maketrans("øöéèŞşğ", "ooeeSsg")


def references() -> dict[tuple[str, str], str]:
    """Return all entries by first author and year."""
    found = {}
    for paragraph in _ENTRIES.strip().split("\n\n"):
        entry = " ".join(paragraph.split())
        key = re.match(r"([\w-]+) .*?\b((?:19|20)\d\d)[;:]", entry)
        if key is None:
            raise RuntimeError(f"reference without author or year: {entry}")
        found[key[1], key[2]] = entry
    return found


def cited(text: str) -> list[str]:
    """Return the references that a text names, by first author and year.

    Parameters
    ----------
    text
        Methods text.
    """
    plain = text.translate(_ASCII)
    return [
        entry
        for (author, year), entry in sorted(references().items())
        if re.search(rf"\b{author}\b[^()]{{0,{_DISTANCE}}}[( ]{year}\b", plain, flags=re.IGNORECASE)
    ]
