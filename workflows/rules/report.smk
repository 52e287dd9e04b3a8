"""The report, its figures and its tables."""


rule report:
    input:
        batch=step_file("batch"),
        steps=[step_file(step) for step in ADDING_STEPS],
        model=f"{OUT}/model.pmz",
        validations=expand(f"{OUT}/external/{{cohort}}/validate.h5ad", cohort=EXTERNAL),
    output:
        f"{OUT}/report.html",
    log:
        f"{OUT}/logs/report.log",
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
        "precisionmed report {input.batch} {input.steps} --config {params.config} --model {input.model}"
        " {params.validations:q} --output {output} --log {log} --threads {threads}"
