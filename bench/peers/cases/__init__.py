"""The cases, by name."""

from __future__ import annotations

from bench.peers.case import Case
from bench.peers.cases import (
    als,
    bpr,
    bpr_quality,
    dcnv2,
    deepfm,
    dssm,
    ease,
    evaluation,
    itemknn,
    knowledge,
    lightgcn,
    multivae,
    prepare,
    sasrec,
)

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        als.CASE,
        bpr.CASE,
        bpr_quality.CASE,
        dcnv2.CASE,
        deepfm.CASE,
        dssm.CASE,
        ease.CASE,
        evaluation.CASE,
        itemknn.CASE,
        *knowledge.CASES,
        lightgcn.CASE,
        multivae.CASE,
        prepare.CASE,
        sasrec.CASE,
    )
}
