"""Everything that would stop a later step, told together before anything is computed."""


rule check:
    input:
        cohort=step_file("ingest"),
        external=expand("external/{cohort}/ingest.h5ad", cohort=EXTERNAL),
    output:
        touch("steps/checked"),
    log:
        "logs/check.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=20,
    params:
        settings=lambda wildcards: json.dumps(SETTINGS.model_dump(mode="json")),
        version=VERSION,
        config=CONFIG,
        external=lambda wildcards, input: [
            f"--external={path}" for path in input.external
        ],
    shell:
        "precisionmed check {input.cohort:q} {params.external:q} --config {params.config:q}"
        " --log {log:q} --threads {threads}"
