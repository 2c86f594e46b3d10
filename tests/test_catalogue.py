"""Every card is complete and true, every bundled set loads as described, and a download is whole or not there."""

import functools
import http.server
import io
import re
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from course_utils import catalogue, files

PACKAGED = [name for name, card in catalogue.cards().items() if card.access == "package"]


# cards


@pytest.mark.parametrize("card", catalogue.cards().values(), ids=lambda card: card.name)
def test_cards_say_all_that_a_user_must_know(card):
    """Each card has texts that are no stubs, an address, and what its way of access needs."""
    for text in (card.description, card.known_bias, card.attribution, card.source, card.licence):
        assert len(text) >= 10 or text.startswith("CC")
    assert card.people_and_consent and card.citations and not re.search("TODO|TBD|XXX", repr(card))
    assert (card.kind == "generated") == (card.access == "generated")
    assert card.access == "generated" or re.fullmatch("[0-9a-f]{64}", card.sha256)
    assert bool(card.module) == (card.access == "package") and bool(card.url) == (card.access == "download")


def test_non_commercial_sets_are_marked():
    """elpv carries CC BY-NC-SA 4.0 and the word non-commercial; the faces card says that nobody was asked."""
    elpv, faces = catalogue.card("elpv"), catalogue.card("faces")
    assert elpv.non_commercial and elpv.licence == "CC BY-NC-SA 4.0" and "non-commercial" in elpv.attribution
    assert set(elpv.citations) == {"buerhop2018", "deitsch2019", "deitsch2021"}
    assert faces.non_commercial and "nobody was asked for consent" in faces.people_and_consent
    assert all(card.non_commercial for card in catalogue.cards().values() if "NC" in card.licence)


def test_unknown_names_list_the_known_ones():
    """A misspelt set is answered with the list of sets."""
    with pytest.raises(ValueError, match=r"one of elpv, photos, .*, but got 'epv'"):
        catalogue.card("epv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("licence: none\n", ""), r"'toy' .* but got none for \['licence'\] and unknown ones \[\]"),
        (("licence: none\n", "license: none\n"), r"none for \['licence'\] and unknown ones \['license'\]"),
        (("kind: real", "kind: imagined"), "Expected `kind` of the card 'toy' to be one of .* but got 'imagined'"),
        (("access: download", "access: telepathy"), "Expected `access` of the card 'toy'"),
        (("url: http://x/y\n", ""), r"but got none for \['url'\]"),
    ],
)
def test_incomplete_catalogue_files_are_refused(tmp_path, change, message):
    """A missing field, a misspelt one and a value out of its list are refused with the card and the field."""
    fields = dict.fromkeys(set(catalogue.DatasetCard.__dataclass_fields__) - {"name", "pictures"}, "none")
    fields |= {"kind": "real", "access": "download", "citations": "[a]", "url": "http://x/y", "examples": "3"}
    text = "toy:\n" + "".join(f"  {field}: {value}\n" for field, value in fields.items())
    (tmp_path / "good.yml").write_text(text)
    assert catalogue.read_cards(tmp_path / "good.yml")["toy"].examples == 3
    old, new = change
    (tmp_path / "bad.yml").write_text(text.replace(f"  {old}", f"  {new}" if new else "", 1))
    with pytest.raises(ValueError, match=message):
        catalogue.read_cards(tmp_path / "bad.yml")


def test_an_empty_catalogue_has_no_cards(tmp_path):
    """An empty file is a catalogue without sets."""
    (tmp_path / "empty.yml").write_text("# nothing yet\n")
    assert catalogue.read_cards(tmp_path / "empty.yml") == {}


# sets that come with packages


@pytest.fixture(scope="module")
def decoded():
    """elpv as its package's own loader returns it, decoded once for all tests."""
    from elpv_dataset.utils import load_dataset

    return load_dataset()


@pytest.fixture
def decoded_once(decoded, monkeypatch):
    """The module under test gets the decoded arrays as well, which saves it seconds."""
    images, probability, module_type = decoded
    monkeypatch.setattr(catalogue, "_elpv_arrays", lambda: (images, probability.copy(), module_type))


@pytest.mark.parametrize("name", PACKAGED)
def test_installed_sets_are_the_described_ones(name, decoded_once):
    """The content of each package has the SHA-256 on its card."""
    catalogue.verify(name)


def test_verify_refuses_other_content_and_other_kinds_of_sets(monkeypatch):
    """One changed pixel is noticed; generated and downloaded sets are not for `verify`."""
    images, labels = catalogue.load_digits()
    images[5, 5, 5] += 1
    monkeypatch.setattr(catalogue, "load_digits", lambda: (images, labels))
    with pytest.raises(ValueError, match=r"Expected Handwritten digits .* to have SHA-256 .* but got .*Install the"):
        catalogue.verify("digits")
    for name in ("scenes", "cifar10"):
        with pytest.raises(ValueError, match=f"comes with a package, but got '{name}'"):
            catalogue.verify(name)


def test_elpv_is_what_its_package_returns(decoded):
    """Images, labels and types equal those of the package's own loader, with the counts of the publication."""
    elpv = catalogue.load_elpv()
    images, probability, module_type = decoded
    assert elpv.images.dtype == np.uint8 and np.array_equal(elpv.images, images)
    assert elpv.probability.dtype == np.float32 and np.array_equal(elpv.probability, probability.astype(np.float32))
    assert elpv.probability.flags.c_contiguous and np.array_equal(elpv.module_type, module_type)
    assert elpv.defective.dtype == bool and np.array_equal(elpv.defective, probability >= 0.5)
    assert [int((np.round(probability * 3) == third).sum()) for third in range(4)] == [1508, 295, 106, 715]


def test_elpv_is_decoded_once_and_cannot_be_spoilt(tmp_path, monkeypatch):
    """The second load decodes nothing; what one caller writes, no other sees; a wrong package is not kept."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    small = (np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.zeros(3), np.array(["mono"] * 3))
    monkeypatch.setattr(catalogue, "_elpv_arrays", lambda: small)
    with pytest.raises(ValueError, match=r"Expected ELPV.* to have SHA-256"):
        catalogue.load_elpv()
    assert not (tmp_path / "data").exists()
    monkeypatch.setattr(catalogue, "_check_content", lambda entry, pieces: None)
    first = catalogue.load_elpv().images
    monkeypatch.setattr(catalogue, "_elpv_arrays", lambda: pytest.fail("decoded again"))
    first[:] = 99
    assert np.array_equal(catalogue.load_elpv().images, small[0])


def test_elpv_loads_where_nothing_can_be_written(tmp_path, monkeypatch):
    """If the data root is no folder, the images are decoded all the same."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    small = (np.zeros((3, 2, 2), np.uint8), np.zeros(3), np.array(["mono"] * 3))
    monkeypatch.setattr(catalogue, "_elpv_arrays", lambda: small)
    monkeypatch.setattr(catalogue, "_check_content", lambda entry, pieces: None)
    assert np.array_equal(catalogue.load_elpv().images, small[0])


def test_photographs_are_those_of_scikit_image():
    """Every picture equals scikit-image's own, grey ones in three channels, and the card counts them."""
    from skimage import data

    photos = catalogue.load_photos()
    assert len(photos) == catalogue.card("photos").examples
    for name, photo in photos.items():
        own = getattr(data, name)()
        own = own[0] if isinstance(own, tuple) else own
        assert photo.dtype == np.uint8 and np.array_equal(photo, own if own.ndim == 3 else np.dstack([own] * 3)), name


def test_photographs_come_in_the_order_asked_for_and_unknown_ones_do_not():
    """The names decide which and in what order; a misspelt name is answered with the list."""
    assert list(catalogue.load_photos("rocket", "coffee")) == ["rocket", "coffee"]
    with pytest.raises(ValueError, match=r"but got \['chelsae'\]. There are astronaut, brick"):
        catalogue.load_photos("coffee", "chelsae")


def test_faces_and_digits_are_those_of_their_packages():
    """Faces equal scikit-image's loader, the first hundred faces; digits equal scikit-learn's bundled table."""
    from skimage import data
    from sklearn import datasets

    faces, is_face = catalogue.load_faces()
    np.testing.assert_allclose(faces, data.lfw_subset(), atol=1e-7)
    assert faces.dtype == np.float32 and is_face.tolist() == [1] * 100 + [0] * 100
    digits, labels = catalogue.load_digits()
    flat, target = datasets.load_digits(return_X_y=True)
    assert digits.dtype == np.uint8 and np.array_equal(digits.reshape(-1, 64), flat) and np.array_equal(labels, target)


def test_a_missing_package_is_named(monkeypatch):
    """Where the package of a set is absent, the set is not at hand, and loading says what to run."""
    monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda module: None)
    assert not catalogue.at_hand("elpv") and catalogue.at_hand("scenes")
    with pytest.raises(ModuleNotFoundError, match=r"`elpv_dataset` to be installed.*make lab"):
        catalogue.load_elpv_labels()


# downloads, from a server on this machine


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and counts the requests."""

    requests: list = []  # noqa: RUF012 - one list for all requests of a test

    def log_message(self, *args):
        """Record instead of print."""
        self.requests.append(self.path)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder, its address on the loopback, and the paths asked for; the data root is an empty folder."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    QuietHandler.requests.clear()
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}", QuietHandler.requests
        httpd.shutdown()


def make_card(url, *, sha256="0" * 64, path="toy.bin", size_mb=0.1):
    """A card for a set to download."""
    filled = dict.fromkeys(catalogue.DatasetCard.__dataclass_fields__, "x") | {"pictures": {}, "citations": ("x",)}
    own = {"name": "toy", "title": "Toy set", "access": "download", "url": url, "sha256": sha256, "path": path}
    return catalogue.DatasetCard(**filled | own | {"size_mb": size_mb})


def everything_in(folder):
    """All files below a folder, hidden and temporary ones too."""
    return [path for path in Path(folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("size_mb", [0.1, 100])
def test_a_file_is_fetched_once(server, tmp_path, size_mb):
    """The bytes arrive, with or without a progress bar; the second call asks nobody; nothing else lies about."""
    folder, address, requests = server
    (folder / "a.bin").write_bytes(b"pixels" * 1000)
    card = make_card(f"{address}/a.bin", sha256=files.sha256(folder / "a.bin"), path="deep/toy.bin", size_mb=size_mb)
    assert not catalogue.at_hand(card)
    target = catalogue.fetch(card)
    assert target == (tmp_path / "data" / "deep" / "toy.bin").resolve() and target.read_bytes() == b"pixels" * 1000
    assert catalogue.at_hand(card) and catalogue.fetch(card) == target
    assert len(requests) == 1 and everything_in(tmp_path / "data") == [target]


def test_a_damaged_copy_is_fetched_again(server, tmp_path):
    """A file that was cut off by hand is not at hand, and the next fetch makes it whole."""
    folder, address, requests = server
    (folder / "a.bin").write_bytes(b"pixels" * 1000)
    card = make_card(f"{address}/a.bin", sha256=files.sha256(folder / "a.bin"))
    catalogue.fetch(card).write_bytes(b"pix")
    assert not catalogue.at_hand(card)
    assert catalogue.fetch(card).read_bytes() == b"pixels" * 1000 and len(requests) == 2


def write_archive(path):
    """A tar.gz or zip with one folder that holds a text."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("toy-main/labels.txt", "cat\n")
    else:
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo("toy-main/labels.txt")
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"cat\n"))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_an_archive_is_unpacked_to_its_place(server, tmp_path, name):
    """The archive's top folder lies under the card's path; the archive itself is gone; the second call asks nobody."""
    folder, address, requests = server
    write_archive(folder / name)
    card = make_card(f"{address}/{name}", sha256=files.sha256(folder / name), path="Toy")
    target = catalogue.fetch(card)
    assert (target / "labels.txt").read_text() == "cat\n" and target.name == "Toy"
    assert catalogue.fetch(card) == target and len(requests) == 1
    assert everything_in(tmp_path / "data") == [target / "labels.txt"]


@pytest.mark.parametrize("name", ["a.bin", "a.zip"])
def test_a_wrong_checksum_leaves_nothing(server, tmp_path, name):
    """A file that is not the described one is refused with its address, and no part of it stays on disk."""
    folder, address, _ = server
    (folder / name).write_bytes(b"not the pixels that were promised")
    with pytest.raises(ValueError, match=rf"Expected .*/{re.escape(name)} to be Toy set, but got another or a damaged"):
        catalogue.fetch(make_card(f"{address}/{name}"))
    assert everything_in(tmp_path / "data") == []


def test_an_archive_that_cannot_be_unpacked_leaves_nothing(server, tmp_path):
    """A file that has the right hash and is no archive, for all its name, fails without a trace."""
    folder, address, _ = server
    (folder / "a.zip").write_bytes(b"no zip")
    with pytest.raises(Exception, match=r"a\.zip"):
        catalogue.fetch(make_card(f"{address}/a.zip", sha256=files.sha256(folder / "a.zip"), path="Toy"))
    assert everything_in(tmp_path / "data") == []


def test_without_a_network_one_sentence_says_what_to_do(server, tmp_path):
    """Where nobody answers, the error is one sentence: the set, its size, how to get it and where to lay it."""
    with http.server.HTTPServer(("127.0.0.1", 0), QuietHandler) as closed:
        port = closed.server_port  # free again after this block
    card = make_card(f"http://127.0.0.1:{port}/a.bin", size_mb=170)
    with pytest.raises(ConnectionError) as caught:
        catalogue.fetch(card)
    sentence = str(caught.value)
    expected = f"Expected to download toy (Toy set, 170 MB) from {card.url}, but the network does not reach it: run "
    assert sentence.startswith(expected + "`catalogue.fetch('toy')` where there is a network, or lay")
    assert sentence.endswith(f"{(tmp_path / 'data').resolve() / 'toy.bin'}.") and "\n" not in sentence
    assert everything_in(tmp_path / "data") == []


def test_a_file_that_the_server_lacks_is_told_apart(server, tmp_path):
    """An answer of 404 is not taken for a missing network."""
    _, address, _ = server
    with pytest.raises(ConnectionError, match="but the server answered 404"):
        catalogue.fetch(make_card(f"{address}/gone.bin"))
    assert everything_in(tmp_path / "data") == []


def test_sets_in_the_place_of_an_official_archive_count_as_fetched(tmp_path, monkeypatch):
    """A folder that somebody laid at the card's path is used without asking anybody."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert not catalogue.at_hand("cifar10")
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert catalogue.at_hand("cifar10") and catalogue.fetch("cifar10") == tmp_path.resolve() / "cifar-10-batches-py"


def test_what_needs_no_download_is_not_fetched():
    """Asking to fetch an installed or generated set says where it comes from."""
    with pytest.raises(ValueError, match=r"a set to download, but got 'elpv', .*\(access: package\)"):
        catalogue.fetch("elpv")
    with pytest.raises(ValueError, match=r"but got 'scenes', .*\(access: generated\)"):
        catalogue.fetch("scenes")


def test_terms_of_a_card_name_licence_attribution_and_use():
    """What a checkpoint made from elpv must carry says that it is non-commercial."""
    terms = catalogue.card("elpv").terms()
    assert terms["licence"] == "CC BY-NC-SA 4.0" and terms["non_commercial"] is True
    assert "Deitsch" in terms["attribution"] and "non-commercial" in terms["attribution"]
