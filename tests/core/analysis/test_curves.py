import math

import pandas as pd
import pytest

from core.analysis.curves import curves_frame, downsample
from core.epoch import CURVE_KEYS


def curves(num_epochs=0, **columns):
    return (
        {key: [None] * num_epochs for key in CURVE_KEYS} | {"epoch": list(range(1, num_epochs + 1))} | columns
    )


def test_frame():
    frame = curves_frame(curves(2, val_loss=[0.5, None], seconds=[3, 4]))
    assert list(frame.columns) == list(CURVE_KEYS)
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["val_loss"][0] == 0.5 and math.isnan(frame["val_loss"][1])
    assert {str(kind) for name, kind in frame.dtypes.items() if name != "epoch"} == {"float64"}
    assert str(frame.dtypes["epoch"]) == "int64"


def test_frame_of_a_run_without_epochs():
    frame = curves_frame(curves())
    assert frame.empty and list(frame.columns) == list(CURVE_KEYS)
    assert downsample(frame).empty


@pytest.mark.parametrize("best", [1, 2, 37, 4999, 5000, None, 9999])
@pytest.mark.parametrize("most", [3, 10, 1000])
def test_thinning_keeps_the_ends_and_the_best(most, best):
    frame = pd.DataFrame({"epoch": range(1, 5001), "val_loss": [float(epoch) for epoch in range(1, 5001)]})
    thin = downsample(frame, most, keep=best)
    epochs = thin["epoch"].tolist()
    assert len(thin) == most
    assert epochs == sorted(set(epochs))
    assert (epochs[0], epochs[-1]) == (1, 5000)
    assert best in (*epochs, None, 9999)
    assert thin["val_loss"].tolist() == epochs


def test_a_short_frame_stays_whole():
    frame = curves_frame(curves(5))
    assert downsample(frame, 5) is frame
    with pytest.raises(ValueError, match="at least 3"):
        downsample(frame, 2)
