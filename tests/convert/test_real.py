"""Conversion of a network trained on people, checked on the official test set."""

from pathlib import Path

import numpy as np
import pytest

from convert.conversion_process import FORMS, convert
from convert.verify import verify
from tests.convert.models import paper_network
from train.datasets import uci_har
from train.datasets.waist import TEST_PEOPLE
from train.waist.windows import published


@pytest.mark.slow
def test_every_form_keeps_what_was_learned_from_uci_har(data_dir: Path) -> None:
    windows = published(uci_har.load(data_dir))
    train, test = windows.of(windows.people - TEST_PEOPLE), windows.of(TEST_PEOPLE)
    model = paper_network()
    model.layers[0].adapt(train.x)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(train.x, train.y, epochs=5, batch_size=64, verbose=0)
    variants = [(form, "unrolled") for form in FORMS]
    converted, reference = convert(model, train.x, variants, test=test.x)
    assert len(test) == 2947
    assert np.mean(reference.argmax(1) == test.y) > 0.85
    for one in converted:
        verify(one, reference, test.x, test.y)  # raises ConvertError if a form is not good enough
