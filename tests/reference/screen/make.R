# Golden univariate screens: glm of every gene, and limma's moderated t with and without covariates.
library(limma)
set.seed(20240611)
n <- 64; p <- 40
label <- rbinom(n, 1, 0.4)
age <- round(rnorm(n, 58, 11)); site <- sample(c("a", "b", "c"), n, replace = TRUE)
spread <- rgamma(p, 2, 1)
genes <- matrix(rnorm(n * p), n) * rep(spread, each = n) + rep(runif(p, 3, 12), each = n)
genes[, 1] <- genes[, 1] + 3 * spread[1] * label       # nearly separated
genes[, 2] <- genes[, 2] - 0.8 * spread[2] * label
genes[, 3] <- genes[, 3] + 0.06 * age * spread[3]
genes[, 4] <- round(genes[, 4])                         # ties
genes <- round(genes, 4)
colnames(genes) <- sprintf("GENE%02d", seq_len(p))
write.csv(data.frame(label, age, site, genes), "data.csv", row.names = FALSE, quote = FALSE)

precise <- glm.control(epsilon = 1e-15, maxit = 100)
rows <- lapply(colnames(genes), function(gene) {
  fit <- glm(label ~ genes[, gene], family = binomial, control = precise)
  # the standard errors are those of the last iteration but one: iterate once more from the end
  fit <- glm(label ~ genes[, gene], family = binomial, control = precise, start = coef(fit))
  row <- coef(summary(fit))[2, ]
  lr <- fit$null.deviance - fit$deviance
  data.frame(gene = gene, coefficient = row[1], se = row[2], wald_p = row[4],
             statistic = sign(row[1]) * sqrt(lr), p = pchisq(lr, 1, lower.tail = FALSE))
})
write.csv(format(do.call(rbind, rows), digits = 15), "logistic.csv", row.names = FALSE, quote = FALSE)

moderated <- function(design, file) {
  fit <- lmFit(t(genes), design)
  bayes <- eBayes(fit)
  data <- data.frame(gene = colnames(genes), coefficient = fit$coefficients[, "label"],
                     se = sqrt(bayes$s2.post) * fit$stdev.unscaled[, "label"],
                     statistic = bayes$t[, "label"], p = bayes$p.value[, "label"],
                     fdr = p.adjust(bayes$p.value[, "label"], "BH"))
  write.csv(format(data, digits = 15), file, row.names = FALSE, quote = FALSE)
}
moderated(model.matrix(~label), "moderated.csv")
moderated(model.matrix(~ label + age + site), "moderated_adjusted.csv")
