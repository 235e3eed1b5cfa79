"""Run a job by its name, as its thread would."""

from commentsvc.jobs.schedule import JOBS


def run_job(name: str) -> int:
    """Once; how much it did."""
    return next(job for job in JOBS if job.name == name).do()
