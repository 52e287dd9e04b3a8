"""The locked model on each external cohort."""


rule validate:
    input:
        cohort="external/{cohort}/ingest.h5ad",
        model="model.pmz",
    output:
        "external/{cohort}/validate.h5ad",
    log:
        "logs/validate_{cohort}.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        version=VERSION,
    shell:
        "precisionmed validate {input.cohort:q} --model {input.model:q} --output {output:q}"
        " --log {log:q} --threads {threads}"
