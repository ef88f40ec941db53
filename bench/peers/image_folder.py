"""What torchvision's ImageFolder, and its reader of idx files, make of a data set: a line of JSON for each image.

Run by packages/cli/test/dataset.test.ts: image_folder.py folders FOLDER | image_folder.py idx IMAGES LABELS
"""
import hashlib
import json
import sys

from torchvision.datasets import ImageFolder
from torchvision.datasets.mnist import read_image_file, read_label_file


def line(label, size, channels, data):
    print(json.dumps({"label": label, "size": size, "channels": channels, "sha256": hashlib.sha256(data).hexdigest()}))


if sys.argv[1] == "folders":
    dataset = ImageFolder(sys.argv[2])
    for index, (path, label) in enumerate(dataset.samples):
        picture, found = dataset[index]
        assert found == label
        line(dataset.classes[label], list(picture.size), len(picture.getbands()), picture.tobytes())
else:
    for picture, label in zip(read_image_file(sys.argv[2]), read_label_file(sys.argv[3])):
        line(str(int(label)), [picture.shape[1], picture.shape[0]], 1, picture.numpy().tobytes())
