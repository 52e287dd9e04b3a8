"""Gene filter and normalization, frozen for new samples."""


rule normalize:
    input:
        qc=step_file("qc"),
        shared=expand(
            f"{OUT}/external/{{cohort}}/ingest.h5ad",
            cohort=EXTERNAL if SETTINGS.shared_genes else [],
        ),
    output:
        step_file("normalize"),
    log:
        f"{OUT}/logs/normalize.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("normalize"),
        seed=SEED,
        config=CONFIG,
        shared=lambda wildcards, input: [
            f"--shared-with={path}" for path in input.shared
        ],
    shell:
        "precisionmed normalize {input.qc} {params.shared:q} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
