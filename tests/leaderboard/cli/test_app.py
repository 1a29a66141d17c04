"""The command: quick help, errors in a sentence, tables in the terminal and as JSON."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_suite

from wsss_harness.cli import doctor as installation
from wsss_harness.cli import plan_tree as plan_display
from wsss_harness.cli import progress as display
from wsss_harness.plugins.offers import Broken
from wsss_harness.plugins.registry import Plugins, installed
from wsss_harness.system import files
from wsss_leaderboard.cli import figure, report
from wsss_leaderboard.cli.app import main
from wsss_leaderboard.records import record

SUITE = """
title = "Small"
dataset = { name = "in_memory" }
generators.R = { name = "redness" }
rows = [{ method = "R", generator = "R", rule = { threshold = 0.5 } }]
"""
DRAW_ALL = report.draw_all


@pytest.fixture
def wsss(monkeypatch, tmp_path, capsys):
    """Run the command in a folder with a small suite; gives exit code, output and errors."""
    small = small_suite.plugins()
    for module in (report, plan_display):
        monkeypatch.setattr(module, "installed", lambda: small)
    monkeypatch.setattr(report, "draw_all", lambda *parts: None)  # takes as long as the rest
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SUITE)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["wsss", *words])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


def test_a_suite_is_run_and_its_tables_are_written(wsss, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "draw_all", DRAW_ALL)
    code, out, _ = wsss("run", "small.toml")
    assert code == 0
    assert "finished fit redness" in out
    assert "masks on 8 train images" in out
    assert "Saliency, R's classes" in out
    results = tmp_path / "runs/results/small"
    names = {path.name for path in results.iterdir()}
    assert {"summary.md", "masks.md", "masks.csv", "failures.md", "records"} <= names
    assert {"comparison.png", "curves.png"} <= names


def test_a_figure_is_drawn_of_what_was_run(wsss, tmp_path, monkeypatch):
    monkeypatch.setattr(figure, "installed", small_suite.plugins)
    assert "run the suite first" in wsss("figure", "small.toml")[2]
    wsss("run", "small.toml")
    code, out, _ = wsss("figure", "small.toml", "--images", "2", "--out", "a/b.pdf")
    assert code == 0
    assert "drew a/b.pdf: image | truth | R" in out
    assert out.count("image_0") == 2
    assert (tmp_path / "a/b.pdf").read_bytes().startswith(b"%PDF")
    code, _, errors = wsss("figure", "small.toml", "--out", "figure.jpg")
    assert code == 2
    assert ".png or .pdf" in errors


def test_doubts_about_the_data_are_repeated_beside_the_tables(wsss, monkeypatch):
    monkeypatch.setattr(small_suite.FakeDataset, "classes", ("square", "disc", "ghost"))
    code, _, errors = wsss("run", "small.toml")
    assert code == 0
    assert "warning: every class is in the truth of the scored images: ghost: no image" in errors


def test_data_that_would_be_scored_wrongly_are_refused_before_work(wsss, tmp_path, monkeypatch):
    monkeypatch.setattr(
        small_suite.FakeDataset, "truth", lambda *_: np.full((24, 32), 255, np.uint8)
    )
    code, _, errors = wsss("run", "small.toml")
    assert code == 2
    assert "the truth of all 8 images, such as image_00" in errors
    assert not (tmp_path / "runs").exists()


def test_a_refused_suite_leaves_no_results_and_its_name_to_others(wsss, tmp_path):
    assert wsss("run", "small.toml", "--set", "held_out=8")[0] == 2
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_an_error_that_names_the_folder(wsss, tmp_path, monkeypatch):
    def fail(path, content):
        with files.atomic(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record, "write_json", fail)
    code, _, errors = wsss("run", "small.toml")
    assert code == 2
    last = errors.splitlines()[-1]
    assert "the disk is full" in last
    assert f"free space below {Path('runs/results/small/records')} and run" in last


def test_a_store_without_a_name_is_refused(wsss, tmp_path):
    code, _, errors = wsss("run", "small.toml", "--store", "")
    assert code == 2
    assert "--store" in errors
    assert "it is empty" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]


def test_progress_inside_a_stage_reaches_the_terminal_and_prints_do_not(wsss, monkeypatch):
    def noisy(self, data, run):
        print("library noise")
        run.progress(1, 2)

    monkeypatch.setattr(small_suite.Redness, "fit", noisy)
    monkeypatch.setattr(display, "QUIET", 0)
    _, out, _ = wsss("run", "small.toml")
    assert "fit redness 1/2, about 0 s left" in out
    assert "library noise" not in out


def test_a_second_run_runs_nothing(wsss):
    wsss("run", "small.toml")
    code, out, _ = wsss("run", "small.toml")
    assert code == 0
    assert "started" not in out


def test_tables_are_printed_again(wsss):
    wsss("run", "small.toml")
    code, out, _ = wsss("table", "small")
    assert code == 0
    assert "mIoU in percent" in out


def test_tables_as_json_leave_the_output_clean(wsss):
    code, out, err = wsss("run", "small.toml", "--json")
    assert code == 0
    assert json.loads(out)["masks"]["rows"][0]["Method"] == "R"
    assert "finished fit redness" in err


def test_an_option_is_overridden(wsss):
    code, out, _ = wsss("run", "small.toml", "--set", "dataset.count=6")
    assert code == 0
    assert "4 train images" in out


def test_a_failed_row_gives_its_reason_and_an_exit_code(wsss):
    code, out, _ = wsss("run", "small.toml", "--set", "generators.R.value=2.0")
    assert code == 1
    assert "scores must be finite and lie in [0, 1]" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "none.toml"), "there is no suite file none.toml"),
        (("run", "small.toml", "--set", "titel=x"), "unknown key 'titel'"),
        (("run", "small.toml", "--set", "generators.R.name=cma"), "no generator is named 'cma'"),
        (("table", "small"), "there are no records in"),
    ],
)
def test_a_mistake_is_one_sentence(wsss, words, message):
    code, _, err = wsss(*words)
    assert code == 2
    assert message in " ".join(err.split())
    assert "Traceback" not in err


def test_an_interrupt_says_how_to_go_on(wsss):
    code, _, err = wsss("run", "small.toml", "--set", "generators.R.stop_at=2")
    assert code == 130
    assert "run the same command again" in err
    code, _, _ = wsss("run", "small.toml")
    assert code == 0


def test_plugins_lists_offers_and_reasons(wsss, monkeypatch):
    broken = Broken("bad", "bad 1.0", "ImportError: no [such] thing", "line [7]")
    real = installed()
    some = Plugins(real.manager, real.offers, (broken,))
    monkeypatch.setattr(installation, "installed", lambda: some)
    code, out, _ = wsss("plugins")
    assert code == 0
    assert "railscenes" in out
    assert "eps_loss" in out
    assert max(map(len, out.partition("plugin 'bad'")[0].splitlines())) <= 80
    assert "no [such] thing" in out
    assert "line [7]" not in out
    _, out, _ = wsss("plugins", "--json")
    content = json.loads(out)
    assert content["broken"][0]["plugin"] == "bad"
    eps = next(offer for offer in content["offers"] if offer["name"] == "eps")
    assert eps["needs"] == ["image_labels", "saliency"]
    assert eps["paper"] == "Lee et al., CVPR 2021"
    assert "eps_loss" in eps["golden"]
    code, out, _ = wsss("doctor")
    assert code == 1
    assert "line [7]" in out


def test_a_stage_beyond_the_time_limit_fails_alone(wsss):
    code, out, _ = wsss("run", "small.toml", "--time-limit", "1", "--set", "generators.R.pause=60")
    assert code == 1
    assert "time limit of 1 s" in " ".join(out.split())
    assert wsss("run", "small.toml", "--time-limit", "0")[0] == 2


def test_doctor_is_content(wsss):
    code, out, _ = wsss("doctor")
    assert code == 0
    assert "torch" in out
    assert "missing" not in out


def test_doctor_says_how_to_put_the_continuation_of_openmmlab_in_order(wsss, monkeypatch):
    told = ["mmcv 2.1.0 [of] OpenMMLab: run python -m pip"]
    monkeypatch.setattr(installation.openmmlab, "problems", lambda needs: told * ("numpy" in needs))
    code, out, _ = wsss("doctor")
    assert code == 1
    assert told[0] in out


def test_doctor_is_content_without_the_crf_and_says_how_to_install_it(wsss, monkeypatch):
    version = installation.version
    missing = installation.PackageNotFoundError

    def without(name):
        if name == "pydensecrf2":
            raise missing(name)
        return version(name)

    monkeypatch.setattr(installation, "version", without)
    code, out, _ = wsss("doctor")
    assert code == 0
    assert "pydensecrf2 not installed; only the dense CRF needs it: python -m pip" in out


def test_doctor_is_content_with_a_plugin_that_needs_an_extra(wsss, monkeypatch):
    needy = Broken("needy", "needy 1.0", "install it with pip install", "", optional=True)
    real = installed()
    some = Plugins(real.manager, real.offers, (needy,))
    monkeypatch.setattr(installation, "installed", lambda: some)
    code, out, _ = wsss("doctor")
    assert code == 0
    assert "install it with pip install" in out


def test_help_needs_nothing_heavy():
    script = (
        "import sys; sys.argv = ['wsss', '--help']\nfrom wsss_leaderboard.cli.app import main\n"
    )
    script += "try:\n    main()\nexcept SystemExit:\n    pass\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "demo" in done.stdout
    assert done.stdout.strip().endswith("False")


@pytest.mark.parametrize(
    "words", [("table", "small.toml", "--json"), ("table", "small"), ("diff", *["small:R"] * 2)]
)
def test_results_of_a_suite_that_was_edited_since_say_so(wsss, tmp_path, words):
    wsss("run", "small.toml")
    assert "edited" not in wsss(*words)[2]
    (tmp_path / "small.toml").write_text(SUITE.replace("0.5", "0.9"))
    code, out, errors = wsss(*words)
    assert code == 0
    assert "edited" not in out
    assert "small.toml was edited after the run" in errors
    assert "`wsss run`" in errors
    wsss("run", "small.toml")
    assert "edited" not in wsss(*words)[2]


def test_a_plan_as_text_and_as_json(wsss, tmp_path):
    code, out, _ = wsss("plan", "small.toml")
    assert code == 0
    assert "to do fit redness (seed 0)" in out
    assert not (tmp_path / "runs").exists()
    wsss("run", "small.toml")
    planned = json.loads(wsss("plan", "small.toml", "--json")[1])
    assert planned["to_do"] == 0
    assert planned["done"] == len(planned["stages"])


def test_a_plan_of_what_does_not_exist(wsss):
    code, _, err = wsss("plan", "small.toml", "--set", "rows=[{method='X', generator='Y'}]")
    assert code == 2
    assert "'Y' is not defined in this suite; there is R" in err


def test_a_part_of_a_suite_has_results_of_its_own(wsss, tmp_path):
    assert wsss("run", "small.toml", "--only", "r")[0] == 0
    (results,) = (tmp_path / "runs/results").iterdir()
    assert results.name.startswith("small-")
    code, _, err = wsss("run", "small.toml", "--rows", "S")
    assert code == 2
    assert "--rows S: no row matches; there is R" in err


def test_two_suites_of_one_name_keep_their_results(wsss, tmp_path):
    for folder, method in (("one", "P"), ("two", "Q")):
        (tmp_path / folder).mkdir()
        text = SUITE.replace('method = "R"', f'method = "{method}"')
        (tmp_path / folder / "small.toml").write_text(text)
        assert wsss("run", f"{folder}/small.toml")[0] == 0
    for folder, method, name in (("one", "P", "small"), ("two", "Q", "small~2")):
        _, out, _ = wsss("table", f"{folder}/small.toml", "--format", "csv")
        assert [word for word in ("P", "Q") if f"\n{word}," in out] == [method]
        assert wsss("diff", f"{folder}/small.toml:{method}", f"{name}:{method}")[0] == 0
    assert wsss("run", "one/small.toml", "--failed")[0] == 0
    (tmp_path / "moved").mkdir()
    (tmp_path / "two" / "small.toml").rename(tmp_path / "moved" / "small.toml")
    assert "\nQ," in wsss("table", "moved/small.toml", "--format", "csv")[1]


def test_a_run_may_stop_after_a_kind_of_stage(wsss, tmp_path):
    code, out, _ = wsss("run", "small.toml", "--stage", "score")
    assert code == 0
    assert "finished score redness" in out
    assert not (tmp_path / "runs/mask").exists()
    assert not (tmp_path / "runs/results").exists()
    code, _, err = wsss("run", "small.toml", "--stage", "scores")
    assert code == 2
    assert "no row has a stage of the kind 'scores'; did you mean 'score'" in err


def test_failed_rows_are_continued(wsss, tmp_path):
    faulty = ("--set", "generators.R.name=faulty")
    assert wsss("run", "small.toml", *faulty)[0] == 1
    code, out, _ = wsss("run", "small.toml", "--failed", *faulty)
    assert code == 1
    assert "failed score faulty" in out
    wsss("run", "small.toml")
    code, out, _ = wsss("run", "small.toml", "--failed")
    assert code == 0
    assert "started" not in out
    assert "mIoU in percent" in out


def test_rows_that_did_not_fail_are_not_worked_on_again(wsss, tmp_path):
    rows = '[{ method = "R", generator = "R" }, { method = "F", generator = "F" }]'
    both = ("--set", f"rows={rows}", "--set", "generators.F.name=faulty")
    assert wsss("run", "small.toml", *both)[0] == 1
    for manifest in (tmp_path / "runs").glob("[scm]*/redness-*/manifest.json"):  # all but the fit
        manifest.unlink()
    _, out, _ = wsss("run", "small.toml", "--failed", *both)
    assert "started score faulty" in out
    assert "started score redness" not in out


def test_a_suite_is_run_on_each_of_its_datasets_and_one_without_data_stops_no_other(wsss, tmp_path):
    datasets = """
        datasets.gone = { name = "voc_folder", root = "gone" }
        datasets.a = { name = "in_memory", count = 8 }
        datasets.b = { name = "in_memory" }
        """
    (tmp_path / "two.toml").write_text(
        datasets + SUITE.replace('dataset = { name = "in_memory" }', "")
    )
    code, out, err = wsss("run", "two.toml")
    assert code == 1
    assert "gone" in err
    assert [f"masks on {count} train images" in out for count in (6, 8)] == [False, True]
    assert {"two@a", "two@b"} <= {path.name for path in (tmp_path / "runs/results").iterdir()}
    code, out, err = wsss("plan", "two.toml")
    assert code == 1
    assert "gone: dataset root gone is not a folder; set datasets.gone.root" in err
    assert out.count("nothing to do") == 2
    code, out, _ = wsss("table", "two.toml")
    assert code == 0
    assert out.count("mIoU in percent") == 2
    for words in (("run", "two.toml"), ("plan", "two.toml"), ("table", "two.toml")):
        assert list(json.loads(wsss(*words, "--json")[1])) == ["a", "b"]
    there = ("--set", 'datasets.gone={ name = "in_memory" }')
    assert wsss("plan", "two.toml", "--svg", "plan.svg", *there)[0] == 0
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        f"plan-{name}.svg" for name in ("gone", "a", "b")
    }
    code, _, err = wsss("twin", "two.toml", "R")
    assert code == 2
    assert "choose one as --set dataset=NAME" in err


def test_nothing_failed_where_nothing_was_run(wsss):
    code, _, err = wsss("run", "small.toml", "--failed")
    assert code == 2
    assert "run the suite first" in err


def test_threads_that_wait_let_go_of_their_core_soon(wsss, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    wsss("plugins")
    assert os.environ["GOMP_SPINCOUNT"] == "10000"
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")  # what the user chose stays
    wsss("plugins")
    assert os.environ["GOMP_SPINCOUNT"] == "5"


def test_a_row_is_made_twice(wsss):
    code, out, _ = wsss("twin", "small.toml", "R")
    assert code == 0
    assert "stages of R, seed 0: the same bytes twice" in out
    assert wsss("twin", "small.toml", "S")[0] == 2


def test_a_row_that_differs_is_an_exit_code(wsss, monkeypatch):
    numbers = iter("0123")

    def fit(self, data, run):
        (run.folder / "number.txt").write_text(next(numbers))

    monkeypatch.setattr(small_suite.Redness, "fit", fit)
    code, out, _ = wsss("twin", "small.toml", "R")
    assert code == 1
    assert "R, seed 0: fit redness differs in number.txt; the same before it: 1 stage\n" in out
