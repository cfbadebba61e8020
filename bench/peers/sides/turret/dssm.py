"""DSSM by Turret: softmax over the other items of the batch, as they are."""

from dataclasses import replace

import torch
from stand import Stand

from data import judged, prepared
from turret.data.columns import Tokens
from turret.data.prepared import Entities
from turret.data.vocabulary import Vocabulary
from turret.models.general import dssm
from turret.training.composition import Composition
from turret.training.config import Training

stand = Stand()
words, facts = stand.words, stand.facts


def described(side: str, entities: Entities) -> Entities:
    """Users or items with the features of the files, whose values need no names."""
    table, sizes = stand.array(f"{side}_features"), facts[f"{side}_sizes"]
    nameless = [Vocabulary(entities.vocabulary.data, entities.vocabulary.offsets[:1].repeat(size)) for size in sizes]
    columns = {f"F{place}": Tokens(table[:, place].copy(), names) for place, names in enumerate(nameless)}
    return replace(entities, features=columns)


data = prepared(stand)
data = replace(data, users=described("user", data.users), items=described("item", data.items))
composition = Composition(loss="info_nce", sampler="in_batch", scorer="cosine", temperature=words["temperature"], exclude_seen=False)
training = Training(
    epochs=1_000, round_steps=words["round"] or None, batch_size=words["batch"], learner="sparse_adam", learning_rate=words["rate"]
)
config = dssm.Config(
    embed_dim=words["width"], mlp_layers=words["layers"], init_std=words["std"], composition=composition, training=training
)
torch.manual_seed(stand.seed)
model = dssm.build(config, data)
rounds = dssm.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
next(rounds)
with stand.measuring():
    for _ in range(words["measured"]):
        next(rounds)
share = words["measured"] * (words["round"] * words["batch"] / facts["rows"] or 1)
stand.tell(stand.seconds[0] / share, judged(stand, data, model), f"{share:.2g} epochs were measured")
