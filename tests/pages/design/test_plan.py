"""A network that cannot be built, on the page: how far it goes, and the buttons that repair it."""

from tests.pages.visits import button, change, draft, open_page, press, unfold, words


def test_the_table_runs_up_to_the_layer_that_cannot_be_built_and_a_button_repairs_it(workspace) -> None:
    page = unfold(open_page("design.py", preset="article"), "More settings of this block")
    change(page, "model.blocks[0].pool_size", 16)
    table = page.dataframe[0].value
    # 32 → 30 → 1 pixel per side.
    assert list(table["Layer"]) == ["input", "rescaling", "conv_1", "batch_norm_1", "pool_1", "conv_2"]
    assert table["Output"].iloc[-1] == "1×1 is too small for 3×3"
    assert table["Parameters"].isna().tolist() == [False] * 5 + [True]
    # One red row, the last.
    styles = page.dataframe[0].proto.arrow_data.styler.styles
    assert "row5_col0" in styles and "row4_col0" not in styles
    titles = [each.label for each in page.button if (each.key or "").startswith("repair-start-")]
    # With 1 pixel a 1×1 kernel leaves nothing to pool, and padding helps only where block 1 has it as well.
    assert titles == ["Padding “same” in every block", "No pooling in block 1", "Remove block 2"]
    assert [
        each.label for each in page.button if (each.key or "").startswith("repair-model.blocks[1]-")
    ] == titles
    assert "**Block 2**" in words(page) and "**Block 2** →" not in words(page)
    press(page, "No pooling in block 1")
    assert draft(page).model.blocks[0].pool == "none"
    assert not button(page, "Start training").disabled
    assert "too small" not in words(page)
    assert list(page.dataframe[0].value["Layer"])[-1] == "softmax"
