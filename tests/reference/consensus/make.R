# Consensus of ConsensusClusterPlus, with the subsamples it drew, and medoids of cluster::pam.
# Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(ConsensusClusterPlus))
suppressPackageStartupMessages(library(cluster))
set.seed(11)
n <- 30; p <- 100
centres <- matrix(rnorm(3 * p), 3) * 0.45
x <- t(centres[rep(1:3, c(14, 10, 6)), ]) + matrix(rnorm(n * p), p)
x <- round(x, 4)
dimnames(x) <- list(paste0("g", 1:p), paste0("s", 1:n))

pdf(NULL)
repeats <- 20

runs <- list(
  average = list(algorithm = "hc", linkage = "average", distance = "pearson", seed = 7),
  complete = list(algorithm = "hc", linkage = "complete", distance = "euclidean", seed = 8),
  ward = list(algorithm = "hc", linkage = "ward.D2", distance = "euclidean", seed = 9),
  spearman = list(algorithm = "hc", linkage = "average", distance = "spearman", seed = 10),
  pam = list(algorithm = "pam", linkage = "average", distance = "euclidean", seed = 12))
for (name in names(runs)) {
  run <- runs[[name]]
  found <- suppressMessages(ConsensusClusterPlus(
    x, maxK = 4, reps = repeats, pItem = 0.8, pFeature = 1, clusterAlg = run$algorithm, distance = run$distance,
    innerLinkage = run$linkage, finalLinkage = "average", seed = run$seed))
  # It draws with sample() alone after set.seed(seed), so the same calls give the same subsamples.
  set.seed(run$seed)
  drawn <- t(replicate(repeats, sort(sample(n, floor(n * 0.8)))))
  write.table(drawn - 1, paste0(name, "_subsamples.csv"), sep = ",", row.names = FALSE, col.names = FALSE)
  areas <- c()
  pac <- c()
  for (k in 2:4) {
    m <- found[[k]]$consensusMatrix
    write.table(formatC(m, digits = 17, format = "g"), paste0(name, "_k", k, ".csv"), sep = ",", quote = FALSE,
                row.names = FALSE, col.names = FALSE)
    v <- m[lower.tri(m)]
    h <- hist(v, plot = FALSE, breaks = seq(0, 1, by = 0.01))
    areas <- c(areas, sum(cumsum(h$counts) / sum(h$counts) * diff(h$breaks)))
    cdf <- ecdf(v)
    pac <- c(pac, cdf(0.9) - cdf(0.1))
  }
  classes <- sapply(2:4, function(k) found[[k]]$consensusClass)
  colnames(classes) <- paste0("k", 2:4)
  write.csv(classes, paste0(name, "_classes.csv"), row.names = FALSE, quote = FALSE)
  delta <- c(areas[1], diff(areas) / areas[-length(areas)])
  cophenetic <- sapply(2:4, function(k) {
    d <- as.dist(1 - found[[k]]$consensusMatrix)
    cor(d, cophenetic(hclust(d, "average")))
  })
  scores <- data.frame(k = 2:4, delta_area = delta, cophenetic = cophenetic, pac = pac)
  write.csv(format(scores, digits = 16), paste0(name, "_scores.csv"), row.names = FALSE, quote = FALSE)
}
write.csv(t(x), "expression.csv", row.names = FALSE, quote = FALSE)

# PAM itself, far from any cluster structure: many swaps.
set.seed(13)
y <- round(matrix(rnorm(60 * 4), 60), 4)
write.csv(y, "pam_points.csv", row.names = FALSE, quote = FALSE)
of_k <- lapply(2:7, function(k) pam(dist(y), k))
labels <- sapply(of_k, function(found) found$clustering)
colnames(labels) <- paste0("k", 2:7)
write.csv(labels, "pam_points_labels.csv", row.names = FALSE, quote = FALSE)
losses <- data.frame(k = 2:7, loss = sapply(of_k, function(found) sum(as.matrix(dist(y))[cbind(1:60, found$id.med[found$clustering])])))
write.csv(format(losses, digits = 16), "pam_points_losses.csv", row.names = FALSE, quote = FALSE)
