"""Gene filter and normalization, frozen for new samples."""


rule normalize:
    input:
        qc=step_file("qc"),
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
    shell:
        "precisionmed normalize {input.qc} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
