"""Small datasets with faults, their right score by hand, and what a run makes of them.

A fault is a function of the dataset as files. It returns None if the score of the world is right,
REFUSED if no number may come out, EITHER if a refusal is right as well, or UNKNOWN if the files
alone do not show that they are wrong.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from wsss_harness.contract.hookspecs import hookimpl
from wsss_harness.contract.types import ClassScores
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import make_all, prepare_suite
from wsss_harness.metrics import confusion
from wsss_harness.plugins.registry import load
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite
from wsss_harness.suite.suite_rows import method_rows
from wsss_harness.system.pictures import palette

REFUSED, EITHER, UNKNOWN = "refused", "either", "unknown"
NAMES = ("cat", "dog", "boat")
DARK, BRIGHT = 20, 235


class World:
    """What the files mean: photographs, truths and maps of (H, W) by id, and labels 1..C."""

    def __init__(self, seed, classes, images):
        self.random = rng = random.Random(seed)
        self.classes = NAMES[:classes]
        self.train = [f"t{number}" for number in range(images)]
        self.val = ["v0"]
        self.photos, self.truths, self.maps, self.labels = {}, {}, {}, {}
        for image_id in self.ids:
            size = rng.randint(9, 14), rng.randint(15, 19)
            truth = np.zeros(size, np.uint8)
            for number in rng.sample(range(1, classes + 1), rng.randint(1, classes)):
                truth[box(rng, size)] = number
            void = truth.copy()
            void[box(rng, size, 2)] = 255
            if {*void.ravel().tolist()} - {0, 255}:  # without a class nothing could be scored
                truth = void
            self.labels[image_id] = sorted({*truth.ravel().tolist()} - {0, 255})
            self.truths[image_id] = truth
            self.photos[image_id] = np.full(size, DARK, np.uint8)
            self.photos[image_id][box(rng, size, 8)] = BRIGHT
            self.maps[image_id] = np.zeros(size, np.uint8)
            self.maps[image_id][box(rng, size, 8)] = 255

    @property
    def ids(self):
        return [*self.train, *self.val]

    def miou(self, photo_of):
        """The mIoU of the masks of ``Bright``, pixel by pixel; ``photo_of(id)`` is decoded."""
        hit, union = [0] * (len(self.classes) + 1), [0] * (len(self.classes) + 1)
        for image_id in self.train:
            photo, first = photo_of(image_id), min(self.labels[image_id], default=0)
            for (row, column), true in np.ndenumerate(self.truths[image_id]):
                salient = self.maps[image_id][row, column] > 127
                mask = first if salient and photo[row, column] > 127 else 0
                if true != 255:
                    hit[mask] += true == mask
                    for number in {int(true), mask}:
                        union[number] += 1
        ratios = [h / u for h, u in zip(hit, union, strict=True) if u]
        return sum(ratios) / len(ratios)


def box(rng, size, least=3):
    corner = [rng.randint(0, side - least) for side in size]
    sides = [rng.randint(least, side - start) for side, start in zip(size, corner, strict=True)]
    return tuple(slice(c, c + s) for c, s in zip(corner, sides, strict=True))


@dataclass(frozen=True)
class Bright:
    """The first class of an image, where both map and photograph are bright."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "saliency"})

    def fit(self, data, run):
        pass

    def load(self, folder, device):
        def score(sample):
            bright = (sample.image[..., 0] > 127) & (sample.saliency > 0.5)
            values = np.zeros((len(sample.present), *bright.shape), np.float32)
            values[:1] = bright
            return ClassScores(sample.present, values)

        return score


class Entry:
    name, dist = "bright", None

    def load(self):
        class Plugin:
            @hookimpl
            def wsss_generators(self):
                return {"bright": Bright}

        return Plugin()


PLUGINS = load((Entry(),))


def score_of(layout, root, store):
    """The mIoU of the row; None if its masks are not scored.

    Raises:
        WsssError: the run, or a stage of the row, failed.
    """
    suite = check_suite(
        {
            "title": "Any data",
            "dataset": {"name": layout, "root": str(root)},
            "generators": {"B": {"name": "bright"}},
            "rows": [
                {"method": "B", "generator": "B", "rule": {"name": "constant", "threshold": 0.5}}
            ],
        },
        "any",
    )
    engine = Engine(Store(Path(store), lambda event: None))
    dataset = prepare_suite(suite, PLUGINS, engine)
    (row,) = method_rows(Graph(suite, PLUGINS, 0), dataset)
    target = row.counts or row.masks
    make_all(engine, suite, [target])
    if target.key in engine.failures:
        raise engine.failures[target.key]
    if row.counts is None:
        return None
    counts = np.load(engine.store.folder(row.counts) / "confusion.npy").sum(0)
    return confusion.read(counts, ("background", *dataset.classes))["miou"]


# Folders in VOC layout


class VocFiles:
    """A world as files in VOC layout."""

    layout = "voc_folder"

    def __init__(self, world, root):
        self.world, self.root, self.random = world, Path(root), world.random
        self.some = self.random.choice(world.train)
        for image_id in world.ids:
            self.save(self.photo(image_id), Image.fromarray(world.photos[image_id]), quality=95)
            self.save(self.truth(image_id), indexed(world.truths[image_id]))
            self.save(self.map(image_id), Image.fromarray(world.maps[image_id]))
        self.lists = {"train": list(world.train), "val": list(world.val)}
        self.write_lists()
        self.labels = {i: [world.classes[n - 1] for n in world.labels[i]] for i in world.ids}
        self.write_labels()

    def photo(self, image_id):
        return self.root / f"JPEGImages/{image_id}.jpg"

    def truth(self, image_id):
        return self.root / f"SegmentationClass/{image_id}.png"

    def map(self, image_id):
        return self.root / f"saliency/{image_id}.png"

    def list_of(self, split):
        return self.root / f"ImageSets/Segmentation/{split}.txt"

    @property
    def label_file(self):
        return self.root / "image_labels.json"

    def save(self, path, picture, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {".jpg": "JPEG", ".png": "PNG"}[path.suffix]
        picture.save(path, format=options.pop("format", kind), **options)

    def write_lists(self):
        for split, ids in self.lists.items():
            self.list_of(split).parent.mkdir(parents=True, exist_ok=True)
            self.list_of(split).write_text("".join(f"{image_id}\n" for image_id in ids))

    def write_labels(self, classes=None, **changes):
        content = {"classes": classes or self.world.classes, "labels": self.labels, **changes}
        self.label_file.write_text(json.dumps(content))

    def decoded(self, image_id):
        with Image.open(self.photo(image_id)) as picture:
            return np.array(picture.convert("RGB"))[..., 0]


def indexed(values, triples=None):
    picture = Image.frombytes("P", values.shape[::-1], values.tobytes())
    picture.putpalette(triples or palette())
    return picture


def damaged_photo(data):
    path = data.photo(data.some)
    path.write_bytes(path.read_bytes()[: data.random.choice((0, 20, 200))])
    return REFUSED


def missing_photo(data):
    data.photo(data.some).unlink()
    return REFUSED


def photo_of_another_kind(data):
    """A PNG, or colours, where the suffix is that of a grey JPEG."""
    grey = Image.fromarray(data.world.photos[data.some])
    kind = data.random.choice(("PNG", "RGB", "P"))
    options = {"format": "JPEG", "quality": 95} if kind == "RGB" else {"format": "PNG"}
    data.save(data.photo(data.some), grey.convert(kind) if kind != "PNG" else grey, **options)
    return EITHER


def turned_photo(data):
    exif = Image.Exif()
    exif[274] = data.random.randint(2, 8)
    grey = Image.fromarray(data.world.photos[data.some])
    data.save(data.photo(data.some), grey, quality=95, exif=exif.tobytes())
    return REFUSED


def deep_or_transparent_photo(data):
    photo = data.world.photos[data.some]
    clear = np.dstack([photo, photo, photo, np.where(photo > 127, 0, 255).astype(np.uint8)])
    pictures = (
        Image.fromarray(clear),
        Image.fromarray(photo.astype(np.uint16) * 257),
        Image.fromarray(photo.astype(np.float32)),
    )
    kinds = ("PNG", "PNG", "TIFF")
    choice = data.random.randrange(3)
    data.save(data.photo(data.some), pictures[choice], format=kinds[choice])
    return REFUSED


def photo_of_another_size(data):
    photo = Image.fromarray(data.world.photos[data.some])
    data.save(data.photo(data.some), photo.resize((photo.width // 2, photo.height)), quality=95)
    return REFUSED


def truth_in_other_colours(data):
    """The colours of a palette mean nothing; its indices do."""
    triples = bytes(data.random.randrange(256) for _ in range(768))
    data.save(data.truth(data.some), indexed(data.world.truths[data.some], triples))


def grey_truth(data):
    for image_id in data.world.ids:
        data.save(data.truth(image_id), Image.fromarray(data.world.truths[image_id]))


def colour_truth(data):
    picture = indexed(data.world.truths[data.some]).convert(data.random.choice(("RGB", "RGBA")))
    data.save(data.truth(data.some), picture)
    return REFUSED


def lossy_truth(data):
    kind = data.random.choice(("JPEG", "WEBP", "GIF"))
    data.save(data.truth(data.some), Image.fromarray(data.world.truths[data.some]), format=kind)
    return REFUSED


def deep_truth(data):
    truth = data.world.truths[data.some]
    pictures = (Image.fromarray(truth.astype(np.uint16)), Image.fromarray(truth > 0))
    data.save(data.truth(data.some), data.random.choice(pictures))
    return REFUSED


def truth_of_another_size(data):
    truth = data.world.truths[data.some]
    data.save(data.truth(data.some), indexed(truth.T.copy()))
    return REFUSED


def missing_truth(data):
    data.truth(data.some).unlink()
    return REFUSED if len(data.world.train) > 1 else EITHER


def truth_of_an_unknown_class(data):
    truth = data.world.truths[data.some].copy()
    truth[0, 0] = data.random.randint(len(data.world.classes) + 1, 254)
    data.save(data.truth(data.some), indexed(truth))
    return REFUSED


def objects_are_255(data):
    for image_id in data.world.ids:
        truth = data.world.truths[image_id]
        data.save(data.truth(image_id), indexed(np.where(truth, 255, 0).astype(np.uint8)))
    return REFUSED


def truth_counts_from_1(data):
    for image_id in data.world.ids:
        truth = data.world.truths[image_id]
        shifted = np.where(truth == 255, 255, truth + (truth < 255)).astype(np.uint8)
        data.save(data.truth(image_id), indexed(shifted))
    labelled = [i for i in data.world.train if data.world.labels[i]]
    return REFUSED if len(labelled) > 1 else UNKNOWN


def list_of_windows(data):
    ids = data.lists["train"]
    text = "\ufeff" + "".join(f"  {image_id} \r\n\r\n" for image_id in ids)
    data.list_of("train").write_bytes(text.encode())


def list_without_last_line_end(data):
    data.list_of("train").write_text("\n".join(data.lists["train"]))


def list_in_utf_16(data):
    data.list_of("train").write_bytes("\n".join(data.lists["train"]).encode("utf-16"))
    return REFUSED


def list_of_two_columns(data):
    lines = [f"{i}.jpg {i}.png" for i in data.lists["train"]]
    data.list_of("train").write_text("\n".join(lines))
    return REFUSED


def list_with_a_wrong_id(data):
    wrong = data.random.choice((data.some, data.world.val[0], "nobody", "../t0", "t0/"))
    data.list_of("train").write_text("\n".join([*data.lists["train"], wrong]))
    return REFUSED


def empty_list(data):
    data.list_of(data.random.choice(("train", "val"))).write_text("\n")
    return REFUSED


def ambiguous_classes(data):
    names = list(data.world.classes)
    wrong = ("background", names[0], names[0].upper(), f"{names[0]} ", "", None, "__ignore__")
    data.write_labels([*names, data.random.choice(wrong)])
    return REFUSED


def too_many_classes(data):
    data.write_labels([*data.world.classes, *(f"c{number}" for number in range(254))])
    return REFUSED


def labels_of_another_form(data):
    wrong = (data.labels[data.some][0], None, [1], [["cat"]], {"cat": 1}, ["Cat"], ["background"])
    data.write_labels(labels={**data.labels, data.some: data.random.choice(wrong)})
    return REFUSED


def image_without_labels(data):
    del data.labels[data.some]
    data.write_labels()
    return REFUSED


def labels_twice(data):
    text = data.label_file.read_text()
    again = f'"labels": {{{json.dumps(data.some)}: [], '
    data.label_file.write_text(text.replace('"labels": {', again))
    return REFUSED


def labels_in_another_order(data):
    labels = {i: names[::-1] * 2 for i, names in reversed(data.labels.items())}
    data.write_labels(labels={**labels, "unlisted": [data.world.classes[0]]})


def damaged_labels(data):
    text = data.label_file.read_text()
    data.label_file.write_bytes(
        data.random.choice((text[:-5].encode(), text.encode("utf-16"), b"", b"[]", b"\xff"))
    )
    return REFUSED


def one_wrong_label(data):
    """The score is that of the label as it is; nearly all labels wrong may be refused."""
    numbers = sorted(data.random.sample(range(1, len(data.world.classes) + 1), 1))
    data.world.labels[data.some] = numbers
    data.labels[data.some] = [data.world.classes[n - 1] for n in numbers]
    data.write_labels()
    return EITHER


def image_without_classes(data):
    data.world.labels[data.some], data.labels[data.some] = [], []
    data.write_labels()


def map_of_another_size(data):
    saliency = Image.fromarray(data.world.maps[data.some])
    data.save(data.map(data.some), saliency.resize((saliency.width + 1, saliency.height)))
    return REFUSED


def map_in_three_channels(data):
    saliency = Image.fromarray(data.world.maps[data.some])
    data.save(data.map(data.some), saliency.convert(data.random.choice(("RGB", "RGBA", "LA", "1"))))


def map_of_16_bits(data):
    deep = data.world.maps[data.some].astype(np.uint16) * 257
    data.save(data.map(data.some), Image.fromarray(deep))


def coloured_map(data):
    saliency = data.world.maps[data.some]
    saliency[0, 0] = 255
    heat = np.dstack([saliency, 255 - saliency, np.zeros_like(saliency)])
    data.save(data.map(data.some), Image.fromarray(heat))
    return REFUSED


def map_in_the_alpha_channel(data):
    saliency = data.world.maps[data.some]
    saliency[0, 0] = 0
    white = np.full_like(saliency, 255)
    data.save(data.map(data.some), Image.fromarray(np.dstack([white, white, white, saliency])))
    return REFUSED


def maps_of_0_and_1(data):
    for image_id in data.world.ids:
        data.save(data.map(image_id), Image.fromarray(data.world.maps[image_id] // 255))
    return REFUSED


def missing_map(data):
    data.map(data.random.choice((data.some, data.some, data.world.val[0]))).unlink()
    return EITHER


def nested_ids(data):
    """Ids with a folder, in lists, labels and files."""
    names = {image_id: f"city/{image_id}" for image_id in data.world.ids}
    for image_id, name in names.items():
        for place in (data.photo, data.truth, data.map):
            place(name).parent.mkdir(exist_ok=True)
            if place(image_id).exists():
                place(image_id).rename(place(name))
    data.lists = {split: [names[i] for i in ids] for split, ids in data.lists.items()}
    data.labels = {names.get(i, i): labels for i, labels in data.labels.items()}
    world = data.world
    world.train, world.val = ([names[i] for i in ids] for ids in (world.train, world.val))
    for parts in (world.photos, world.truths, world.maps, world.labels):
        parts.update({names[i]: parts.pop(i) for i in list(names)})
    data.some = names[data.some]
    data.write_lists()
    data.write_labels()


def two_photos_of_one_id(data):
    path = data.photo(data.some)
    suffix = data.random.choice((".JPG", ".jpeg"))
    path.with_suffix(suffix).write_bytes(path.read_bytes())
    return EITHER


VOC_FAULTS = {  # by the part that they change; at most one of each part
    "ids": (nested_ids,),
    "photo": (
        *(damaged_photo, missing_photo, photo_of_another_kind, turned_photo),
        *(deep_or_transparent_photo, photo_of_another_size, two_photos_of_one_id),
    ),
    "truth": (
        *(truth_in_other_colours, grey_truth, colour_truth, lossy_truth, deep_truth),
        *(truth_of_another_size, missing_truth, truth_of_an_unknown_class, objects_are_255),
    ),
    "list": (
        *(list_of_windows, list_without_last_line_end, list_in_utf_16, list_of_two_columns),
        *(list_with_a_wrong_id, empty_list),
    ),
    "labels": (
        *(ambiguous_classes, too_many_classes, labels_of_another_form, image_without_labels),
        *(labels_twice, labels_in_another_order, damaged_labels, one_wrong_label),
        image_without_classes,
    ),
    "map": (
        *(map_of_another_size, map_in_three_channels, map_of_16_bits, coloured_map),
        *(map_in_the_alpha_channel, maps_of_0_and_1, missing_map),
    ),
    "alone": (truth_counts_from_1,),
}


# MS-COCO


class CocoFiles(VocFiles):
    """A world as files in the layout of MS-COCO; its truth is drawn from boxes."""

    layout = "coco14"

    def __init__(self, world, root):
        self.world, self.root, self.random = world, Path(root), world.random
        self.some = self.random.choice(world.train)
        self.categories = {name: 10 * n + 3 for n, name in enumerate(world.classes)}
        self.content = {split: self.annotated(split) for split in ("train", "val")}
        for image_id in world.ids:
            self.save(self.photo(image_id), Image.fromarray(world.photos[image_id]), quality=95)
            self.save(self.map(image_id), Image.fromarray(world.maps[image_id]))
        self.write()

    def annotated(self, split):
        """The content of an annotation file, whose boxes replace the truth of the world."""
        images, instances, rng = [], [], self.random
        for image_id in getattr(self.world, split):
            height, width = self.world.truths[image_id].shape
            number = self.world.ids.index(image_id) + 1
            name = f"{image_id}.jpg"
            size = {"height": height, "width": width}
            images.append({"id": number, "file_name": name, **size})
            self.world.truths[image_id] = np.zeros((height, width), np.uint8)
            numbers = [rng.randint(1, len(self.world.classes)) for _ in range(rng.randint(1, 3))]
            self.world.labels[image_id] = sorted(set(numbers))
            for place in numbers:
                area = box(rng, (height, width))
                self.world.truths[image_id][area] = place
                category = self.categories[self.world.classes[place - 1]]
                instances.append(instance(number, category, area))
        names = [{"id": number, "name": name} for name, number in self.categories.items()]
        return {"images": images, "annotations": instances, "categories": names}

    def write(self):
        for split, content in self.content.items():
            self.annotations(split).parent.mkdir(parents=True, exist_ok=True)
            self.annotations(split).write_text(json.dumps(content))

    def annotations(self, split):
        return self.root / f"annotations/instances_{split}2014.json"

    def photo(self, image_id):
        split = "val" if image_id in self.world.val else "train"
        return self.root / f"{split}2014/{image_id}.jpg"


def instance(number, category, area):
    rows, columns = area
    left, top, right, bottom = columns.start, rows.start, columns.stop, rows.stop
    outline = [[left, top, right, top, right, bottom, left, bottom]]
    shared = {"iscrowd": 0, "area": (right - left) * (bottom - top), "segmentation": outline}
    return {"image_id": number, "category_id": category, **shared}


def renumbered_categories(data):
    """Other numbers of the same names in val, in another order."""
    content = data.content["val"]
    numbers = {c["id"]: 500 - c["id"] for c in content["categories"]}
    for entry in content["categories"]:
        entry["id"] = numbers[entry["id"]]
    for entry in content["annotations"]:
        entry["category_id"] = numbers[entry["category_id"]]
    data.write()


def wrong_categories(data):
    names = data.content[data.random.choice(("train", "val"))]["categories"]
    first = dict(names[0])
    wrong = (
        {**first, "id": 900},
        {**first, "name": "lorry" if names is data.content["val"]["categories"] else first["name"]},
        {"id": 900, "name": "background"},
        {"id": 900, "name": first["name"].title()},
        {"id": 900},
        {"id": None, "name": "lorry"},
        {"id": 900, "name": ""},
    )
    names.append(data.random.choice(wrong))
    data.write()
    return REFUSED


def damaged_annotations(data):
    path = data.annotations(data.random.choice(("train", "val")))
    path.write_text(data.random.choice((path.read_text()[:-9], "", "[]", "{}", '{"images": 3}')))
    return REFUSED


def wrong_annotation(data):
    entry = data.random.choice(data.content["train"]["annotations"])
    wrong = (
        {"image_id": 77},
        {"category_id": 77},
        {"category_id": None},
        {"segmentation": [[1, 2]]},
        {"segmentation": {"size": [2, 2], "counts": [0, 4]}},
        {"segmentation": "box"},
        {"segmentation": None},
        {"segmentation": [[1, 1, 9, 1, 9, 9, 1]]},
        {"segmentation": [[1, 1, 9, 1, 1e12, 9]]},
        {"segmentation": [["1", "1", "9", "1", "9", "9"]]},
        {"segmentation": []},
        {"category_id": 1.7},
        {"iscrowd": "0"},
    )
    entry.update(data.random.choice(wrong))
    data.write()
    return REFUSED


def wrong_image_entry(data):
    entry = data.random.choice(data.content["train"]["images"])
    wrong = (
        *(
            {"height": 3},
            {"height": 40.9},
            {"width": None},
            {"height": "tall"},
            {"file_name": None},
            {"id": None},
        ),
        *({"file_name": "nobody.jpg"}, {"file_name": "v0.jpg"}),
    )
    entry.update(data.random.choice(wrong))
    data.write()
    return REFUSED


def numbers_of_val_from_1(data):
    """Both files number their images from 1, which are different images."""
    for entry in data.content["val"]["images"]:
        entry["id"] = 1
    for entry in data.content["val"]["annotations"]:
        entry["image_id"] = 1
    data.write()
    return EITHER


COCO_FAULTS = {
    "photo": (*VOC_FAULTS["photo"][:-1], numbers_of_val_from_1),
    "map": VOC_FAULTS["map"],
    "annotations": (renumbered_categories, wrong_categories, damaged_annotations),
    "entries": (wrong_annotation, wrong_image_entry),
}
LAYOUTS = {VocFiles: VOC_FAULTS, CocoFiles: COCO_FAULTS}
