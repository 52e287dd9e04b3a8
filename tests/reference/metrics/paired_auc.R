# Golden paired DeLong tests from pROC, with ties.
suppressMessages(library(pROC))
set.seed(20240620)
n <- 90
truth <- rbinom(n, 1, 0.4)
first <- round(truth + rnorm(n), 1)
second <- round(0.5 * truth + 0.6 * first + rnorm(n), 1)
write.csv(data.frame(truth, first, second), "paired_auc_data.csv", row.names = FALSE, quote = FALSE)
one <- roc(truth, first, direction = "<", quiet = TRUE)
two <- roc(truth, second, direction = "<", quiet = TRUE)
test <- roc.test(one, two, method = "delong", paired = TRUE)
write.csv(format(data.frame(first = as.numeric(one$auc), second = as.numeric(two$auc), z = test$statistic,
                            p = test$p.value, lower = test$conf.int[1], upper = test$conf.int[2]), digits = 15),
          "paired_auc.csv", row.names = FALSE, quote = FALSE)
