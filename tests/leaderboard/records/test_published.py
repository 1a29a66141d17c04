"""Published figures stand only beside numbers of the same data, with their source."""

import pytest
from sample_records import record, score

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.records.provenance import Protocol, Step, Supervision
from wsss_leaderboard.records.published import Published, check_alike, notes_of, published
from wsss_leaderboard.records.scores import Segmentation
from wsss_leaderboard.tables.builtin import mask_table, segmentation_table

VOC = published().datasets["voc2012"]
FIGURE = """
[datasets.d]
classes = ["cat"]
splits = { train = 8 }

[[figures]]
method = "EPS"
sup = "I.+S."
dataset = "d"
split = "train"
value = 61.0
protocol = "ResNet38"
source = "a paper, table 1"
confidence = "quoted"
"""


def on_voc(miou=0.5):
    names = ("background", *VOC.classes)
    return score(miou).model_copy(update={"iou": dict.fromkeys(names, 0.5)})


def seam(images=VOC.splits["train"], val=VOC.splits["val"]):
    """A record of a method whose row in the file is known: 55.41 for its masks."""
    part = ("image_labels",)
    base = record("SEAM", supervision=Supervision(declared=part, read={"fit": part}, weights=()))
    masks = base.masks.model_copy(update={"images": images, "score": on_voc()})
    trained = Segmentation(segmentor="DeepLab V1", images=val, score=on_voc(), mmseg={"mIoU": 60.0})
    changes = {
        "masks": masks,
        "segmentations": (trained,),
        "recipe": {"segmentors": ["DeepLab V1"]},
        "protocol": Protocol(images=images, val_images=val, held_out=0, evaluator=1),
    }
    return base.model_copy(update=changes)


def column(table):
    place = [column.name for column in table.columns].index("published")
    return [row.cells[place] for row in table.rows]


def test_published_figures_have_sources():
    verified = {f.method for f in published().figures if f.confidence != "unverified"}
    methods = {"CAM", "SEAM", "SC-CAM", "ICD", "MCIS", "EPS", "CAM + AffinityNet", "IRN"}
    assert verified >= methods
    assert {f.method for f in published().figures} > methods | {"SGAN", "EPS + Affinity Net"}
    assert all(figure.source and figure.how for figure in published().figures)
    assert all(f.year for f in published().figures)
    assert len(VOC.classes) == 20
    assert len(set(published().datasets["coco14"].classes)) == 80


def test_a_figure_stands_beside_the_same_data():
    table = mask_table([seam()])
    assert column(table) == ["55.41"]
    (note,) = [note for note in table.notes if note.startswith("Published")]
    assert note.startswith("Published 55.41, SEAM: ResNet38, no CRF")
    assert "github.com/YudeWang/SEAM" in note


def test_a_segmentor_has_its_own_figure():
    named = seam().model_copy(update={"method": "MCIS"})
    assert column(segmentation_table([named])) == ["66.2"]
    with pytest.raises(ValueError, match="published"):
        column(segmentation_table([named.model_copy(update={"method": "SEAM"})]))


@pytest.mark.parametrize("images", [VOC.splits["train"] - 1, VOC.splits["val"]])
def test_other_images_have_no_figure(images):
    with pytest.raises(ValueError, match="published"):
        column(mask_table([seam(images=images)]))


def test_other_data_with_the_same_names_has_its_own_figures():
    coco = published().datasets["coco14"]
    named = seam(images=coco.splits["train"]).model_copy(update={"method": "EPS"})
    scored = named.masks.score.model_copy(
        update={"iou": dict.fromkeys(("background", *coco.classes))}
    )
    masks = named.masks.model_copy(update={"score": scored})
    assert published().beside(named.model_copy(update={"masks": masks})).cell == "37.15"
    assert {f.dataset for f in published().of(coco.classes).figures} == {"coco14"}
    assert {f.dataset for f in published().of(["cat"]).figures} == {"voc2012"}


def test_other_classes_have_no_figure():
    other = seam().masks.model_copy(update={"score": score(0.5)})
    assert published().beside(seam().model_copy(update={"masks": other})) is None


@pytest.mark.parametrize(
    ("start", "crf", "has_figure"),
    [("MS-COCO", "none", True), ("ImageNet-1k", "none", False), ("MS-COCO", "deeplab", True)],
)
def test_a_segmentor_from_other_weights_has_no_figure(start, crf, has_figure):
    steps = (
        Step(
            stage="segment DeepLab V2 on e 1", key="a", options={"weights": {"trained_on": start}}
        ),
        Step(stage="predict DeepLab V2 on e 2", key="b", options={"crf": crf}),
    )
    named = seam().model_copy(update={"method": "EPS", "steps": steps})
    assert bool(published().beside(named, "DeepLab V2")) == has_figure
    assert published().beside(named, "DeepLab V1").cell == "71.0"


def test_an_unverified_figure_is_marked():
    unverified = published().beside(seam().model_copy(update={"method": "SGAN"}))
    assert unverified.cell == "62.8?"
    assert unverified.note.startswith("Published 62.8?, SGAN")


def figures_of(method, segmentor, **fields):
    figures = published().named(method, segmentor)
    return [f for f in figures if all(getattr(f, name) == value for name, value in fields.items())]


def test_splits_of_one_source_share_a_note():
    (note,) = notes_of(figures_of("EPS", "DeepLab V1", kind="published"))
    assert note.startswith("Published 71.0 (val) and 71.8 (test), EPS, DeepLab V1: ResNet101 (")
    (start,) = notes_of(figures_of("EPS", "DeepLab V2", kind="published", dataset="voc2012"))
    assert "ResNet101, starts from MS-COCO (MARS (ICCV 2023), table 3)." in start


def test_figures_of_unlike_protocols_are_refused():
    (without,) = figures_of("EPS (a user)", "DeepLab V2")
    (crf,) = figures_of("EPS (a user, CRF)", "DeepLab V2")
    silent = figures_of("EPS", "DeepLab V1", kind="published")
    check_alike([without, *silent])
    check_alike([*silent, crf])
    with pytest.raises(ConfigError, match=r"68\.2 of 'EPS \(a user\)' has crf 'no', the .* 'yes'"):
        check_alike([without, *silent, crf])
    start = crf.model_copy(update={"init": "ImageNet-1k"})
    with pytest.raises(ConfigError, match=r"has init 'MS-COCO', the .* 'ImageNet-1k'"):
        check_alike([*figures_of("EPS", "DeepLab V2", init="MS-COCO"), start])
    with pytest.raises(ConfigError, match=r"has dataset 'voc2012', the .* 'coco14'"):
        check_alike(figures_of("EPS", ""))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value = 61.0", "value = nan", r"figures\.0\.value"),
        ("value = 61.0", "value = 610", r"figures\.0\.value"),
        ("value = 61.0", "", r"figures\.0\.value"),
        ('source = "a paper, table 1"', "", r"figures\.0\.source"),
        ('"quoted"', '"sure"', r"figures\.0\.confidence"),
        ("value = 61.0", 'value = 61.0\nvenue = "CVPR"', r"figures\.0\.venue"),
        ("value = 61.0", 'value = 61.0\ncrf = "maybe"', r"figures\.0\.crf"),
        ('protocol = "', 'protocl = "', r"figures\.0\.prot"),
        ('split = "train"', 'split = "val"', "'EPS' is on 'd val', which is not under datasets"),
        ("[datasets.d]", "[datasets.d", "cannot be read as TOML"),
    ],
)
def test_an_invalid_file_is_refused(tmp_path, old, new, message):
    path = tmp_path / "published.toml"
    path.write_text(FIGURE.replace(old, new))
    with pytest.raises(DataError, match=rf"published\.toml.*{message}"):
        published(path)


def test_duplicate_figures_are_refused(tmp_path):
    path = tmp_path / "published.toml"
    path.write_text(FIGURE)
    assert isinstance(published(path), Published)
    twice = tmp_path / "twice.toml"
    twice.write_text(FIGURE + FIGURE[FIGURE.index("[[figures]]") :])
    with pytest.raises(
        DataError, match="2 figures for published, EPS, d, train; give one of them another"
    ):
        published(twice)
