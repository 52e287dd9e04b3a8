# Builds precisionmed/resources/genes.tsv.gz from the Bioconductor annotation package org.Hs.eg.db
# (NCBI Gene). Run from the repository's top folder:
#
#   Rscript scripts/build_gene_table.R precisionmed/resources/genes.tsv.gz
#
# One line a gene: symbol, entrez, ensembl, chromosome, type, length, aliases ("|" between several).
# The first line of the file tells the date of the NCBI snapshot.
#
# Lengths come from geneLenDataBase: bases of the spliced RefSeq messengers on hg19 (UCSC table refGene), the
# median over a gene's messengers. Where the package is not installed, a second argument tells the path of its
# file data/hg19.refGene.LENGTH.RData (it can be unpacked from the Debian package r-bioc-genelendatabase).
suppressMessages(library(org.Hs.eg.db))

arguments <- commandArgs(trailingOnly = TRUE)
path <- arguments[1]
length_file <- if (length(arguments) > 1) arguments[2] else {
  system.file("data", "hg19.refGene.LENGTH.RData", package = "geneLenDataBase", mustWork = TRUE)
}
connection <- org.Hs.eg_dbconn()
query <- function(sql) DBI::dbGetQuery(connection, sql)
stamp <- query("SELECT value FROM metadata WHERE name = 'EGSOURCEDATE'")$value
month <- match(substr(stamp, 6, 8), month.abb)
date <- sprintf("%s-%02d-%s", substr(stamp, 1, 4), month, substr(stamp, 9, 10))

genes <- query("SELECT _id AS id, gene_id AS entrez, symbol, gene_type AS type
                FROM genes JOIN gene_info USING (_id) JOIN genetype USING (_id)")
genes <- genes[genes$type != "biological-region", ] # enhancers and the like: nothing that is transcribed
# A few symbols are shared by records of one gene: the coding, then the oldest record stays.
genes <- genes[order(genes$type != "protein-coding", as.integer(genes$entrez)), ]
genes <- genes[!duplicated(genes$symbol), ]

collect <- function(table) {
  table <- unique(table[table$id %in% genes$id, ])
  table <- table[order(table$id, table$value, method = "radix"), ]
  joined <- vapply(split(table$value, table$id), paste, "", collapse = "|")
  found <- unname(joined[as.character(genes$id)])
  ifelse(is.na(found), "", found)
}
genes$ensembl <- collect(query("SELECT _id AS id, ensembl_id AS value FROM ensembl"))
chromosome <- query("SELECT _id AS id, chromosome AS value FROM chromosomes")
genes$chromosome <- collect(chromosome[chromosome$value %in% c(1:22, "X", "Y", "MT"), ])
box <- new.env()
messengers <- box[[load(length_file, box)]]
median_length <- tapply(messengers$Length, as.character(messengers$Gene), median)[genes$entrez]
genes$length <- ifelse(is.na(median_length), "", format(median_length, trim = TRUE, drop0trailing = TRUE))
alias <- query("SELECT _id AS id, alias_symbol AS value FROM alias")
# A current symbol always wins over an alias, so such aliases need not be stored.
alias <- alias[!alias$value %in% genes$symbol & !grepl("[|\t\"]", alias$value), ]
genes$aliases <- collect(alias)

genes <- genes[order(genes$symbol, method = "radix"), ]
columns <- c("symbol", "entrez", "ensembl", "chromosome", "type", "length", "aliases")
lines <- c(
  sprintf(
    "# NCBI Gene, %s, through org.Hs.eg.db %s; length: median spliced RefSeq messenger on hg19 (geneLenDataBase)",
    date, packageVersion("org.Hs.eg.db")
  ),
  paste(columns, collapse = "\t"),
  do.call(paste, c(genes[columns], sep = "\t"))
)
output <- pipe(sprintf("gzip -9n > %s", shQuote(path)), "wb") # no time stamp: same bytes every time
writeLines(lines, output)
invisible(close(output))
