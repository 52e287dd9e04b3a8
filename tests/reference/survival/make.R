# Golden numbers for Kaplan-Meier, log-rank and Cox models, from R's survival package.
# Run in this folder: Rscript make.R   (survival 3.5-3, R 4.2)
library(survival)

set.seed(20240517)
n <- 160
age <- round(rnorm(n, 57, 11))
size <- round(rexp(n, 1 / 2.5) + 0.5, 1)
nodes <- rbinom(n, 1, 0.45)
grade <- sample(1:3, n, replace = TRUE, prob = c(0.2, 0.4, 0.4))
group <- c("S1", "S2", "S3")[1 + rbinom(n, 2, 0.2 + 0.2 * (grade - 1))]
rate <- exp(-4.6 + 0.02 * (age - 57) + 0.12 * size + 0.6 * nodes + 0.3 * (grade == 3))
event_time <- rexp(n, rate)
censoring <- runif(n, 20, 140)
# Rounding to whole months makes many ties, among events and between events and censorings.
cohort <- data.frame(
  time = pmax(1, round(pmin(event_time, censoring) / 3) * 3), event = as.integer(event_time <= censoring),
  age, size, nodes, grade2 = as.integer(grade == 2), grade3 = as.integer(grade == 3), group
)
genes <- round(matrix(rnorm(n * 25), n) + outer(log(rate), seq(-0.6, 0.6, length.out = 25)), 4)
colnames(genes) <- sprintf("GENE%02d", 1:25)

save <- function(table, name) {
  numeric <- sapply(table, is.double)
  table[numeric] <- lapply(table[numeric], function(x) ifelse(is.na(x), "", sprintf("%.15g", x)))
  write.csv(table, name, row.names = FALSE, quote = FALSE)
}
save(cohort, "cohort.csv")
save(as.data.frame(genes), "genes.csv")

tight <- coxph.control(eps = 1e-14, iter.max = 60, toler.chol = 1e-15)
y <- Surv(cohort$time, cohort$event)

# Kaplan-Meier, overall and by group ------------------------------------------------------------
km_table <- function(name, keep) {
  fit <- survfit(Surv(time, event) ~ 1, data = cohort[keep, ], conf.type = "log-log")
  data.frame(group = name, time = fit$time, survival = fit$surv, lower = fit$lower, upper = fit$upper,
             at_risk = fit$n.risk, events = fit$n.event, censored = fit$n.censor)
}
save(rbind(km_table("all", rep(TRUE, n)), km_table("S1", group == "S1"), km_table("S3", group == "S3")),
     "kaplan_meier.csv")
logrank <- function(label, groups) {
  fit <- survdiff(y ~ groups)
  df <- length(fit$n) - 1
  data.frame(grouping = label, chi2 = fit$chisq, df = df, p = pchisq(fit$chisq, df, lower.tail = FALSE))
}
save(rbind(logrank("group", group), logrank("nodes", nodes)), "logrank.csv")
quantiles <- function(fit) unname(quantile(fit, 0.5, conf.int = FALSE))
at_risk <- summary(survfit(y ~ group), times = c(0, 24, 48, 96), extend = TRUE)
save(data.frame(group = sub("group=", "", at_risk$strata), time = at_risk$time, n = at_risk$n.risk), "at_risk.csv")

# Cox models --------------------------------------------------------------------------------------
formula <- y ~ age + size + nodes + grade2 + grade3
scalars <- data.frame(
  quantity = c("median_survival", "median_follow_up"),
  value = c(quantiles(survfit(y ~ 1)), quantiles(survfit(Surv(cohort$time, 1 - cohort$event) ~ 1)))
)
coefficients <- NULL
for (ties in c("efron", "breslow")) {
  fit <- coxph(formula, data = cohort, ties = ties, control = tight)
  coefs <- summary(fit)$coefficients
  coefficients <- rbind(coefficients, data.frame(
    ties, covariate = rownames(coefs), coefficient = coefs[, 1], se = coefs[, 3], p = coefs[, 5]))
  scalars <- rbind(scalars, data.frame(
    quantity = paste0(c("null_", "model_", "global_ph_"), ties),
    value = c(fit$loglik, cox.zph(fit, transform = "km", terms = FALSE)$table["GLOBAL", "chisq"])))
}
save(coefficients, "cox.csv")
save(scalars, "scalars.csv")

fit <- coxph(formula, data = cohort, control = tight)
zph <- cox.zph(fit, transform = "km", terms = FALSE)$table
save(data.frame(covariate = rownames(zph), statistic = zph[, "chisq"], df = zph[, "df"], p = zph[, "p"]),
     "proportional_hazards.csv")
curves <- summary(survfit(fit, newdata = cohort[1:6, ]), times = c(6, 30, 60.5, 108))
save(data.frame(time = curves$time, unname(curves$surv)), "predicted_survival.csv")
risk <- predict(fit, type = "lp", reference = "sample")
save(data.frame(log_risk = risk - mean(risk)), "log_risk.csv")

# One Cox model a gene ------------------------------------------------------------------------------
screen <- t(apply(genes, 2, function(x) {
  fit <- coxph(y ~ x, control = tight)
  c(summary(fit)$coefficients[1, c(1, 3, 4, 5)], score = fit$score)
}))
save(data.frame(gene = rownames(screen), coefficient = screen[, 1], se = screen[, 2], z = screen[, 3],
                p = screen[, 4], fdr = p.adjust(screen[, 4], "BH"), score = screen[, 5]), "screen.csv")
