"""The train command: reading settings, and a run from the first file to the last."""

import pytest
import yaml
from training_world import write_photographs

from aliked_ros.__main__ import main
from aliked_ros.cli.train import read_config
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs import sources
from aliked_ros.training.recipe import TrainingConfig


def _file(folder, text):
    path = folder / "train.yaml"
    path.write_text(text)
    return path


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert read_config(_file(tmp_path, ""), []) == TrainingConfig()


def test_settings_of_the_file_and_of_set_count_in_that_order(tmp_path):
    path = _file(tmp_path, "model: aliked-n16\nnum_steps: 7\nseed: 3\n")
    config = read_config(path, ["num_steps=9", "is_deformable=false", "out = a=b"])
    assert (config.model, config.num_steps, config.seed) == ("aliked-n16", 9, 3)
    assert config.is_deformable is False
    assert config.out == "a=b"


@pytest.mark.parametrize("text", ["1e-3", "0.001", "1.0e-3", "'0.001'"])
def test_a_number_may_be_written_as_usual(tmp_path, text):
    assert read_config(_file(tmp_path, f"learning_rate: {text}"), []).learning_rate == 0.001
    assert read_config(_file(tmp_path, ""), [f"learning_rate={text}"]).learning_rate == 0.001


def test_a_whole_number_may_stand_for_a_float(tmp_path):
    assert read_config(_file(tmp_path, "ema_decay: 0\nappearance: 2"), []).appearance == 2.0


def test_a_file_says_what_it_trains(tmp_path):
    path = _file(tmp_path, "trains: matcher\nnum_layers: 4\n")
    assert read_config(path, []) == MatcherTrainingConfig(num_layers=4)
    assert read_config(_file(tmp_path, "trains: extractor"), []) == TrainingConfig()


def test_environment_variables_are_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTOGRAPHS", "/somewhere")
    path = _file(tmp_path, "photographs: $PHOTOGRAPHS/a,${PHOTOGRAPHS}/b\nout: 5$/x")
    config = read_config(path, ["validation=$PHOTOGRAPHS/c"])
    assert config.photographs == "/somewhere/a,/somewhere/b"
    assert config.validation == "/somewhere/c"
    assert config.out == "5$/x"


@pytest.mark.parametrize("text", ["$NOT_SET/x", "a,${NOT_SET}"])
def test_an_environment_variable_that_is_not_set_is_named(tmp_path, monkeypatch, text):
    monkeypatch.delenv("NOT_SET", raising=False)
    path = _file(tmp_path, f"photographs: {text}")
    with pytest.raises(ValueError, match=r"photographs is .*NOT_SET is not set.*--set photographs"):
        read_config(path, [])
    assert read_config(path, ["photographs=/other"]).photographs == "/other"


def test_an_empty_value_is_an_empty_text(tmp_path):
    assert read_config(_file(tmp_path, "validation:\n"), ["megadepth="]).validation == ""


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("learning_rat: 1", [], "train.yaml: there is no setting 'learning_rat'; there are model"),
        ("", ["steps=3"], "there is no setting 'steps'"),
        ("num_steps: many", [], "train.yaml: .*num_steps is 'many': must be of type int"),
        ("num_steps: 1.5", [], "num_steps is 1.5: must be of type int"),
        ("learning_rate: fast", [], "train.yaml: .*learning_rate is 'fast'.* finite number"),
        ("learning_rate: true", [], "learning_rate is True.* finite number"),
        ("learning_rate: .nan", [], "learning_rate is nan.* finite number"),
        ("is_deformable: 1", [], "is_deformable is 1: must be of type bool"),
        ("size_px: 3", [], "train.yaml: .*size_px is 3: must be at least 64"),
        ("descriptor_loss: other", [], "must be one of sparse_nre, triplet"),
        ("out: 5", [], "out is 5: must be of type str"),
        ("", ["num_steps"], "--set is 'num_steps': give NAME=VALUE"),
        ("", ["num_steps=["], "--set is 'num_steps=\\['.*not YAML"),
        ("a: [", [], "train.yaml is not YAML"),
        ("- model", [], "train.yaml: a configuration is lines of NAME: VALUE"),
        ("trains: all", [], "train.yaml: trains is 'all': must be one of extractor, matcher"),
        ("num_layers: 3", [], "there is no setting 'num_layers'"),
        ("trains: matcher\nnum_random: 3", [], "there is no setting 'num_random'"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_names_it(tmp_path, text, changes, message):
    with pytest.raises(ValueError, match=message):
        read_config(_file(tmp_path, text), changes)


def _tiny_file(tmp_path, **changes):
    settings = {
        "photographs": str(write_photographs(tmp_path / "photographs", 2)),
        "out": str(tmp_path / "out"),
        "size_px": 64, "num_detected": 16, "num_random": 8, "batch_pairs": 1, "accumulate": 1,
        "num_steps": 2, "num_workers": 0, "device": "cpu",
    }  # fmt: skip
    return str(_file(tmp_path, yaml.safe_dump(settings | changes)))


def test_a_run_without_validation_names_its_checkpoint_and_claims_no_figure(tmp_path, capsys):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "0.jpg").write_bytes(b"broken")
    assert main(["train", _tiny_file(tmp_path, num_steps=8, batch_pairs=3)]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip().endswith("best.pth: step 8")
    assert "skipped" in printed.err
    assert "0.jpg" in printed.err
    assert (tmp_path / "out" / "best.pth").is_file()
    metrics = (tmp_path / "out" / "metrics.jsonl").read_text()
    assert '"step": 8, "group": "train"' in metrics  # though log_every is 20


def test_a_matcher_is_trained_by_the_same_command(tmp_path, capsys):
    photographs = write_photographs(tmp_path / "photographs", 2)
    settings = {
        "trains": "matcher", "extractor_weights": "package", "photographs": str(photographs),
        "validation": str(photographs), "validation_pairs": 1, "out": str(tmp_path / "out"),
        "size_px": 96, "num_keypoints": 64, "width": 64, "num_layers": 1, "pool_pairs": 2,
        "batch_pairs": 1, "accumulate": 1, "num_steps": 2, "num_workers": 0, "device": "cpu",
    }  # fmt: skip
    file = str(_file(tmp_path, yaml.safe_dump(settings)))
    assert main(["train", file]) == 0
    assert "best.pth: step 2, f1 " in capsys.readouterr().out
    assert main(["train", file, "--set", "num_steps=3"]) == 2
    assert "num_steps 2, and now it is 3" in capsys.readouterr().err


def test_a_validation_sequence_takes_the_place_of_the_photographs(tmp_path, capsys, monkeypatch):
    room = sources.SyntheticRoom
    monkeypatch.setattr(
        sources, "SyntheticRoom", lambda seed, **_: room(seed, 160, 120, num_frames=3, rate_hz=5.0)
    )
    photographs = write_photographs(tmp_path / "photographs", 2)
    settings = {
        "trains": "matcher", "extractor_weights": "package", "photographs": str(photographs),
        "validation": str(photographs), "validation_sequence": "synthetic:3", "validation_pairs": 2,
        "out": str(tmp_path / "out"), "size_px": 96, "num_keypoints": 64, "width": 64,
        "num_layers": 1, "pool_pairs": 2, "batch_pairs": 1, "accumulate": 1, "num_steps": 1,
        "num_workers": 0, "device": "cpu", "max_frames_apart": 1,
    }  # fmt: skip
    assert main(["train", str(_file(tmp_path, yaml.safe_dump(settings)))]) == 0
    assert "best.pth: step 1, f1 " in capsys.readouterr().out
    assert (tmp_path / "out" / "rooms" / "room3").is_dir()
    assert "MMA@3" not in (tmp_path / "out" / "metrics.jsonl").read_text()  # that is of planes


def test_a_run_with_validation_prints_its_matching_score(tmp_path, capsys):
    file = _tiny_file(tmp_path, validation=str(tmp_path / "photographs"), validation_pairs=1)
    assert main(["train", file]) == 0
    assert "best.pth: step 2, matching_score " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "message"),
    [("photographs=", "name at least one folder"), ("photographs=/absent", "/absent")],
)
def test_nothing_to_learn_from_is_one_line_and_exit_code_2(tmp_path, capsys, setting, message):
    assert main(["train", _tiny_file(tmp_path), "--set", setting]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed


def test_a_file_that_is_not_there_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["train", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml" in capsys.readouterr().err
