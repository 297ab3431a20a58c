import json

import pytest
import torch

from studies import gpu, profiles
from studies.cli import main
from studies.processes import EndedEarlyError, TimeIsOverError

REPORT = """<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2">
</testsuite></testsuites>"""


def _step(step, seconds, per_sample=1e9):
    return {"part": "net", "step": step, "samples": 10, "seconds": seconds,
            "per_sample": per_sample, "memory_gb": 2.5}  # fmt: skip


def _found(*rows, **more):
    empty = {"device": "a card", "versions": {"torch": "2.11.0"}, "rows": list(rows),
             "ended": {}, "failed": []}  # fmt: skip
    return empty | more


def test_count__report_of_pytest__numbers(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    assert gpu.count(path) == {"passed": 3, "failed": 2, "skipped": 2}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (_found(), True),
        (_found(ended={"net": "9 s were over"}), True),
        (_found(failed=["net"]), False),
        (_found({"part": "tests", "passed": 3, "failed": 1, "skipped": 0}), False),
        (_found({"part": "tests", "passed": 3, "failed": 0, "skipped": 4}), True),
    ],
    ids=["no time", "over", "part failed", "test failed", "passed"],
)
def test_passed(found, expected):
    assert gpu.passed(found) is expected


def test_tables__steps__rates_shares_and_ratios():
    text = gpu.tables(_found(
        {"part": "tests", "passed": 3, "failed": 0, "skipped": 1},
        {"part": "bf16", "what": "product", "rate": 0.4, "unit": "TFLOP/s"},
        _step("PaRe, bf16", 0.1),
        _step("naive, bf16", 0.08),
        _step(gpu.LOOP, 0.6, None),
        ended={"OTDD": "30 s were over"},
    ))  # fmt: skip
    lines = text.splitlines()
    assert lines[:3] == ["a card, torch 2.11.0", "tests: 3 passed, 0 failed, 1 skipped",
                         "OTDD: 30 s were over"]  # fmt: skip
    assert "| net | PaRe, bf16 | 10 | 100.0 | 100 | 0.1 | 25.0% | 2.5 |" in lines
    assert f"| net | {gpu.LOOP} | 10 | 600.0 | 16.7 | - | - | 2.5 |" in lines
    assert "| net | PaRe, bf16 / naive, bf16 | 1.25 |" in lines
    assert f"| net | {gpu.LOOP} / PaRe, bf16 | 6.00 |" in lines
    assert "| product | 0.4 TFLOP/s |" in lines


def _rates(seconds):
    yield {"what": "draws", "rate": 4.0, "unit": "1/s"}


def _late(seconds):
    yield {"what": "drawn late", "rate": 5.0, "unit": "1/s"}
    raise TimeIsOverError(f"{seconds:.0f} s were over")


def _failing(seconds):
    raise EndedEarlyError("ValueError: no")
    yield


def test_command__parts_share_the_time(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "PARTS", {"late": (3.0, _late), "fast": (1.0, _rates)})
    path = tmp_path / "gpu.json"
    main(["gpu", "--minutes", "2", "--out", str(path)])
    out = capsys.readouterr().out
    # Of 120 s, the first part may take three quarters, and the last one all the rest.
    assert "late: at most 90 s" in out
    assert "fast: at most 120 s" in out
    assert "| drawn late | 5 1/s |" in out
    found = json.loads(path.read_text())
    assert found["ended"] == {"late": "90 s were over"}
    assert [row["part"] for row in found["rows"]] == ["late", "fast"]


def test_command__part_failed__exit_code(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "PARTS", {"bad": (1.0, _failing), "fast": (1.0, _rates)})
    with pytest.raises(SystemExit) as stopped:
        main(["gpu"])
    assert stopped.value.code == 1
    assert "| draws | 4 1/s |" in capsys.readouterr().out


@pytest.mark.parametrize("rows", [gpu.peak_rows, gpu.formula_rows])
def test_rates__positive(rows):
    assert all(row["rate"] > 0 for row in rows())


def test_run_tests__too_little_time__over(tmp_path, monkeypatch):
    with pytest.raises(TimeIsOverError, match="0 s were over"):
        list(gpu.run_tests(0.1))


def test_command__some_parts__others_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "PARTS", {"late": (3.0, _late), "fast": (1.0, _rates)})
    path = tmp_path / "gpu.json"
    main(["gpu", "--out", str(path)])
    main(["gpu", "--parts", "fast", "--minutes", "0.5", "--out", str(path)])
    assert "fast: at most 30 s" in capsys.readouterr().out
    found = json.loads(path.read_text())
    assert [row["part"] for row in found["rows"]] == ["late", "fast"]
    assert list(found["ended"]) == ["late"]
    monkeypatch.setattr(gpu, "device_name", lambda: "another card")
    with pytest.raises(SystemExit):
        main(["gpu", "--parts", "fast", "--out", str(path)])
    assert "this is another card" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nvjet_hsh_128x192_64x5_1x2_h_bz_coopA_TNT", "matrix products"),
        ("void pytorch_flash::flash_fwd_kernel<64>", "attention"),
        ("void at::native::vectorized_layer_norm_kernel<float>", "normalisation"),
        ("void at::native::multi_tensor_apply_kernel<FusedAdam>", "optimiser"),
        ("Memcpy DtoD (Device -> Device)", "copies"),
        ("void at::native::elementwise_kernel<128, 4>", "other maps of elements"),
    ],
    ids=["product", "attention", "norm", "optimiser", "copy", "elements"],
)
def test_kind_of(name, kind):
    assert profiles.kind_of(name) == kind


def test_kernels__products__most_of_the_time():
    a = torch.ones(400, 400)
    found = profiles.kernels(lambda: a @ a, torch.device("cpu"))
    seconds, n = found["matrix products"]
    assert n == 1
    assert seconds == max(time for time, _ in found.values()) > 0


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_command__no_time__error(text, capsys):
    with pytest.raises(SystemExit):
        main(["gpu", f"--minutes={text}"])
    assert "is no positive number" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", None], ids=["empty", "list", "object", "missing"]
)
@pytest.mark.parametrize("more", [[], ["--report"]], ids=["run", "report"])
def test_command__file_of_something_else__error(content, more, tmp_path, capsys):
    path = tmp_path / "gpu.json"
    if content is not None:
        path.write_text(content)
    elif not more:
        pytest.skip("a new file is written")
    with pytest.raises(SystemExit):
        main(["gpu", "--parts", "bf16", "--out", str(path), *more])
    assert "was not written by this command" in capsys.readouterr().err


def test_command__report__recorded_tables(capsys):
    main(["gpu", "--report"])
    assert "| Swin-B 224 | plain loop, fp32 / PaRe, bf16 |" in capsys.readouterr().out
