"""A download is whole or not there: broken off and resumed, begun anew, refused; all from a server on this machine."""

import functools
import http.server
import io
import re
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from course_utils import catalogue, files
from course_utils.catalogue import laid_out, resumed

PIECE = 65536  # bytes written at a time
PIXELS = bytes(range(256)) * 2000  # 512 kB, more than one piece


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, notes each request with its range, and misbehaves as a test wants it to."""

    requests: list = []  # noqa: RUF012 - one list for all requests of a test
    break_after: list = []  # noqa: RUF012 - bytes after which each of the next answers breaks off
    ranges = True  # whether Range is understood

    def log_message(self, *args):
        """Stay silent."""

    def do_GET(self):
        """Answer with the file or, if asked and able, with the rest of it."""
        asked = self.headers.get("Range")
        self.requests.append((self.path, asked))
        file = Path(self.directory) / self.path.lstrip("/")
        if not file.is_file():
            return self.send_error(404)
        content, start = file.read_bytes(), int(re.match(r"bytes=(\d+)-", asked)[1]) if asked and self.ranges else 0
        if start >= len(content) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.break_after.pop(0) if self.break_after else None])
        self.wfile.flush()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder, its address on the loopback, and the handler; the data root is an empty folder."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("OneTest", (Handler,), {"requests": [], "break_after": []})
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}", handler
        httpd.shutdown()


def make_card(url, *, sha256="0" * 64, path="toy.bin", **fields):
    """A card for a set to download."""
    filled = dict.fromkeys(catalogue.DatasetCard.__dataclass_fields__, "x")
    filled |= {"pictures": {}, "parts": {}, "counts": {}, "manifest": "", "inside": "", "citations": ("x",)}
    own = {"name": "toy", "title": "Toy set", "access": "download", "url": url, "sha256": sha256, "path": path}
    return catalogue.DatasetCard(**filled | own | {"size_mb": 0.1} | fields)


def everything_in(folder):
    """All files below a folder, hidden and temporary ones too, but for the empty locks of downloads."""
    return [path for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".lock"]


def serve(folder, name="a.bin", content=PIXELS):
    """Lay a file into the served folder and return its SHA-256."""
    (folder / name).write_bytes(content)
    return files.sha256(folder / name)


# whole


@pytest.mark.parametrize("size_mb", [0.1, 100])
def test_a_file_is_fetched_once(server, tmp_path, size_mb):
    """The bytes arrive, with or without a progress bar; the second call asks nobody; nothing else lies about."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder), path="deep/toy.bin", size_mb=size_mb)
    assert not catalogue.at_hand(card)
    target = catalogue.fetch(card)
    assert target == (tmp_path / "data" / "deep" / "toy.bin").resolve() and target.read_bytes() == PIXELS
    assert catalogue.at_hand(card) and catalogue.fetch(card) == target
    assert handler.requests == [("/a.bin", None)] and everything_in(tmp_path / "data") == [target]


def test_a_damaged_copy_is_fetched_again(server):
    """A file that was cut off by hand is not at hand, and the next fetch makes it whole."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    catalogue.fetch(card).write_bytes(b"pix")
    assert not catalogue.at_hand(card)
    assert catalogue.fetch(card).read_bytes() == PIXELS and len(handler.requests) == 2


# broken off


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server, tmp_path):
    """After two breaks the third request asks for the missing bytes only, within one call."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    handler.break_after += [PIECE, 2 * PIECE]
    assert catalogue.fetch(card).read_bytes() == PIXELS
    assert [asked for _, asked in handler.requests] == [None, "bytes=65536-", "bytes=196608-"]
    assert len(everything_in(tmp_path / "data")) == 1


def test_what_has_arrived_is_kept_for_the_next_call(server, tmp_path):
    """A connection that yields nothing more ends in one sentence; the next call, later, begins where it broke."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    handler.break_after += [PIECE, 0, 0, 0]
    with pytest.raises(ConnectionError, match=r"broke off after 65,536 bytes, which are kept.*fetch\('toy'\)"):
        catalogue.fetch(card)
    assert [path.stat().st_size for path in everything_in(tmp_path / "data")] == [PIECE]
    assert not catalogue.at_hand(card)
    handler.requests.clear()
    assert catalogue.fetch(card).read_bytes() == PIXELS
    assert [asked for _, asked in handler.requests] == ["bytes=65536-"] and len(everything_in(tmp_path / "data")) == 1


def test_a_server_that_ignores_ranges_is_begun_anew(server):
    """The whole file in answer to a question for its rest replaces the part, instead of being appended to it."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    handler.ranges = False
    handler.break_after += [PIECE]
    assert catalogue.fetch(card).read_bytes() == PIXELS
    assert [asked for _, asked in handler.requests] == [None, "bytes=65536-"]


def part_of(address, tmp_path, content):
    """Lay what an earlier, interrupted call is said to have left."""
    part = resumed.ResumingDownloader(tmp_path / "data" / ".downloads").part(f"{address}/a.bin")
    part.parent.mkdir(parents=True)
    part.write_bytes(content)


@pytest.mark.parametrize("length", [len(PIXELS), len(PIXELS) + 7])
def test_a_part_as_long_as_the_file_is_handled(server, tmp_path, length):
    """Nothing is missing: the part is taken as it is. It is longer than the file: it is thrown away."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    part_of(address, tmp_path, (PIXELS + b"garbage")[:length])
    assert catalogue.fetch(card).read_bytes() == PIXELS
    assert len(handler.requests) == (1 if length == len(PIXELS) else 2)


def test_a_part_of_another_version_is_fetched_in_one_piece(server, tmp_path):
    """Where the pieces together are not the file, since it changed in between, it is fetched from the start."""
    folder, address, handler = server
    card = make_card(f"{address}/a.bin", sha256=serve(folder))
    part_of(address, tmp_path, b"old" * 1000)
    assert catalogue.fetch(card).read_bytes() == PIXELS
    assert [asked for _, asked in handler.requests] == ["bytes=3000-", None]


# refused


@pytest.mark.parametrize("name", ["a.bin", "a.zip"])
def test_a_wrong_checksum_leaves_nothing(server, tmp_path, name):
    """A file that is not the described one is refused with its address, and no part of it stays on disk."""
    folder, address, handler = server
    serve(folder, name, b"not the pixels that were promised")
    with pytest.raises(ValueError, match=rf"Expected .*/{re.escape(name)} to be Toy set, but got another or a damaged"):
        catalogue.fetch(make_card(f"{address}/{name}"))
    assert everything_in(tmp_path / "data") == [] and len(handler.requests) == 1


def test_an_archive_that_cannot_be_unpacked_leaves_nothing(server, tmp_path):
    """A file that has the right hash and is no archive, for all its name, fails without a trace."""
    folder, address, _ = server
    card = make_card(f"{address}/a.zip", sha256=serve(folder, "a.zip", b"no zip"), path="Toy")
    with pytest.raises(Exception, match=r"a\.zip"):
        catalogue.fetch(card)
    assert everything_in(tmp_path / "data") == []


def test_without_a_network_one_sentence_says_what_to_do(server, tmp_path):
    """Where nobody answers, the error is one sentence: the set, its size, how to get it and where to lay it."""
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
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


def test_what_needs_no_download_is_not_fetched():
    """Asking to fetch an installed or generated set says where it comes from."""
    with pytest.raises(ValueError, match=r"a set to download, but got 'elpv', .*\(access: package\)"):
        catalogue.fetch("elpv")
    with pytest.raises(ValueError, match=r"but got 'scenes', .*\(access: generated\)"):
        catalogue.fetch("scenes")


# archives


def write_archive(path, texts=None):
    """A tar.gz or zip with one top folder that holds texts."""
    texts = {"labels.txt": "cat\n"} if texts is None else texts
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in texts.items():
                archive.writestr(f"toy-main/{name}", text)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, text in texts.items():
                entry = tarfile.TarInfo(f"toy-main/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_an_archive_is_unpacked_to_its_place(server, tmp_path, name):
    """The archive's top folder lies under the card's path; the archive itself is gone; the second call asks nobody."""
    folder, address, handler = server
    write_archive(folder / name)
    card = make_card(f"{address}/{name}", sha256=files.sha256(folder / name), path="Toy")
    target = catalogue.fetch(card)
    assert (target / "labels.txt").read_text() == "cat\n" and target.name == "Toy"
    assert catalogue.fetch(card) == target and len(handler.requests) == 1
    assert everything_in(tmp_path / "data") == [target / "labels.txt"]


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """A manifest of one text below the folder `set`, and its SHA-256, which the card pins."""
    monkeypatch.setattr(laid_out, "MANIFESTS", tmp_path)
    (tmp_path / "cat.txt").write_text("cat\n")
    digest = files.sha256(tmp_path / "cat.txt")
    (tmp_path / "toy.sha256").write_text(f"{digest}  labels.txt\n")
    return {"manifest": "toy.sha256", "sha256": files.sha256(tmp_path / "toy.sha256"), "counts": {"*.txt": 1}}


def test_an_archive_packed_anew_is_checked_by_its_content(server, tmp_path, manifest):
    """Where the archive's own bytes may change, each file inside is compared, and only the folder wanted is kept."""
    folder, address, _ = server
    write_archive(folder / "a.tar.gz", {"set/labels.txt": "cat\n", "models/large.bin": "x" * 1000})
    card = make_card(f"{address}/a.tar.gz", path="Toy", inside="set", **manifest)
    target = catalogue.fetch(card)
    assert [path.name for path in everything_in(target)] == ["labels.txt"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"set/labels.txt": "dog\n"}, "of 1 published files 1 differ or are missing: labels.txt"),
        ({"set/other.md": "cat\n"}, r"but there are 0 files of \*\.txt where 1 should be"),
        ({"elsewhere/labels.txt": "cat\n"}, "Expected the folder 'set' in a.tar.gz"),
    ],
)
def test_an_archive_with_other_content_leaves_nothing(server, tmp_path, manifest, texts, message):
    """A changed file, a missing one and another layout are refused, and nothing is kept."""
    folder, address, _ = server
    write_archive(folder / "a.tar.gz", texts)
    card = make_card(f"{address}/a.tar.gz", path="Toy", inside="set", **manifest)
    with pytest.raises(ValueError, match=message):
        catalogue.fetch(card)
    assert [path for path in everything_in(tmp_path / "data") if ".verified" not in path.parts] == []


def test_an_unfinished_folder_of_somebodys_own_is_not_written_over(server, tmp_path, manifest):
    """Files that lie at the card's place and are not the set are left alone, with a sentence about them."""
    _, address, _ = server
    (tmp_path / "data" / "Toy").mkdir(parents=True)
    (tmp_path / "data" / "Toy" / "mine.md").write_text("keep me")
    with pytest.raises(ValueError, match=r"there are 0 files of .*Move that folder away or complete it"):
        catalogue.fetch(make_card(f"{address}/a.tar.gz", path="Toy", **manifest))
    assert (tmp_path / "data" / "Toy" / "mine.md").read_text() == "keep me"
