"""Writes miniatures of the data sets that are published as pickles, .mat and .npz, with NumPy and SciPy rather than with Schane.

    /usr/bin/python3 write.py      # Debian: python3-numpy, python3-scipy, python3-pil

every image i is of one value: red i, green i + 1, blue i + 2.
"""
import io
import os
import pickle

import numpy as np
import scipy.io
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))


def path(name):
    full = os.path.join(here, name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    return full


def dump(name, value, protocol):
    with open(path(name), "wb") as f:
        pickle.dump(value, f, protocol=protocol)


def pixels(count, side):
    return np.stack([np.stack([np.full((side, side), i + c, np.uint8) for c in range(3)], -1) for i in range(count)])


def rows(count):
    return pixels(count, 32).transpose(0, 3, 1, 2).reshape(count, 3072)


def png(picture):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


# Protocol 2 as the published files (Python 2), 4 as those who write them again.
for protocol in (2, 4):
    root = f"protocol{protocol}"
    dump(f"{root}/cifar-100-python/train", {"data": rows(3), "fine_labels": [1, 0, 1], "coarse_labels": [0, 0, 0], "filenames": ["a", "b", "c"], "batch_label": "x"}, protocol)
    dump(f"{root}/cifar-100-python/meta", {"fine_label_names": ["apple", "fish"], "coarse_label_names": ["things"]}, protocol)
    for n in range(1, 6):
        dump(f"{root}/cifar-10-batches-py/data_batch_{n}", {"data": rows(1), "labels": [n % 2]}, protocol)
    dump(f"{root}/cifar-10-batches-py/batches.meta", {"label_names": ["plane", "car"]}, protocol)
    dump(f"{root}/CIFAR_FS_val.pickle", {"data": pixels(3, 32), "labels": [70, 12, 70]}, protocol)
    dump(f"{root}/FC100/FC100_test.pickle", {"data": pixels(2, 32), "labels": np.array([40, 3])}, protocol)
    dump(f"{root}/mini-imagenet/mini-imagenet-cache-test.pkl", {"image_data": pixels(3, 84), "class_dict": {"n02": [0, 2], "n01": [1]}}, protocol)
    labels = {"label_specific": np.array([4, 2, 4]), "label_general": np.array([0, 0, 0]), "label_specific_str": ["a", "b", "tabby cat", "d", "lynx"], "label_general_str": ["feline"]}
    dump(f"{root}/tiered-imagenet/val_labels.pkl", labels, protocol)
    dump(f"{root}/tiered-imagenet/val_images_png.pkl", [np.frombuffer(png(p), np.uint8) for p in pixels(3, 84)], protocol)
    dump(f"{root}/tiered-imagenet/train_labels.pkl", labels, protocol)
    dump(f"{root}/tiered-imagenet/train_images_png.pkl", [png(p) for p in pixels(3, 84)], protocol)
    dump(f"{root}/tiered-imagenet/test_labels.pkl", labels, protocol)
np.savez(path("protocol2/tiered-imagenet/test_images.npz"), images=pixels(3, 84))

for packed in (False, True):
    root = f"flowers-{'packed' if packed else 'plain'}/flowers-102"
    scipy.io.savemat(path(f"{root}/imagelabels.mat"), {"labels": np.array([[77, 2, 1]], np.uint8)}, do_compression=packed)
    scipy.io.savemat(path(f"{root}/setid.mat"), {"trnid": np.array([[3]], np.uint16), "valid": np.array([[1]], np.float64), "tstid": np.array([[2, 1]], np.uint16)}, do_compression=packed)

# Three frames of 6 × 4, left and right half of one colour each: red and blue first, then others.
colours = [((200, 30, 60), (10, 120, 240)), ((0, 255, 0), (255, 255, 0)), ((1, 2, 3), (250, 250, 250))]
frames = []
for left, right in colours:
    frame = np.zeros((4, 6, 3), np.uint8)
    frame[:, :3], frame[:, 3:] = left, right
    frames.append(Image.fromarray(frame))
for name, settings in {"three.gif": {}, "three.webp": {"lossless": True}, "three.png": {}}.items():
    frames[0].save(path(f"animated/{name}"), save_all=True, append_images=frames[1:], duration=100, loop=0, **settings)
