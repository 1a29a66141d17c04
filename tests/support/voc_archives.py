"""Archives with the inner structure of the official ones, of a few tiny images."""

import io
import tarfile

import numpy as np
from PIL import Image
from scipy.io import savemat

from wsss_harness.system.palettes import palette

TRAIN, VAL, ONLY_SBD, TEST = "2007_000032", "2007_000033", "2008_000002", "2008_000006"
ANNOTATION = (
    "<annotation><object><name>train</name><difficult>0</difficult></object>"
    "<object><name>boat</name><difficult>1</difficult></object></annotation>"
)
MASK = np.array([[0, 19, 255, 4], [0, 0, 0, 0], [19, 19, 0, 0]], np.uint8)
SBD_MASK = np.array([[0, 4, 4, 4], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)


def jpeg():
    file = io.BytesIO()
    Image.fromarray(np.full((3, 4, 3), 90, np.uint8)).save(file, format="JPEG")
    return file.getvalue()


def palette_png(mask=MASK, colours=None):
    picture = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
    picture.putpalette(palette() if colours is None else colours)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def matlab(**variables):
    file = io.BytesIO()
    savemat(file, variables)
    return file.getvalue()


def sbd(mask=SBD_MASK):
    return matlab(GTcls={"Segmentation": mask, "CategoriesPresent": np.array([4])})


def voc_files():
    root = "VOCdevkit/VOC2012"
    lists = {"train": [TRAIN], "val": [VAL], "trainval": [TRAIN, VAL]}
    files = {f"{root}/ImageSets/Segmentation/{n}.txt": "\n".join(i) for n, i in lists.items()}
    files[f"{root}/ImageSets/Main/train.txt"] = "another list\n"
    for image_id in (TRAIN, VAL, ONLY_SBD):
        files[f"{root}/JPEGImages/{image_id}.jpg"] = jpeg()
        files[f"{root}/Annotations/{image_id}.xml"] = ANNOTATION
    for image_id in (TRAIN, VAL):
        files[f"{root}/SegmentationClass/{image_id}.png"] = palette_png()
    return files


def sbd_files():
    root = "benchmark_RELEASE/dataset"
    return {f"{root}/cls/{image_id}.mat": sbd() for image_id in (TRAIN, VAL, ONLY_SBD)}


def files_of_test():
    root = "VOCdevkit/VOC2012"
    return {
        f"{root}/ImageSets/Segmentation/test.txt": TEST,
        f"{root}/JPEGImages/{TEST}.jpg": jpeg(),
    }


def context_files():
    labels = np.array([[3, 3, 1, 1], [2, 2, 2, 2], [4, 4, 4, 4]], np.uint16)
    names = "1: water\n2: track\n3: platform\n4: sky\n"
    return {"labels.txt": names, f"trainval/{TRAIN}.mat": matlab(LabelMap=labels)}


def pack(path, files):
    """A tar file, compressed where its name says so, with the given files."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def write(folder, voc=None, masks=None):
    """The two archives that are needed."""
    folder.mkdir(exist_ok=True)
    pack(folder / "VOCtrainval_11-May-2012.tar", voc_files() if voc is None else voc)
    pack(folder / "benchmark.tgz", sbd_files() if masks is None else masks)
