"""Every card is complete and true, every bundled set loads as described, and a licence is asked for."""

import dataclasses
import re

import numpy as np
import pytest

from course_utils import catalogue
from course_utils.catalogue import laid_out, packaged

PACKAGED = [name for name, card in catalogue.cards().items() if card.access == "package"]


# cards


@pytest.mark.parametrize("card", catalogue.cards().values(), ids=lambda card: card.name)
def test_cards_say_all_that_a_user_must_know(card):
    """Each card has texts that are no stubs, an address, and what its way of access needs."""
    for text in (card.description, card.known_bias, card.attribution, card.source, card.licence):
        assert len(text) >= 10 or text.startswith(("CC", "MIT"))
    assert card.people_and_consent and card.citations and not re.search("TODO|TBD|XXX", repr(card))
    assert (card.kind == "generated") == (card.access == "generated")
    assert card.access == "generated" or re.fullmatch("[0-9a-f]{64}", card.sha256)
    assert bool(card.module) == (card.access == "package")
    assert bool(card.url or card.parts) == bool(card.path) == (card.access == "download")
    assert all(part.title and part.licence and part.url.startswith("https://") for part in card.parts.values())


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
    fields = dict.fromkeys(
        set(catalogue.DatasetCard.__dataclass_fields__) - {"name", "pictures", "parts", "counts"}, "none"
    )
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
    monkeypatch.setattr(packaged, "_elpv_arrays", lambda: (images, probability.copy(), module_type))


@pytest.mark.parametrize("name", PACKAGED)
def test_installed_sets_are_the_described_ones(name, decoded_once):
    """The content of each package has the SHA-256 on its card."""
    catalogue.verify(name)


def test_verify_refuses_other_content_and_other_kinds_of_sets(monkeypatch):
    """One changed pixel is noticed; generated sets and folders are not for `verify`."""
    images, labels = catalogue.load_digits()
    images[5, 5, 5] += 1
    monkeypatch.setattr(packaged, "load_digits", lambda: (images, labels))
    with pytest.raises(ValueError, match=r"Expected Handwritten digits .* to have SHA-256 .* but got .*Install the"):
        catalogue.verify("digits")
    with pytest.raises(ValueError, match=r"comes with a package or is downloaded, but got 'scenes' \(access: gen"):
        catalogue.verify("scenes")


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
    monkeypatch.setattr(packaged, "_elpv_arrays", lambda: small)
    with pytest.raises(ValueError, match=r"Expected ELPV.* to have SHA-256"):
        catalogue.load_elpv()
    assert not (tmp_path / "data").exists()
    monkeypatch.setattr(packaged, "check_content", lambda entry, pieces: None)
    first = catalogue.load_elpv().images
    monkeypatch.setattr(packaged, "_elpv_arrays", lambda: pytest.fail("decoded again"))
    first[:] = 99
    assert np.array_equal(catalogue.load_elpv().images, small[0])


def test_elpv_loads_where_nothing_can_be_written(tmp_path, monkeypatch):
    """If the data root is no folder, the images are decoded all the same."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    small = (np.zeros((3, 2, 2), np.uint8), np.zeros(3), np.array(["mono"] * 3))
    monkeypatch.setattr(packaged, "_elpv_arrays", lambda: small)
    monkeypatch.setattr(packaged, "check_content", lambda entry, pieces: None)
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
    monkeypatch.setattr(laid_out.importlib.util, "find_spec", lambda module: None)
    assert not catalogue.at_hand("elpv") and catalogue.at_hand("scenes")
    with pytest.raises(ModuleNotFoundError, match=r"`elpv_dataset` to be installed.*make lab"):
        catalogue.load_elpv_labels()


# licences


def test_terms_of_a_card_name_licence_attribution_and_use():
    """What a checkpoint made from elpv must carry says that it is non-commercial."""
    terms = catalogue.card("elpv").terms()
    assert terms["licence"] == "CC BY-NC-SA 4.0" and terms["non_commercial"] is True
    assert "Deitsch" in terms["attribution"] and "non-commercial" in terms["attribution"]


@pytest.mark.parametrize(
    "licence",
    [
        *(
            "unknown",
            "none stated; its author asks to be cited",
            "None",
            "",
            "no licence",
            "No license given",
            "no",
            "?",
        ),
        *("not stated", "n/a", "N.A.", "-", "all rights reserved", "© 2024 A. Person, all rights reserved", " unclear"),
        *("I don't know", "unlicensed", "TBD"),
    ],
)
def test_a_set_without_a_licence_is_not_used_in_silence(licence):
    """Without a licence the set is refused with what to do; accepted all the same, the run warns."""
    entry = dataclasses.replace(catalogue.card("bccd"), licence=licence)
    with pytest.raises(ValueError, match=r"'bccd' to have a licence, .*Ask its makers \(https.*accept_unknown=True"):
        catalogue.require_licence(entry)
    with pytest.warns(UserWarning, match="uses the set 'bccd' without a licence"):
        assert catalogue.require_licence(entry, accept_unknown=True) == entry.terms()


@pytest.mark.parametrize(
    ("licence", "commerce"),
    [
        *(("CC0", True), ("CC BY 4.0", True), ("CC-BY-SA-4.0", True), ("MIT", True), ("Apache-2.0", True)),
        *(("BSD-3-Clause", True), ("public domain (NASA)", True), ("CC BY-NC 4.0", False), ("cc by-nc-sa 4.0", False)),
        *(("CC BY 4.0, non-commercial", False), ("no known copyright restrictions", False), ("research only", False)),
        *(("my own", False), ("all rights reserved", False), ("MITigated", False)),
    ],
)
def test_a_licence_nobody_knows_is_taken_for_non_commercial(licence, commerce):
    """Only a name that is known to allow commerce counts as such; NC anywhere in it excludes that."""
    entry = dataclasses.replace(catalogue.card("bccd"), licence=licence)
    assert entry.commerce_allowed() is commerce and entry.licence_known() is (licence != "all rights reserved")


def test_a_folder_without_a_licence_is_told_where_to_write_it(tmp_path):
    """For your own pictures the remedy is a line in capture.yml; with that line the set is accepted."""
    with pytest.raises(ValueError, match=r"Ask whoever took the pictures, and write `licence:` into capture\.yml"):
        catalogue.require_licence(catalogue.from_folder(tmp_path).card)
    (tmp_path / "capture.yml").write_text("licence: CC BY 4.0\nattribution: me\n")
    terms = catalogue.require_licence(catalogue.from_folder(tmp_path).card)
    assert terms == {"licence": "CC BY 4.0", "attribution": "me", "non_commercial": False}


def test_known_licences_pass(recwarn):
    """Every set with a licence on its card is accepted without a word."""
    for entry in catalogue.cards().values():
        if entry.licence_known():
            assert catalogue.require_licence(entry) == entry.terms()
    assert len(recwarn) == 0 and not catalogue.card("cifar10").licence_known()
