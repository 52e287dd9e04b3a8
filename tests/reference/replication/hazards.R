# Golden hazard ratios of groups; group D has no events, so its ratio has no finite estimate
# and, weighing nothing in the maximum, it is left out here.
#
# Run in this folder: Rscript hazards.R
# outcome.csv   time, event, group of 120 patients; times are rounded, so that there are ties
# hazards.csv   groups A and C against B, from coxph
library(survival)
set.seed(5)
group <- rep(c("A", "B", "C", "D"), c(30, 40, 30, 20))
time <- ceiling(rexp(120, c(A = 0.05, B = 0.02, C = 0.03, D = 0.01)[group]))
event <- rbinom(120, 1, 0.6) * (group != "D")
write.csv(data.frame(time, event, group), "outcome.csv", row.names = FALSE, quote = FALSE)
fit <- coxph(Surv(time, event) ~ relevel(factor(group), "B"), subset = group != "D")
s <- summary(fit)
rows <- 1:2
write.csv(
  data.frame(
    subtype = c("A", "C"), hazard_ratio = s$conf.int[rows, 1], lower = s$conf.int[rows, 3],
    upper = s$conf.int[rows, 4], p = s$coefficients[rows, 5]
  ),
  "hazards.csv",
  row.names = FALSE, quote = FALSE
)
