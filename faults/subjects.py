"""What is trained: one subject or more for each procedure, small enough that a training takes a few seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """A training.

    Attributes:
        name: short, unique.
        procedure: how its model comes to its parameters, in words.
        log: which of `logs.LOGS` it reads.
        words: of the command line, after the dataset; the first is the model.
    """

    name: str
    procedure: str
    log: str
    words: str

    @property
    def model(self) -> str:
        """The model's name."""
        return self.words.split()[0]

    def command(self, log: str) -> list[str]:
        """The words of the command line that trains it in the folder `run`."""
        model, *options = self.words.split()
        return ["train", model, log, *options, "--run_dir", "run", "--mode", "detail"]


def _subject(name: str, procedure: str, log: str, *words: str) -> Subject:
    return Subject(name, procedure, log, " ".join(words))


SUBJECTS = {
    subject.name: subject
    for subject in (
        _subject("tiny", "sampled gradient", "plain", "bpr --epochs 2 --embed_dim 8 --batch_size 8192"),
        _subject("bpr", "sampled gradient", "ratings", "bpr --sampler dns --pool 4 --epochs 40 --batch_size 256 --early_stop_patience 0"),
        _subject(
            "bpr-midx",
            "sampled gradient, sampler with a state, row-wise",
            "ratings",
            "bpr --sampler midx_uni --loss sampled_softmax --negative_count 8 --learner sparse_adam --epochs 14 --batch_size 512",
            "--scheduler plateau --scheduler_step 2 --early_stop_patience 0",
        ),
        _subject(
            "bpr-midx-rounds",
            "the same in rounds of some steps",
            "ratings",
            "bpr --sampler midx_uni --loss sampled_softmax --negative_count 8 --learner rowwise_adagrad --epochs 8 --batch_size 512",
            "--scheduler cosine --round_steps 7 --early_stop_patience 0 --refresh_steps 5",
        ),
        _subject(
            "in-batch",
            "sampled gradient, streaming frequencies",
            "ratings",
            "bpr --sampler in_batch --loss sampled_softmax",
            "--in_batch_frequency streaming --epochs 40 --batch_size 256 --scheduler step --scheduler_step 5 --round_steps 16",
        ),
        _subject("lightgcn", "sampled gradient over a graph", "ratings", "lightgcn --epochs 20 --batch_size 512 --early_stop_patience 4"),
        _subject("sasrec", "sampled gradient, dropout", "ratings", "sasrec --epochs 16 --batch_size 64 --dropout 0.2 --round_steps 3"),
        _subject("multivae", "full catalogue, dropout", "ratings", "multivae --hidden 100 --latent 40 --epochs 40 --batch_size 32"),
        _subject(
            "multivae-rounds",
            "the same in rounds",
            "ratings",
            "multivae --hidden 100 --latent 40 --epochs 20 --batch_size 32 --round_steps 4",
        ),
        _subject("gru4rec", "session-parallel", "ratings", "gru4rec --layers 32 --epochs 10 --batch_size 16 --n_sample 64"),
        _subject(
            "gru4rec-dropout",
            "session-parallel, dropout",
            "ratings",
            "gru4rec --layers 32,16 --epochs 8 --batch_size 16 --n_sample 64 --dropout_p_embed 0.2 --dropout_p_hidden 0.1 --momentum 0.1",
        ),
        _subject(
            "gru4rec-rounds",
            "session-parallel in rounds",
            "ratings",
            "gru4rec --layers 32 --epochs 2 --batch_size 32 --n_sample 64 --round_steps 80 --dropout_p_hidden 0.1",
        ),
        _subject("wrmf", "ALS", "ratings", "wrmf --sweeps 20"),
        _subject("ease", "closed form", "ratings", "ease"),
        _subject("slim", "closed form by sweeps", "ratings", "slim"),
        _subject("deepfm", "streaming ranker in rounds", "ads", "deepfm --epochs 3 --batch_size 256 --round_steps 11 --dropout 0.1"),
        _subject("din", "streaming ranker, behaviours", "clicks", "din --epochs 4 --batch_size 256"),
        _subject("din-rounds", "the same in rounds", "clicks", "din --epochs 3 --batch_size 256 --round_steps 11 --shuffle_rows 16384"),
        _subject("ple", "several tasks", "tasks", "ple --epochs 3 --batch_size 256 --round_steps 13 --balancing uncertainty"),
        _subject("irgan", "alternating", "ratings", "irgan --epochs 30 --batch_size 256 --warm_up 4"),
        _subject("recvae", "alternating, dropout", "ratings", "recvae --hidden 100 --latent 40 --epochs 30 --batch_size 64 --eval_every 3"),
        _subject("irgan-rounds", "alternating in rounds", "ratings", "irgan --epochs 10 --batch_size 256 --warm_up 2 --round_steps 9"),
    )
}
