"""The file of all answers."""

from core.comparison.exports import write_table
from core.engine.answers import Answer, Knowledge, RankedClass
from pages.components.classify.table import answers_table

TOP = (RankedClass("circle", 0.9), RankedClass("=square", 0.0625), RankedClass("ring", 0.0375))


def test_the_file_has_every_picture_and_no_formula() -> None:
    answers = [
        Answer("=a.png", "It is empty."),
        Answer("b.png", top=TOP, knowledge=Knowledge(False, 99.5, None, ())),
        Answer("c.png", top=TOP[:1]),
    ]
    assert write_table(answers_table(answers), "csv").decode().split("\r\n") == [
        "image,answer,probability,second,second_probability,known,distance_percentile,error",
        "'=a.png,,,,,,,It is empty.",
        "b.png,circle,0.9,'=square,0.0625,no,99.5,",
        "c.png,circle,0.9,,,,,",
        "",
    ]
