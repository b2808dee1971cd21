"""A nightly campaign in Airflow 3. The task only starts the campaign and waits; Ratchet's worker runs it.

The id follows from the run's logical date, so each try of the task names the same campaign: it attaches, or resumes
a failed one. Exit codes: docs/schedulers.md.
"""

import json
import os
import subprocess

import pendulum
from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

RATCHET = os.environ.get("RATCHET_COMMAND", "/srv/nightly/node_modules/.bin/ratchet")
CAMPAIGN = os.environ.get("RATCHET_CAMPAIGN", "/srv/nightly/campaign.yaml")

# Of another code, such as 4 (Temporal or the store is away) or 14 (the time is over), a retry is right.
RETRY_IS_USELESS = {2, 3, 5, 6, 10, 11, 70}


@dag(
    schedule="0 1 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
    max_active_runs=1,
    tags=["ratchet"],
)
def nightly_campaign():
    @task(retries=5, retry_delay=pendulum.duration(minutes=5))
    def campaign() -> dict:
        day = get_current_context()["logical_date"].in_timezone("Europe/Berlin").to_date_string()
        command = [RATCHET, "start", CAMPAIGN, "--id", f"nightly-{day}", "--wait", "--timeout", "20h", "--json"]
        # stderr goes to the task's log. A task that is stopped stops the command, not the campaign.
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if ran.returncode in RETRY_IS_USELESS:
            raise AirflowFailException(f"ratchet exited with {ran.returncode}")
        if ran.returncode != 0:
            raise RuntimeError(f"ratchet exited with {ran.returncode}")
        return json.loads(ran.stdout)["outcome"]

    @task
    def promoted(outcome: dict) -> str:
        return outcome["promoted"]

    promoted(campaign())


nightly_campaign()
