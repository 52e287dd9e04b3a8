# Golden numbers for quality control. Run in this folder: Rscript make.R
suppressPackageStartupMessages({library(edgeR); library(limma)})
set.seed(7)
genes <- 400; samples <- 30
base <- c(rexp(300, 1 / 40), rep(c(0, 0.05, 0.3, 1, 4), 20))
depth <- rep(c(0.3, 0.6, 1, 1, 2, 6), 5)
on <- matrix(1, genes, samples)
on[1:60, 5:30] <- 0.02 # expressed in few samples only
counts <- sapply(1:samples, function(i) rnbinom(genes, mu = base * depth[i] * on[, i], size = 3))
dimnames(counts) <- list(sprintf("g%03d", 1:genes), sprintf("s%02d", 1:samples))
write.csv(counts, "counts.csv", quote = FALSE)

groups <- function(smallest) rep(1:2, c(samples - smallest, smallest))
kept <- data.frame(
  all = filterByExpr(counts, group = rep(1, samples)),
  half = filterByExpr(counts, group = groups(15)),
  fifth = filterByExpr(counts, group = groups(6)),
  tenth = filterByExpr(counts, group = groups(3)),
  low = filterByExpr(counts, group = groups(3), min.count = 1, min.total.count = 40)
)
write.csv(kept + 0, "kept.csv", quote = FALSE)

v <- voom(counts, save.plot = TRUE)
positive <- rowSums(counts) > 0
shift <- mean(log2(colSums(counts) + 1)) - log2(1e6) # voom draws log2 counts, the table has log2 CPM
trend <- approx(v$voom.line, xout = v$voom.xy$x, ties = mean)$y
out <- data.frame(mean = v$voom.xy$x - shift, root_sd = v$voom.xy$y, trend = trend, row.names = rownames(counts)[positive])
write.csv(format(out, digits = 17, trim = TRUE, scientific = TRUE), "voom.csv", quote = FALSE)
