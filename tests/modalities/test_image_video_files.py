"""Reads files, folders and tables of images and videos."""

import re

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image
from small import write_csv

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.modalities.image.folder import read_image, read_image_folder
from hfseq.modalities.media_folder import resolve_paths
from hfseq.modalities.natural_order import natural_order
from hfseq.modalities.video.files import read_video, read_video_folder
from hfseq.registry import get_modality

PICTURE = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3


def save_image(path, array=PICTURE):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def refused(message):
    return pytest.raises(HfseqError, match=re.escape(message))


def test_read_image_rejects_damaged_files(tmp_path):
    path = save_image(tmp_path / "a.png", np.random.default_rng(0).integers(256, size=(32, 32)).astype(np.uint8))
    assert read_image(path).size == (32, 32)
    path.write_bytes(path.read_bytes()[:-400])
    with refused(f"{path} cannot be read as an image: image file is truncated"):
        read_image(path)
    path.write_text("not at all")
    with refused(f"{path} is not an image, or in a format that pillow does not read."):
        read_image(path)
    with refused(f"{tmp_path / 'b.png'} does not exist."):
        read_image(tmp_path / "b.png")


def test_captions_of_an_image_are_grouped(tmp_path):
    for name in ("b", "a"):
        save_image(tmp_path / f"{name}.png")
    rows = [("b", "first", 1), ("a", "only", 2), ("b", "second", 1)]
    rows = [{"file_name": f"{name}.png", "caption": text, "group": group} for name, text, group in rows]
    table = write_csv(tmp_path / "metadata.csv", rows)
    dataset = read_image_folder(tmp_path)
    assert dataset[:] == {
        "image": [str(tmp_path / "b.png"), str(tmp_path / "a.png")],
        "group": ["1", "2"],
        "captions": [["first", "second"], ["only"]],
    }
    rows[2]["group"] = 3
    write_csv(table, rows)
    with refused(f"{table}, row 2: column 'group' of {tmp_path / 'b.png'} is '3' here, but '1' in row 0."):
        read_image_folder(tmp_path)
    write_csv(table, [{"file_name": "a.png", "caption": ""}, {"file_name": "a.png", "caption": "x"}])
    with refused(f"{table}, row 0: the caption of {tmp_path / 'a.png'} must be a text, not None."):
        read_image_folder(tmp_path)
    write_csv(table, [{"file_name": "a.png", "label": "x"}, {"file_name": "c.png", "label": "y"}])
    with refused(f"{table}, row 1: column 'file_name' names c.png, but there is no file {tmp_path / 'c.png'}."):
        read_image_folder(tmp_path)


def test_folder_per_class_is_read(tmp_path):
    for name in ("cat/2.png", "cat/10.png", "dog/1.jpg"):
        save_image(tmp_path / name)
    dataset = read_image_folder(tmp_path)
    assert dataset["label"][:] == ["cat", "cat", "dog"]
    assert dataset["image"][:2] == [str(tmp_path / "cat" / "2.png"), str(tmp_path / "cat" / "10.png")]
    assert read_image_folder(tmp_path / "cat").column_names == ["image"]
    (tmp_path / "dog" / "notes.txt").write_text("good boy")
    with refused(
        f"{tmp_path / 'dog' / 'notes.txt'} is in the folder of a class of images, which must only hold .bmp, .gif"
    ):
        read_image_folder(tmp_path)
    save_image(tmp_path / "loose.png")
    with refused(f"{tmp_path} holds both images (loose.png) and other folders (cat): put every image into"):
        read_image_folder(tmp_path)


def test_empty_folders_are_rejected(tmp_path):
    with refused(f"there is no folder {tmp_path / 'nowhere'}."):
        read_image_folder(tmp_path / "nowhere")
    with refused(f"{tmp_path} holds no images: expected a metadata.csv with the columns file_name and caption"):
        read_image_folder(tmp_path)
    (tmp_path / "cat").mkdir()
    with refused(f"{tmp_path / 'cat'} is empty: put .gif, .npy or .npz files, or folders of frames into it"):
        read_video_folder(tmp_path)


def test_resolve_paths_makes_paths_absolute(tmp_path):
    save_image(tmp_path / "a.png")
    dataset = Dataset.from_dict({"image": ["a.png"], "label": [3]})
    assert resolve_paths(dataset, "image", tmp_path, "t.csv")[0] == {
        "image": str(tmp_path / "a.png"),
        "label": 3,
    }
    with refused("t.csv has no column 'imgae': did you mean 'image'?"):
        resolve_paths(dataset, "imgae", tmp_path, "t.csv")
    with refused("t.csv, row 0: column 'label' must hold the path of a file, not 3."):
        resolve_paths(dataset, "label", tmp_path, "t.csv")


def test_read_video_reads_every_format(tmp_path):
    video = np.random.default_rng(0).integers(256, size=(11, 5, 4)).astype(np.uint8)
    np.save(tmp_path / "v.npy", video)
    np.savez(tmp_path / "v.npz", other=np.zeros(3), frames=video)
    for number, frame in enumerate(video):
        save_image(tmp_path / "frames" / f"frame{number}.png", frame)
    frames = [Image.fromarray(frame) for frame in video]
    frames[0].save(tmp_path / "v.gif", save_all=True, append_images=frames[1:])
    for name in ("v.npy", "v.npz", "frames", "v.gif"):
        found = read_video(tmp_path / name)
        assert np.array_equal(found.reshape(11, 5, 4, -1)[..., 0], video), name
    dataset = read_video_folder(tmp_path)
    # The order of names with equal numbers does not depend on the order of the folder.
    assert sorted((tmp_path / name for name in ("1.png", "01.png")), key=natural_order)[0].name == "01.png"
    assert [path.rpartition("/")[2] for path in dataset["video"]] == ["frames", "v.gif", "v.npy", "v.npz"]


def save_animation(path, frames=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [Image.fromarray(np.full((4, 5), 40 * number, np.uint8)) for number in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return str(path)


def test_folder_of_animations_is_guessed_as_video(tmp_path):
    def read(folder):
        return get_modality("video").read_path(folder, DataArguments())["train"].to_dict()

    one, two = (save_animation(tmp_path / "classes" / name) for name in ("left/1.gif", "right/2.gif"))
    assert read(tmp_path / "classes") == {"video": [one, two], "label": ["left", "right"]}
    assert read(tmp_path / "classes" / "left") == {"video": [one]}
    listed = save_animation(tmp_path / "listed" / "3.gif")
    assert read(tmp_path / "listed") == {"video": [listed]}
    write_csv(tmp_path / "listed" / "metadata.csv", [{"file_name": "3.gif", "label": "left"}])
    assert read(tmp_path / "listed") == {"video": [listed], "label": ["left"]}
    # A preview beside the frames of a video is not a frame.
    for name in ("1.png", "2.png"):
        save_image(tmp_path / "frames" / name)
    save_animation(tmp_path / "frames" / "preview.gif")
    assert read(tmp_path / "frames") == {"video": [str(tmp_path / "frames")]}
    assert read_video(tmp_path / "frames").shape[0] == 2


def test_animations_are_distinguished_from_images(tmp_path):
    def modality():
        return find_modality(DataArguments(dataset=str(tmp_path))).name

    save_animation(tmp_path / "left" / "1.gif")
    assert modality() == "video" == find_modality(DataArguments(dataset=str(tmp_path / "left"))).name
    save_animation(tmp_path / "left" / "1.gif", frames=1)
    assert modality() == "image" == find_modality(DataArguments(dataset=str(tmp_path / "left"))).name
    (tmp_path / "left" / "1.gif").write_text("neither")
    assert modality() == "image"


def test_read_video_rejects_invalid_files(tmp_path):
    np.save(tmp_path / "flat.npy", np.zeros((3, 4)))
    with refused(f"{tmp_path / 'flat.npy'} holds an array of shape (3, 4): expected (frames, height, width)"):
        read_video(tmp_path / "flat.npy")
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    with refused("it holds a, b, expected one array, or one named 'frames'"):
        read_video(tmp_path / "two.npz")
    (tmp_path / "broken.npy").write_bytes((tmp_path / "flat.npy").read_bytes()[:100])
    with refused(f"{tmp_path / 'broken.npy'} "):
        read_video(tmp_path / "broken.npy")
    (tmp_path / "no.gif").write_text("moving")
    with refused(f"{tmp_path / 'no.gif'} cannot be read as an animation: cannot identify image file"):
        read_video(tmp_path / "no.gif")
    with refused(f"{tmp_path / 'a.mp4'} does not exist."):
        read_video(tmp_path / "a.mp4")
    save_image(tmp_path / "frames" / "1.png")
    save_image(tmp_path / "frames" / "2.png", PICTURE[:4])
    with refused(f"{tmp_path / 'frames' / '2.png'} is 4x8 pixels, but 1.png is 8x8: all frames of a video must have"):
        read_video(tmp_path / "frames")


@pytest.mark.parametrize("modality", ["image", "video", "audio"])
def test_tables_beside_media_folders_are_the_data_set(modality, tmp_path):
    """Images in `images/`, and a train.csv that names them. `images` is not a class."""
    save_image(tmp_path / "images" / "a.png")
    np.save(tmp_path / "images" / "b.npy", np.zeros((2, 4, 4), np.uint8))
    (tmp_path / "images" / "c.wav").write_bytes(b"")
    write_csv(tmp_path / "train.csv", [{"file": "images/a.png", "label": "dark"}])
    assert get_modality(modality).read_path(tmp_path, DataArguments(dataset=str(tmp_path))) is None
    (tmp_path / "train.csv").unlink()
    if modality == "image":
        (tmp_path / "images" / "b.npy").unlink()
        (tmp_path / "images" / "c.wav").unlink()
        assert get_modality(modality).read_path(tmp_path, DataArguments())["train"]["label"][:] == ["images"]
