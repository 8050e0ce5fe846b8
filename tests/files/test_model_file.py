"""The model file: what is saved comes back, and nothing else is believed."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import chainrule
from chainrule.errors import InputError, ModelFileError
from chainrule.files import atomic, container, load_model, save_model
from chainrule.files.model_file import VERSION
from chainrule.graph import build
from chainrule.model import Model
from chainrule.tables import LabelEncoding
from chainrule.tables.encode import Encoding, learn_encoding
from chainrule.tables.read import read_table

CSV = "id,length,island,when\n" + "".join(f"{i},{i % 7}.5,{'ABC'[i % 3]},2024-0{1 + i % 3}-01\n" for i in range(30))


def make_model(
    labels: tuple[object, ...] = ("a", 'b,"c"', "ü"), *, seed: int = 0, encoding: Encoding | None = None
) -> Model:
    d = 4 if encoding is None else encoding.n_features
    graph = build.softmax_classifier(d, len(labels), l2=0.1, one_logit=len(labels) == 2)
    return Model(
        graph=graph,
        parameters=np.random.default_rng(seed).normal(size=graph.parameters.size),
        labels=LabelEncoding.from_classes(np.array(labels), column="kind"),
        encoding=encoding,
        dtype="float64" if encoding is None else encoding.dtype,
        feature_names=tuple(f"x{i}" for i in range(d)) if encoding is None else encoding.feature_names,
        record={
            "data": {"checksum": "a column's name", "n": 3},
            "seconds": 0.25,
            "none": None,
            "π": [1, 2.5, "x"],
        },
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("models")
    (folder / "t.csv").write_text(CSV)
    table = read_table(folder / "t.csv")
    model = make_model(encoding=learn_encoding(table))
    return save_model(model, folder / "m.chainrule").read_bytes()


def header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def document_of(data: bytes) -> dict[str, object]:
    header = json.loads(data[8 : 8 + header_length(data)])
    return json.loads(header["__metadata__"]["chainrule"])


def sealed(data: bytes) -> bytes:
    """Give bytes the checksum that belongs to them: what an attacker would do."""
    place = data.index(b'{\\"checksum\\":\\"') + len(b'{\\"checksum\\":\\"')
    blank = data[:place] + b"0" * 64 + data[place + 64 :]
    return blank[:place] + hashlib.sha256(blank).hexdigest().encode() + blank[place + 64 :]


def forged(text: str, tensors: dict[str, np.ndarray]) -> bytes:
    return sealed(save(tensors, metadata={"chainrule": text}))


def forge(data: bytes, change: object = None, **tensors: np.ndarray | None) -> bytes:
    """Return a model file with a changed document or tensors, and the right checksum."""
    from safetensors.numpy import load

    document = document_of(data)
    if callable(change):
        document = change(document) or document
    document["checksum"] = "0" * 64
    arrays = {name: value for name, value in {**load(data), **tensors}.items() if value is not None}
    return forged(json.dumps(document, sort_keys=True, separators=(",", ":")), arrays)


def error_of(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 600, "one or two lines, whatever the file holds"
    return message


# Round trips


@pytest.mark.parametrize("labels", [("a", 'b,"c"', "ü"), (1, 2, 7), (False, True), (0.5, 1.5), ("no", "yes")], ids=str)
def test_what_is_saved_comes_back(tmp_path: Path, labels: tuple[object, ...]) -> None:
    model = make_model(labels)
    path = save_model(model, tmp_path / "m.chainrule")
    assert path == tmp_path / "m.chainrule"
    back = load_model(path)
    assert back.graph == model.graph
    assert back.parameters.tobytes() == model.parameters.tobytes()
    assert back.parameters.flags.writeable
    assert back.labels == model.labels
    assert back.classes.dtype == model.classes.dtype
    assert (back.encoding, back.dtype, back.feature_names) == (None, model.dtype, model.feature_names)
    assert dict(back.record) == dict(model.record)
    X = np.random.default_rng(1).normal(size=(20, 4))
    assert back.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_the_encoding_comes_back(tmp_path: Path, saved: bytes) -> None:
    (tmp_path / "m.chainrule").write_bytes(saved)
    (tmp_path / "t.csv").write_text(CSV)
    table = read_table(tmp_path / "t.csv")
    model = load_model(tmp_path / "m.chainrule")
    assert model.encoding == learn_encoding(table)
    assert model.predict_proba(table).shape == (30, 3)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    first = save_model(make_model(), tmp_path / "a").read_bytes()
    reordered = make_model()
    reordered = replace(reordered, record=dict(reversed(list(reordered.record.items()))))
    assert save_model(reordered, tmp_path / "b").read_bytes() == first
    assert save_model(load_model(tmp_path / "a"), tmp_path / "c").read_bytes() == first


def test_numbers_survive_to_the_last_bit(tmp_path: Path) -> None:
    model = make_model()
    model.parameters[:4] = [5e-324, -0.0, np.pi, 1.7976931348623157e308]
    record = {"value": 0.1 + 0.2, "count": np.int64(7), "share": np.float32(0.1)}
    back = load_model(save_model(replace(model, record=record), tmp_path / "m"))
    assert back.parameters.tobytes() == model.parameters.tobytes()
    assert back.record == {"value": 0.1 + 0.2, "count": 7, "share": float(np.float32(0.1))}


def test_any_safetensors_reader_can_read_the_parameters(saved: bytes) -> None:
    from safetensors.numpy import load

    tensors = load(saved)
    assert set(tensors) == {"W", "b"}
    assert tensors["W"].dtype == np.float64


# What is not a whole model


def test_no_such_file(tmp_path: Path) -> None:
    save_model(make_model(), tmp_path / "penguins.chainrule")
    with pytest.raises(
        ModelFileError, match=r"no such model file: '.*pengiuns\.chainrule'\. Models .*: penguins\.chainrule"
    ):
        load_model(tmp_path / "pengiuns.chainrule")
    with pytest.raises(ModelFileError, match=r"is a directory, not a model file\. Models .*: penguins\.chainrule"):
        load_model(tmp_path)


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = save_model(make_model(), tmp_path / "m")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ModelFileError, match="cannot be read: permission is denied"):
        load_model(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"hello", "is not a chainrule model"),
        (b"a,b\n1,2\n" * 1000, "is not a chainrule model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "it is a PNG image"),
        (b"PK\x03\x04" + bytes(500), "it is a ZIP archive"),
        (b"PAR1" + bytes(500), "it is a Parquet file"),
        (b"\x80\x04\x95" + bytes(500), "it is a Python pickle, which is never loaded"),
        (b"\xff" * 500, "is not a chainrule model"),
        (bytes(500), "is not a chainrule model"),
        (save({"W": np.ones((2, 3))}), "is a safetensors file, but not one that chainrule wrote"),
        (save({"W": np.ones(2)}, metadata={"format": "pt"}), "is a safetensors file, but"),
    ],
)  # fmt: skip
def test_not_a_model(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in error_of(content, tmp_path / "m.chainrule")


def test_truncated_anywhere(tmp_path: Path, saved: bytes) -> None:
    begin = 8 + header_length(saved)
    for length in [*range(9, 140), begin - 1, begin, begin + 1, len(saved) - 8, len(saved) - 1]:
        message = error_of(saved[:length], tmp_path / "m.chainrule")
        assert "cut short" in message, (length, message)
    for length in range(1, 9):
        assert "is not a chainrule model" in error_of(saved[:length], tmp_path / "m.chainrule")


def test_bytes_added(tmp_path: Path, saved: bytes) -> None:
    assert "3 bytes follow after its end" in error_of(saved + b"abc", tmp_path / "m.chainrule")


def test_every_single_flip_is_found(tmp_path: Path, saved: bytes) -> None:
    """One bit of every byte where the file begins and ends, and of every fifth between."""
    path = tmp_path / "m.chainrule"
    for place in [*range(160), *range(160, len(saved) - 120, 5), *range(len(saved) - 120, len(saved))]:
        data = bytearray(saved)
        data[place] ^= 1 << (place % 8)
        message = error_of(bytes(data), path)
        assert "damaged" in message or "cut short" in message, (place, message)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flips_and_cuts_are_found(tmp_path: Path, saved: bytes, data: st.DataObject) -> None:
    region = data.draw(st.sampled_from(["length", "beginning", "header", "padding", "parameters"]))
    end = 8 + header_length(saved)
    low, high = {
        "length": (0, 8), "beginning": (8, 60), "header": (60, end - 8), "padding": (end - 8, end),
        "parameters": (end, len(saved)),
    }[region]  # fmt: skip
    changed = bytearray(saved)
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(low, high - 1), st.integers(0, 255)), min_size=1, max_size=8)
    ):
        changed[place] = byte
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed))) :]
    if bytes(changed) != saved:
        error_of(bytes(changed), tmp_path / "m.chainrule")


def test_an_oversized_header_is_not_allocated(tmp_path: Path, saved: bytes) -> None:
    for length in (2**63, 2**40, container.LARGEST_HEADER + 1):
        message = error_of(length.to_bytes(8, "little") + saved[8:], tmp_path / "m.chainrule")
        assert f"claims to be {length:,} bytes" in message


def test_a_table_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a sparse terabyte
    with pytest.raises(ModelFileError, match="is not a chainrule model"):
        load_model(path)


# What has the right checksum and is wrong all the same


def test_a_forged_file_without_changes_loads(tmp_path: Path, saved: bytes) -> None:
    """Without this the tests below could pass because of the forging."""
    (tmp_path / "m").write_bytes(forge(saved))
    assert load_model(tmp_path / "m").n_features > 0


def test_a_newer_version(tmp_path: Path, saved: bytes) -> None:
    newer = forge(saved, lambda document: document | {"version": VERSION + 1, "writer": "9.1.0", "graph": "new"})
    message = error_of(newer, tmp_path / "m")
    assert "was written by a newer chainrule (9.1.0;" in message
    assert "pip install --upgrade chainrule" in message


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0, None])
def test_a_strange_version(tmp_path: Path, saved: bytes, version: object) -> None:
    assert "holds no model" in error_of(forge(saved, lambda d: d | {"version": version}), tmp_path / "m")


def test_wrong_parameters(tmp_path: Path, saved: bytes) -> None:
    path = tmp_path / "m"
    model = make_model()
    shape = document_shape(saved)
    assert "parameter 'b', which is missing" in error_of(forge(saved, b=None), path)
    assert "no parameter 'V', but the file has" in error_of(forge(saved, V=np.ones(2)), path)
    assert f"'W' has shape (2, 2), its graph needs {shape}" in error_of(forge(saved, W=np.ones((2, 2))), path)
    assert "'W' has shape" in error_of(forge(saved, W=np.ones(shape[0] * shape[1])), path)
    assert "'W' has shape" in error_of(forge(saved, W=np.ones(shape[::-1])), path)
    assert "is stored as F32, not F64" in error_of(forge(saved, W=np.ones(shape, np.float32)), path)
    assert "is stored as I64, not F64" in error_of(forge(saved, W=np.ones(shape, np.int64)), path)
    for bad in (np.nan, np.inf, -np.inf):
        values = np.ones(shape)
        values[1, 2] = bad
        assert "'W' holds NaN or infinite values" in error_of(forge(saved, W=values), path)
    assert model.parameters.size


def document_shape(saved: bytes) -> tuple[int, ...]:
    nodes = document_of(saved)["graph"]["nodes"]  # type: ignore[index]
    return next(tuple(node["shape"]) for node in nodes if node["name"] == "W")


def test_a_graph_of_unbelievable_size_is_not_allocated(tmp_path: Path, saved: bytes) -> None:
    def enlarge(document: dict) -> None:  # type: ignore[type-arg]
        for node in document["graph"]["nodes"]:
            if node["name"] == "X":
                node["shape"] = ["m", 10**12]
            if node["name"] == "W":
                node["shape"] = [10**12, 3]

    assert "its graph needs (1000000000000, 3)" in error_of(forge(saved, enlarge), tmp_path / "m")


def test_json_bombs(tmp_path: Path, saved: bytes) -> None:
    path, arrays = tmp_path / "m", {"W": np.ones((1, 1))}
    start = '{"checksum":"' + "0" * 64 + '",'
    deep = start + '"record":' + "[" * 200_000 + "]" * 200_000 + "}"
    assert "nested too deeply" in error_of(forged(deep, arrays), path)
    objects = start + '"graph":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}"
    assert "nested too deeply" in error_of(forged(objects, arrays), path)
    digits = start + '"version":' + "9" * 10_000 + "}"
    assert "is not JSON" in error_of(forged(digits, arrays), path)
    assert "NaN is not JSON" in error_of(forged(start + '"version":NaN}', arrays), path)
    assert "is not JSON" in error_of(forged(start + '"version":', arrays), path)
    assert "holds no model" in error_of(forged(start[:-1] + "}", arrays), path)


def test_a_header_that_only_json_understands(tmp_path: Path, saved: bytes) -> None:
    """The safetensors header itself: nesting, overlaps, holes and shapes that overflow."""
    path = tmp_path / "m"
    length = header_length(saved)
    header = json.loads(saved[8 : 8 + length])

    def with_header(entries: dict[str, object], extra: str = "") -> bytes:
        text = json.dumps(entries, separators=(",", ":"))
        text = (text[:-1] + extra + "}").encode()
        text += b" " * (-len(text) % 8)
        return sealed(len(text).to_bytes(8, "little") + text + saved[8 + length :])

    assert load_bytes(with_header(header), path).n_features
    for place, value in (
        ("data_offsets", [0, 2**62]),
        ("data_offsets", [-1, 8]),
        ("shape", [2**40, 2**40]),
        ("shape", [-1, 3]),
        ("dtype", "F65"),
    ):
        changed = copy.deepcopy(header)
        changed["W"][place] = value
        assert "cannot be used" in error_of(with_header(changed), path), (place, value)
    assert "cannot be used" in error_of(with_header(header, ',"Z":' + "[" * 5000 + "]" * 5000), path)


def load_bytes(data: bytes, path: Path) -> Model:
    path.write_bytes(data)
    return load_model(path)


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@example(data=None)
def test_no_document_brings_another_error(tmp_path: Path, saved: bytes, data: st.DataObject | None) -> None:
    """Whatever stands at whatever place of the document: a model, or a ModelFileError that names the file."""

    def change(document: dict) -> None:  # type: ignore[type-arg]
        if data is None:
            return
        where: object = document
        while True:
            keys = sorted(where) if isinstance(where, dict) else range(len(where))  # type: ignore[arg-type,call-overload]
            key = data.draw(st.sampled_from(list(keys)))
            inner = where[key]  # type: ignore[index]
            if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
                where = inner
                continue
            if isinstance(where, dict) and data.draw(st.booleans()):
                del where[key]
            else:
                where[key] = data.draw(SCRAPS)  # type: ignore[index]
            return

    path = tmp_path / "m"
    path.write_bytes(forge(saved, change))
    try:
        load_model(path)
    except ModelFileError as error:
        assert str(path) in str(error)


def test_a_model_with_nan_is_not_saved(tmp_path: Path) -> None:
    model = make_model()
    model.parameters[3] = np.nan
    with pytest.raises(InputError, match="parameter 'W' has NaN or infinite entries"):
        save_model(model, tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("record", [{"value": float("nan")}, {"value": {1, 2}}, {"value": object()}], ids=str)
def test_a_record_that_json_cannot_hold(tmp_path: Path, record: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not plain data"):
        save_model(replace(make_model(), record=record), tmp_path / "m")
    assert not list(tmp_path.iterdir())


# Whole or not at all


def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = save_model(make_model(), tmp_path / "m")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = save_model(make_model(), tmp_path / "m.chainrule")
    before = path.read_bytes()

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step == "write":

        def half(self: Path, data: bytes) -> None:
            with self.open("wb") as file:
                file.write(data[:100])
            full()

        monkeypatch.setattr(Path, "write_bytes", half)
    elif step == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(
        InputError, match=r"m\.chainrule': no space is left on the device\. The file that was there is unt"
    ):
        save_model(make_model(seed=1), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_model(make_model(), tmp_path / "m")
    assert not list(tmp_path.iterdir())


_LIMITED = """
import resource, sys
import numpy as np
sys.path.insert(0, sys.argv[2])
from test_model_file import make_model
from chainrule.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    make_model().save(sys.argv[1])
except InputError as error:
    print(error)
"""


def test_a_write_that_the_system_stops(tmp_path: Path) -> None:
    """A real short write: the system stops the file at 1000 bytes, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "m.chainrule"), str(Path(__file__).parent)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "the file would be larger than the system allows. Nothing was written." in done.stdout
    assert not list(tmp_path.iterdir())


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    model = make_model()
    with pytest.raises(InputError, match=r"cannot write '.*/no/m': no such file or directory\. Nothing was written"):
        save_model(model, tmp_path / "no" / "m")
    with pytest.raises(InputError, match=r"it is a directory"):
        save_model(model, tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        save_model(model, tmp_path / "file" / "m")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = save_model(make_model(), tmp_path / "v1")
    link = tmp_path / "latest"
    link.symlink_to(target)
    save_model(make_model(seed=1), link)
    assert link.is_symlink()
    assert load_model(target).parameters.tobytes() == make_model(seed=1).parameters.tobytes()


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    save_model(make_model(), "/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    save_model(make_model(), pipe)
    content, _ = reader.communicate(timeout=30)
    (tmp_path / "m").write_bytes(content)
    assert load_model(tmp_path / "m").n_features == 4


# What it costs

_PREDICT = """
import sys
from chainrule import load_model
print(load_model(sys.argv[1]).predict(sys.argv[2])[:1])
heavy = {"sklearn", "scipy.linalg", "matplotlib", "pandas", "pyarrow", "polars", "rich", "typer"}
print(sorted(heavy & set(sys.modules)))
"""


def test_predicting_from_a_file_imports_little(tmp_path: Path, saved: bytes) -> None:
    (tmp_path / "m").write_bytes(saved)
    (tmp_path / "t.csv").write_text(CSV)
    done = subprocess.run(
        [sys.executable, "-c", _PREDICT, str(tmp_path / "m"), str(tmp_path / "t.csv")],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(chainrule.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
