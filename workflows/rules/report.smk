"""The report, its figures and its tables."""


rule report:
    input:
        batch=step_file("batch"),
        steps=[step_file(step) for step in ADDING_STEPS],
        model="model.pmz",
        validations=expand("external/{cohort}/validate.h5ad", cohort=EXTERNAL),
    output:
        "report.html",
    log:
        "logs/report.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        section=section("report"),
        config=CONFIG,
        validations=lambda wildcards, input: [
            f"--validation={path}" for path in input.validations
        ],
    shell:
        "precisionmed report {input.batch:q} {input.steps:q} --config {params.config:q} --model {input.model:q}"
        " {params.validations:q} --output {output:q} --log {log:q} --threads {threads}"
