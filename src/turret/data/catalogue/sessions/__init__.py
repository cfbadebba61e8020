"""Datasets of sessions, made as the authors of GRU4Rec made theirs: `train_full` and `test`, and `train_tr` and `train_valid`."""

from turret.data.catalogue.sessions import coveo, diginetica, rees46, retailrocket, yoochoose

ENTRIES = (*yoochoose.ENTRIES, *rees46.ENTRIES, *coveo.ENTRIES, *retailrocket.ENTRIES, *diginetica.ENTRIES)
