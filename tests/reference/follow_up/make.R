# Golden numbers for times made by subtraction (equal but for their last bit) and for left truncation, from
# R's survival package.
# Run in this folder: Rscript make.R   (survival 3.5-3, R 4.2)
library(survival)

set.seed(20261125)
n <- 90
from <- round(runif(n, 0, 5), 1)
followed <- pmax(1, ceiling(rexp(n, 0.25) * 4)) / 10
x <- round(rnorm(n), 2)
z <- rbinom(n, 1, 0.4)
cohort <- data.frame(
  from, to = from + followed, x, z, event = rbinom(n, 1, 0.7), arm = sample(c("A", "B", "C"), n, replace = TRUE)
)
cohort$time <- cohort$to - cohort$from
cohort$exact <- round(cohort$time, 1)
# Entry times on the same grid, by subtraction too, always before the time.
cohort$entry_exact <- pmax(0, round(cohort$exact * runif(n, -0.6, 0.8), 1))
cohort$entry_exact <- ifelse(cohort$entry_exact >= cohort$exact, 0, cohort$entry_exact)
cohort$entry <- (cohort$from + cohort$entry_exact) - cohort$from
cohort$stratum <- sample(1:2, n, replace = TRUE)
stopifnot(length(unique(cohort$time)) > length(unique(cohort$exact)) + 10)

save <- function(table, name) {
  numeric <- sapply(table, is.double)
  table[numeric] <- lapply(table[numeric], function(x) ifelse(is.na(x), "", sprintf("%.17g", x)))
  write.csv(table, name, row.names = FALSE, quote = FALSE)
}
save(cohort, "cohort.csv")

tight <- coxph.control(eps = 1e-14, iter.max = 60, toler.chol = 1e-15)
outcomes <- list(
  subtraction = Surv(cohort$time, cohort$event),
  truncated = Surv(cohort$entry, cohort$time, cohort$event)
)
curves <- cox <- scalars <- phs <- screens <- survivals <- NULL
for (case in names(outcomes)) {
  y <- outcomes[[case]]
  fit <- survfit(y ~ 1, conf.type = "log-log")
  curves <- rbind(curves, data.frame(
    case, time = fit$time, survival = fit$surv, lower = fit$lower, upper = fit$upper, at_risk = fit$n.risk,
    events = fit$n.event, censored = fit$n.censor))
  for (ties in c("efron", "breslow")) {
    model <- coxph(y ~ x + z, data = cohort, ties = ties, control = tight)
    table <- summary(model)$coefficients
    cox <- rbind(cox, data.frame(case, ties, covariate = rownames(table), coefficient = table[, 1], se = table[, 3]))
    zph <- cox.zph(model, transform = "km", terms = FALSE)$table
    phs <- rbind(phs, data.frame(case, ties, covariate = rownames(zph), statistic = zph[, "chisq"]))
    scalars <- rbind(scalars, data.frame(case, quantity = paste0(c("null_", "model_"), ties), value = model$loglik))
    alone <- coxph(y ~ x, data = cohort, ties = ties, control = tight)
    screens <- rbind(screens, data.frame(case, ties, coefficient = coef(alone), se = sqrt(vcov(alone)[1])))
    within <- coxph(y ~ x + z + strata(stratum), data = cohort, ties = ties, control = tight)
    screens <- rbind(screens, data.frame(case = paste0(case, "_strata"), ties, coefficient = coef(within), se = sqrt(diag(vcov(within)))))
    at <- summary(survfit(model, newdata = data.frame(x = 0.5, z = 1)), times = c(0.3, 0.7, 1.2), extend = TRUE)
    survivals <- rbind(survivals, data.frame(case, ties, time = at$time, survival = at$surv))
  }
  # The log-rank test is the score test of the Cox model with groups, ties taken exactly: with Breslow's
  # variance corrected as survdiff does. Without entry times it is survdiff itself.
  scalars <- rbind(scalars, data.frame(
    case, quantity = c("median", "concordance", "concordance_strata"),
    value = c(unname(quantile(fit, 0.5, conf.int = FALSE)),
              concordance(y ~ x, cohort, reverse = TRUE)$concordance,
              concordance(y ~ x + strata(stratum), cohort, reverse = TRUE)$concordance)))
}
scalars <- rbind(scalars, data.frame(
  case = "subtraction", quantity = "logrank", value = survdiff(outcomes$subtraction ~ cohort$arm)$chisq))
# Left truncation: survdiff has none. The score test of a discrete (exact) Cox model is the log-rank test with the
# hypergeometric variance; its counting-process form, with the same sums, is written out here.
logrank <- function(entry, time, event, arm) {
  arms <- sort(unique(arm)); excess <- numeric(length(arms)); V <- matrix(0, length(arms), length(arms))
  for (t in sort(unique(time[event == 1]))) {
    risk <- entry < t & time >= t; dead <- time == t & event == 1
    n <- sum(risk); d <- sum(dead); share <- sapply(arms, function(a) sum(risk & arm == a)) / n
    excess <- excess + sapply(arms, function(a) sum(dead & arm == a)) - d * share
    if (n > 1) V <- V + d * (n - d) / (n - 1) * (diag(share) - outer(share, share))
  }
  drop(excess[-1] %*% solve(V[-1, -1]) %*% excess[-1])
}
stopifnot(isTRUE(all.equal(
  logrank(rep(0, n), cohort$exact, cohort$event, cohort$arm), survdiff(outcomes$subtraction ~ cohort$arm)$chisq)))
scalars <- rbind(scalars, data.frame(
  case = "truncated", quantity = "logrank",
  value = logrank(cohort$entry_exact, cohort$exact, cohort$event, cohort$arm)))
# Without ties it is coxph's score test, also with entry times.
untied <- transform(cohort, exact = exact + seq_len(n) / 1000, entry_exact = entry_exact * 0.9)
score <- coxph(Surv(entry_exact, exact, event) ~ arm, untied)$score
stopifnot(isTRUE(all.equal(score, logrank(untied$entry_exact, untied$exact, untied$event, untied$arm))))
scalars <- rbind(scalars, data.frame(case = "untied", quantity = "logrank", value = score))

save(curves, "kaplan_meier.csv")
save(cox, "cox.csv")
save(phs, "proportional_hazards.csv")
save(scalars, "scalars.csv")
save(screens, "screen.csv")
save(survivals, "predicted_survival.csv")
