"""The order in which workers get test files."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kit.file_order import LONGEST, pytest_collection_modifyitems

ROOT = Path(__file__).resolve().parents[2]
WORKER: Any = SimpleNamespace(workerinput={})
ONE_PROCESS: Any = SimpleNamespace()


def files_after(config: Any, names: list[str]) -> list[str]:
    items: Any = [SimpleNamespace(nodeid=f"{name}::test_{n}") for n, name in enumerate(names)]
    pytest_collection_modifyitems(config, items)
    return [item.nodeid for item in items]


def test_the_longest_files_exist() -> None:
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []


def test_long_files_come_first_and_unit_tests_last() -> None:
    middle = ["test/loopback/test_a.py", "test/property/test_b.py"]
    ordered = files_after(WORKER, ["test/unit/test_c.py", *middle, LONGEST[1], LONGEST[0]])
    names = [node.partition("::")[0] for node in ordered]
    assert names[:2] == list(LONGEST[:2])
    assert sorted(names[2:4]) == middle
    assert names[4] == "test/unit/test_c.py"


def test_end_to_end_files_are_mixed_into_the_first_half() -> None:
    names = [f"test/{folder}/test_{n}.py" for folder in ("e2e", "store") for n in range(200)]
    ordered = [node.partition("::")[0] for node in files_after(WORKER, names)]
    places = [place for place, name in enumerate(ordered) if name.startswith("test/e2e/")]
    assert 280 < places[-1] < 320
    assert 100 < places[100] < 200


def test_tests_of_a_file_keep_their_order() -> None:
    names = ["test/loopback/test_a.py", "test/loopback/test_z.py"] * 3
    numbers = [int(node[-1]) for node in files_after(WORKER, names)]
    assert sorted([numbers[:3], numbers[3:]]) == [[0, 2, 4], [1, 3, 5]]


def test_one_process_keeps_the_order_of_the_folders() -> None:
    names = ["test/attack/test_b.py", LONGEST[0], "test/unit/test_c.py"]
    assert [node.partition("::")[0] for node in files_after(ONE_PROCESS, names)] == names


def test_a_test_that_ends_its_process_fails_once_and_the_others_run(tmp_path: Path) -> None:
    for name in ("a", "b"):
        crash = "    import os\n    os._exit(1)\n" if name == "a" else "    pass\n"
        text = f"def test_1():\n{crash}def test_2():\n    pass\n"
        (tmp_path / f"test_{name}.py").write_text(text)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-p", "kit.file_order"),
            *("-n", "1", "--dist", "loadfile", "-q", str(tmp_path), "--rootdir", str(tmp_path)),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "test"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "1 failed, 3 passed" in run.stdout, run.stdout
