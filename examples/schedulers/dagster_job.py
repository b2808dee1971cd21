"""A nightly campaign as an asset of Dagster: each day is a partition, and its campaign has the day in its id.

The run only starts the campaign and waits; Ratchet's worker runs it. A run that is tried again attaches, or resumes a
failed campaign. Exit codes: docs/schedulers.md.
"""

import json
import os
import subprocess

import dagster as dg

RATCHET = os.environ.get("RATCHET_COMMAND", "/srv/nightly/node_modules/.bin/ratchet")
CAMPAIGN = os.environ.get("RATCHET_CAMPAIGN", "/srv/nightly/campaign.yaml")

# Of another code, such as 4 (Temporal or the store is away) or 14 (the time is over), a retry is right.
RETRY_IS_USELESS = {2, 3, 5, 6, 10, 11, 70}

days = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="Europe/Berlin")


@dg.asset(partitions_def=days)
def promoted_policy(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The policy that the campaign of a day promoted."""
    command = [RATCHET, "start", CAMPAIGN, "--id", f"nightly-{context.partition_key}"]
    ran = subprocess.run([*command, "--wait", "--timeout", "20h", "--json"], stdout=subprocess.PIPE, text=True)
    if ran.returncode in RETRY_IS_USELESS:
        raise dg.Failure(f"ratchet exited with {ran.returncode}", allow_retries=False)
    if ran.returncode != 0:
        raise dg.RetryRequested(max_retries=5, seconds_to_wait=300)
    printed = json.loads(ran.stdout)
    return dg.MaterializeResult(
        metadata={"campaign": printed["campaignId"], "promoted": printed["outcome"]["promoted"]}
    )


nightly = dg.define_asset_job("nightly", selection=[promoted_policy], partitions_def=days)

defs = dg.Definitions(
    assets=[promoted_policy],
    schedules=[dg.build_schedule_from_partitioned_job(nightly, hour_of_day=1)],
)
