# Golden concordance from R's survival package: ties in time, risk and both, with and without strata.
library(survival)
set.seed(20240501)
n <- 120
data <- data.frame(
  time = round(rexp(n, 0.1), 0) + 1,
  event = rbinom(n, 1, 0.6),
  risk = round(rnorm(n), 1),
  stratum = sample(1:4, n, replace = TRUE)
)
data$risk <- round(data$risk - 0.05 * data$time, 1)
write.csv(data, "concordance_data.csv", row.names = FALSE)
all <- concordance(Surv(time, event) ~ risk, data, reverse = TRUE)
within <- concordance(Surv(time, event) ~ risk + strata(stratum), data, reverse = TRUE)
write.csv(data.frame(case = c("all", "strata"),
                     concordance = format(c(all$concordance, within$concordance), digits = 15)),
          "concordance.csv", row.names = FALSE, quote = FALSE)
