"""Batch correction; passes the matrix on unchanged when none is asked for."""


rule batch:
    input:
        normalize=step_file("normalize"),
    output:
        step_file("batch"),
    log:
        f"{OUT}/logs/batch.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("batch"),
        seed=SEED,
        config=CONFIG,
    shell:
        "precisionmed batch {input.normalize} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
