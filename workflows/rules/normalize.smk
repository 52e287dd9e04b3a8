"""Gene filter and normalization, frozen for new samples."""


rule normalize:
    input:
        qc=step_file("qc"),
        shared=expand(
            "external/{cohort}/ingest.h5ad",
            cohort=EXTERNAL if SETTINGS.shared_genes else [],
        ),
    output:
        step_file("normalize"),
    log:
        "logs/normalize.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("normalize"),
        config=CONFIG,
        shared=lambda wildcards, input: [
            f"--shared-with={path}" for path in input.shared
        ],
    shell:
        "precisionmed normalize {input.qc:q} {params.shared:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
