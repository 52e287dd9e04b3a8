# Consensus of ConsensusClusterPlus, with the subsamples it drew. Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(ConsensusClusterPlus))
set.seed(11)
n <- 30; p <- 100
centres <- matrix(rnorm(3 * p), 3) * 0.45
x <- t(centres[rep(1:3, c(14, 10, 6)), ]) + matrix(rnorm(n * p), p)
x <- round(x, 4)
dimnames(x) <- list(paste0("g", 1:p), paste0("s", 1:n))

pdf(NULL)
repeats <- 20

runs <- list(average = list(distance = "pearson", seed = 7), complete = list(distance = "euclidean", seed = 8))
for (linkage in names(runs)) {
  run <- runs[[linkage]]
  found <- suppressMessages(ConsensusClusterPlus(
    x, maxK = 4, reps = repeats, pItem = 0.8, pFeature = 1, clusterAlg = "hc", distance = run$distance,
    innerLinkage = linkage, finalLinkage = "average", seed = run$seed))
  # It draws with sample() alone after set.seed(seed), so the same calls give the same subsamples.
  set.seed(run$seed)
  drawn <- t(replicate(repeats, sort(sample(n, floor(n * 0.8)))))
  write.table(drawn - 1, paste0(linkage, "_subsamples.csv"), sep = ",", row.names = FALSE, col.names = FALSE)
  areas <- c()
  for (k in 2:4) {
    m <- found[[k]]$consensusMatrix
    write.table(formatC(m, digits = 17, format = "g"), paste0(linkage, "_k", k, ".csv"), sep = ",", quote = FALSE,
                row.names = FALSE, col.names = FALSE)
    v <- m[lower.tri(m)]
    h <- hist(v, plot = FALSE, breaks = seq(0, 1, by = 0.01))
    areas <- c(areas, sum(cumsum(h$counts) / sum(h$counts) * diff(h$breaks)))
  }
  classes <- sapply(2:4, function(k) found[[k]]$consensusClass)
  colnames(classes) <- paste0("k", 2:4)
  write.csv(classes, paste0(linkage, "_classes.csv"), row.names = FALSE, quote = FALSE)
  delta <- c(areas[1], diff(areas) / areas[-length(areas)])
  cophenetic <- sapply(2:4, function(k) {
    d <- as.dist(1 - found[[k]]$consensusMatrix)
    cor(d, cophenetic(hclust(d, "average")))
  })
  scores <- data.frame(k = 2:4, delta_area = delta, cophenetic = cophenetic)
  write.csv(format(scores, digits = 16), paste0(linkage, "_scores.csv"), row.names = FALSE, quote = FALSE)
}
write.csv(t(x), "expression.csv", row.names = FALSE, quote = FALSE)
