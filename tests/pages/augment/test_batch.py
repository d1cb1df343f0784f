"""Augment, second view: a batch as the network sees it."""

from tests.pages.augment.stand_in import NUM_TRAIN, trained_run
from tests.pages.visits import draft, open_page, words


def test_a_batch_is_chosen_by_epoch_and_step_and_shown_with_its_labels(engine, workspace) -> None:
    page = open_page("augment.py", view="batch")
    design = draft(page)
    assert engine.batches == [(design.config_id, 0, 0)]
    text = words(page)
    assert f"Epoch 1 of {design.training.epochs}, step 1 of" in text
    assert f"With seed {design.seed}, this epoch and step" in text and "the first 3 of 64 pictures" in text
    assert "**75 % dog, 25 % *cat***" in text and "25 % of another picture" in text
    assert text.count("wrong on purpose") == 1
    steps = design.training.steps_per_epoch(design.dataset.num_train or NUM_TRAIN)
    page.number_input(key=f"batch-step-{steps}").set_value(2).run()
    page.number_input(key=f"batch-epoch-{design.training.epochs}").set_value(3).run()
    assert engine.batches[-1] == (design.config_id, 2, 1)
    assert any(
        "(a wrong label, on purpose): mirrored" in image.proto.imgs[0].alt for image in page.get("image")
    )


def test_a_batch_of_a_run_is_that_run_s(engine, workspace) -> None:
    run = trained_run(workspace, "one", training__batch_size=50, seed=7)
    page = open_page("augment.py", view="batch", run=run.id)
    assert engine.batches == [(run.config_id, 0, 0)]
    assert "With seed 7" in words(page) and "step 1 of 40" in words(page)
    page.selectbox(key="augment-run").set_value("").run()
    assert engine.batches[-1][0] == draft(page).config_id
    assert "run" not in page.query_params


def test_a_batch_without_its_data_set_or_engine_is_a_sentence(engine, workspace) -> None:
    run = trained_run(workspace, "one", dataset__id="mnist")
    assert "MNIST is not here yet" in words(open_page("augment.py", view="batch", run=run.id))
    engine.broken = True
    assert "Try again: it restarts by itself" in words(open_page("augment.py", view="batch"))
