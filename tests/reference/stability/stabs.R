# Error bounds of the R package stabs (Hofner et al. 2015) for 50 complementary pairs.
# `stabs.csv` holds what stabs 0.6-4 printed for these calls in its own regression tests (7 digits).
library(stabs)

rate <- function(assumption, p, q, cutoff) {
  found <- stabsel_parameters(p = p, q = q, cutoff = cutoff, B = 50, sampling.type = "SS", assumption = assumption)
  data.frame(bound = assumption, p, q, threshold = cutoff, pfer = signif(found$specifiedPFER, 7))
}

table <- rbind(
  do.call(rbind, lapply(1:10, function(q) rate("unimodal", 100, q, 0.6))),
  do.call(rbind, lapply(1:10, function(q) rate("r-concave", 100, q, 0.6))),
  rate("r-concave", 100, 30, 0.6), rate("r-concave", 100, 10, 0.61), rate("r-concave", 100, 10, 0.62)
)
write.csv(table, "stabs.csv", row.names = FALSE, quote = FALSE)
