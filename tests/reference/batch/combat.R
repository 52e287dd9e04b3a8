# Golden numbers for ComBat. Run in this folder: Rscript combat.R
suppressPackageStartupMessages(library(sva))
set.seed(21)
genes <- 100; samples <- 24
batch <- rep(c("a", "b", "c"), c(10, 8, 6))
er <- rep(c("negative", "positive"), 12)
age <- round(rnorm(samples, 55, 10))
values <- matrix(rnorm(genes * samples, 8), genes)
values <- values + outer(rnorm(genes), er == "positive") + outer(rnorm(genes, 0, 0.02), age)
for (b in unique(batch)) {
  i <- batch == b
  values[, i] <- values[, i] * rgamma(genes, 20, 20) + rnorm(genes, match(b, unique(batch)) - 2, 0.6)
}
values[4, batch == "b"] <- 3 # constant within one batch: not adjusted
dimnames(values) <- list(sprintf("g%03d", 1:genes), sprintf("s%02d", 1:samples))
save <- function(x, file) write.csv(format(x, digits = 17, trim = TRUE, scientific = TRUE), file, quote = FALSE)
save(values, "values.csv")
write.csv(data.frame(batch, er, age, row.names = colnames(values)), "samples.csv", quote = FALSE)

single <- replace(batch, 1, "d")
mod <- model.matrix(~ er + age)
run <- function(...) suppressMessages(ComBat(values, ...))
save(run(batch), "plain.csv")
save(run(batch, mod = mod), "covariates.csv")
save(run(batch, mean.only = TRUE), "mean_only.csv")
save(run(batch, ref.batch = "b"), "reference.csv")
save(run(batch, mod = mod, ref.batch = "b"), "reference_covariates.csv")
save(run(batch, par.prior = FALSE), "nonparametric.csv")
save(run(batch, par.prior = FALSE, mean.only = TRUE), "nonparametric_mean_only.csv")
save(run(single), "single.csv")

# limma::removeBatchEffect
library(limma)
gaps <- values
gaps[2, 3] <- NA
gaps[9, c(1, 12, 20)] <- NA
save(removeBatchEffect(gaps, batch), "removed_plain.csv")
save(removeBatchEffect(gaps, batch, design = model.matrix(~er)), "removed_design.csv")
save(removeBatchEffect(gaps, batch, covariates = age, design = model.matrix(~er)), "removed_covariates.csv")
site <- ifelse(batch == "a", "x", "y") # determined by the batch
save(removeBatchEffect(gaps, batch, design = model.matrix(~site)), "removed_confounded.csv")
