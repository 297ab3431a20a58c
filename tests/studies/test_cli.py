import pytest

from studies.cli import STUDIES, main


def test_no_arguments__one_line_per_study(capsys):
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < len(STUDIES) + 12
    assert max(map(len, lines)) < 100
    assert [line.split()[0] for line in lines[-len(STUDIES) :]] == list(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_help__options_of_each_study(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"usage: python -m studies {name} " in capsys.readouterr().out


def test_typo__nearest_name(capsys):
    with pytest.raises(SystemExit):
        main(["modalties", "--report"])
    assert "Did you mean 'modalities'?" in capsys.readouterr().err


def test_error_of_the_package__one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["sources", "--report", "--out", str(tmp_path / "none.jsonl")])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("DataError: ")
    assert "none.jsonl has none of these 72 fits" in error
