# Golden in-group proportions and their rotation null, written out plainly in R.
#
# Run in this folder: Rscript in_group_proportion.R
# samples.csv    second cohort, 60 samples x 25 correlated genes with two of three classes in it
# centroids.csv  the three classes x 25 genes
# expected.csv   by class: samples, in_group_proportion, and of 4,000 rotated cohorts null_mean, null_sd, p;
#                silhouette and the same of it
library(cluster)
set.seed(11)
n <- 60; p <- 25
shared <- rnorm(n) %o% rnorm(p)
centroids <- matrix(rnorm(3 * p), 3)
class <- rep(1:2, c(36, 24))
samples <- 0.5 * shared + 0.6 * centroids[class, ] + matrix(rnorm(n * p), n)

proportions <- function(x) {
  label <- apply(cor(t(x), t(centroids)), 1, which.max)
  alike <- cor(t(x)); diag(alike) <- -Inf
  neighbour <- apply(alike, 1, which.max)
  sapply(1:3, function(k) if (any(label == k)) mean(label[neighbour[label == k]] == k) else NA)
}
silhouettes <- function(x) {
  label <- apply(cor(t(x), t(centroids)), 1, which.max)
  if (length(unique(label)) < 2) return(rep(NA, 3))
  width <- silhouette(label, dmatrix = 1 - cor(t(x)))[, "sil_width"]
  sapply(1:3, function(k) if (any(label == k)) mean(width[label == k]) else NA)
}
label <- apply(cor(t(samples), t(centroids)), 1, which.max)
observed <- c(proportions(samples), silhouettes(samples))

centre <- colMeans(samples)
shape <- svd(sweep(samples, 2, centre))
rotate <- function() {
  z <- scale(matrix(rnorm(n * p), n), scale = FALSE)
  q <- qr(z)
  frame <- sweep(qr.Q(q), 2, sign(diag(qr.R(q))), "*")
  sweep(frame %*% diag(shape$d) %*% t(shape$v), 2, centre, "+")
}
null <- t(replicate(4000, {
  x <- rotate()
  c(proportions(x), silhouettes(x))
}))
p <- sapply(1:6, function(k) {
  known <- null[!is.na(null[, k]), k]
  (1 + sum(known >= observed[k] - 1e-9)) / (1 + length(known))
})
middle <- colMeans(null, na.rm = TRUE)
spread <- apply(null, 2, sd, na.rm = TRUE)
expected <- data.frame(
  class = 1:3, samples = tabulate(label, 3),
  in_group_proportion = observed[1:3], null_mean = middle[1:3], null_sd = spread[1:3], p = p[1:3],
  silhouette = observed[4:6], silhouette_mean = middle[4:6], silhouette_sd = spread[4:6], silhouette_p = p[4:6]
)
write.csv(format(samples, digits = 15), "samples.csv", row.names = FALSE, quote = FALSE)
write.csv(format(centroids, digits = 15), "centroids.csv", row.names = FALSE, quote = FALSE)
write.csv(expected, "expected.csv", row.names = FALSE, quote = FALSE)
