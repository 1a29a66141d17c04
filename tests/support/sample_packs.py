"""Packs, and folders of masks and maps, of the dataset in memory."""

import numpy as np
import small_suite
from fake_data import FakeDataset
from PIL import Image

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.packs.importing import import_folder
from wsss_harness.packs.manifest import Pack
from wsss_harness.suite.graph import Graph
from wsss_harness.system import pictures
from wsss_leaderboard.records.collect import Collector

DATA = FakeDataset(12)
IDS = DATA.ids("train")
RULE = {"name": "constant", "threshold": 0.5, "uncertain": 0.25}


def run(folder, plugins, **changes):
    """Outcomes by method, and a collector."""
    store, suite = small_suite.store(folder), small_suite.suite(**changes)
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    return outcomes, Collector(suite, store, dataset, Graph(suite, plugins, 0))


def with_pack(folder, rule=RULE, **changes):
    """A suite whose second row is a pack, refined and segmented like any other."""
    row = {"generator": "R", "rule": {"name": "constant", "threshold": 0.5}}
    return {
        "generators": {"R": {"name": "redness"}, "P": {"name": "pack", "folder": str(folder)}},
        "rows": [
            {"method": "R", **row},
            {"method": "P", "generator": "P", "rule": rule, **changes},
        ],
    }


def masks(folder):
    """A plain folder of masks by image id, with ignored pixels."""
    for image_id in IDS:
        mask = DATA.truth(image_id)
        mask[:2] = 255
        pictures.write_mask(folder / f"{image_id}.png", mask)
    return folder


def maps(folder, ids):
    """A map of zeros for every present class."""
    folder.mkdir()
    for image_id in ids:
        for number in DATA.present(image_id):
            Image.fromarray(np.zeros((24, 32), np.uint8)).save(
                folder / f"{image_id}_{number - 1}.png"
            )
    return folder


def painted(folder, dataset=DATA, number=lambda truth: truth):
    for image_id in dataset.ids("train"):
        pictures.write_mask(folder / f"{image_id}.png", number(dataset.truth(image_id)))
    return folder


def imported(tmp_path, dataset=DATA, layout="masks"):
    warnings = []
    import_folder(
        tmp_path / "theirs", layout, dataset, tmp_path / "pack", "T", None, warnings.append
    )
    return Pack(tmp_path / "pack"), warnings


def with_palette(mask, triples):
    picture = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
    picture.putpalette(triples)
    return picture
