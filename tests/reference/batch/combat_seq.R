# Golden counts for ComBat-seq. Run in this folder: Rscript combat_seq.R
suppressPackageStartupMessages(library(sva))
set.seed(23)
genes <- 200
batch <- rep(c("a", "b", "c"), c(10, 8, 6))
samples <- length(batch)
er <- rep(c("negative", "positive"), samples / 2)
age <- round(rnorm(samples, 55, 10))
base <- exp(runif(genes, log(0.3), log(3000)))
base[1:3] <- c(2e4, 5e4, 1e5) # a few genes take most of the reads
library <- exp(rnorm(samples, 0, 0.6))
which_batch <- match(batch, unique(batch))
effect <- matrix(rnorm(genes * 3, 0, 0.5), genes)
phi <- matrix(rgamma(genes * 3, 4, 16), genes)
mean <- outer(base, library) * exp(effect[, which_batch] + outer(rnorm(genes, 0, 0.6), er == "positive"))
counts <- matrix(rnbinom(genes * samples, mu = mean, size = 1 / phi[, which_batch]), genes)
counts[5, batch == "b"] <- 0 # not in every batch: not adjusted
counts[6, ] <- 0
counts[7, batch == "c" & er == "positive"] <- 0
dimnames(counts) <- list(sprintf("g%03d", 1:genes), sprintf("s%02d", 1:samples))
save <- function(x, file) write.csv(format(x, trim = TRUE, scientific = FALSE), file, quote = FALSE)
save(counts, "counts.csv")
small <- replace(replace(batch, 23:24, "d"), 1, "b")
write.csv(data.frame(batch, small, er, age, row.names = colnames(counts)), "counts_samples.csv", quote = FALSE)

run <- function(..., labels = batch) {
  invisible(capture.output(out <- ComBat_seq(counts, labels, ...)))
  out
}
age_only <- data.frame(age)
save(run(), "seq_plain.csv")
save(run(group = er), "seq_group.csv")
save(run(group = er, covar_mod = age_only), "seq_covariates.csv")
save(run(group = er, full_mod = FALSE, covar_mod = age_only), "seq_age.csv")
save(run(group = er, covar_mod = age_only, labels = small), "seq_small.csv")
save(run(shrink = TRUE), "seq_shrink.csv")
save(run(group = er, shrink = TRUE, shrink.disp = TRUE), "seq_shrink_dispersion.csv")
