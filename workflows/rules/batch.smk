"""Batch correction; passes the matrix on unchanged when none is asked for."""


rule batch:
    input:
        normalize=step_file("normalize"),
    output:
        step_file("batch"),
    log:
        "logs/batch.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("batch"),
        config=CONFIG,
    shell:
        "precisionmed batch {input.normalize:q} --config {params.config:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
