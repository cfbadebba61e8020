"""Every recipe on a few hand-made rows in the layout of the original files."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from turret.core.errors import InputError
from turret.data.catalogue import datasets, describe, locate, sessions
from turret.data.catalogue.places import MADE

Files = Mapping[str, bytes]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TURRET_DATA", raising=False)


def zipped(path: Path, members: Files) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def tarred(path: Path, members: Files, mode: str = "w:gz") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def lines(*rows: str) -> bytes:
    return "".join(row + "\n" for row in rows).encode()


def objects(*rows: object) -> bytes:
    return lines(*(json.dumps(row) for row in rows))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder for originals made up here, whose checksums are therefore not asked for."""
    monkeypatch.setattr("turret.data.catalogue.lookup.verify", lambda *_: None)
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def made(name: str, place: Path) -> dict[str, list[list[str]]]:
    """The tables that `locate` makes of what lies in `place`, as cells, headers first."""
    found = locate(name, place, say=lambda _: None)
    assert found.name == name
    tables = {path.name.removeprefix(f"{name}."): path.read_text(encoding="utf-8").splitlines() for path in found.path.iterdir()}
    return {suffix: [row.split("\t") for row in rows] for suffix, rows in tables.items()}


def test_ml_100k(place: Path) -> None:
    flags = ["0"] * 19
    drama, unknown = flags.copy(), flags.copy()
    drama[4] = drama[8] = "1"
    unknown[0] = "1"
    films = [
        "1|Café Lumière (1995)|01-Jan-1995||http://example.org|" + "|".join(drama),
        "2|unknown||||" + "|".join(unknown),
    ]
    members = {
        "ml-100k/u.data": lines("196\t1\t3\t881250949", "22\t2\t1\t878887116"),
        "ml-100k/u.user": lines("196|49|M|writer|55105", "22|25|F|other|T8H1N"),
        "ml-100k/u.item": ("\n".join(films) + "\n").encode("latin-1"),
    }
    zipped(place / "ml-100k.zip", members)
    assert made("ml-100k", place) == {
        "inter": [
            ["user_id:token", "item_id:token", "rating:float", "timestamp:float"],
            ["196", "1", "3", "881250949"],
            ["22", "2", "1", "878887116"],
        ],
        "user": [
            ["user_id:token", "age:float", "gender:token", "occupation:token", "zip_code:token"],
            ["196", "49", "M", "writer", "55105"],
            ["22", "25", "F", "other", "T8H1N"],
        ],
        "item": [
            ["item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"],
            ["1", "Café Lumière", "1995", "Children's Drama"],
            ["2", "unknown", "", ""],
        ],
    }


def test_ml_1m(place: Path) -> None:
    members = {
        "ml-1m/ratings.dat": lines("1::7::5::978300760"),
        "ml-1m/users.dat": lines("1::F::1::10::48067"),
        "ml-1m/movies.dat": "7::Misérables, Les (1998)::Drama|War\n".encode("latin-1"),
    }
    zipped(place / "ml-1m.zip", members)
    tables = made("ml-1m", place)
    assert tables["inter"][1:] == [["1", "7", "5", "978300760"]]
    assert tables["user"] == [
        ["user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"],
        ["1", "1", "F", "10", "48067"],
    ]
    assert tables["item"][1:] == [["7", "Misérables, Les", "1998", "Drama War"]]


def test_ml_10m(place: Path) -> None:
    members = {
        "ml-10M100K/ratings.dat": lines("1::122::4.5::838985046"),
        "ml-10M100K/movies.dat": lines("122::Amélie (Le fabuleux destin) (2001)::Comedy|Romance", "123::Nameless::(no genres listed)"),
    }
    zipped(place / "ml-10m.zip", members)
    tables = made("ml-10m", place)
    assert tables["inter"][1:] == [["1", "122", "4.5", "838985046"]]
    assert tables["item"][1:] == [["122", "Amélie (Le fabuleux destin)", "2001", "Comedy Romance"], ["123", "Nameless", "", ""]]


def test_ml_20m(place: Path) -> None:
    members = {
        "ml-20m/ratings.csv": lines("userId,movieId,rating,timestamp", "1,2,3.5,1112486027"),
        "ml-20m/movies.csv": lines("movieId,title,genres", '2,"American, an (1995)",Comedy|Drama'),
    }
    zipped(place / "ml-20m.zip", members)
    tables = made("ml-20m", place)
    assert tables["inter"][1:] == [["1", "2", "3.5", "1112486027"]]
    assert tables["item"][1:] == [["2", "American, an", "1995", "Comedy Drama"]]


@pytest.mark.parametrize(
    ("name", "category"), [("amazon-beauty", "Beauty"), ("amazon-books", "Books"), ("amazon-electronics", "Electronics")]
)
def test_amazon(place: Path, name: str, category: str) -> None:
    review = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1369699200, "reviewText": "tab\there"}
    (place / f"reviews_{category}_5.json.gz").write_bytes(gzip.compress(objects(review, {**review, "asin": "B2", "overall": 2.0})))
    header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    assert made(name, place) == {"inter": [header, ["A1", "B1", "5.0", "1369699200"], ["A1", "B2", "2.0", "1369699200"]]}


def test_amazon_with_products(place: Path) -> None:
    review = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1369699200}
    products = [
        {
            "asin": "B1",
            "title": "Brush\tset",
            "price": 9.5,
            "brand": "Own",
            "categories": [["Beauty", "Tools & Brushes"], ["Beauty", "Face"]],
        },
        {"asin": "B9", "title": "never reviewed"},
    ]
    (place / "reviews_Beauty_5.json.gz").write_bytes(gzip.compress(objects(review)))
    (place / "meta_Beauty.json.gz").write_bytes(gzip.compress(lines(*map(repr, products))))
    assert made("amazon-beauty", place)["item"] == [
        ["item_id:token", "title:token_seq", "brand:token", "price:float", "categories:token_seq"],
        ["B1", "Brush set", "Own", "9.5", "Tools_&_Brushes Face"],
    ]


def test_gowalla(place: Path) -> None:
    rows = ["0\t2010-10-19T23:55:27Z\t30.23\t-97.79\t22847", "0\t1970-01-01T00:00:05Z\t30.23\t-97.79\t22847"]
    (place / "loc-gowalla_totalCheckins.txt.gz").write_bytes(gzip.compress(lines(*rows)))
    (place / "loc-gowalla_edges.txt.gz").write_bytes(gzip.compress(lines("0\t1", "1\t0")))
    assert made("gowalla", place) == {
        "inter": [["user_id:token", "item_id:token", "timestamp:float"], ["0", "22847", "1287532527"], ["0", "22847", "5"]],
        "item": [["item_id:token", "latitude:float", "longitude:float"], ["22847", "30.23", "-97.79"]],
        "net": [["source_id:token", "target_id:token"], ["0", "1"], ["1", "0"]],
    }


def test_lastfm(place: Path) -> None:
    members = {
        "user_artists.dat": lines("userID\tartistID\tweight", "2\t51\t13883"),
        "user_friends.dat": lines("userID\tfriendID", "2\t275"),
        "tags.dat": "tagID\ttagValue\n1\tmétal hurlant\n2\tpop\n".encode("latin-1"),
        "user_taggedartists.dat": lines(
            "userID\tartistID\ttagID\tday\tmonth\tyear", "2\t51\t1\t1\t4\t2009", "3\t51\t2\t1\t4\t2009", "3\t51\t1\t1\t4\t2009"
        ),
        "artists.dat": lines("id\tname\turl\tpictureURL", '51\tThe "Quote\thttp://a\thttp://b', "52\tÄrzte\thttp://a\t"),
    }
    zipped(place / "hetrec2011-lastfm-2k.zip", members)
    assert made("lastfm", place) == {
        "inter": [["user_id:token", "item_id:token", "weight:float"], ["2", "51", "13883"]],
        "net": [["source_id:token", "target_id:token"], ["2", "275"]],
        "item": [
            ["item_id:token", "artist_name:token_seq", "tags:token_seq"],
            ["51", 'The "Quote', "métal_hurlant pop"],
            ["52", "Ärzte", ""],
        ],
    }


def test_yelp(place: Path) -> None:
    review = {"review_id": "r", "user_id": "u1", "business_id": "b1", "stars": 4.0, "text": "fine\nreally", "date": "1970-01-02 00:00:01"}
    business = {
        "business_id": "b1",
        "name": "Café",
        "city": "Tucson",
        "state": "AZ",
        "stars": 4.9,
        "review_count": 9,
        "categories": "Fast Food, Bars",
    }
    members = {
        "yelp_academic_dataset_review.json": objects(review),
        "yelp_academic_dataset_business.json": objects(business, {"business_id": "b2", "categories": None}),
        "yelp_academic_dataset_user.json": objects({"user_id": "u1", "friends": "u2, u3"}, {"user_id": "u4", "friends": "None"}),
    }
    tarred(place / "yelp_dataset.tar", members, "w")
    assert made("yelp", place) == {
        "inter": [["user_id:token", "item_id:token", "rating:float", "timestamp:float"], ["u1", "b1", "4.0", "86401"]],
        "item": [
            ["item_id:token", "item_name:token_seq", "city:token", "state:token", "categories:token_seq"],
            ["b1", "Café", "Tucson", "AZ", "Fast_Food Bars"],
            ["b2", "", "", "", ""],
        ],
        "net": [["source_id:token", "target_id:token"], ["u1", "u2"], ["u1", "u3"]],
    }


def test_tmall(place: Path) -> None:
    log = [
        "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type",
        "328862,323294,833,2882,2661,829,0",
        "328862,323294,833,2882,2661,1111,2",
    ]
    members = {
        "data_format1/user_log_format1.csv": lines(*log),
        "data_format1/user_info_format1.csv": lines("user_id,age_range,gender", "328862,6,1", "2,,"),
    }
    zipped(place / "data_format1.zip", members)
    assert made("tmall", place) == {
        "inter": [
            ["user_id:token", "item_id:token", "timestamp:float", "action:token"],
            ["328862", "323294", "1409270400", "click"],
            ["328862", "323294", "1415664000", "buy"],
        ],
        "item": [["item_id:token", "category:token", "seller:token", "brand:token"], ["323294", "833", "2882", "2661"]],
        "user": [["user_id:token", "age_range:token", "gender:token"], ["328862", "6", "1"], ["2", "", ""]],
    }


CRITEO = ["1", "-2", *[""] * 12, "68fd1e64", *[""] * 24, "2f55"]


def test_criteo(place: Path) -> None:
    rows = [CRITEO, ["0", *CRITEO[1:]]]
    tarred(place / "dac.tar.gz", {"train.txt": lines(*map("\t".join, rows)), "test.txt": b""})
    assert made("criteo", place) == {"train.txt": rows}
    columns = describe("criteo").defaults.source.columns
    assert [(name, column.type) for name, column in columns.items()] == [
        ("label", "float"),
        *((f"I{number}", "float") for number in range(1, 14)),
        *((f"C{number}", "token") for number in range(1, 27)),
    ]


def test_criteos_log_is_used_in_place_where_it_lies_unpacked(place: Path) -> None:
    (place / "criteo").mkdir()
    (place / "criteo" / "train.txt").write_bytes(lines("\t".join(CRITEO)))
    assert locate("criteo", place).path == place / "criteo"


def test_a_row_of_criteos_with_a_cell_too_few_is_named(place: Path) -> None:
    tarred(place / "dac.tar.gz", {"train.txt": lines("\t".join(CRITEO), "\t".join(CRITEO[1:]))})
    with pytest.raises(InputError, match="39 cells where 40") as caught:
        made("criteo", place)
    assert caught.value.line == 2


AVAZU = [
    *("id", "click", "hour", "C1", "banner_pos", "site_id", "site_domain", "site_category", "app_id", "app_domain", "app_category"),
    *("device_id", "device_ip", "device_model", "device_type", "device_conn_type", *(f"C{number}" for number in range(14, 22))),
]


def test_avazu(place: Path) -> None:
    tokens = [f"{number:08x}" for number in range(21)]
    rows = [["1000009418151094273", "0", "14102100", *tokens], ["10000169349117863715", "1", "14102523", *tokens]]
    (place / "train.gz").write_bytes(gzip.compress(lines(*map(",".join, [AVAZU, *rows]))))
    header, first, second = made("avazu", place)["inter"]
    assert header == ["label:float", "timestamp:float", *(f"{name}:token" for name in ("hour", "weekday", "weekend", *AVAZU[3:]))]
    assert first == ["0", "1413849600", "0", "1", "0", *tokens], "21 October 2014 was a Tuesday"
    assert second == ["1", "1414278000", "23", "5", "1", *tokens], "25 October 2014 was a Saturday"


def test_an_hour_that_is_none_is_named(place: Path) -> None:
    (place / "train.gz").write_bytes(gzip.compress(lines(",".join(AVAZU), ",".join(["1", "0", "14102124", *["a"] * 21]))))
    with pytest.raises(InputError, match=r"line 2, column hour: '14102124' is no hour"):
        made("avazu", place)


def test_taobao_ads(place: Path) -> None:
    log = lines("user,time_stamp,adgroup_id,pid,nonclk,clk", "581738,1494137644,1,430548_1007,1,0", "449818,1494638778,3,430539_1007,0,1")
    ads = lines("adgroup_id,cate_id,campaign_id,customer,brand,price", "1,6406,83237,1,95471,170.0", "3,6423,83237,1,NULL,199.0")
    names = "userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,occupation,new_user_class_level "
    for name, text in (("raw_sample", log), ("ad_feature", ads), ("user_profile", lines(names, "449818,0,5,2,5,,3,0,3"))):
        tarred(place / f"{name}.csv.tar.gz", {f"{name}.csv": text})
    assert made("taobao-ads", place) == {
        "inter": [
            ["user_id:token", "item_id:token", "label:float", "timestamp:float", "pid:token"],
            ["581738", "1", "0", "1494137644", "430548_1007"],
            ["449818", "3", "1", "1494638778", "430539_1007"],
        ],
        "item": [
            [*("item_id:token", "cate_id:token", "campaign_id:token", "customer:token", "brand:token", "price:float")],
            ["1", "6406", "83237", "1", "95471", "170.0"],
            ["3", "6423", "83237", "1", "", "199.0"],
        ],
        "user": [
            ["user_id:token", *(f"{name.strip()}:token" for name in names.split(",")[1:])],
            ["449818", "0", "5", "2", "5", "", "3", "0", "3"],
        ],
    }


def test_the_last_days_of_taobao_ads_begin_at_midnight_in_china() -> None:
    midnights = [datetime(2017, 5, day, tzinfo=timezone(timedelta(hours=8))).timestamp() for day in (12, 13)]
    assert describe("taobao-ads").defaults.split.split_time == tuple(midnights)


def test_kuairand(place: Path) -> None:
    log = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,play_time_ms,tab"
    user = [
        "user_id",
        "user_active_degree",
        "is_lowactive_period",
        "is_live_streamer",
        "is_video_author",
        "follow_user_num",
        "follow_user_num_range",
    ]
    user += ["fans_user_num_range", "friend_user_num_range", "register_days_range", *(f"onehot_feat{number}" for number in range(18))]
    video = "video_id,author_id,video_type,upload_dt,upload_type,music_type,video_duration,tag"
    members = {
        "KuaiRand-Pure/data/log_standard_4_08_to_4_21_pure.csv": lines(log, "0,7,20220408,900,1649379600123,1,0,5000,1"),
        "KuaiRand-Pure/data/log_standard_4_22_to_5_08_pure.csv": lines(log, "0,8,20220422,900,1650589200000,0,0,100,4"),
        "KuaiRand-Pure/data/log_random_4_22_to_5_08_pure.csv": lines(log, "0,9,20220422,900,1650589200000,0,0,100,4"),
        "KuaiRand-Pure/data/user_features_pure.csv": lines(",".join(user), ",".join(["0", "full_active", *map(str, range(len(user) - 2))])),
        "KuaiRand-Pure/data/video_features_basic_pure.csv": lines(
            video, '7,441,NORMAL,2020-07-08,ShortImport,4,17200.0,"12,65"', "8,1,AD,,Web,4,,"
        ),
    }
    tarred(place / "KuaiRand-Pure.tar.gz", members)
    tables = made("kuairand-pure", place)
    assert tables["inter"] == [
        ["user_id:token", "item_id:token", "label:float", "timestamp:float", "tab:token"],
        ["0", "7", "1", "1649379600.123", "1"],
        ["0", "8", "0", "1650589200.000", "4"],
    ]
    assert tables["user"][1][:6] == ["0", "full_active", "0", "1", "2", "4"]
    assert tables["item"][1:] == [["7", "441", "NORMAL", "ShortImport", "4", "17200.0", "12 65"], ["8", "1", "AD", "Web", "4", "", ""]]


def test_every_dataset_that_can_be_made_was_made_here() -> None:
    tested = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    # Those of sessions are made in test_session_recipes.
    recipes = {entry.name for entry in datasets() if entry.recipe is not None and entry.originals and entry not in sessions.ENTRIES}
    assert {name.removesuffix("-pure").split("-b")[0].split("-e")[0] for name in recipes} <= tested


def damaged(place: Path, members: Files) -> InputError:
    zipped(place / "ml-20m.zip", members)
    with pytest.raises(InputError) as caught:
        made("ml-20m", place)
    assert not list((place / MADE).glob("*")), "nothing may be left of a dataset that could not be made"
    return caught.value


RATINGS, MOVIES = "ml-20m/ratings.csv", "ml-20m/movies.csv"
GOOD = {RATINGS: lines("userId,movieId,rating,timestamp", "1,2,3.5,1112486027"), MOVIES: lines("movieId,title,genres", "2,A (1995),Drama")}


def test_a_missing_column_is_named(place: Path) -> None:
    error = damaged(place, {**GOOD, RATINGS: lines("userId,movieId,stars,timestamp", "1,2,3.5,1112486027")})
    assert (error.line, error.column) == (1, "rating")
    assert str(error.path).endswith("ml-20m.zip:ratings.csv")


def test_a_ragged_row_is_named(place: Path) -> None:
    error = damaged(place, {**GOOD, RATINGS: lines("userId,movieId,rating,timestamp", "1,2,3.5,1112486027", "1,2,3.5")})
    assert error.line == 3
    assert "3 cells" in error.message


def test_bad_encoding_is_named(place: Path) -> None:
    error = damaged(place, {**GOOD, MOVIES: b"movieId,title,genres\n2,A (1995),Drama\n3,Mis\xe9rables,War\n"})
    assert error.line == 3
    assert "utf-8" in error.message


def test_an_empty_table_is_an_error(place: Path) -> None:
    assert "no rows" in damaged(place, {**GOOD, RATINGS: lines("userId,movieId,rating,timestamp")}).message


def test_a_missing_member_is_named(place: Path) -> None:
    assert "movies.csv" in damaged(place, {RATINGS: GOOD[RATINGS]}).message


def test_bad_objects_times_and_actions_are_named(place: Path) -> None:
    good = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1}
    (place / "reviews_Books_5.json.gz").write_bytes(gzip.compress(objects(good) + b"[1, 2]\n"))
    with pytest.raises(InputError, match="line 2: not an object"):
        made("amazon-books", place)
    (place / "reviews_Books_5.json.gz").write_bytes(gzip.compress(objects({**good, "asin": None})))
    with pytest.raises(InputError, match="without 'asin'"):
        made("amazon-books", place)
    (place / "loc-gowalla_totalCheckins.txt.gz").write_bytes(gzip.compress(lines("0\tyesterday\t1\t2\t3")))
    (place / "loc-gowalla_edges.txt.gz").write_bytes(gzip.compress(lines("0\t1")))
    with pytest.raises(InputError, match=r"line 1, column 2: 'yesterday' is no time"):
        made("gowalla", place)
    log = "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type"
    for row, complaint in (("1,2,3,4,5,1301,0", "'1301' is no day"), ("1,2,3,4,5,1111,9", "'9' is no action")):
        zipped(place / "data_format1.zip", {"user_log_format1.csv": lines(log, row)})
        with pytest.raises(InputError, match=complaint):
            made("tmall", place)


def test_every_entry_says_what_it_must() -> None:
    for entry in datasets():
        assert describe(entry.name) is entry
        assert all((entry.title, entry.page, entry.licence, entry.size))
        for original in entry.originals:
            assert original.url is not None or entry.by_hand, "who cannot be downloaded needs a word on how to fetch it"
            if original.checksum is not None:
                digits = {"md5": 32, "sha256": 64}[original.checksum.algorithm]
                assert len(original.checksum.value) == digits
                int(original.checksum.value, 16)
                assert original.checksum.source
