"""Places of right items in lists, against a loop over users."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.interactions import Ragged
from turret.evaluation import places
from turret.evaluation.places import in_lists


@pytest.mark.parametrize("rows", [1, 2, 3, places.ROWS])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), users=st.integers(0, 7), length=st.integers(1, 4))
def test_every_right_item_has_the_place_of_its_list(rows: int, data: st.DataObject, users: int, length: int) -> None:
    truth = [sorted(data.draw(st.sets(st.integers(0, 8), max_size=5))) for _ in range(users)]
    listed = [data.draw(st.lists(st.integers(0, 8), max_size=length, unique=True)) for _ in range(users)]
    lists = np.array([row + [-1] * (length - len(row)) for row in listed], dtype=np.int32).reshape(users, length)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in truth])]).astype(np.int64)
    ragged = Ragged(offsets, np.array([item for row in truth for item in row], dtype=np.int32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "ROWS", rows)
        found = in_lists(lists, ragged)
    expected = [(user, item, place + 1.0) for user in range(users) for place, item in enumerate(listed[user]) if item in truth[user]]
    assert list(zip(found.user.tolist(), found.item.tolist(), found.at.tolist(), strict=True)) == expected
    assert found.asked.tolist() == [len(row) for row in truth]
