"""What requests may hold: queries, JSON bodies and forms. A key of a body that is null is as good as none."""

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta, Struct

from core.api.openapi.operation import Crop, Epoch, Split, Token
from core.config import ExperimentConfig
from core.datasets.storage import MAX_SIDE
from core.export.formats import CHOICES
from core.foreign.reading import Format
from core.store.records import MAX_NAME_CHARACTERS

Values = Annotated[
    dict[str, Any],
    Meta(
        description="Settings by path.", examples=[{"optimizer.learning_rate": 0.001, "training.epochs": 3}]
    ),
]
RunIds = Annotated[list[str], Meta(description="The ids of runs.", min_length=1)]
Tags = Annotated[list[str], Meta(description="Tags.")]
Count = Annotated[int, Meta(ge=1, le=999_999_999)]


class StartRun(Struct, forbid_unknown_fields=True):
    """Either `config` or `preset`."""

    config: ExperimentConfig | None = None
    preset: Annotated[str, Meta(examples=["tiny"])] | None = None
    set: Values | None = None
    name: str | None = None
    token: Token | None = None
    reuse: Annotated[bool, Meta(description="Take an identical run, if there is one.")] | None = None


class ForkRun(Struct, forbid_unknown_fields=True):
    """What is changed in the copy."""

    set: Values | None = None
    name: str | None = None
    token: Token | None = None
    reuse: bool | None = None


class MeasureConfig(Struct, forbid_unknown_fields=True):
    """Either `config` or `preset`."""

    config: ExperimentConfig | None = None
    preset: str | None = None
    set: Values | None = None


class LearningRate(Struct, forbid_unknown_fields=True):
    """From the next epoch on."""

    value: Annotated[float, Meta(gt=0)]


class MoreEpochs(Struct, forbid_unknown_fields=True):
    """How many are added."""

    add: Annotated[int, Meta(ge=1)]


class Runs(Struct, forbid_unknown_fields=True):
    """All of them or none."""

    runs: RunIds


class MarkRuns(Struct, forbid_unknown_fields=True):
    """What changes for all of the runs, or none."""

    runs: RunIds
    add: Tags | None = None
    remove: Tags | None = None
    hidden: bool | None = None


class TagPicture(Struct, forbid_unknown_fields=True):
    """`index` is a row of the test arrays."""

    index: Annotated[int, Meta(ge=0)]
    add: Tags | None = None
    remove: Tags | None = None


class SaveView(Struct, forbid_unknown_fields=True):
    """`query` is what stands after the `?` in a link to Compare."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    query: str | None = None


class WriteNote(Struct, forbid_unknown_fields=True):
    """`expectation`, `outcome` or both."""

    runs: RunIds
    expectation: str | None = None
    outcome: str | None = None


class Against(Struct, forbid_unknown_fields=True):
    """One of `config`, `preset` and `run`, or `set` alone."""

    config: ExperimentConfig | None = None
    preset: str | None = None
    run: str | None = None
    set: Values | None = None


class StartStudy(Struct, forbid_unknown_fields=True):
    """With one of `config`, `preset` and `run`, and what the kind takes."""

    kind: Literal["seeds", "ablation", "volume", "noise"]
    config: ExperimentConfig | None = None
    preset: str | None = None
    run: str | None = None
    set: Values | None = None
    against: Against | None = None
    num_seeds: int | None = None
    modes: list[Literal["without", "only"]] | None = None
    sizes: list[int] | None = None
    num_sizes: int | None = None
    fractions: list[float] | None = None
    until_decided: bool | None = None
    max_seeds: int | None = None
    smallest_difference: float | None = None
    name: str | None = None
    token: Token | None = None
    reuse: bool | None = None


class ResumeStudy(Struct, forbid_unknown_fields=True):
    """`max_seeds` for a study that adds seeds until it is decided."""

    max_seeds: int | None = None


class SweepFile(Struct, forbid_unknown_fields=True):
    """What a sweep's file holds."""

    space: dict[str, Any]
    name: str | None = None
    preset: str | None = None
    config: ExperimentConfig | None = None
    run: str | None = None
    dataset: str | None = None
    set: Values | None = None
    method: str | None = None
    trials: int | None = None
    seed: int | None = None
    pruning: str | None = None
    objective: str | list[str] | dict[str, float] | None = None
    seeds: int | None = None
    concurrency: int | None = None
    reuse: bool | None = None


class EstimateSweep(SweepFile, forbid_unknown_fields=True):
    """A sweep's file; with `dry_run` the config is measured first."""

    dry_run: bool | None = None


class StartSweep(SweepFile, forbid_unknown_fields=True):
    """A sweep's file."""

    token: Token | None = None


class ChangeSweep(Struct, forbid_unknown_fields=True):
    """All of them or, if one is refused, none; `concurrency` null or 0: as many as there are devices."""

    trials: int | None = None
    concurrency: int | None = None
    name: str | None = None


class AddTrial(Struct, forbid_unknown_fields=True):
    """The values of a trial by hand."""

    set: Values


class ConfirmSweep(Struct, forbid_unknown_fields=True):
    """How many fresh seeds the best trials are trained with."""

    seeds: int | None = None


class BeginUpload(Struct, forbid_unknown_fields=True):
    """A file that is to be imported."""

    name: Annotated[str, Meta(examples=["flowers.zip"])]
    size: Annotated[int, Meta(ge=1)]


class AddDataSet(Struct, forbid_unknown_fields=True):
    """With `upload` the file of an upload is imported; without it, `name` is an official data set to be downloaded."""

    name: str
    upload: Annotated[str, Meta(description="The id of an upload.")] | None = None
    image_size: Annotated[int, Meta(ge=8, le=MAX_SIDE)] | None = None
    crop: Crop | None = None
    skip_damaged: bool | None = None


class RenameRun(Struct, forbid_unknown_fields=True):
    """Another name."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class BatchQuery(TypedDict, total=False):
    """Which step, counted from 1."""

    epoch: Count
    step: Count


class RobustnessQuery(TypedDict, total=False):
    """Which distortion."""

    knob: Annotated[str, Meta(examples=["rotation"])]


class PartQuery(TypedDict, total=False):
    """Which part, and which weights."""

    split: Split
    epoch: Epoch


class EvaluateQuery(PartQuery, total=False):
    """Also: another data set."""

    dataset: Annotated[str, Meta(description="Another data set, all of whose pictures are asked about.")]


class MistakesQuery(EvaluateQuery, total=False):
    """Also: the order, and how many."""

    by: Literal["loss", "confidence", "doubt"]
    limit: Count


class ConfusionsQuery(TypedDict, total=False):
    """Of one epoch alone."""

    epoch: Count


class LayersQuery(TypedDict, total=False):
    """With `index`, what the layers give for that row of the test arrays."""

    epoch: Epoch
    index: Annotated[int, Meta(ge=0, le=999_999_999)]
    layer: str
    at: Annotated[str, Meta(description="`row,column,channel`, or a unit.", examples=["3,5,17"])]


class ExportQuery(TypedDict):
    """As what."""

    format: Annotated[str, Meta(extra_json_schema={"enum": list(CHOICES)})]


class CompareQuery(TypedDict, total=False):
    """What stands after the `?` in a link to Compare."""

    where: Annotated[str, Meta(description="Conditions, joined by `and`.", examples=["val_accuracy >= 80%"])]
    text: str
    sort: Annotated[str, Meta(description="A quantity; with `-` before it the largest first.")]
    group_by: Annotated[str, Meta(description="`all-but-seed`, or paths of settings.")]
    hidden: Literal["folded", "shown", "left_out"]
    baseline: Annotated[str, Meta(description="The id of a run.")]
    measure: str
    align: Literal["epoch", "step", "seconds", "pictures"]
    smoothing: Annotated[float, Meta(ge=0, le=0.999)]
    epoch: Count
    colour: str
    x: str
    y: str
    log: str
    columns: str


class WithRunsQuery(TypedDict, total=False):
    """Whether its runs go too."""

    with_runs: Literal["true", "false"]


class AppendQuery(TypedDict):
    """Where the portion begins."""

    offset: Annotated[int, Meta(ge=0, le=999_999_999_999)]


PredictForm = TypedDict(
    "PredictForm",
    {
        "crop": Crop,
        "box": Annotated[
            str, Meta(description="`LEFT,TOP,RIGHT,BOTTOM`, each from 0 to 1, in place of crop.")
        ],
        "epoch": Epoch,
        "vary": Literal["true", "false"],
        "with": Annotated[str, Meta(description="Up to three other runs, their ids with commas between.")],
    },
    total=False,
)
ExplainForm = TypedDict(
    "ExplainForm",
    {
        "method": Literal["grad-cam", "occlusion"],
        "layer": str,
        "class": str,
        "crop": Crop,
        "epoch": Epoch,
    },
    total=False,
)


class LayersForm(TypedDict, total=False):
    """Which layer, place and weights."""

    layer: str
    at: str
    epoch: Epoch
    crop: Crop


class ImportForm(TypedDict, total=False):
    """A bundle needs none of these; of what another tool has recorded, each may be known."""

    format: Annotated[Format, Meta(description="What the files are, where their content does not tell.")]
    name: str
    validation_pictures: Annotated[
        int, Meta(ge=1, description="On how many pictures its validation rests, for the verdict.")
    ]


class MapForm(TypedDict, total=False):
    """How pictures become square."""

    crop: Crop


class AddAlert(Struct, forbid_unknown_fields=True):
    """`on` are the kinds that are told. A command cannot be set by REST."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    on: Annotated[
        list[
            Literal[
                "overfitting", "diverged", "plateau", "finished", "failed", "sweep_decided", "study_finished"
            ]
        ],
        Meta(min_length=1),
    ]
    webhook: Annotated[str, Meta(max_length=2000, examples=["https://example.com/hook"])]
