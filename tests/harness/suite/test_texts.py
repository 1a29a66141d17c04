"""Texts of a suite: data beside the images, which methods that declare language read."""

import json

import pytest
import small_suite
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError, SupervisionError
from wsss_harness.stages.products import score_reader
from wsss_harness.suite import text_check, texts_file
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import read_suite
from wsss_harness.system.files import configs
from wsss_leaderboard.records.provenance import Protocol

RULE = {"name": "constant", "threshold": 0.25}
TEXTS = {
    "classes": {"square": ["square", "box"], "disc": "disc"},
    "background": ["wall", "green strips"],
}
SPOKEN = {
    "generators": {"T": {"name": "spoken"}, "R": {"name": "redness"}},
    "rows": [{"method": m, "generator": m, "rule": RULE} for m in "TR"],
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run_rows(tmp_path_factory.mktemp("texts"), texts=TEXTS, **SPOKEN)


def test_a_method_that_declares_language_reads_the_texts_and_shows_it(ran):
    rows, store = ran
    _, record = rows["T"]
    assert (record.failure, record.sup) == (None, "I.+L.")
    assert rows["R"][1].sup == "I."
    first = small_suite.FakeDataset(12).ids("train")[0]
    values, plain = (
        score_reader(store.folder(rows[m][0].scores))(first).values.max() for m in "TR"
    )
    assert values == pytest.approx(plain * 3 / 5, abs=0.02)


def test_a_method_is_told_which_words_name_a_context(ran):
    rows, store = ran
    assert (store.folder(rows["T"][0].scores.inputs["fit"]) / "words.txt").read_text() == (
        "green strips"
    )


def test_all_rows_of_a_suite_with_texts_have_them_in_their_protocol(ran):
    protocols = {record.protocol for _, record in ran[0].values()}
    assert len(protocols) == 1
    assert len(protocols.pop().texts) == 64


def test_a_protocol_without_texts_keeps_its_name():
    """Boards that were made before there were texts go on."""
    protocol = Protocol(fingerprint="x", images=1, val_images=1, held_out=0, evaluator=1)
    old = {k: v for k, v in protocol.model_dump().items() if k != "texts"}
    assert Protocol(**old).name == protocol.name == "f66f75fc"
    assert protocol.model_copy(update={"texts": "a"}).name != protocol.name


def keys(texts, **changes):
    graph = Graph(small_suite.suite(texts=texts, **{**SPOKEN, **changes}), small_suite.plugins(), 0)
    return {label: graph.generated(label).key for label in "TR"}


def test_other_words_make_only_what_reads_them_again():
    before, after = keys(TEXTS), keys({**TEXTS, "background": ["wall"]})
    assert before["T"] != after["T"]
    assert before["R"] == after["R"]


def test_the_options_of_a_stage_hold_the_digest_of_the_words(ran):
    rows, _ = ran
    scored = next(step for step in rows["T"][1].steps if step.stage.startswith("score"))
    assert scored.options["texts"] == rows["T"][1].protocol.texts


def test_a_method_that_did_not_declare_language_cannot_read_words(tmp_path):
    from fake_data import view

    data = view(tmp_path)
    with pytest.raises(SupervisionError, match="read 'language', but declares"):
        _ = data.texts
    with pytest.raises(SupervisionError, match="read 'language' of image"):
        _ = data[data.ids[0]].texts


def test_a_suite_without_texts_is_told_where_to_write_them():
    with pytest.raises(ConfigError, match=r"'spoken' needs language; add \[texts\]"):
        keys(None)


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        ({"square": "square"}, "no prompt for 'disc'"),
        ({**TEXTS["classes"], "ring": "ring"}, "'ring', which is no class.*square, disc"),
        ({**TEXTS["classes"], "disc": []}, "no prompt for 'disc'"),
    ],
)
def test_texts_are_refused_unless_they_are_for_the_classes_of_the_data(tmp_path, classes, problem):
    with pytest.raises(ConfigError, match=problem):
        run_rows(tmp_path, texts={**TEXTS, "classes": classes}, **SPOKEN)


def lines(background, dataset):
    suite = small_suite.suite(texts={**TEXTS, "background": background}, **SPOKEN)
    return list(text_check.findings(suite, dataset))


class Voc:
    classes = ("boat", "train", "person")
    contexts = ()


def test_background_words_that_name_a_context_of_the_data_are_listed():
    """One of the lies that the ledger is there for: a method told by hand what is no train."""
    (finding,) = lines(["wall", "Railroad", "the open sea", "keyboard"], Voc)
    assert finding.outcome == "warning"
    assert finding.examples == (
        "'Railroad' names rails, the context of train",
        "'the open sea' names water, the context of boat",
    )


def test_contexts_that_the_data_declares_count_with_all_words_for_them():
    class Scenes:
        classes = ("boat", "train")
        contexts = (("rails", "train"), ("slipway", "boat"))

    (finding,) = lines(["tracks", "a slipway"], Scenes)
    assert finding.count == 2


def test_words_that_name_no_context_pass():
    (finding,) = lines(["wall", "keyboard"], Voc)
    assert finding.outcome == "ok"
    assert lines([], Voc) == []


@pytest.mark.parametrize("name", ["railscenes", "voc12"])
def test_texts_that_come_with_the_harness_name_no_context(name):
    from wsss_harness.datasets.railscenes.cast import CLASSES, PAIRS

    class Scenes:
        classes, contexts = CLASSES, PAIRS

    words = suite_with(configs() / "texts" / f"{name}.toml").texts
    assert [finding.outcome for finding in lines(words.background, Scenes)] == ["ok"]


def suite_with(path):
    """The suite in a file that names a file of texts."""
    content = small_suite.content(texts={"file": str(path)}, **SPOKEN)
    source = path.parent / "suite.json"
    if path.is_relative_to(configs()):
        return small_suite.check_suite(texts_file.texts_in(content, source), "small")
    source.write_text(json.dumps(content))
    return read_suite(source)


def test_a_suite_names_a_file_of_texts_and_holds_them_once_it_is_read(tmp_path):
    path = tmp_path / "words.toml"
    path.write_text('background = ["wall"]\n[classes]\nsquare = "box"\ndisc = ["disc"]\n')
    texts = suite_with(path).texts
    assert texts.model_dump() == {
        "classes": {"square": ("box",), "disc": ("disc",)},
        "background": ("wall",),
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, r"texts\.file is '.*words\.toml', but there is no file"), ("x", "is not valid TOML")],
)
def test_a_file_of_texts_that_cannot_be_read_is_named(tmp_path, content, problem):
    path = tmp_path / "words.toml"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match=problem):
        suite_with(path)


def test_a_record_names_no_file_of_texts():
    """A record is never followed to a file, so only a suite file may name one."""
    with pytest.raises(ConfigError, match=r"unknown key 'texts\.file'"):
        small_suite.suite(texts={**TEXTS, "file": "words.toml"})
