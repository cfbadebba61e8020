"""What is said where there are no links to read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.data.beside import Social
from turret.data.prepared import Prepared
from turret.models import catalogue
from turret.models.social import mhcn

SOCIAL = [name for name, module in catalogue.MODELS.items() if module.startswith("turret.models.social.")]


@pytest.mark.parametrize("name", SOCIAL)
def test_without_links_the_missing_file_is_named(name: str, little: Prepared) -> None:
    file = catalogue.load(name)
    with pytest.raises(InputError, match="little has none") as refused:
        file.build(file.Config(), replace(little, social=None))
    assert "little.net" in str(refused.value)
    nobody = np.zeros(0, np.int32)
    with pytest.raises(InputError, match="none between users that training saw"):
        file.build(file.Config(), replace(little, social=Social(nobody, nobody)))


def test_mhcn_says_that_nobody_is_in_a_triangle(little: Prepared) -> None:
    log = little.train.take(np.array([3, 9, 10]))  # three users with one item each, that nobody else took
    alone = replace(little, parts={"train": replace(little.parts["train"], interactions=log)})
    lonely = replace(alone, social=Social(np.array([1], np.int32), np.array([3], np.int32)))
    with pytest.raises(InputError, match="triangles") as refused:
        mhcn.build(mhcn.Config(), lonely)
    assert "--least_shared 1" in str(refused.value)
