"""The locked model on each external cohort."""


rule validate:
    input:
        cohort=f"{OUT}/external/{{cohort}}/ingest.h5ad",
        model=f"{OUT}/model.pmz",
    output:
        f"{OUT}/external/{{cohort}}/validate.h5ad",
    log:
        f"{OUT}/logs/validate_{{cohort}}.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    shell:
        "precisionmed validate {input.cohort:q} --model {input.model} --output {output:q}"
        " --log {log:q} --threads {threads}"
