"""Read and harmonize the tables of the training cohort and of the external cohorts."""


rule ingest:
    input:
        table_paths(SETTINGS.cohort),
    output:
        step_file("ingest"),
    log:
        f"{OUT}/logs/ingest.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        section=section("cohort"),
        config=CONFIG,
    shell:
        "precisionmed ingest --config {params.config} --output {output}"
        " --log {log} --threads {threads}"


rule ingest_external:
    input:
        lambda wildcards: table_paths(EXTERNAL[wildcards.cohort]),
    output:
        f"{OUT}/external/{{cohort}}/ingest.h5ad",
    log:
        f"{OUT}/logs/ingest_{{cohort}}.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        section=section("external"),
        config=CONFIG,
    shell:
        "precisionmed ingest --config {params.config} --cohort {wildcards.cohort:q}"
        " --output {output:q} --log {log:q} --threads {threads}"
