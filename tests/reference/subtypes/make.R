# Moderated t of limma, one class against the rest. Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(limma))
set.seed(3)
n <- 24; p <- 60
labels <- rep(c("S1", "S2", "S3"), c(12, 7, 5))
spread <- sqrt(0.5 * 6 / rchisq(p, 6))
x <- matrix(rnorm(n * p), p) * spread + rnorm(p, 8)
x[1:10, labels == "S1"] <- x[1:10, labels == "S1"] + 1
x[11:20, labels == "S3"] <- x[11:20, labels == "S3"] - 1.5
# Equal variances everywhere: the prior has infinitely many degrees of freedom.
even <- matrix(rnorm(n * p), p)
even <- t(apply(even, 1, function(row) (row - mean(row)) / sd(row)))
x <- round(x, 5); even <- round(even, 5)
write_case <- function(values, name) {
  colnames(values) <- paste0("s", 1:n); rownames(values) <- paste0("g", 1:p)
  write.csv(data.frame(label = labels, t(values)), paste0(name, "_expression.csv"), row.names = FALSE, quote = FALSE)
  out <- do.call(rbind, lapply(unique(labels), function(class) {
    fit <- eBayes(lmFit(values, model.matrix(~ as.numeric(labels == class))))
    data.frame(subtype = class, gene = rownames(values), log_fold_change = fit$coefficients[, 2], t = fit$t[, 2],
               p = fit$p.value[, 2], df_prior = fit$df.prior)
  }))
  for (column in c("log_fold_change", "t", "p", "df_prior")) out[[column]] <- formatC(out[[column]], digits = 16, format = "g")
  write.csv(out, paste0(name, "_limma.csv"), row.names = FALSE, quote = FALSE)
}
write_case(x, "shrunk")
write_case(even, "even")
