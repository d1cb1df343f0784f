"""What is not under `/api/v1/runs`: studies, sweeps, notes, data sets, uploads, and what is about REST itself."""

from typing import Any

from core.api.openapi import other_answers
from core.api.openapi import requests as asked
from core.api.openapi.operation import HTML, LINK, MARKDOWN, Operation, Pages
from core.api.openapi.other_answers import Study, StudySummary, Sweep, SweepSummary
from core.api.openapi.run_operations import IDEMPOTENT
from core.store.visitors import Visitor

STUDY, SWEEP = "/api/v1/studies/{id}", "/api/v1/sweeps/{id}"

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/api/v1/health"): Operation("That the server is up", other_answers.Health),
    ("GET", "/api/v1/openapi.json"): Operation("This document", dict[str, Any]),
    ("GET", "/api/v1/problems"): Operation("What the codes of errors mean", list[other_answers.ProblemKind]),
    ("GET", "/api/v1/doctor"): Operation(
        "What the server's computer has, what is missing and how to get it", other_answers.Doctor
    ),
    ("GET", "/api/v1/datasets"): Operation(
        "The data sets that are here and those that can be downloaded", list[other_answers.DataSet]
    ),
    ("POST", "/api/v1/datasets"): Operation(
        "Imports an upload, or downloads an official data set", other_answers.AddedDataSet, 201,
        body=asked.AddDataSet, refusals=(404,),
    ),
    ("DELETE", "/api/v1/datasets/{id}"): Operation("Deletes a data set", other_answers.Removed, refusals=(400,)),
    ("GET", "/api/v1/visitors"): Operation("Who has joined this class or a former one", list[Visitor]),
    ("POST", "/api/v1/uploads"): Operation(
        "Announces a file", other_answers.Upload, 201, body=asked.BeginUpload, refusals=(507,)
    ),
    ("GET", "/api/v1/uploads/{id}"): Operation("How much of a file has arrived", other_answers.Upload),
    ("PUT", "/api/v1/uploads/{id}"): Operation(
        "Appends the body to a file", other_answers.Received,
        query=asked.AppendQuery, binary=True, refusals=(409, 507),
    ),
    ("DELETE", "/api/v1/uploads/{id}"): Operation("Removes a file", other_answers.Removed, refusals=(409,)),
    ("GET", "/api/v1/studies"): Operation(
        "Every study without its runs, newest first", list[StudySummary], query=Pages, answer_headers=LINK
    ),
    ("POST", "/api/v1/studies"): Operation(
        "Starts a study", Study, 201, body=asked.StartStudy, headers=IDEMPOTENT, refusals=(404, 409)
    ),
    ("GET", STUDY): Operation("One study with its runs and its result so far", Study),
    ("GET", f"{STUDY}/share"): Operation("The study as one interactive HTML file that opens offline", HTML),
    ("DELETE", STUDY): Operation("Forgets a study", other_answers.Deleted, query=asked.WithRunsQuery),
    ("POST", f"{STUDY}/stop"): Operation("Stops the runs that the study began", Study, refusals=(400,)),
    ("POST", f"{STUDY}/resume"): Operation(
        "Queues again what is missing, or lets it add seeds", Study,
        body=asked.ResumeStudy, is_body_optional=True,
    ),
    ("GET", "/api/v1/sweeps"): Operation(
        "Every sweep without its trials, newest first", list[SweepSummary], query=Pages, answer_headers=LINK
    ),
    ("POST", "/api/v1/sweeps"): Operation(
        "Starts a sweep", Sweep, 201, body=asked.StartSweep, headers=IDEMPOTENT, refusals=(404, 409)
    ),
    ("POST", "/api/v1/sweeps/estimate"): Operation(
        "Counts and prices a sweep", other_answers.SweepEstimate, body=asked.EstimateSweep, refusals=(404, 409)
    ),
    ("GET", SWEEP): Operation("One sweep with its trials, the best of them and the confirmation", Sweep),
    ("DELETE", SWEEP): Operation(
        "Stops and forgets a sweep", other_answers.Deleted, query=asked.WithRunsQuery
    ),
    ("POST", f"{SWEEP}/pause"): Operation("Starts no new trials", Sweep, refusals=(400,)),
    ("POST", f"{SWEEP}/resume"): Operation("Continues a sweep", Sweep, refusals=(400,)),
    ("POST", f"{SWEEP}/stop"): Operation("Ends the sweep and stops its runs", Sweep, refusals=(400,)),
    ("POST", f"{SWEEP}/change"): Operation(
        "Changes how many trials, how many at a time, or its name", Sweep, body=asked.ChangeSweep
    ),
    ("POST", f"{SWEEP}/trials"): Operation(
        "Trains a trial by hand", other_answers.Trial, 201, body=asked.AddTrial
    ),
    ("POST", f"{SWEEP}/confirm"): Operation(
        "Trains the best three trials with fresh seeds", Sweep, 201, body=asked.ConfirmSweep
    ),
    ("GET", "/api/v1/notes"): Operation(
        "Every note with the facts of its runs, newest first", list[other_answers.Note],
        query=Pages, answer_headers=LINK,
    ),
    ("POST", "/api/v1/notes"): Operation(
        "Writes the note about runs", other_answers.Note, 201, body=asked.WriteNote, refusals=(404,)
    ),
    ("DELETE", "/api/v1/notes/{id}"): Operation(
        "Deletes a note; its runs stay", other_answers.Removed, refusals=(400,)
    ),
    ("GET", "/api/v1/alerts"): Operation("The alerts by name; not for visitors", list[other_answers.Alert]),
    ("POST", "/api/v1/alerts"): Operation(
        "Tells a webhook of something from now on", other_answers.Alert, 201, body=asked.AddAlert
    ),
    ("GET", "/api/v1/alerts/log"): Operation(
        "The messages of the alerts and how they went, newest first; not for visitors",
        list[other_answers.AlertDelivery], query=Pages, answer_headers=LINK,
    ),
    ("DELETE", "/api/v1/alerts/{name}"): Operation("Removes an alert", other_answers.Alert, refusals=(404,)),
    ("POST", "/api/v1/alerts/{name}/test"): Operation(
        "Sends a test message and waits for how it goes", other_answers.AlertDelivery, refusals=(404,)
    ),
    ("GET", "/api/v1/notebook.md"): Operation("The notebook as Markdown", MARKDOWN),
    ("GET", "/api/v1/notebook.html"): Operation("The notebook as one HTML file", HTML),
}  # fmt: skip
