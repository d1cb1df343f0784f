"""What is under `/api/v1/runs`, and what is about many of them: compare, views, marks, the trash."""

from core.api.exports import RECEIPT
from core.api.openapi import comparison_answers, inspection_answers, run_answers
from core.api.openapi import requests as asked
from core.api.openapi.operation import CSV, EVENTS, HTML, LINK, PARQUET, PYTHON, ZIP, Operation, Pages
from core.api.openapi.run_answers import ListedRun, RunSummary, StartedRun
from core.design.rate_range import RateRange
from core.preflight.measurement import Preflight
from core.store.views import SavedView

RUN = "/api/v1/runs/{id}"
IDEMPOTENT = ("Idempotency-Key",)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/api/v1/runs"): Operation(
        "Every run with its verdict, newest first; with `limit` a page of them",
        list[ListedRun], query=Pages, answer_headers=LINK,
    ),
    ("POST", "/api/v1/runs"): Operation(
        "Starts a run, or with `reuse` takes an identical one",
        StartedRun, 201, body=asked.StartRun, headers=IDEMPOTENT, refusals=(409,),
    ),
    ("GET", RUN): Operation("One run with its config, verdict and curves", run_answers.RunDetail),
    ("GET", f"{RUN}/events"): Operation(
        "An event for each finished epoch, with its row of the curves, until the run has ended",
        EVENTS, headers=("Last-Event-ID",), refusals=(204, 400),
    ),
    ("POST", f"{RUN}/stop"): Operation("Asks the run to stop", ListedRun, refusals=(400,)),
    ("POST", f"{RUN}/resume"): Operation(
        "Resumes a paused run, or queues again one that ended early", ListedRun, refusals=(400,)
    ),
    ("POST", f"{RUN}/pause"): Operation("Pauses the run after its current batch", ListedRun, refusals=(400,)),
    ("POST", f"{RUN}/step"): Operation("Resumes a paused run for one epoch", ListedRun, refusals=(400,)),
    ("POST", f"{RUN}/learning-rate"): Operation(
        "Sets another learning rate from the next epoch on", ListedRun, body=asked.LearningRate
    ),
    ("POST", f"{RUN}/epochs"): Operation("Adds epochs", ListedRun, body=asked.MoreEpochs),
    ("POST", f"{RUN}/rename"): Operation("Renames the run", ListedRun, body=asked.RenameRun),
    ("POST", f"{RUN}/fork"): Operation(
        "Trains the run again with `set` changed, or with `reuse` takes an identical fork",
        StartedRun, 201, body=asked.ForkRun, headers=IDEMPOTENT, refusals=(409,),
    ),
    ("GET", f"{RUN}/epoch-weights"): Operation(
        "Which single epochs' weights are kept", run_answers.KeptEpochs
    ),
    ("DELETE", f"{RUN}/epoch-weights"): Operation(
        "Deletes them; the best and the last model stay", run_answers.DeletedEpochs, refusals=(400,)
    ),
    ("GET", f"{RUN}/details"): Operation(
        "Accuracy by class, corrupted labels and followed pictures, by epoch", run_answers.Details
    ),
    ("GET", f"{RUN}/batch"): Operation(
        "The batch of one step of its training", run_answers.Batch, query=asked.BatchQuery
    ),
    ("GET", f"{RUN}/robustness"): Operation(
        "Its accuracy on distorted validation pictures", run_answers.Robustness, query=asked.RobustnessQuery
    ),
    ("POST", f"{RUN}/predict"): Operation(
        "Classifies pictures", list[inspection_answers.PictureAnswer], form=asked.PredictForm, files=100
    ),
    ("POST", f"{RUN}/explain"): Operation(
        "What the run looks at in a picture", inspection_answers.Explained, form=asked.ExplainForm, files=1
    ),
    ("GET", f"{RUN}/evaluate"): Operation(
        "How good its answers are", inspection_answers.Evaluation, query=asked.EvaluateQuery
    ),
    ("GET", f"{RUN}/export"): Operation(
        "Its best model as a zip, with its description and a program that uses it; or the script that trains it again",
        ZIP, query=asked.ExportQuery, or_file=PYTHON,
        answer_headers=(
            (RECEIPT, "`passed` or `failed`: whether the zip's model gives the answers of the run."),
        ),
    ),
    ("POST", "/api/v1/imports"): Operation(
        "Adds the run in a bundle under a new id, or runs that another tool has recorded",
        run_answers.ImportedRun, form=asked.ImportForm, files=20,
    ),
    ("GET", f"{RUN}/report"): Operation("The run's report as one HTML file", HTML, refusals=(400,)),
    ("GET", f"{RUN}/share"): Operation("The run as one interactive HTML file that opens offline", HTML),
    ("GET", f"{RUN}/picture-tags"): Operation(
        "The tagged test pictures of its data set", list[inspection_answers.TaggedPicture], refusals=(400,)
    ),
    ("POST", f"{RUN}/picture-tags"): Operation(
        "Changes the tags of one picture", inspection_answers.TaggedPicture, body=asked.TagPicture
    ),
    ("GET", f"{RUN}/map"): Operation(
        "Where the pictures of a part lie to the network", inspection_answers.PictureMap, query=asked.PartQuery
    ),
    ("POST", f"{RUN}/map"): Operation(
        "The same, with new pictures placed on it", inspection_answers.PictureMap,
        query=asked.PartQuery, form=asked.MapForm, files=100,
    ),
    ("GET", f"{RUN}/mistakes"): Operation(
        "Its wrong answers", list[inspection_answers.Mistake], query=asked.MistakesQuery
    ),
    ("GET", f"{RUN}/confusions"): Operation(
        "Its confusion matrix after each epoch", inspection_answers.Confusions, query=asked.ConfusionsQuery
    ),
    ("GET", f"{RUN}/layers"): Operation(
        "Its layers and dead units; with `index`, what they give for a picture",
        inspection_answers.LayersAnswer, query=asked.LayersQuery,
    ),
    ("POST", f"{RUN}/layers"): Operation(
        "What its layers give for a picture", inspection_answers.LayersAnswer, form=asked.LayersForm, files=1
    ),
    ("GET", f"{RUN}/histograms"): Operation(
        "Weights, activations and gradients over its epochs", inspection_answers.Histograms, refusals=(400,)
    ),
    ("POST", "/api/v1/preflight"): Operation(
        "Measures a config by a dry run", Preflight, body=asked.MeasureConfig, refusals=(409,)
    ),
    ("POST", "/api/v1/rate-range"): Operation(
        "Tries learning rates by a dry run", RateRange, body=asked.MeasureConfig, refusals=(409,)
    ),
    ("GET", "/api/v1/compare"): Operation(
        "Runs side by side", comparison_answers.Compared, query=asked.CompareQuery
    ),
    ("GET", "/api/v1/compare/curves"): Operation(
        "Their curves", comparison_answers.ComparedCurves, query=asked.CompareQuery
    ),
    ("GET", "/api/v1/compare/runs.csv"): Operation("A row per run", CSV, query=asked.CompareQuery),
    ("GET", "/api/v1/compare/runs.parquet"): Operation(
        "A row per run, as Parquet", PARQUET, query=asked.CompareQuery
    ),
    ("GET", "/api/v1/compare/curves.csv"): Operation("A row per run and epoch", CSV, query=asked.CompareQuery),
    ("GET", "/api/v1/compare/curves.parquet"): Operation(
        "A row per run and epoch, as Parquet", PARQUET, query=asked.CompareQuery
    ),
    ("POST", "/api/v1/runs/marks"): Operation(
        "Tags and hides runs", list[run_answers.Mark], body=asked.MarkRuns, refusals=(404,)
    ),
    ("POST", "/api/v1/runs/delete"): Operation(
        "Moves runs into the trash", run_answers.TrashedRuns, body=asked.Runs, refusals=(404,)
    ),
    ("POST", "/api/v1/runs/restore"): Operation(
        "Brings runs back from the trash", list[RunSummary], body=asked.Runs, refusals=(404,)
    ),
    ("GET", "/api/v1/trash"): Operation(
        "The deleted runs that can be restored, the last deleted first", list[run_answers.TrashedRun]
    ),
    ("DELETE", "/api/v1/trash"): Operation(
        "Deletes all of them for good", run_answers.Purged, refusals=(400,)
    ),
    ("DELETE", "/api/v1/trash/{id}"): Operation(
        "Deletes one of them for good", run_answers.Purged, refusals=(400,)
    ),
    ("GET", "/api/v1/views"): Operation("The saved views of Compare, by name", list[SavedView]),
    ("POST", "/api/v1/views"): Operation("Saves a view", SavedView, 201, body=asked.SaveView),
    ("DELETE", "/api/v1/views/{id}"): Operation("Deletes a view, by its id or name", SavedView),
}  # fmt: skip
