"""Truth that cannot be as it is meant is refused before any work; doubts are warnings."""

import numpy as np
import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import WARNING
from wsss_harness.suite.truth_check import check_truth

CLASSES = ("cat", "dog", "boat")


class Truths:
    """A dataset of truths alone; the classes of the image labels are ``labels``."""

    classes = CLASSES

    def __init__(self, truths, labels=((1,), (2,), (3,)), val=()):
        self.truths = [np.array(truth, np.uint8) for truth in (*truths, *val)]
        self.labels = [*labels, *labels]
        self.count, self.reads = len(truths), []

    def ids(self, split):
        return tuple(
            str(i) for i in range(len(self.truths)) if (i >= self.count) == (split == "val")
        )

    def present(self, image_id):
        return self.labels[int(image_id)]

    def truth(self, image_id):
        self.reads.append(image_id)
        truth = self.truths[int(image_id)]
        if not truth.size:
            raise DataError(f"{image_id}.png is missing")
        return truth


def objects(background, *numbers):
    return [[[background, background, number]] for number in numbers]


SOUND = objects(0, 1, 2, 3)


def warned(dataset, with_val=False):
    findings = check_truth(dataset, with_val)
    assert {finding.outcome for finding in findings} <= {WARNING}
    return {finding.check: finding.message for finding in findings}


def test_sound_truth_is_accepted():
    assert warned(Truths(SOUND, val=SOUND), with_val=True) == {}


@pytest.mark.parametrize(
    ("truths", "named"),
    [
        (objects(0, 255, 255, 255), "holds only 0 and 255"),
        (objects(0, 0, 0), "holds only 0"),
        (objects(255, 255), "holds only 255"),
        (objects(1, 2, 3), r"2 of 2 images has the image labels \+1"),
        (objects(255, 0, 1, 2), r"2 of 2 images has the image labels -1"),
        (objects(0, 2, 3, 1), "3 of 3 images has none of the image labels, first"),
        (objects(255, 1, 2, 3), "no pixel of 3 images, such as ., is 0 and 67% are 255"),
    ],
)
def test_truth_that_means_something_else_is_refused(truths, named):
    with pytest.raises(DataError, match=f"truth .*scored images.*{named}"):
        check_truth(Truths(truths), with_val=False)


def test_labels_of_several_classes_that_are_shifted_are_refused():
    truths = [[[0, 2, 3]], [[0, 3, 2]], [[0, 2, 3]]]
    with pytest.raises(DataError, match=r"3 of 3 images has the image labels \+1"):
        check_truth(Truths(truths, labels=[(1, 2)] * 3), with_val=False)


def test_one_image_with_a_wrong_label_is_no_shift():
    assert warned(Truths(objects(0, 1, 2, 3), labels=((2,), (2,), (3,)))) == {}


IN_LABELS = "image labels of the scored images are in the truth"


def swapped(number):
    """The class of a label when the names of the first two classes are swapped."""
    return {1: 2, 2: 1}.get(number, number)


def with_swapped_names(numbers):
    return Truths(objects(0, *numbers), labels=[(swapped(n),) for n in numbers])


def test_names_of_classes_that_are_swapped_are_refused_if_most_images_have_them():
    with pytest.raises(DataError, match=r"20 of 30 images has none .* the list of classes"):
        check_truth(with_swapped_names([1, 2, 3] * 10), with_val=False)


@pytest.mark.parametrize("others", [20, 400])
def test_names_of_classes_that_are_swapped_are_a_warning_if_few_images_have_them(others):
    message = warned(with_swapped_names([1, 2] * 10 + [3] * others))[IN_LABELS]
    assert "images has none of the image labels, first" in message
    if others == 20:
        assert message.startswith("cat is in the truth of 0 of 10 images with its label; dog is")


def test_labels_swapped_beside_a_label_of_all_images_are_a_warning():
    truths = [[[0, 1, 3]]] * 6 + [[[0, 2, 3]]] * 6
    message = warned(Truths(truths, labels=[(2, 3)] * 6 + [(1, 3)] * 6))[IN_LABELS]
    assert message.startswith("cat is in the truth of 0 of 6 images")
    assert "boat" not in message


def test_labels_of_difficult_objects_without_pixels_are_no_doubt():
    truths = objects(0, *[1, 2, 3] * 10)
    labels = [(1, 3), (2, 3), (3,)] * 10  # boat is in 10 of 30 images with its label
    assert warned(Truths(truths, labels=labels)) == {}


def test_one_of_many_images_without_its_label_is_no_doubt():
    truths = objects(0, *[1, 2, 3] * 10)
    assert warned(Truths(truths, labels=[(2,), *([(1,), (2,), (3,)] * 10)[1:]])) == {}


@pytest.mark.parametrize("split", ["scored", "val"])
def test_a_class_in_no_truth_is_a_warning(split):
    few = objects(0, 1, 3)
    labels = ((1,), (3,), (1,)) if split == "scored" else ((1,), (2,), (3,))
    dataset = Truths(few, labels) if split == "scored" else Truths(SOUND, labels * 2, val=few)
    ((check, message),) = warned(dataset, with_val=split == "val").items()
    assert check == f"every class is in the truth of the {split} images"
    assert message.startswith("dog: no image")


def test_hardly_any_background_is_a_warning():
    full = [[[number] * 99 + [0]] for number in (1, 2, 3)]
    assert list(warned(Truths(full))) == ["0 is background in the truth of the scored images"]


def test_val_is_looked_at_only_if_segmentors_are_scored():
    dataset = Truths(SOUND, val=objects(0, 255))
    assert warned(dataset) == {}
    with pytest.raises(DataError, match="the truth of the val images"):
        check_truth(dataset, with_val=True)


def test_images_without_a_truth_are_left_to_the_stage_that_needs_them():
    assert warned(Truths([np.zeros((0, 0))] * 3)) == {}
    assert warned(Truths([*SOUND, np.zeros((0, 0))], labels=((1,), (2,), (3,), (1,)))) == {}


def test_a_run_looks_at_a_part_of_a_large_dataset():
    dataset = Truths(SOUND * 400, labels=((1,), (2,), (3,)) * 400)
    assert warned(dataset) == {}
    assert len(dataset.reads) == 200
    assert max(map(int, dataset.reads)) > 1000


def test_a_run_looks_further_for_a_class_that_it_has_not_seen():
    dataset = Truths(objects(0, *[1, 2] * 300, 3), labels=((1,), (2,)) * 300 + ((3,),))
    assert warned(dataset) == {}


def test_truth_of_train_that_is_not_to_be_used_is_not_looked_at():
    labels = ((1,), (1,), (2,), (3,))  # of one image of train and three of val
    dataset = Truths(objects(0, 255), labels, val=SOUND)
    dataset.has_truth = lambda image_id: image_id in dataset.ids("val")
    assert warned(dataset, with_val=True) == {}
