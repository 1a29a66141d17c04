"""Pictures for pages: what is on the sheets, of which datasets, and how wrong masks are."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import sample_submissions as submissions
import small_suite
from fake_data import FakeDataset
from PIL import Image
from rich.console import Console

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import IGNORE
from wsss_harness.execution.engine import Engine, RunOptions
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.metrics.anatomy import CAUSES, causes
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.pictures import read_indices
from wsss_leaderboard.cli import report
from wsss_leaderboard.figures import examples, ink
from wsss_leaderboard.figures.examples import CAUSE_COLOURS, COLUMNS, EXAMPLES, INDEX


@pytest.fixture(scope="module")
def outcomes(ran):
    """What ran, as a run hands it to whatever draws."""
    engine = Engine(ran.store)
    dataset = prepare_suite(ran.suite, submissions.PLUGINS, engine)
    wanted = [(row.method, seed) for row in ran.suite.rows for seed in ran.suite.seeds]
    return dataset, list(run_suite(ran.suite, submissions.PLUGINS, engine, dataset, wanted))


@pytest.fixture(scope="module")
def written(ran, outcomes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    examples.write_examples(folder, ran.suite, ran.store, *outcomes)
    return folder


def test_runs_that_end_together_take_turns(ran, outcomes, tmp_path):
    with ThreadPoolExecutor() as pool:
        draw = partial(examples.write_examples, tmp_path, ran.suite, ran.store, *outcomes)
        for done in [pool.submit(draw) for _ in range(3)]:
            done.result()
    assert examples.read(tmp_path).rows.keys() == {"R", "Half"}
    assert not list((tmp_path / EXAMPLES).glob("*.part"))


def tile(path, number, size):
    high, wide = size
    top, left = np.multiply(divmod(number, COLUMNS), size)
    return np.array(Image.open(path))[top : top + high, left : left + wide]


def test_sheets_hold_images_truth_masks_and_causes(written, ran, outcomes):
    dataset, done = outcomes
    index = examples.read(written)
    size = (index.height, index.width)
    assert index.rows.keys() == {"R", "Half"}
    row = next(o.row for o in done if o.row.row.method == "R" and o.row.seed == 0)
    folder = written / EXAMPLES
    for number, image_id in enumerate(index.ids):
        truth = dataset.truth(image_id)
        mask = read_indices(ran.store.folder(row.masks) / f"{image_id}.png")
        wrong = causes(truth, mask, dataset.context(image_id))
        assert (tile(folder / index.truth, number, size) == truth).all()
        assert (tile(folder / index.rows["R"].masks, number, size) == mask).all()
        assert (tile(folder / index.rows["R"].causes, number, size) == wrong).all()
        naive = sum(
            t not in (m, IGNORE) for t, m in zip(truth.ravel(), mask.ravel(), strict=True)
        ) / sum(t != IGNORE for t in truth.ravel())
        assert index.rows["R"].wrong[number] == pytest.approx(naive)
        near = tile(folder / index.images, number, size).astype(int) - dataset.image(image_id)
        assert np.abs(near).mean() < 12  # WebP is not exact


def test_nothing_is_drawn_twice(written, ran, outcomes):
    path = written / EXAMPLES / INDEX
    before = path.stat().st_mtime_ns
    examples.write_examples(written, ran.suite, ran.store, *outcomes)
    assert path.stat().st_mtime_ns == before
    only = [outcome for outcome in outcomes[1] if outcome.row.row.method == "R"]
    examples.write_examples(written, ran.suite, ran.store, outcomes[0], only)
    assert examples.read(written).rows.keys() == {"R"}
    assert len(list((written / EXAMPLES).iterdir())) == 5


def test_only_publishable_datasets_are_shown(ran):
    assert examples.publishable(ran.suite, submissions.PLUGINS)
    assert not examples.publishable(small_suite.suite(), small_suite.plugins())


def test_a_run_writes_examples(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "installed", lambda: submissions.PLUGINS)
    root = tmp_path / "runs"
    shutil.copytree(ran.root, root)
    options = RunOptions("inline")
    console = Console(quiet=True)
    report.run_and_report(ran.request, console, None, root=root, options=options, only_failed=False)
    assert {"R", "Half"} <= examples.read(ran.request.results(root)).rows.keys()


def test_images_are_chosen_without_those_that_chose_a_threshold():
    dataset = FakeDataset(60)
    chosen = examples.chosen(dataset, 10)
    ids = dataset.ids("train")
    assert len(chosen) == len(set(chosen)) == examples.COUNT
    assert [ids.index(name) for name in chosen] == sorted(ids.index(name) for name in chosen)
    few = examples.chosen(FakeDataset(12), 4)
    assert len(few) == 4


def test_pictures_of_unlike_sizes_share_a_sheet():
    tiles = [np.full((2, 3), n, np.uint8) for n in range(1, 8)] + [np.full((1, 1), 9, np.uint8)]
    sheet = examples.sheet(tiles, (2, 3))
    assert sheet.shape == (4, 3 * COLUMNS)
    assert (sheet[:2, 3:6] == 2).all()
    assert (sheet[2:, :3] == 7).all()
    assert sheet[2:, 3:6].tolist() == [[9, 0, 0], [0, 0, 0]]


def test_right_pixels_are_transparent(written):
    index = examples.read(written)
    picture = Image.open(written / EXAMPLES / index.rows["R"].causes).convert("RGBA")
    values = np.array(Image.open(written / EXAMPLES / index.rows["R"].causes))
    colours = np.array(picture)
    assert (colours[values == 0][:, 3] == 0).all()
    wrong = int(values[values > 0][0])
    expected = (*CAUSE_COLOURS[CAUSES[wrong - 1]], 255)
    assert (colours[values == wrong] == expected).all()


def test_causes_have_the_colours_of_the_site():
    from wsss_leaderboard.site.build import STATIC

    style = (STATIC / "site.css").read_text()
    assert tuple(CAUSE_COLOURS) == CAUSES
    for cause, colour in CAUSE_COLOURS.items():
        code = "".join(f"{part:02x}" for part in colour)
        assert f".cause-{cause} {{ background: #{code};" in style


def test_an_index_that_leads_elsewhere_is_refused(written, tmp_path):
    content = read_json(written / EXAMPLES / INDEX)
    content["truth"] = "../../secret.png"
    write_json(tmp_path / EXAMPLES / INDEX, content)
    with pytest.raises(DataError, match="field 'truth'"):
        examples.read(tmp_path)


def test_classes_have_the_colours_of_figures(written):
    index = examples.read(written)
    palette = Image.open(written / EXAMPLES / index.truth).getpalette()
    shown = np.array(palette[3:6])
    assert (shown == ink.class_colours()[1]).all()
