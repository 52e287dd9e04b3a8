# Golden numbers for the normalizers. Run in this folder: Rscript normalize.R
suppressPackageStartupMessages({library(edgeR); library(limma); library(DESeq2)})
set.seed(20)
genes <- 200; samples <- 12
base <- c(rexp(150, 1 / 60), rep(c(0, 1, 5, 10, 40), 10))
depth <- c(0.2, 0.4, 0.7, 1, 1, 1, 1.3, 1.5, 2, 3, 5, 9)
counts <- sapply(depth, function(d) rnbinom(genes, mu = base * d * exp(rnorm(genes, 0, 0.4)), size = 4))
counts[1:8, 11] <- counts[1:8, 11] * 60L # a library skewed by few genes
dimnames(counts) <- list(sprintf("g%03d", 1:genes), sprintf("s%02d", 1:samples))
save <- function(x, file) write.csv(format(x, digits = 17, trim = TRUE, scientific = TRUE), file, quote = FALSE)
write.csv(counts, "counts.csv", quote = FALSE)

size <- colSums(counts)
factors <- data.frame(
  tmm = calcNormFactors(counts),
  tmm_unweighted = calcNormFactors(counts, doWeighting = FALSE),
  tmm_trimmed = calcNormFactors(counts, logratioTrim = 0.2, sumTrim = 0.1, Acutoff = -14),
  upper_quartile = calcNormFactors(counts, method = "upperquartile"),
  median_of_ratios = estimateSizeFactorsForMatrix(counts)
)
save(as.matrix(factors), "factors.csv")
save(cpm(counts, log = TRUE, prior.count = 2), "log_cpm.csv")
save(cpm(counts, lib.size = size * factors$tmm, log = TRUE, prior.count = 2), "log_cpm_tmm.csv")
save(cpm(counts, lib.size = size * factors$upper_quartile, log = TRUE, prior.count = 2), "log_cpm_upper_quartile.csv")
save(log2(t(t(counts) / factors$median_of_ratios) + 1), "log_median_of_ratios.csv")

values <- log2(counts + 1) # with ties
save(normalizeQuantiles(values), "quantile.csv")
gaps <- values
gaps[cbind(c(3, 50, 51, 199, 7), c(1, 1, 1, 4, 12))] <- NA
save(normalizeQuantiles(gaps), "quantile_gaps.csv")

save(as.matrix(data.frame(
  tmmwsp = calcNormFactors(counts, method = "TMMwsp"),
  tmmwsp_unweighted = calcNormFactors(counts, method = "TMMwsp", doWeighting = FALSE, logratioTrim = 0.2)
)), "tmmwsp.csv")
sparse <- matrix(rnbinom(300 * 10, mu = rep(rexp(300, 1 / 1.5), 10) * rep(1:10, each = 300) / 4, size = 1), 300)
dimnames(sparse) <- list(sprintf("g%03d", 1:300), sprintf("s%02d", 1:10))
write.csv(sparse, "sparse.csv", quote = FALSE)
save(as.matrix(data.frame(tmmwsp = calcNormFactors(sparse, method = "TMMwsp"))), "tmmwsp_sparse.csv")
save(cpm(sparse), "cpm_sparse.csv")

lengths <- setNames(round(exp(runif(genes, 6, 9))), rownames(counts))
save(as.matrix(data.frame(length = lengths)), "lengths.csv")
save(rpkm(counts, lengths), "rpkm.csv")

# Variance stabilizing transformation: blind, with groups, with a number, sub-sampled, one mean dispersion.
clinic <- DataFrame(group = factor(rep(c("a", "b"), 6)), age = seq(-1, 1, length.out = 12), row.names = colnames(counts))
fitted <- function(counts, clinic, design) {
  object <- estimateSizeFactors(DESeqDataSetFromMatrix(counts, clinic, design))
  estimateDispersionsFit(estimateDispersionsGeneEst(object, quiet = TRUE), quiet = TRUE)
}
designs <- list(blind = ~1, group = ~group, age = ~ group + age)
objects <- lapply(designs, function(design) fitted(counts, clinic, design))
save(sapply(objects, function(x) mcols(x)$dispGeneEst), "dispersions.csv")
save(sapply(objects, function(x) unname(attr(dispersionFunction(x), "coefficients"))), "trends.csv")
for (name in names(objects)) save(getVarianceStabilizedData(objects[[name]]), sprintf("vst_%s.csv", name))
save(varianceStabilizingTransformation(counts, fitType = "mean"), "vst_mean.csv")

level <- exp(rnorm(500, 4, 2)) # a simulated cohort with the dispersion 0.15 + 2 / mean
simulated <- sapply(exp(rnorm(10, 0, 0.5)), function(d) rnbinom(500, mu = level * d, size = 1 / (0.15 + 2 / level)))
dimnames(simulated) <- list(sprintf("g%03d", 1:500), sprintf("s%02d", 1:10))
write.csv(simulated, "simulated.csv", quote = FALSE)
save(varianceStabilizingTransformation(simulated), "vst_simulated.csv")
save(vst(simulated, nsub = 200), "vst_subsampled.csv")

# A trend that a0 + a1 / mean does not fit: the dispersion rises with the mean, so DESeq2 takes its local regression.
set.seed(21)
level <- exp(seq(log(3), log(8000), length.out = 300))
rising <- sapply(exp(rnorm(12, 0, 0.4)), function(d) rnbinom(300, mu = level * d, size = 1 / (0.02 + level / 1000)))
dimnames(rising) <- list(sprintf("g%03d", 1:300), sprintf("s%02d", 1:12))
write.csv(rising, "rising.csv", quote = FALSE)
object <- fitted(rising, DataFrame(row.names = colnames(rising)), ~1)
stopifnot(attr(dispersionFunction(object), "fitType") == "local")
grid <- exp(seq(-3, 12, length.out = 61)) # beyond the genes on both sides
save(cbind(mean = grid, dispersion = dispersionFunction(object)(grid)), "local_trend.csv")
save(getVarianceStabilizedData(object), "vst_local.csv")
save(varianceStabilizingTransformation(simulated, fitType = "local"), "vst_simulated_local.csv")
save(vst(rising, nsub = 200), "vst_local_subsampled.csv")
