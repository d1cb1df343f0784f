"""Filters on the Compare page: built, read from a link, refused, and taken away again."""

import pytest

from tests.pages.compare.seen import figure, legend, set_field, table
from tests.pages.compare.stocked import BATCHES, FAILED_RUN, FLIPS, RATES, SEEDS, best
from tests.pages.visits import address, go_to, open_page, press, words

PAGE = "compare.py"
ALIKE = {"group_by": "all-but-seed"}


def test_filter_sort_and_a_link_that_restores_all_of_it(store):
    link = {
        "where": "optimizer.learning_rate >= 0.001 and training.batch_size = 32", "sort": "-val_accuracy",
        "measure": "val_loss", "smoothing": "0.5", "log": "y", "epoch": "4", "colour": "augmentation.horizontal_flip",
        "align": "step",
    }  # fmt: skip
    page = open_page(PAGE, **link)
    assert "10 of 40 runs." in words(page)
    best_first = sorted(
        (best(RATES[1], BATCHES[0], flip, seed) for flip in FLIPS for seed in SEEDS), reverse=True
    )
    assert table(page)["val_accuracy"].tolist() == pytest.approx([100 * value for value in best_first])
    assert page.selectbox(key="compare-measure").value == "val_loss"
    assert page.slider(key="compare-smoothing").value == 0.5
    assert page.selectbox(key="compare-align").value == "step"
    assert figure(page)["layout"]["yaxis"]["type"] == "log"
    # Elsewhere and back: the same view, without a word in the link.
    go_to(page, "runs.py")
    go_to(page, PAGE)
    assert "10 of 40 runs." in words(page) and page.query_params["epoch"] in ("4", ["4"])
    press(page, "Clear the filter")
    assert "40 of 40 runs." in words(page) and "where" not in page.query_params


def test_a_condition_is_built_from_fields_and_taken_away_again(store):
    page = open_page(PAGE)
    set_field(page, "selectbox", "filter-by", "training.batch_size")
    page.multiselect(key="compare-value-training.batch_size").set_value([1]).run()
    press(page, "Add")
    assert "20 of 40 runs." in words(page)
    set_field(page, "selectbox", "filter-by", "val_accuracy")
    page.number_input(key="compare-From-val_accuracy").set_value(60.0).run()
    press(page, "Add")
    above = sum(
        best(rate, BATCHES[1], flip, seed) >= 0.6
        for rate in RATES for flip in FLIPS for seed in SEEDS
        if (rate, flip, seed) != (RATES[1], True, SEEDS[-1])  # it failed in its third epoch
    )  # fmt: skip
    assert f"{above} of 40 runs." in words(page)
    page.button(key="compare-drop-0-training.batch_size one of (128)").click().run()
    assert page.query_params["where"] in ("val_accuracy >= 0.6", ["val_accuracy >= 0.6"])


def test_a_link_that_cannot_be_read_says_so_and_shows_the_rest(store):
    page = open_page(PAGE, where="nonsense < 3", epoch="-1", sort="-val_accuracy")
    assert words(page).count("A part of this link cannot be read") == 2
    assert table(page)["val_accuracy"].is_monotonic_decreasing


def test_an_epoch_that_no_run_has_is_no_value_of_anybody(store):
    page = open_page(PAGE, epoch="99999999", **ALIKE)
    assert page.slider(key="compare-epoch").value == 99999999
    assert "Epoch line: epoch 99,999,999" in [each.label for each in page.slider]
    assert all("no value at epoch 99999999" in line for line in legend(page))
    assert table(page)["at epoch"].isna().all()


def test_60_is_read_as_60_percent_with_a_click(store):
    page = open_page(PAGE, where="val_accuracy >= 60")
    assert "0 of 40 runs." in words(page)
    assert "fits no run. Did you mean 60%?" in words(page)
    press(page, "Use 60%")
    known = [
        best(rate, batch, flip, seed) for rate in RATES for batch in BATCHES for flip in FLIPS for seed in SEEDS
        if (rate, batch, flip, seed) != FAILED_RUN
    ]  # fmt: skip
    assert f"{sum(value >= 0.6 for value in known)} of 40 runs." in words(page)
    assert "Did you mean" not in words(page) and address(page, "where") == "val_accuracy >= 0.6"


def test_a_number_that_no_run_can_have_is_said_and_no_percent_offered(store):
    page = open_page(PAGE, where="augmentation.hue >= 0.6")
    assert "0 of 40 runs." in words(page)
    assert "Hue lies between 0 and 0.5, so “augmentation.hue >= 0.6” fits no run." in words(page)
    assert "Did you mean" not in words(page) and not [each for each in page.button if "Use" in each.label]
    page = open_page(PAGE, where="augmentation.hue >= 0.6 or val_accuracy >= 60")
    press(page, "Use 60%")
    assert address(page, "where") == "augmentation.hue >= 0.6 or val_accuracy >= 0.6"


def test_a_condition_is_added_as_an_alternative(store):
    page = open_page(PAGE, where="training.batch_size = 32 and seed = 0")
    assert "4 of 40 runs." in words(page)
    page.selectbox(key="compare-filter-by").set_value("state").run()
    set_field(page, "multiselect", "value-state", [1])
    press(page, "Or")
    assert "5 of 40 runs." in words(page)
    assert address(page, "where") == "training.batch_size = 32 and seed = 0 or state one of (FAILED)"
    assert "Filter: 3 conditions" in [each.proto.popover.label for each in page.get("popover")]
    press(page, "Batch size = 32 and Seed = 0 or State one of FAILED")
    assert "40 of 40 runs." in words(page)


def test_a_text_that_cannot_be_read_stays_and_is_answered_below_it(store):
    page = open_page(PAGE, where="val_accuracy >= 0.5")
    key = "compare-where-val_accuracy >= 0.5"
    page.text_area(key=key).set_value("val_accuracy >")
    press(page, "Apply")
    assert page.text_area(key=key).value == "val_accuracy >"
    assert "The filter needs a value, not its end." in words(page) and not page.toast
    assert address(page, "where") == "val_accuracy >= 0.5"
    page.text_area(key=key).set_value("val_accuracy > high")
    press(page, "Apply")
    assert "The filter needs" not in words(page) and "0 of 40 runs." in words(page)
    assert "“val_accuracy > high” fits no run: validation accuracy needs a number." in words(page)
