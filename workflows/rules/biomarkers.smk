"""LASSO signatures for labels and endpoints."""


rule biomarkers:
    input:
        batch=step_file("batch"),
        classify=step_file("classify"),
        drug_targets=[str(path) for path in [SETTINGS.biomarkers.drug_targets] if path],
    output:
        step_file("biomarkers"),
    log:
        f"{OUT}/logs/biomarkers.log",
    conda:
        "../../envs/precisionmed.yaml"
    threads: heavy_threads()
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        section=section("biomarkers"),
        seed=SEED,
        config=CONFIG,
    shell:
        "precisionmed biomarkers {input.batch} {input.classify} --config {params.config} --output {output}"
        " --log {log} --threads {threads}"
