import pytest

from sklearn_pare.benchmarks.cli import main
from sklearn_pare.datasets import fetch_pdebench


def _prepare(home, *arguments):
    main(["prepare", "--simulated", str(home), *arguments])


def test_prepare__some_tasks__files_the_loader_reads(tmp_path, capsys):
    _prepare(tmp_path, "--suite", "pdebench", "--tasks", "darcy,advection")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("1/2  pdebench  darcy")
    assert said[1].startswith("2/2  pdebench  advection")
    assert str(tmp_path) in said[2]
    for task in ("darcy", "advection"):
        bunch = fetch_pdebench(task, data_home=tmp_path, download=False, split="test")
        assert len(bunch.data) >= 10
    assert len(list((tmp_path / "pdebench").iterdir())) == 2
    assert "simulated" in (tmp_path / "SIMULATED").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "burgrs"], "Did you mean 'burgers'"),
        (["--suite", "pde"], "suite='pde' is unknown"),
        (["--suite", "pdebench", "--tasks", "ecg"], "task='ecg' is unknown"),
    ],
)
def test_prepare__unknown_name__error(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        _prepare(tmp_path, *arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_prepare__original_there__error(tmp_path, capsys):
    folder = tmp_path / "pdebench"
    folder.mkdir()
    (folder / "2D_DarcyFlow_beta0.1_Train.hdf5").write_text("precious")
    with pytest.raises(SystemExit):
        _prepare(tmp_path, "--suite", "pdebench", "--tasks", "advection")
    assert "exists without a file SIMULATED" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 1


def test_prepare__again__same_files(tmp_path):
    task = "--suite", "nas-bench-360", "--tasks", "satellite"
    _prepare(tmp_path, *task)
    (path,) = tmp_path.rglob("satellite_train.npy")
    first = path.read_bytes()
    _prepare(tmp_path, *task)
    assert path.read_bytes() == first
