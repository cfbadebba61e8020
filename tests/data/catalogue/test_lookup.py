"""From names and paths to datasets."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import fetch, locate, present
from turret.data.config import DataConfig
from turret.data.simulate import Advertising, Note, Simulation, note_of, publish, simulate, simulate_clicks

HEADER = "user_id:token\titem_id:token\n1\t1\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)
    return tmp_path / "cache" / "turret"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def dataset(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True)
    for file in files or (f"{folder.name}.inter",):
        (folder / file).write_text(HEADER)
    return folder


def quiet(_: str) -> None:
    """Says nothing."""


def test_data_dir_comes_before_the_environment_and_the_cache_last(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, shared = tmp_path / "given", tmp_path / "shared"
    monkeypatch.setenv("TURRET_DATA", str(shared))
    dataset(cache / "ml-1m")
    assert locate("ml-1m", given).path == cache / "ml-1m"
    dataset(shared / "ml-1m")
    assert locate("ml-1m", given).path == shared / "ml-1m"
    dataset(given / "ml-1m")
    assert locate("ml-1m", given).path == given / "ml-1m"
    assert locate("ml-1m").path == shared / "ml-1m"


def test_atomic_files_are_used_in_place_with_the_entrys_defaults(tmp_path: Path) -> None:
    dataset(tmp_path / "ml-1m")
    found = locate("ml-1m", tmp_path)
    assert found.defaults.model_dump(exclude_unset=True) == {"cleaning": {"label_threshold": 4.0}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml-1m"]


def test_a_published_split_is_left_as_it_is(tmp_path: Path) -> None:
    dataset(tmp_path / "gowalla", "gowalla.train.inter", "gowalla.test.inter")
    assert locate("gowalla", tmp_path).defaults.cleaning == DataConfig().cleaning
    dataset(tmp_path / "whole" / "gowalla")
    assert locate("gowalla", tmp_path / "whole").defaults.cleaning.min_user_count == 10


def test_sessions_in_tables_without_types_are_found(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "rsc15-100k", "train_tr.tsv", "train_valid.tsv", "test.tsv")
    found = locate("rsc15-100k", tmp_path)
    assert found.path == folder
    assert found.defaults.source.columns["SessionId"].role == "session"
    (folder / "test.tsv").unlink()
    assert present("rsc15-100k", tmp_path) is None


def test_a_path_works_in_place_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "clicks.csv"
    log.write_text("user,item\n1,2\n")
    assert (locate(log).path, locate(log).name) == (log, "clicks")
    folder = dataset(tmp_path / "mine")
    assert (locate(str(folder)).path, locate(folder).name) == (folder, "mine")
    monkeypatch.chdir(tmp_path)
    dataset(tmp_path / "ml-1m")
    assert locate("./ml-1m").path == Path("ml-1m")
    assert locate("mine").name == "mine"


def test_a_folder_by_its_path_needs_no_atomic_files(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "mine", "log.csv")
    assert locate(folder).path == folder


def test_a_dataset_of_ones_own_in_the_data_dir_has_a_name(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data" / "our-shop")
    assert locate("our-shop", tmp_path / "data").path == folder


def test_an_unknown_name_brings_the_nearest(tmp_path: Path) -> None:
    for wrong, right in (("ml-100", "ml-100k"), ("amazon_beauty", "amazon-beauty"), ("Gowala", "gowalla")):
        with pytest.raises(InputError) as caught:
            locate(wrong, tmp_path)
        assert f"did you mean {right}?" in str(caught.value)
    with pytest.raises(InputError, match="no such file or folder"):
        locate("nowhere/log.csv")


def original_of_ml_1m(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turret.data.catalogue.lookup.verify", lambda *_: None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "1::7::5::978300760\n")
        archive.writestr("ml-1m/users.dat", "1::F::1::10::48067\n")
        archive.writestr("ml-1m/movies.dat", "7::Fargo (1996)::Crime\n")


@pytest.mark.parametrize("where", ["ml-1m.zip", "ml-1m/ml-1m.zip", "originals/ml-1m.zip"])
def test_an_original_file_is_converted_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: None, where: str) -> None:
    original_of_ml_1m(tmp_path / "data" / where, monkeypatch)
    said: list[str] = []
    found = locate("ml-1m", tmp_path / "data", said.append)
    assert found.path.parent.parent == tmp_path / "data"
    assert (found.path / "ml-1m.inter").read_text().splitlines()[1] == "1\t7\t5\t978300760"
    assert len(said) == 1
    # the second time it is found, not made
    assert locate("ml-1m", tmp_path / "data", said.append) == found
    assert len(said) == 1


def test_a_shared_folder_is_only_read(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    monkeypatch.setenv("TURRET_DATA", str(tmp_path / "shared"))
    original_of_ml_1m(tmp_path / "shared" / "ml-1m.zip", monkeypatch)
    assert cache in locate("ml-1m", say=quiet).path.parents
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["ml-1m.zip"]


def test_an_original_with_the_wrong_digest_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "ml-1m.zip").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"this is not ml-1m\.zip: its md5 is"):
        locate("ml-1m", tmp_path, quiet)
    assert present("ml-1m", tmp_path) is None


def test_without_network_it_says_which_file_to_put_where(tmp_path: Path, no_network: None) -> None:
    with pytest.raises(InputError) as caught:
        fetch("ml-20m", tmp_path, quiet)
    assert "https://files.grouplens.org/datasets/movielens/ml-20m.zip" in str(caught.value)
    assert str(tmp_path / "originals" / "ml-20m.zip") in str(caught.value)
    (tmp_path / "originals" / "ml-20m.zip").write_bytes(b"")
    with pytest.raises(InputError, match="this is not"):
        fetch("ml-20m", tmp_path, quiet)


@pytest.mark.parametrize(("name", "file"), [("yelp", "yelp_dataset.tar"), ("criteo", "dac.tar.gz"), ("tmall", "data_format1.zip")])
def test_what_a_person_must_fetch_is_explained(tmp_path: Path, name: str, file: str) -> None:
    with pytest.raises(InputError, match="by hand") as caught:
        locate(name, tmp_path)
    assert str(tmp_path / name / file) in str(caught.value)


def test_what_can_only_be_found_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="used where it is found"):
        locate("frappe", tmp_path)


def test_the_demo_makes_itself(tmp_path: Path, cache: Path) -> None:
    assert present("demo") is None
    found = locate("demo", say=quiet)
    assert cache in found.path.parents
    note = note_of(found.path)
    assert note is not None
    assert note.settings == Simulation()
    assert found.defaults.cleaning.label_threshold == 4
    assert locate("demo") == present("demo") == found
    clicks = locate("demo-clicks", say=quiet)
    assert clicks.defaults == DataConfig()
    assert (clicks.path / "demo-clicks.user").read_bytes() == (found.path / "demo.user").read_bytes()


def test_a_simulation_is_known_by_its_note(tmp_path: Path) -> None:
    settings = Simulation(users=40, items=60, interactions=400, tastes=5)
    assert locate(simulate(tmp_path / "world", settings)).defaults.cleaning.label_threshold == 4
    assert locate(simulate_clicks(tmp_path / "clicks", settings)).defaults == DataConfig()
    made = publish(tmp_path / "ads", Note(log="criteo", seed=0, settings=Advertising(rows=20)))
    assert locate(made).defaults.source.header is False


def test_a_sample_in_criteos_shape_is_made_where_it_is_asked_for() -> None:
    found = locate("criteo-sample", say=quiet)
    note = note_of(found.path)
    assert note is not None
    assert note.settings == Advertising()
    assert found.defaults.source == locate(found.path).defaults.source
    assert found.defaults.split.split_mode == "entry"


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ml-100k", "gowalla", "amazon-beauty", "lastfm-social", "lastfm-kg", "rsc15-100k", "frappe"])
def test_the_public_data_at_hand_is_found(name: str, real_data: Path) -> None:
    assert locate(name, real_data).path == real_data / name


@pytest.fixture(name="real_data")
def _real_data() -> Path:
    folder = REAL_DATA
    if folder is None or not (folder / "ml-100k").is_dir():
        pytest.skip("TURRET_DATA names no folder with public datasets")
    return folder


REAL_DATA = Path(os.environ["TURRET_DATA"]) if os.environ.get("TURRET_DATA") else None
